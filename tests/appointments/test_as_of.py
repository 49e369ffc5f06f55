"""A figure as of T is the figure of a store into which only what occurred by T was loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from random import Random
from typing import Any

import pandas as pd
import pytest

from tests.appointments.conftest import Clinic
from tests.appointments.test_properties import events, when

Telling = tuple[str, Callable[["Clinic"], None]]

BY = ["patient_state", "patient_age_band", "medical_center", "recurring", "custom:cfld_1"]


def clinic_of(rng: Random) -> list[Telling]:
    """What a clinic tells in one year, each with its instant: visits, patients, staff, carers."""
    told: list[Telling] = []

    def add(instant: str, tell: Callable[[Clinic], None]) -> None:
        told.append((instant, tell))

    for event in events(rng, 10):
        event["custom"] = {"cfld_1": rng.choice(('"a"', "7"))} if rng.random() < 0.2 else {}
        event["recurrenceId"] = rng.choice((None, None, "rec_1"))
        event["internal"] = rng.choice((None, False, False, True))
        event["last_updated_at"] = rng.choice((None, event["when"]))
        event["timezone"] = rng.choice((None, "Asia/Tokyo"))
        event["received"] = rng.choice((event["when"], "12-01 00:00"))
        add(event["when"], partial(Clinic.tell, **event))
    for person in ("ann", "bob", "cid"):
        for _ in range(3):
            columns: dict[str, Any] = {
                "state": rng.choice(("NY", "NJ")),
                "center": rng.choice(("mctr_1", "mctr_2")),
                "timezone": rng.choice((None, "America/New_York")),
                "date_of_birth": rng.choice((None, date(1990, 3, 5), date(2008, 3, 5))),
                "caregiver_only": rng.choice((None, False, False, True)),
                "caregiver": rng.choice((None, "sam")),
                "custom": {"cfld_1": rng.choice(('"b"', "true"))} if rng.random() < 0.5 else {},
            }
            at = when(rng)
            add(at, partial(Clinic.person, person=person, when=at, **columns))
    for person in rng.sample(["ann", "bob", "sam"], 2):
        at = when(rng)
        table = rng.choice(("providers", "supports", "care_team_members"))
        add(at, partial(Clinic.staff, person=person, table=table, when=at))
    return told


def answers(clinic: Clinic, instant: datetime) -> dict[str, pd.DataFrame]:
    """Every figure that is computed from slots and lifecycle, as of one instant."""
    visits = clinic.visits(as_of=instant, include_internal=True)
    return {
        "slots": visits.slots(),
        "lifecycle": visits.lifecycle(),
        "outcomes": visits.outcomes(BY, "week"),
        "outcomes without internal": clinic.visits(as_of=instant).outcomes("host"),
        "funnel": visits.funnel(BY),
        "funnel of slots": visits.funnel(unit="slot"),
        "cancellations": visits.cancellations(["cancelled_by", "weekday"], "month"),
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_later_event_changes_nothing_that_was_known_before(clinic: Clinic, seed: int) -> None:
    rng = Random(seed)
    told = clinic_of(rng)
    # Inside the archive, and at the very instant of an event; once before it. Behind its end all
    # of it counts: nothing is later.
    instants = [rng.choice(told)[0], when(rng)]
    if seed == 0:
        instants.append("02-01 00:00")
    # A custom field that nobody has told of is no grouping yet, so one is told on New Year's Day.
    told.append(("01-01 00:00", lambda clinic: clinic.person("zoe", custom={"cfld_1": "1"})))
    for _, tell in told:
        tell(clinic)
    whole = [answers(clinic, clinic.at(instant)) for instant in instants]
    assert len(whole[0]["slots"]) > 0 or len(whole[1]["slots"]) > 0
    assert all(len(before["slots"]) == 0 for before in whole[2:])
    for instant, expected in zip(instants, whole, strict=True):
        clinic.clear()
        for occurred, tell in told:
            if clinic.at(occurred) <= clinic.at(instant):
                tell(clinic)
        found = answers(clinic, clinic.at(instant))
        for name, rows in expected.items():
            pd.testing.assert_frame_equal(found[name], rows, obj=f"{name} as of {instant}")
            assert found[name].attrs == rows.attrs


def test_as_of_an_instant_before_the_archive_there_is_nothing(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    visits = clinic.visits(as_of=clinic.at("02-28 00:00"))
    assert len(visits.slots()) == len(visits.lifecycle()) == len(visits.outcomes()) == 0


def test_as_of_an_instant_after_the_archive_what_is_open_is_unresolved(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    for as_of, outcome in [("03-11 15:29", "open"), ("03-11 15:30", "unresolved")]:
        assert clinic.slot(as_of=clinic.at(as_of))["outcome"] == outcome
