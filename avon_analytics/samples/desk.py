"""The front desk: chance, everybody who may call, and the small steps of the scripts."""

from __future__ import annotations

from random import Random

from avon_analytics.samples.facts import Sent, moment
from avon_analytics.samples.instants import (
    B_FROM,
    DAY,
    HOUR,
    LAST_WORD,
    MINUTE,
    blurred,
    from_local,
    local_day,
)
from avon_analytics.samples.people import Cast
from avon_analytics.samples.visits import Visit

QUARTER = 15 * MINUTE


class Desk:
    """The front desk: chance, and everybody who may call."""

    def __init__(self, rng: Random, cast: Cast) -> None:
        self.rng = rng
        self.cast = cast

    def one_in(self, n: int) -> bool:
        return self.rng.random() * n < 1

    def reference(self, user_id: str) -> str:
        """A user id as records write it: mostly with its prefix, sometimes bare."""
        return user_id if self.one_in(8) else f"user_{user_id}"

    def untrusted(self) -> Sent:
        """A webhook that tells nothing: it never came, or it came in a form nobody can trust."""
        return "lost" if self.rng.random() < 0.5 else "bad"


# Small steps


def in_a(instant: int) -> bool:
    return instant < B_FROM - HOUR


def happens(instant: int) -> bool:
    """Whether what follows within half a day is still in the archive."""
    return instant + 12 * HOUR < LAST_WORD


def length(visit: Visit) -> int:
    return (visit.end or visit.start + 30 * MINUTE) - visit.start


def before_start(visit: Visit, desk: Desk, low: float = 0.2, high: float = 0.9) -> int:
    room = visit.start - visit.last
    return visit.last + blurred(int(room * desk.rng.uniform(low, high)), desk.rng)


def finish(visit: Visit, desk: Desk) -> None:
    began = visit.actual_start or visit.start
    visit.finish(began + blurred(int(length(visit) * desk.rng.uniform(0.6, 1.4)), desk.rng))


def begin_at(visit: Visit, desk: Desk) -> int:
    return visit.start + moment(desk.rng, -0.08, 0.35)


def held(visit: Visit, desk: Desk) -> None:
    begin = begin_at(visit, desk)
    quiet = in_a(begin + DAY) and desk.rng.random() < 0.6
    visit.begin(begin, tell=not quiet)
    finish(visit, desk)


def quiet(visit: Visit, desk: Desk) -> None:
    """Nobody ever closes it: unresolved once due, open until then."""


def notice_at(visit: Visit, desk: Desk) -> int:
    """When a cancellation comes: early, late, exactly a day before, or after the start."""
    rng = desk.rng
    room = (visit.start - visit.last) / HOUR
    kind = rng.random()
    if kind < 0.12:
        return visit.start + moment(rng, 0.05, 6)
    if kind < 0.16 and room > 25:
        return visit.start - DAY
    if kind < 0.6 and room > 26:
        return visit.start - moment(rng, 24.1, room * 0.95)
    return visit.start - moment(rng, min(0.2, room * 0.5), min(23.9, room * 0.9))


def cancel_by(visit: Visit, desk: Desk, who: str, instant: int | None = None) -> None:
    when = notice_at(visit, desk) if instant is None else instant
    patient = visit.patients[0] if visit.patients else None
    cast, rng = desk.cast, desk.rng
    if who == "patient" and patient is not None:
        visit.cancel(when, desk.reference(patient.id), "patient")
    elif who == "caregiver" and patient is not None and patient.caregiver is not None:
        visit.cancel(when, desk.reference(patient.caregiver.id), "patient")
    elif who in ("null", "user_null", "stranger"):
        by = {"null": None, "user_null": "user_null"}.get(who, f"user_{cast.stranger()}")
        visit.cancel(when, by, "unknown")
    else:
        person = {
            "other_provider": rng.choice(cast.providers),
            "support": rng.choice(cast.supports),
            "care_team": rng.choice(cast.members),
        }.get(who, visit.host)
        visit.cancel(when, desk.reference(person.id), "provider")


def another_start(visit: Visit, desk: Desk, after: int, *, later: bool = False) -> int:
    """A new planned start, after the decision; usually later, sometimes earlier than before."""
    rng = desk.rng
    room = visit.start - after
    if not later and room > 4 * DAY and rng.random() < 0.35:
        new = after + 2 * HOUR + int((room - 5 * HOUR) * rng.random())
    else:
        zone = visit.zone or (visit.patients[0].zone if visit.patients else None)
        day = local_day(max(visit.start, after), zone, rng.randrange(1, 15))
        new = from_local(day, rng.randrange(8, 18), rng.choice((0, 15, 30, 45)), zone)
    return new - new % QUARTER


def move(visit: Visit, desk: Desk, *, later: bool = False) -> None:
    when = before_start(visit, desk)
    visit.move(when, another_start(visit, desk, when, later=later))
