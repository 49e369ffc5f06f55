"""What became of each session's time, against a reading minute by minute of generated days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import duckdb
import pandas as pd
import pytest

from avon_analytics.appointments.slots.derived import text_of
from avon_analytics.appointments.slots.queries import create_macros

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
LATE_HOURS = 2


@dataclass(frozen=True)
class Session:
    """One patient's visit of a host; all numbers are minutes from noon."""

    id: str
    host: str | None
    start: int
    minutes: int | None
    planned: int | None
    outcome: str
    released: int | None = None

    @property
    def span(self) -> range:
        if self.minutes is None or not 0 < self.minutes <= 1440:
            return range(0)
        return range(self.start, self.start + self.minutes)

    @property
    def is_released(self) -> bool:
        return self.outcome in ("cancelled", "rescheduled")

    @property
    def is_lost(self) -> bool:
        if self.outcome == "no_show":
            return True
        return self.is_released and self.start - self.released < 60 * LATE_HOURS  # type: ignore[operator]


def at(minute: int | None) -> datetime | None:
    return None if minute is None else NOON + timedelta(minutes=minute)


def lost_and_won(all_: list[Session]) -> dict[str, tuple[int, int]]:
    """Minute by minute: which lost session a moment counts for, and which won it back."""
    found = {one.id: [0, 0] for one in all_}
    in_turn = sorted(all_, key=lambda one: (one.start, one.id))
    minutes = {minute for one in all_ if one.is_lost for minute in one.span}
    for one in in_turn:
        if one.is_lost and one.host is None:
            found[one.id][0] = len(one.span)
    for host in {one.host for one in all_} - {None}:
        here = [one for one in in_turn if one.host == host]
        for minute in minutes:
            there = [one for one in here if minute in one.span]
            held = [one for one in there if one.outcome == "attended"]
            lost = [one for one in there if one.is_lost]
            if lost and not held:
                found[lost[0].id][0] += 1
            for one in lost:
                planned = [h.planned for h in held if h.planned is not None]
                if one.is_released and any(when >= one.released for when in planned):  # type: ignore[operator]
                    found[one.id][1] += 1
                    break
    return {id_: (lost, won) for id_, (lost, won) in found.items()}


def refilled(all_: list[Session]) -> dict[str, tuple[int, int, int | None]]:
    """Minute by minute: which released session each refilling session's moment counts for."""
    minutes: dict[str, set[int]] = {one.id: set() for one in all_}
    attended: dict[str, set[int]] = {one.id: set() for one in all_}
    first: dict[str, int] = {}
    for refill in all_:
        if refill.host is None or refill.planned is None:
            continue
        for minute in refill.span:
            takers = [
                one
                for one in all_
                if one is not refill
                and one.host == refill.host
                and one.is_released
                and one.released < one.start  # type: ignore[operator]
                and minute in one.span
                and one.released <= refill.planned < one.start + one.minutes  # type: ignore[operator]
            ]
            if takers:
                taker = min(takers, key=lambda one: (-one.released, one.id))  # type: ignore[operator]
                minutes[taker.id].add(minute)
                if refill.outcome == "attended":
                    attended[taker.id].add(minute)
                waited = refill.planned - taker.released  # type: ignore[operator]
                first[taker.id] = min(first.get(taker.id, waited), waited)
    return {
        one.id: (len(minutes[one.id]), len(attended[one.id]), first.get(one.id)) for one in all_
    }


_BESIDE = "patient_id start_hour booked_on lead_days appointment_type name interaction_type"
_BESIDE += ' "group" self_booked recurring patient_state medical_center patient_age'
_UNKNOWN = f"false AS is_shared, false AS internal, NULL AS {_BESIDE.replace(' ', ', NULL AS ')}"
"""What a session says beside its hours, of which nothing hangs on it."""


def asked(sessions: list[Session]) -> dict[str, list[Any]]:
    """What the SQL says, in minutes: lost, won back, refilled, attended again, until refilled."""
    rows = pd.DataFrame(
        {
            "appointment_id": one.id,
            "host": one.host,
            "start_at": at(one.start),
            "end_at": None if one.minutes is None else at(one.start + one.minutes),
            "planned_at": at(one.planned),
            "outcome": one.outcome,
            "moved_at": at(one.released) if one.outcome == "rescheduled" else None,
            "cancelled_at": at(one.released) if one.outcome == "cancelled" else None,
        }
        for one in sessions
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        create_macros(connection)
        connection.register("rows", rows)
        found = connection.execute(
            "SELECT appointment_id, round(lost_hours * 60)::INT, round(won_back_hours * 60)::INT, "
            "round(refilled_hours * 60)::INT, round(attended_again_hours * 60)::INT, "
            "round(hours_to_refill * 60)::INT FROM ("
            + text_of(
                "session_hours",
                "SELECT *, 1 AS slot, CAST(start_at AS DATE) AS start_on, 'UTC' AS time_zone, "
                f"true AS is_due, 'patient' AS cancelled_by, {_UNKNOWN} FROM rows",
            )
            + ")",
            {"late_hours": LATE_HOURS, "is_same_day": False},
        ).fetchall()
    return {id_: rest for id_, *rest in found}


def a_day(random: Random, nth: int) -> list[Session]:
    """Up to ten sessions of one host around midnight, most of which overlap."""
    found = []
    for n in range(random.randint(2, 10)):
        start = random.randint(46, 50) * 15
        outcome = random.choice(["attended", "no_show", "cancelled", "rescheduled", "open"])
        is_released = outcome in ("cancelled", "rescheduled")
        before = [-10, 5, 30, 100, 200, 400]
        found.append(
            Session(
                id=f"appt_{nth}_{n}",
                host=random.choice([f"host_{nth}"] * 9 + [None]),
                start=start,
                minutes=random.choice([15, 30, 30, 30, 45, 60, 60, 0, 1440, 1441, None]),
                planned=random.choice(
                    [None, *(start - wait - late for wait in before for late in (0, 2))]
                ),
                outcome=outcome,
                released=start - random.choice(before) if is_released else None,
            )
        )
    return found


@pytest.mark.parametrize("seed", range(2))
def test_hours_are_those_of_a_reading_minute_by_minute(seed: int) -> None:
    random = Random(seed)
    days = [a_day(random, nth) for nth in range(180)]
    found = asked([one for day in days for one in day])
    n_overlapping = 0
    for day in days:
        lost, refill = lost_and_won(day), refilled(day)
        for one in day:
            assert tuple(found[one.id][:2]) == lost[one.id], day
            assert tuple(found[one.id][2:]) == refill[one.id], day
            assert found[one.id][2] <= len(one.span), "never more than was released"
            n_overlapping += 0 < found[one.id][3] < found[one.id][2] < len(one.span)
    assert n_overlapping > 2, "days that are worth asking about"
