"""What holds for every store: sums, funnels and the order of events, over random visits."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.frames import column_names

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

WORDS = (
    *("scheduled", "confirmed", "checked_in", "in_progress", "completed"),
    *("cancelled", "no_show", "rescheduled"),
)
EVENTS = ("created", "updated", "started", "completed", "cancelled", "rescheduled")
OUTCOMES = ("n_attended", "n_no_show", "n_cancelled", "n_rescheduled", "n_unresolved")


def when(rng: Random) -> str:
    return f"03-{rng.randrange(1, 29):02} {rng.randrange(24):02}:{rng.randrange(60):02}"


def events(rng: Random, n_visits: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for number in range(n_visits):
        starts = [when(rng) for _ in range(rng.choice((1, 1, 2)))]
        people = ["dr", *rng.sample(["ann", "bob", "cid"], rng.randrange(4))]
        for _ in range(rng.randrange(1, 5)):
            attendees = [
                {"attendee": one, "no_show": rng.choice((None, False, False, True))}
                for one in people
                if rng.random() < 0.9
            ]
            history = [
                (rng.choice(WORDS), when(rng), rng.choice(("ann", "dr", "sam", None)))
                for _ in range(rng.randrange(4))
            ]
            told.append(
                {
                    "name": rng.choice(EVENTS),
                    "when": when(rng),
                    "visit": f"v{number}",
                    "start": rng.choice(starts),
                    "attendees": attendees,
                    "history": history,
                    "interaction_type": rng.choice(("video_call", "in_person", None)),
                    "created_at": rng.choice(("02-01 09:00", None)),
                }
            )
    return told


@pytest.mark.parametrize("seed", range(3))
def test_what_always_holds(clinic: Clinic, seed: int) -> None:
    for event in events(Random(seed), 25):
        clinic.tell(**event)
    for as_of in ("03-15 12:00", "12-31 00:00"):
        visits = clinic.visits(as_of=clinic.at(as_of))
        slots = visits.slots()
        key = ["appointment_id", "slot", "patient_id"]
        assert not slots.duplicated(key).any()
        assert slots.groupby("appointment_id").slot.min().eq(1).all()
        assert visits.lifecycle().appointment_id.is_unique

        whole = visits.outcomes()
        assert whole.n_slots[0] == len(slots)
        for every, by in (("week", ()), ("day", "interaction_type"), (None, ["host", "weekday"])):
            rows = visits.outcomes(by, every)
            counts = [name for name in column_names(rows) if name.startswith("n_")]
            assert (rows.n_slots == rows.n_not_due + rows[list(OUTCOMES)].sum(axis=1)).all()
            by_whom = [name for name in column_names(rows) if name.startswith("n_cancelled_by_")]
            assert (rows.n_cancelled == rows[by_whom].sum(axis=1)).all()
            assert rows[counts].sum().equals(whole[counts].iloc[0])
            for share in ("no_show_share", "attended_share", "cancelled_share"):
                known = rows[rows[f"{share}_n"] > 0]
                assert (known[f"{share}_low"] <= known[share]).all()
                assert (known[share] <= known[f"{share}_high"]).all()
                assert rows[rows[f"{share}_n"] == 0][share].isna().all()

        cancelled = visits.cancellations()
        assert cancelled.n_cancelled[0] == whole.n_cancelled[0]
        assert cancelled.n_due[0] == whole.attended_share_n[0]

        for unit in ("appointment", "slot"):
            funnel = visits.funnel(unit=unit)
            reached = list(funnel.n_reached)
            others = funnel[[name for name in funnel if name in STOPS]].sum(axis=1)
            assert reached == sorted(reached, reverse=True)
            assert [a - b for a, b in zip(reached, [*reached[1:], reached[-1]], strict=True)] == (
                list(others)
            )
            assert (funnel.n_reached == funnel.n_observed + funnel.n_inferred).all()
            parts = visits.funnel("interaction_type", unit=unit).groupby("step").n_reached.sum()
            assert list(parts) == reached


STOPS = ("n_cancelled", "n_no_show", "n_rescheduled", "n_unresolved", "n_open")


def test_the_past_does_not_change(clinic: Clinic) -> None:
    told = events(Random(7), 15)
    for event in told:
        clinic.tell(**event)
    instant = clinic.at("03-15 12:00")
    before = clinic.slots(as_of=instant)
    clinic.clear()
    for event in told:
        if clinic.at(event["when"]) <= instant:
            clinic.tell(**event)
    assert clinic.slots(as_of=instant).equals(before)
