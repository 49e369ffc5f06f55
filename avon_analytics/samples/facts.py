"""What the simulation hands on: facts for the wire, and slots as the truth about a visit."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal, NamedTuple

from avon_analytics.samples.instants import DAY, HOUR, LAST_WORD, blurred
from avon_analytics.samples.people import Person

Sent = Literal["sent", "lost", "bad"]  # a bad one is in the archive, but cannot be trusted
Word = Literal["no_show", "completed", "in_progress", "cancelled"]
GRACE = DAY


class Change(NamedTuple):
    """An entry of ``status_history``; ``by`` is the reference as Avon writes it."""

    status: str
    by: str | None
    at: int


class Fact(NamedTuple):
    """Something that Avon has a webhook for. ``state`` is what the wire module renders."""

    occurred_at: int
    kind: str  # the object type
    verb: str
    state: Any
    sent: Sent = "sent"
    received_at: int | None = None  # where the way it took was decided, too
    stream: Random | None = None  # what its delivery is drawn from, where that is its own


@dataclass(slots=True)
class Slot:
    """The truth of one patient at one planned start."""

    patient: Person | None
    number: int
    start: int
    end: int | None
    no_show: bool | None = None
    word: Word | None = None
    cancelled_at: int | None = None
    cancelled_by: str | None = None
    removed: bool = False
    superseded: bool = False
    moved_at: int | None = None
    moved_to: int | None = None

    @property
    def due(self) -> bool:
        return (self.end or self.start) + GRACE <= LAST_WORD

    @property
    def outcome(self) -> str:
        if self.removed:
            return "cancelled"
        if self.no_show or self.word == "no_show":
            return "no_show"
        if self.word in ("completed", "in_progress"):
            return "attended"
        if self.word == "cancelled":
            return "cancelled"
        if self.superseded:
            return "rescheduled"
        return "unresolved" if self.due else "open"

    @property
    def notice_hours(self) -> float | None:
        known = {"cancelled": self.cancelled_at, "rescheduled": self.moved_at}.get(self.outcome)
        return None if known is None else (self.start - known) / HOUR


def moment(rng: Random, low: float, high: float) -> int:
    """A duration between two numbers of hours, spelled as records spell instants."""
    return blurred(int(rng.uniform(low, high) * HOUR), rng)
