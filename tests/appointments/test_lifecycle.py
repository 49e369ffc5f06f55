"""One row per appointment: its instants, its local calendar, what describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


@pytest.mark.parametrize(
    ("told", "booked_at", "observed"),
    [
        ([("created", {"created_at": "02-28 12:00"})], "02-28 12:00", True),
        ([("updated", {"created_at": "02-28 12:00"})], "02-28 12:00", False),
        ([("created", {})], "03-01 09:00", True),
        ([("updated", {"history": [("scheduled", "02-27 08:00")]})], "02-27 08:00", False),
        ([("updated", {})], None, False),
    ],
)
def test_booked_is_read_from_the_best_there_is(
    clinic: Clinic, told: list[Any], booked_at: str | None, observed: bool
) -> None:
    for name, columns in told:
        clinic.tell(name, "03-01 09:00", **columns)
    life = clinic.life()
    assert life["booked_at"] == (None if booked_at is None else clinic.at(booked_at))
    assert life["booked_observed"] is observed
    assert clinic.slot()["booked_at"] == life["booked_at"]


def test_stages_are_observed_or_inferred(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", created_at="03-01 08:59")
    clinic.tell(
        "completed",
        "03-10 15:40",
        actual_start_time="03-10 15:04",
        actual_end_time="03-10 15:36",
        history=[("in_progress", "03-10 15:05", "dr"), ("completed", "03-10 15:39", "dr")],
    )
    life = clinic.life()
    assert life["started_at"] == clinic.at("03-10 15:04")
    assert life["completed_at"] == clinic.at("03-10 15:36")
    observed = [life[f"{stage}_observed"] for stage in ("booked", "started", "completed")]
    assert observed == [True, False, True]
    minutes = [life[f"{what}_minutes"] for what in ("planned", "actual", "start_delay")]
    assert minutes == [30, 32, 4]
    assert life["outcome"] == "attended"


def test_notice_and_cancellation_of_an_appointment(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("cancelled", "03-09 09:00")
    life = clinic.life()
    assert (life["cancelled_at"], life["notice_hours"]) == (clinic.at("03-09 09:00"), 30)
    assert life["cancelled_observed"] is True


def test_lead_reaches_to_the_first_start_and_of_a_slot_to_its_own(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 23:00")
    clinic.tell("rescheduled", "03-05 09:00", start="03-20 01:00")
    life = clinic.life()
    assert life["lead_days"] == 9
    assert (life["first_start_at"], life["start_at"]) == (
        clinic.at("03-10 15:00"),
        clinic.at("03-20 01:00"),
    )
    assert list(clinic.slots().lead_days) == [9, 19]


@pytest.mark.parametrize(
    ("own", "patients", "zone"),
    [
        ("America/New_York", "Europe/Paris", "America/New_York"),
        (None, "Europe/Paris", "Europe/Paris"),
        ("Eastern Time (US)", "Europe/Paris", "Europe/Paris"),
        (None, None, "UTC"),
    ],
)
def test_local_time_is_the_visits_else_the_patients_else_the_stores(
    clinic: Clinic, own: str | None, patients: str | None, zone: str
) -> None:
    clinic.person("ann", timezone=patients)
    clinic.tell("created", "03-01 09:00", timezone=own)
    assert clinic.slot()["time_zone"] == clinic.life()["time_zone"] == zone


def test_days_and_hours_are_local(clinic: Clinic) -> None:
    # 03:30 UTC on the 9th of March 2025 is 22:30 on the 8th in New York.
    clinic.tell("created", "03-07 04:30", start="03-09 03:30", timezone="America/New_York")
    slot = clinic.slot()
    assert (slot["start_on"], slot["start_hour"]) == (datetime(2025, 3, 8), 22)  # noqa: DTZ001
    assert (slot["booked_on"], slot["lead_days"]) == (datetime(2025, 3, 6), 2)  # noqa: DTZ001
    assert clinic.visits().outcomes("weekday").weekday[0] == "Saturday"


def test_a_clock_change_moves_no_day_and_no_hour_of_notice(clinic: Clinic) -> None:
    # Clocks go forward on the 9th of March at 02:00: 09:00 there is 14:00 UTC before, 13:00 after.
    zone: dict[str, Any] = {"timezone": "America/New_York", "start": "03-10 13:00"}
    clinic.tell("created", "03-07 14:00", **zone)
    clinic.tell("cancelled", "03-09 13:00", **zone)
    slot = clinic.slot()
    assert (slot["start_hour"], slot["lead_days"], slot["notice_hours"]) == (9, 3, 24)
    assert slot["is_late"] is False
    clinic.tell("created", "03-08 14:00", "w", start="03-09 13:00", timezone="America/New_York")
    clinic.tell("cancelled", "03-08 14:00", "w", start="03-09 13:00", timezone="America/New_York")
    (other,) = clinic.slots().query("appointment_id == 'w'").to_dict("records")
    assert (other["start_hour"], other["lead_days"], other["notice_hours"]) == (9, 1, 23)
    assert other["is_late"] is True


def test_an_appointments_outcome_is_the_furthest_of_its_patients(clinic: Clinic) -> None:
    # Whether ann missed it, whether bob did, the last event, and what became of the appointment.
    told = [
        (False, True, "completed", "attended"),
        (True, True, "completed", "no_show"),
        (True, False, "updated", "no_show"),
        (True, False, "cancelled", "no_show"),
        (False, False, "cancelled", "cancelled"),
        (False, False, "updated", "unresolved"),
    ]
    for number, (ann, bob, event, _) in enumerate(told):
        attendees = [{"attendee": "ann", "no_show": ann}, {"attendee": "bob", "no_show": bob}]
        clinic.tell(event, "03-10 15:30", f"v{number}", attendees=attendees)
    lives = clinic.visits().lifecycle()
    assert dict(zip(lives.appointment_id, lives.outcome, strict=True)) == {
        f"v{number}": outcome for number, (*_, outcome) in enumerate(told)
    }


def test_what_describes_a_slot_is_what_was_told_of_its_own_start(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", interaction_type="in_person", appointment_type="aptp_1")
    clinic.tell("updated", "03-02 09:00", interaction_type=None, appointment_type="aptp_2")
    clinic.tell("rescheduled", "03-03 09:00", start="03-12 15:00", interaction_type="video_call")
    rows = clinic.slots()
    assert list(rows.interaction_type) == ["in_person", "video_call"]
    assert list(rows.appointment_type) == ["aptp_2", None]
    assert list(rows.self_booked) == [False, False]


def test_patients_are_described_as_they_were_known(clinic: Clinic) -> None:
    clinic.person(
        "ann", when="01-02 00:00", state="NY", center="mctr_1", date_of_birth=date(1990, 3, 11)
    )
    clinic.tell("created", "03-01 09:00")
    clinic.person("ann", when="03-05 00:00", state="NJ", date_of_birth=None)
    before, after = clinic.slot(as_of=clinic.at("03-04 00:00")), clinic.slot()
    names = ("patient_state", "medical_center", "patient_age")
    # Her 35th birthday is the day after the visit.
    assert [before[name] for name in names] == ["NY", "mctr_1", 34]
    assert [after[name] for name in names] == ["NJ", None, 34]


def test_it_is_of_the_first_patient_who_stayed(clinic: Clinic) -> None:
    """Of three the first leaves: abe and bob have both been the first in the list."""
    clinic.tell("created", "03-01 09:00", attendees=["abe", "bob", "cyd"])
    clinic.tell("updated", "03-02 09:00", attendees=["bob", "cyd"])
    assert clinic.life()["patient_id"] == "bob"
    outcomes = dict(zip(clinic.visits().slots().patient_id, clinic.slots().outcome, strict=True))
    assert outcomes == {"abe": "cancelled", "bob": "unresolved", "cyd": "unresolved"}
