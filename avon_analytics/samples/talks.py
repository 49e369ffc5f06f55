"""What follows a patient's message: staff answer in their hours, late, or never; patients write on.

Every draw is from a stream of its own, so that nobody's visit hangs on what is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from avon_analytics.samples.errands import TEXTS, Note, key
from avon_analytics.samples.facts import Fact, moment
from avon_analytics.samples.instants import (
    HOUR,
    LAST_WORD,
    MINUTE,
    SECOND,
    blurred,
    from_local,
    local,
    local_day,
)
from avon_analytics.samples.people import Cast, Person

OPENS, CLOSES = 8, 18  # local hours in which staff write
NEVER = 0.07  # questions that nobody answers
SLOW = 0.15  # answers for which somebody must be asked first
WRITES_AGAIN = 0.12  # patients who remind before they have an answer
WRITES_ON = 0.3  # answers that bring another question


@dataclass(frozen=True, slots=True)
class Question:
    """The truth of a message that waits for staff, and when they answered."""

    patient: Person
    asked_at: int
    answered_at: int | None


@dataclass(slots=True)
class Talk:
    """What one message brings."""

    facts: list[Fact] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def talk(rng: Random, cast: Cast, note: Note) -> Talk:
    """Goes on from a patient's first message in a thread."""
    made = Talk()
    patient, asked_at = note.author, note.created_at
    answerer = rng.choice(cast.providers if rng.random() < 0.7 else cast.supports)

    def write(author: Person, instant: int) -> None:
        text = rng.choice(TEXTS)
        told = Note(key(rng, "msg"), author, note.thread, text, instant)
        made.facts.append(Fact(instant + 1, "message", "created", told, stream=rng))

    while True:
        answered_at = _answered_at(rng, asked_at, answerer)
        waits = answered_at - asked_at
        if waits > HOUR and rng.random() < WRITES_AGAIN:
            again = asked_at + blurred(int(waits * rng.uniform(0.3, 0.9)), rng)
            if _in_time(again):
                write(patient, again)
        if rng.random() < NEVER or not _in_time(answered_at):
            made.questions.append(Question(patient, asked_at, None))
            return made
        write(answerer, answered_at)
        made.questions.append(Question(patient, asked_at, answered_at))
        asked_at = answered_at + moment(rng, 0.1, 30)
        if rng.random() >= WRITES_ON or not _in_time(asked_at):
            return made
        write(patient, asked_at)


def _in_time(instant: int) -> bool:
    """Whether it is told before the archive ends."""
    return instant < LAST_WORD - MINUTE


def _answered_at(rng: Random, asked_at: int, staff: Person) -> int:
    """Some time later; where staff are at home then, in the first hours of their next day."""
    hours = rng.expovariate(1 / 36) if rng.random() < SLOW else rng.expovariate(1 / 3)
    ready = asked_at + 3 * MINUTE + int(hours * HOUR)
    wall = local(ready, staff.zone)
    day = wall.date()
    if wall.weekday() < 5 and OPENS <= wall.hour < CLOSES:
        return blurred(ready, rng)
    if wall.hour >= OPENS:
        day = local_day(ready, staff.zone, 1)
    if day.weekday() > 4:
        day += timedelta(days=7 - day.weekday())
    morning = from_local(day, OPENS, 0, staff.zone)
    return blurred(morning + rng.randrange(2 * HOUR // SECOND) * SECOND, rng)


def asked(facts: Iterable[Fact]) -> list[Note]:
    """The messages among them that a patient wrote."""
    return [
        fact.state
        for fact in facts
        if (fact.kind, fact.verb) == ("message", "created") and fact.state.author.role == "patient"
    ]
