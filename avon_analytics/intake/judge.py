"""Judging single lines: what is wrong with one, all of it, and never what it holds.

The engine sends only lines here that look odd to it. A line that turns out well goes back, its
body spelled so that the engine reads it; the others get a code and the list of their errors.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import Part, keys_inside, objects_of
from avon_analytics.contract.values import as_instant, as_json, is_unset
from avon_analytics.intake.envelope import (
    BODY_KEYS,
    RECEIVED_PATHS,
    received_text,
)
from avon_analytics.intake.strict_json import NotJsonError, RepeatedKeyError, parse


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a code, where, and what was expected."""

    code: str
    path: str
    expected: str

    def as_dict(self) -> dict[str, str]:
        """The fault as it stands in the quarantine."""
        return {"code": self.code, "path": self.path, "expected": self.expected}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a line does not load: the first code that holds, and every fault."""

    code: str
    faults: tuple[Fault, ...] = field(default=())

    @property
    def errors(self) -> str:
        """The faults as JSON."""
        return json.dumps([fault.as_dict() for fault in self.faults], ensure_ascii=False)


def verdict(code: str, expected: str, path: str = "") -> Verdict:
    """A verdict with a single fault."""
    return Verdict(code, (Fault(code, path, expected),))


NO_DELIVERY = (
    "expected an envelope with a body (body, payload, raw_body or rawBody), "
    "or an event with its object"
)


def judge_line(content: bytes) -> Verdict | None:
    """What is wrong with a line as a line; None if it is a delivery in one of the four forms."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return verdict("not_utf8", f"expected UTF-8, at byte {error.start}")
    value = _read(text)
    if isinstance(value, Verdict):
        return value
    faults: list[Fault] = []
    body = None
    if isinstance(value, dict):
        body = next((value[key] for key in BODY_KEYS if value.get(key) is not None), None)
    if not isinstance(value, dict) or not (
        isinstance(body, str | dict) or (body is None and {"event", "object"} <= value.keys())
    ):
        faults.append(Fault("not_a_delivery", "", NO_DELIVERY))
    elif isinstance(body, str) and value.get("isBase64Encoded") in (True, "true"):
        try:
            base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            faults.append(Fault("not_a_delivery", "body", "expected base64"))
    try:
        as_instant(received_text(value) if isinstance(value, dict) else None)
    except ValueError:
        path = " or ".join(RECEIVED_PATHS)
        faults.append(
            Fault("not_a_delivery", path, "expected epoch milliseconds or ISO 8601 with an offset")
        )
    return Verdict("not_a_delivery", tuple(faults)) if faults else None


def judge_body(text: str) -> Verdict | str:
    """What is wrong with a body, or the same body in the spelling that the engine reads."""
    try:
        return _judge_body(text)
    except RecursionError:
        return verdict("not_json", "nested too deeply to check")


def _judge_body(text: str) -> Verdict | str:
    value = _read(text)
    if isinstance(value, Verdict):
        return value
    faults: list[Fault] = []
    canonical: dict[str, Any] = {}
    try:
        canonical = _told_of(Event.model_validate(value), value)
    except ValidationError as error:
        faults += _faults(error, ())
    if isinstance(value, dict) and isinstance(value.get("object"), dict):
        subject = str(value.get("event")).split(".")[0]
        if (model := OBJECTS.get(subject)) is not None:
            try:
                told = _told_of(model.model_validate(value["object"]), value["object"])
                canonical["object"] = told | _with_more_inside(model, value["object"])
            except ValidationError as error:
                faults += _faults(error, ("object",))
    if faults:
        return Verdict("contract", tuple(faults))
    return as_json(canonical, default=_spelled)


def _as_told(part: Part) -> dict[str, Any]:
    """The fields that a part was given, known and unknown, as they were read."""
    # Not ``model_dump``: it walks through unknown fields as well, and gives up where they are deep.
    return {name: getattr(part, name) for name in part.model_fields_set} | (part.model_extra or {})


def _told_of(told: Any, given: Any) -> Any:
    """What was read of a value, but instants that stand for "not set" as they were given."""
    if isinstance(told, Part):
        fields = _as_told(told)
        if isinstance(given, dict):
            return {name: _told_of(value, given.get(name)) for name, value in fields.items()}
        return fields
    if isinstance(told, list) and any(isinstance(one, Part) for one in told):
        return [_told_of(*pair) for pair in zip(told, given, strict=True)]
    return given if told is None and is_unset(given) else told


def _with_more_inside(model: type[Part], given: dict[str, Any]) -> dict[str, Any]:
    """The values that a model reads into one, but which hold more: a date with an unknown key."""
    known = {name: given.get(name) for name in keys_inside(model).keys() - objects_of(model).keys()}
    return {
        name: value
        for name, value in known.items()
        if isinstance(value, dict) and not value.keys() <= keys_inside(model)[name]
    }


def _spelled(value: Any) -> Any:
    """A value that JSON has no word for: a part, an instant or a date."""
    return _as_told(value) if isinstance(value, Part) else value.isoformat()


def _read(text: str) -> Any:
    try:
        return parse(text)
    except NotJsonError as error:
        at = "" if error.where is None else f", reading stopped at character {error.where}"
        return verdict("not_json", error.expected + at)
    except RepeatedKeyError:
        return verdict("duplicate_keys", "expected each key of an object once")


def _faults(error: ValidationError, prefix: tuple[str, ...]) -> list[Fault]:
    # The location holds field names and positions; unknown keys are never validated.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        Fault(
            "contract",
            ".".join(map(str, (*prefix, *item["loc"]))),
            _EXPECTED.get(item["type"], item["msg"]),
        )
        for item in found
    ]


_EXPECTED = {
    "missing": "expected this field",
    "model_type": "expected an object",
    "dict_type": "expected an object",
}
