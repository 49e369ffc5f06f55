"""Shapes: what holds for every text with the same keys, found out on one text of each shape.

The engine tells shapes apart by a hash over the keys of all objects in a text. Whether an object
has a key twice, and whether a body has a field that the contract does not know, is asked of the
keys of one text of a shape, and remembered for the rest of the load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import keys_inside, known_keys

_REMEMBERED = 100_000

# The keys of the outermost object, then those of its values, then those of theirs, and so on;
# a value that is no object has none.
Keys: TypeAlias = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the texts of a shape have in common."""

    has_repeats: bool  # an object has a key twice: each of the texts is judged
    is_event_known: bool  # the body's event has no field that the contract does not know
    is_object_known: bool  # nor has its object, or a single object inside that


class Shapes:
    """The shapes met so far, of lines or of bodies of one object type; threads may share them."""

    def __init__(self) -> None:
        self._known: dict[int, Shape] = {}

    def told(
        self,
        found: Sequence[tuple[int, int, str | None]],
        keys_of: Callable[[list[int]], Iterable[Keys]],
    ) -> dict[int, Shape]:
        """The shapes in ``found``: each with the number of one of its texts, and its object type.

        ``keys_of`` fetches the keys of some texts.
        """
        if len(self._known) > _REMEMBERED:
            self._known = {}
        known = self._known  # another thread may start anew meanwhile
        new = [told for told in found if told[0] not in known]
        if new:
            for (shape, _, subject), keys in zip(new, keys_of([n for _, n, _ in new]), strict=True):
                repeats = any(len(set(inner)) < len(inner) for inner in keys)
                known[shape] = Shape(repeats, *_are_known(subject, keys))
        return {shape: known[shape] for shape, *_ in found}


def _are_known(subject: str | None, keys: Keys) -> tuple[bool, bool]:
    body = list(keys[0]) if keys else []
    if "object" not in body:
        return False, False
    is_event_known = set(body) <= known_keys(Event)
    model = OBJECTS.get(subject or "")
    if model is None:
        return is_event_known, True
    # Of the body's values only the object has values of its own: theirs follow in its order.
    about, values = list(keys[1 + body.index("object")]), 1 + len(body)
    return is_event_known, set(about) <= known_keys(model) and all(
        set(keys[values + about.index(name)]) <= known
        for name, known in keys_inside(model).items()
        if name in about
    )
