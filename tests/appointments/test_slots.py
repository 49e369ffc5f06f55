"""What a slot is: planned starts, patients, what is due and what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FIRST, SECOND, THIRD = "03-10 15:00", "03-12 15:00", "03-14 15:00"


def ends(clinic: Clinic, **scope: Any) -> list[tuple[Any, ...]]:
    """Patient, number and outcome of every slot, in the order of start and place in the list."""
    rows = clinic.slots(**scope)
    return list(zip(rows.patient_id, rows.slot, rows.outcome, strict=True))


def test_a_visit_that_never_moved_is_one_slot(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("updated", "03-02 09:00")
    slot = clinic.slot()
    assert (slot["appointment_id"], slot["patient_id"], slot["slot"]) == ("v", "ann", 1)
    assert (slot["start_at"], slot["end_at"]) == (clinic.at(FIRST), clinic.at("03-10 15:30"))
    assert not slot["is_superseded"]
    assert slot["outcome"] == "unresolved"


def test_six_patients_in_a_group_are_six_slots(clinic: Clinic) -> None:
    patients = [f"p{n}" for n in range(6)]
    clinic.tell("created", "03-01 09:00", attendees=["dr", *patients], group=True)
    assert ends(clinic) == [(one, 1, "unresolved") for one in patients]


@pytest.mark.parametrize(("third", "starts"), [(THIRD, [10, 12, 14]), (FIRST, [10, 10, 12])])
def test_a_visit_moved_twice_is_three_slots_also_when_moved_back(
    clinic: Clinic, third: str, starts: list[int]
) -> None:
    clinic.tell("created", "03-01 09:00", start=FIRST)
    clinic.tell("rescheduled", "03-02 09:00", start=SECOND)
    clinic.tell("rescheduled", "03-03 09:00", start=third)
    clinic.tell("completed", "03-20 09:00", start=third)
    rows = clinic.slots().sort_values("slot")
    assert sorted(start.day for start in rows.start_at) == starts
    assert list(rows.outcome) == ["rescheduled", "rescheduled", "attended"]
    assert list(rows.is_superseded) == [True, True, False]
    # The first left 15:00 of the 10th at 09:00 of the 2nd: 8 days and 6 hours before.
    assert list(rows.notice_hours)[:2] == [198.0, 222.0]
    assert rows.moved_at.iloc[0] == clinic.at("03-02 09:00")
    assert clinic.life()["n_rescheduled"] == 2


def test_a_move_needs_no_event_of_its_own(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=FIRST)
    clinic.tell("completed", "03-12 15:30", start=SECOND)
    assert ends(clinic) == [("ann", 1, "rescheduled"), ("ann", 2, "attended")]


def test_a_version_without_a_start_stays_where_it_is(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=None)
    clinic.tell("updated", "03-02 09:00", start=FIRST)
    clinic.tell("updated", "03-03 09:00", start=None)
    clinic.tell("updated", "03-04 09:00", start=FIRST)
    slot = clinic.slot()
    assert (slot["slot"], slot["start_at"]) == (1, clinic.at(FIRST))
    assert slot["end_at"] == clinic.at("03-10 15:30")


def test_a_visit_without_any_start_is_open_and_in_no_window(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=None)
    assert ends(clinic) == [("ann", 1, "open")]
    assert ends(clinic, start="2025-01-01") == []


def test_versions_are_ordered_by_occurrence_then_by_their_last_update(clinic: Clinic) -> None:
    clinic.tell("updated", "03-02 09:00", start=SECOND, last_updated_at="03-02 08:59")
    clinic.tell("updated", "03-02 09:00", start=FIRST, last_updated_at="03-02 08:58")
    clinic.tell("created", "03-01 09:00", start=FIRST)
    assert ends(clinic) == [("ann", 1, "rescheduled"), ("ann", 2, "unresolved")]


def test_a_series_is_one_appointment(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", recurrenceId="rec_1")
    assert clinic.slot()["recurring"] is True


@pytest.mark.parametrize("table", ["providers", "supports", "care_team_members"])
def test_known_staff_are_no_patients(clinic: Clinic, table: str) -> None:
    clinic.staff("sam", table)
    clinic.tell("created", "03-01 09:00", attendees=["ann", "sam"])
    assert ends(clinic) == [("ann", 1, "unresolved")]


def test_hosts_observers_and_mere_caregivers_are_no_patients(clinic: Clinic) -> None:
    clinic.person("mum", caregiver_only=True)
    clinic.person("ann", caregiver_only=False)
    watching = {"attendee": "student", "is_observer": True}
    clinic.tell(
        "created", "03-01 09:00", attendees=["old_dr", "ann", "mum", watching], host="old_dr"
    )
    clinic.tell("updated", "03-02 09:00", attendees=["dr", "ann", "mum", watching], host="dr")
    assert ends(clinic) == [("ann", 1, "unresolved")]


def test_who_becomes_staff_later_was_not_yet_staff_before(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "sam"])
    clinic.staff("sam", when="03-05 09:00")
    assert [row[0] for row in ends(clinic, as_of=clinic.at("03-04 09:00"))] == ["ann", "sam"]
    assert [row[0] for row in ends(clinic, as_of=clinic.at("03-05 09:00"))] == ["ann"]


def test_what_people_become_later_they_were_not_before(clinic: Clinic) -> None:
    """A host, a caregiver who cancelled, a patient with a record: from the day on that says so."""
    clinic.tell("created", "03-01 09:00", "hosted", attendees=["dr", "bob"])
    clinic.tell("updated", "03-05 09:00", "hosted", attendees=["dr", "bob"], host="bob")
    by_sam = [("cancelled", "03-02 09:00", "sam")]
    clinic.tell("cancelled", "03-02 09:00", "cancelled", history=by_sam)
    clinic.person("ann", "03-05 09:00", caregiver="sam", created_at=clinic.at("03-05 08:00"))

    def known(day: str) -> tuple[Any, ...]:
        visits = clinic.visits(as_of=clinic.at(day))
        slots = visits.slots().set_index("appointment_id")
        visit = visits.outcomes("patient_visit")["patient_visit"]
        patient = slots.loc["hosted", "patient_id"]
        return patient, slots.loc["cancelled", "cancelled_by"], visit.dropna().tolist()

    assert known("03-05 08:59") == ("bob", "unknown", ["unknown"])
    patient, *others = known("03-05 09:00")
    assert pd.isna(patient)
    assert others == ["patient", ["first"]]


def test_a_visit_without_a_patient_is_one_slot_without_one(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["dr"])
    clinic.tell("rescheduled", "03-02 09:00", attendees=["dr"], start=SECOND)
    assert ends(clinic) == [(None, 1, "rescheduled"), (None, 2, "unresolved")]


def test_who_is_no_longer_listed_is_cancelled_by_unknown_at_that_version(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", "bob"])
    clinic.tell("updated", "03-09 09:00", attendees=["dr", "ann"])
    clinic.tell("completed", "03-10 15:30", attendees=["dr", "ann"])
    assert ends(clinic) == [("ann", 1, "attended"), ("bob", 1, "cancelled")]
    bob = clinic.slots().iloc[1]
    assert (bob.cancelled_at, bob.cancelled_by) == (clinic.at("03-09 09:00"), "unknown")
    assert (bob.notice_hours, bob.evidence, bob.is_late) == (30.0, "attendee", False)


def test_who_is_listed_again_was_not_cancelled(clinic: Clinic) -> None:
    for when, names in [("03-01", ["ann", "bob"]), ("03-02", ["ann"]), ("03-03", ["ann", "bob"])]:
        clinic.tell("updated", f"{when} 09:00", attendees=names)
    assert ends(clinic) == [("ann", 1, "unresolved"), ("bob", 1, "unresolved")]


def test_who_is_dropped_by_the_move_was_cancelled_and_not_moved(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("rescheduled", "03-09 16:00", attendees=["ann"], start=SECOND)
    rows = clinic.slots()
    assert ends(clinic) == [
        ("ann", 1, "rescheduled"),
        ("bob", 1, "cancelled"),
        ("ann", 2, "unresolved"),
    ]
    assert list(rows.is_superseded) == [True, False, False]
    assert list(rows.notice_hours)[:2] == [23.0, 23.0]
    assert list(rows.is_late) == [None, True, None]


def test_who_cancelled_before_being_dropped_stays_the_one_who_cancelled(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    history = [("cancelled", "03-08 15:00", "ann")]
    clinic.tell("cancelled", "03-08 15:01", history=history)
    clinic.tell("updated", "03-09 15:00", history=history, attendees=["dr"])
    slot = clinic.slot()
    assert (slot["outcome"], slot["cancelled_by"], slot["notice_hours"]) == (
        "cancelled",
        "patient",
        48,
    )


def test_who_joins_later_has_a_slot_from_then_on(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann"])
    clinic.tell("rescheduled", "03-02 09:00", attendees=["ann", "bob"], start=SECOND)
    assert ends(clinic) == [
        ("ann", 1, "rescheduled"),
        ("ann", 2, "unresolved"),
        ("bob", 2, "unresolved"),
    ]


def test_internal_meetings_are_left_out_unless_asked_for(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", "meeting", internal=True, attendees=["dr", "sam"])
    clinic.tell("created", "03-01 09:00", "visit")
    assert list(clinic.slots().appointment_id) == ["visit"]
    everything = clinic.slots(include_internal=True)
    assert sorted(everything.appointment_id) == ["meeting", "visit"]
    assert clinic.visits(include_internal=True).funnel().n_reached[0] == 2


@pytest.mark.parametrize(
    ("minutes", "as_of", "due"),
    [
        (30, "03-11 15:30", True),
        (30, "03-11 15:29", False),
        (None, "03-11 15:00", True),
        (None, "03-11 14:59", False),
    ],
)
def test_due_is_a_day_after_the_end_or_the_start(
    clinic: Clinic, minutes: float | None, as_of: str, due: bool
) -> None:
    clinic.tell("created", "03-01 09:00", minutes=minutes)
    slot = clinic.slot(as_of=clinic.at(as_of))
    assert (slot["is_due"], slot["outcome"]) == (due, "unresolved" if due else "open")


def test_grace_can_be_set(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    assert clinic.slot(as_of=clinic.at("03-10 17:30"), grace=2)["is_due"]
    assert not clinic.slot(as_of=clinic.at("03-10 17:29"), grace=2)["is_due"]


def test_what_a_later_event_tells_is_not_known_before(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=FIRST)
    clinic.tell("rescheduled", "03-05 09:00", start=SECOND)
    clinic.tell(
        "cancelled", "03-06 09:00", start=SECOND, history=[("cancelled", "03-04 09:00", "ann")]
    )
    assert ends(clinic, as_of=clinic.at("03-04 12:00")) == [("ann", 1, "open")]
    assert ends(clinic, as_of=clinic.at("03-05 09:00")) == [
        ("ann", 1, "rescheduled"),
        ("ann", 2, "open"),
    ]
    assert ends(clinic, as_of=clinic.at("03-06 09:00"))[1] == ("ann", 2, "cancelled")
