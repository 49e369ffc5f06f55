"""What is wrong with a line: a code, every fault, and never what the line holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from pydantic import ValidationError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, and what was expected."""

    path: str
    expected: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a line does not load: the first code that holds, and every fault."""

    code: str
    faults: tuple[Fault, ...] = ()

    @property
    def errors(self) -> str:
        """The faults as they stand in the quarantine: JSON."""
        faults = [{"code": self.code, **asdict(fault)} for fault in self.faults]
        return json.dumps(faults, ensure_ascii=False)


def verdict(code: str, expected: str, path: str = "") -> Verdict:
    """A verdict with a single fault."""
    return Verdict(code, (Fault(path, expected),))


def faults_of(error: ValidationError, prefix: tuple[str, ...]) -> list[Fault]:
    """What a model says is wrong, each with its path."""
    # The location holds field names and positions; unknown keys are never validated.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        Fault(".".join(map(str, (*prefix, *item["loc"]))), _EXPECTED.get(item["type"], item["msg"]))
        for item in found
    ]


_EXPECTED = {
    "missing": "expected this field",
    "model_type": "expected an object",
    "dict_type": "expected an object",
}
