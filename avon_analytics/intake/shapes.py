"""Shapes: what holds for every text with the same keys, found out on one text of each shape.

The engine tells shapes apart by a hash over the keys of all objects in a text. Whether an object
has a key twice, and whether a body has a field that the contract does not know, is asked of one
text of a shape, and remembered for the rest of the load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import known_keys, objects_of
from avon_analytics.intake.strict_json import NotJsonError, RepeatedKeyError, parse

_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What the texts of a shape have in common."""

    is_odd: bool  # a key stands twice, or the text is no JSON after all: each is judged
    has_unknown: bool  # the event, its object or a nested single object has an unknown field


class Shapes:
    """The shapes met so far, of lines and of bodies."""

    def __init__(self) -> None:
        self._known: dict[int, Shape] = {}

    def told(
        self,
        found: Sequence[tuple[int, int]],
        texts_of: Callable[[list[int]], Iterable[str]],
    ) -> dict[int, Shape]:
        """The shapes in ``found`` (each with the number of one of its texts)."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = [(shape, nth) for shape, nth in found if shape not in self._known]
        if new:
            texts = texts_of([nth for _, nth in new])
            for (shape, _), text in zip(new, texts, strict=True):
                self._known[shape] = shape_of(text)
        return {shape: self._known[shape] for shape, _ in found}


def shape_of(text: str) -> Shape:
    """What holds for a text and all others of its shape."""
    try:
        value = parse(text)
    except (NotJsonError, RepeatedKeyError):
        return Shape(is_odd=True, has_unknown=False)
    return Shape(is_odd=False, has_unknown=_has_unknown(value))


def _has_unknown(body: Any) -> bool:
    if not isinstance(body, dict) or body.keys() - known_keys(Event):
        return True
    subject, about = str(body.get("event")).split(".")[0], body.get("object")
    model = OBJECTS.get(subject)
    if model is None or not isinstance(about, dict):
        return False
    return bool(about.keys() - known_keys(model)) or any(
        isinstance(about.get(name), dict) and about[name].keys() - known_keys(part)
        for name, part in objects_of(model).items()
    )
