"""Who a visit is with, when its versions say so, say nothing, or say it several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FIRST, SECOND, THIRD = "03-10 15:00", "03-12 15:00", "03-14 15:00"
NOBODY: list[Any] = [
    [],
    ["dr"],
    ["sam"],
    [{"attendee": "student", "is_observer": True}],
    [{"attendee": None}],
]


def ends(clinic: Clinic, **scope: Any) -> list[tuple[Any, ...]]:
    rows = clinic.slots(**scope)
    return list(zip(rows.patient_id, rows.slot, rows.outcome, strict=True))


def outcomes_of(clinic: Clinic, patient: str) -> dict[str, str]:
    """What became of the one slot that a patient has at each visit."""
    rows = clinic.slots()
    own = rows[rows.patient_id == patient]
    assert list(own.slot) == [1] * len(own)
    assert own.appointment_id.is_unique
    return dict(zip(own.appointment_id, own.outcome, strict=True))


# A version that names no patient tells nothing about attendees


def test_a_later_version_that_names_no_patient_changes_nothing(clinic: Clinic) -> None:
    clinic.staff("sam", "supports")
    for number, attendees in enumerate(NOBODY):
        visit = f"v{number}"
        clinic.tell("created", "03-01 09:00", visit)
        clinic.tell("completed", "03-10 15:40", visit)
        clinic.tell("updated", "03-11 15:40", visit, attendees=attendees)
    rows = clinic.slots()
    for slot in rows.to_dict("records"):
        told = (slot["patient_id"], slot["outcome"], slot["evidence"])
        assert told == ("ann", "attended", "event"), slot["appointment_id"]
    lives = clinic.visits().lifecycle()
    assert list(lives.outcome) == ["attended"] * len(NOBODY)
    assert list(rows.appointment_id) == list(lives.appointment_id)
    assert clinic.visits().funnel().n_reached.tolist() == [len(NOBODY)] * 3


def test_the_patients_told_last_are_those_of_a_new_start_that_names_nobody(clinic: Clinic) -> None:
    clinic.staff("sam", "supports")
    for number, attendees in enumerate(NOBODY):
        visit, listed = f"v{number}", {"attendees": attendees}
        clinic.tell("created", "03-01 09:00", visit, attendees=["dr", "ann", "bob"])
        clinic.tell("rescheduled", "03-02 09:00", visit, start=SECOND, **listed)
        clinic.tell("updated", "03-03 09:00", visit, start=THIRD, **listed)
        clinic.tell("completed", "03-14 15:30", visit, start=THIRD, **listed)
    rows = clinic.slots()
    for number, _ in enumerate(NOBODY):
        own = rows[rows.appointment_id == f"v{number}"].sort_values(["slot", "patient_id"])
        assert list(zip(own.patient_id, own.slot, own.outcome, strict=True)) == [
            ("ann", 1, "rescheduled"),
            ("bob", 1, "rescheduled"),
            ("ann", 2, "rescheduled"),
            ("bob", 2, "rescheduled"),
            ("ann", 3, "attended"),
            ("bob", 3, "attended"),
        ]
        assert list(own.is_superseded) == [True] * 4 + [False] * 2


def test_between_two_versions_that_list_a_patient_one_that_lists_nobody_is_no_cancellation(
    clinic: Clinic,
) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("updated", "03-02 09:00", attendees=[])
    clinic.tell("rescheduled", "03-03 09:00", start=SECOND)
    assert ends(clinic) == [("ann", 1, "rescheduled"), ("ann", 2, "unresolved")]
    assert list(clinic.slots().cancelled_at) == [None, None]


def test_who_is_first_listed_after_the_move_has_no_slot_before_it(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=[])
    clinic.tell("rescheduled", "03-02 09:00", start=SECOND)
    assert ends(clinic) == [("ann", 2, "unresolved")]


def test_a_new_start_whose_patients_are_told_later_is_of_those_before_until_then(
    clinic: Clinic,
) -> None:
    """Ann and bob are moved; then bob alone is listed, a day before the new start."""
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("rescheduled", "03-02 09:00", start=SECOND, attendees=[])
    clinic.tell("updated", "03-11 15:00", start=SECOND, attendees=["bob"])
    rows = clinic.slots()
    assert ends(clinic) == [
        ("ann", 1, "rescheduled"),
        ("bob", 1, "rescheduled"),
        ("ann", 2, "cancelled"),
        ("bob", 2, "unresolved"),
    ]
    assert rows.notice_hours[2] == 24


def test_a_visit_that_is_cancelled_without_attendees_is_cancelled_for_its_patient(
    clinic: Clinic,
) -> None:
    clinic.tell("created", "03-01 09:00")
    history = [("cancelled", "03-09 15:00", "ann")]
    clinic.tell("cancelled", "03-09 15:00", attendees=[], history=history)
    slot = clinic.slot()
    assert (slot["patient_id"], slot["outcome"], slot["cancelled_by"]) == (
        "ann",
        "cancelled",
        "patient",
    )


# A patient who is missing beside another one


def test_who_is_missing_after_the_start_came_with_the_others(clinic: Clinic) -> None:
    bob = {"03-10 14:59": "cancelled", "03-10 15:00": "attended", "03-11 09:00": "attended"}
    for when in bob:
        clinic.tell("created", "03-01 09:00", when, attendees=["ann", "bob"])
        clinic.tell("updated", when, when, attendees=["ann"])
        clinic.tell("completed", "03-11 15:30", when, attendees=["ann"])
    assert outcomes_of(clinic, "ann") == dict.fromkeys(bob, "attended")
    assert outcomes_of(clinic, "bob") == bob


def test_who_is_missing_after_the_start_is_as_unresolved_as_the_others(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("updated", "03-10 16:00", attendees=["ann"])
    assert ends(clinic) == [("ann", 1, "unresolved"), ("bob", 1, "unresolved")]


def test_who_is_missing_from_a_visit_that_began_early_was_there(clinic: Clinic) -> None:
    told: list[tuple[list[Any], str]] = [
        ([("in_progress", "03-10 14:50")], "attended"),
        ([("no_show", "03-10 14:50")], "no_show"),
        ([("checked_in", "03-10 14:50")], "cancelled"),
        ([("in_progress", "03-10 14:50"), ("cancelled", "03-10 14:52")], "cancelled"),
        ([("no_show", "03-10 14:50"), ("rescheduled", "03-10 14:52")], "cancelled"),
    ]
    for number, (history, _) in enumerate(told):
        visit = f"v{number}"
        clinic.tell("created", "03-01 09:00", visit, attendees=["ann", "bob"])
        clinic.tell("updated", "03-10 14:53", visit, attendees=["ann", "bob"], history=history)
        clinic.tell("updated", "03-10 14:55", visit, attendees=["ann"], history=history)
    assert outcomes_of(clinic, "bob") == {f"v{n}": bob for n, (_, bob) in enumerate(told)}


def test_a_patient_who_is_replaced_is_cancelled_by_nobody_known(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("updated", "03-09 15:00", attendees=["dr", "bob"])
    clinic.tell("completed", "03-10 15:30", attendees=["dr", "bob"])
    rows = clinic.slots().set_index("patient_id")
    assert rows.outcome.to_dict() == {"ann": "cancelled", "bob": "attended"}
    assert (rows.cancelled_by["ann"], rows.notice_hours["ann"]) == ("unknown", 24)


def test_who_is_missing_from_a_move_after_the_start_was_not_cancelled(clinic: Clinic) -> None:
    """Nobody told how the visit of the 10th ended; on the 11th it was moved for ann alone."""
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("rescheduled", "03-11 09:00", start=SECOND, attendees=["ann"])
    rows = clinic.slots()
    assert ends(clinic) == [
        ("ann", 1, "rescheduled"),
        ("bob", 1, "unresolved"),
        ("ann", 2, "unresolved"),
    ]
    assert list(rows.is_superseded) == [True, False, False]


def test_who_is_missing_for_a_while_and_then_moved_was_never_away(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("updated", "03-02 09:00", attendees=["ann"])
    clinic.tell("rescheduled", "03-03 09:00", start=SECOND, attendees=["ann", "bob"])
    assert ends(clinic) == [
        ("ann", 1, "rescheduled"),
        ("bob", 1, "rescheduled"),
        ("ann", 2, "unresolved"),
        ("bob", 2, "unresolved"),
    ]


def test_what_a_later_version_lists_is_not_known_before(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("updated", "03-02 09:00", attendees=["ann"])
    clinic.tell("updated", "03-03 09:00", attendees=["ann", "bob"])
    outcomes = [
        [row[2] for row in ends(clinic, as_of=clinic.at(f"03-0{day} 12:00"))] for day in (1, 2, 3)
    ]
    assert outcomes == [["open", "open"], ["open", "cancelled"], ["open", "open"]]


# A patient who is listed several times


def test_of_many_entries_of_one_patient_the_last_tells(clinic: Clinic) -> None:
    numbers = (2, 31, 32, 33, 34, 100)
    for n in numbers:
        entries = [{"attendee": "ann", "no_show": False, "is_observer": True}] * (n - 1)
        last = {"attendee": "ann", "no_show": True, "is_observer": False}
        clinic.tell("completed", "03-10 15:30", f"v{n}", attendees=[*entries, last])
    rows = clinic.slots()
    assert sorted(rows.appointment_id) == sorted(f"v{n}" for n in numbers)
    assert set(zip(rows.patient_id, rows.slot, rows.outcome, strict=True)) == {
        ("ann", 1, "no_show")
    }


def test_the_entry_that_was_updated_last_tells_wherever_it_stands(clinic: Clinic) -> None:
    entries: list[str | dict[str, Any]] = [
        {"attendee": "ann", "no_show": False, "last_updated_at": "03-10 15:00"},
        {"attendee": "ann", "no_show": True, "last_updated_at": "03-10 16:00"},
        {"attendee": "ann", "no_show": False},
        {"attendee": "ann", "last_updated_at": "03-10 17:00"},
    ]
    clinic.tell("completed", "03-10 17:30", attendees=entries)
    assert ends(clinic) == [("ann", 1, "no_show")]
    clinic.tell("updated", "03-10 18:00", attendees=[{"attendee": "ann", "no_show": False}])
    assert ends(clinic) == [("ann", 1, "attended")]


# Staff and patients


@pytest.mark.parametrize("relative", [True, False])
def test_a_patient_in_their_own_care_team_stays_a_patient(clinic: Clinic, relative: bool) -> None:
    clinic.staff("ann", "care_team_members")
    clinic.person("ann", caregiver="mum")
    if relative:
        clinic.person("mum", caregiver_only=True)
        clinic.staff("mum", "care_team_members")
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", "mum"] if relative else ["ann"])
    by = "mum" if relative else "ann"
    clinic.tell(
        "cancelled",
        "03-09 15:00",
        attendees=["dr", "ann", "mum"] if relative else ["ann"],
        history=[("cancelled", "03-09 15:00", by)],
    )
    slot = clinic.slot()
    assert (slot["patient_id"], slot["cancelled_by"]) == ("ann", "patient")


@pytest.mark.parametrize("table", ["providers", "supports"])
def test_of_two_records_that_of_staff_counts(clinic: Clinic, table: str) -> None:
    clinic.person("sam")
    clinic.staff("sam", table)
    clinic.staff("sam", "care_team_members")
    clinic.tell("created", "03-01 09:00", attendees=["ann", "sam"])
    clinic.tell(
        "cancelled",
        "03-09 15:00",
        attendees=["ann", "sam"],
        history=[("cancelled", "03-09 15:00", "sam")],
    )
    slot = clinic.slot()
    assert (slot["patient_id"], slot["cancelled_by"]) == ("ann", "provider")


def test_who_has_only_a_caregivers_record_is_staff_where_a_care_team_lists_them(
    clinic: Clinic,
) -> None:
    clinic.person("coach", caregiver_only=True)
    clinic.staff("coach", "care_team_members")
    clinic.tell("cancelled", "03-09 15:00", history=[("cancelled", "03-09 15:00", "coach")])
    assert clinic.slot()["cancelled_by"] == "provider"


def test_a_host_or_observer_with_a_patients_record_is_no_patient(clinic: Clinic) -> None:
    clinic.person("dr")
    clinic.person("student")
    student = {"attendee": "student", "is_observer": True}
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", student])
    assert ends(clinic) == [("ann", 1, "unresolved")]


def test_a_patients_record_that_comes_later_is_not_known_before(clinic: Clinic) -> None:
    clinic.staff("ann", "care_team_members")
    clinic.person("ann", "03-05 09:00")
    clinic.tell("created", "03-01 09:00")
    assert [row[0] for row in ends(clinic, as_of=clinic.at("03-04 09:00"))] == [None]
    assert [row[0] for row in ends(clinic)] == ["ann"]


# Who cancelled


def test_the_entry_that_names_somebody_tells_who_whatever_its_fraction(clinic: Clinic) -> None:
    entries = ("03-09 15:00:00.300", "03-09 14:59:59.700", "03-09 15:00:00")
    for entry in entries:
        history = [("cancelled", entry, "ann", "no longer needed")]
        clinic.tell("created", "03-01 09:00", entry)
        clinic.tell("cancelled", "03-09 15:00", entry, history=history)
    slots = {slot["appointment_id"]: slot for slot in clinic.slots().to_dict("records")}
    assert set(slots) == set(entries)
    for entry in entries:
        slot = slots[entry]
        assert (slot["cancelled_by"], slot["cancelled_by_id"]) == ("patient", "ann")
        assert slot["reason"] == "no longer needed"
        assert slot["cancelled_at"] == min(clinic.at("03-09 15:00"), clinic.at(entry))


def test_an_entry_that_names_nobody_leaves_it_to_the_next_of_its_run(clinic: Clinic) -> None:
    history = [
        ("cancelled", "03-05 15:00", "ann"),
        ("scheduled", "03-06 15:00", "dr"),
        ("cancelled", "03-08 15:00", None),
        ("cancelled", "03-08 15:01", "dr"),
        ("cancelled", "03-08 15:02", "ann"),
    ]
    clinic.tell("cancelled", "03-08 15:00", history=history)
    slot = clinic.slot()
    assert (slot["cancelled_by"], slot["cancelled_by_id"]) == ("provider", "dr")
    assert slot["cancelled_at"] == clinic.at("03-08 15:00")


def test_who_was_taken_off_and_then_named_was_cancelled_when_taken_off(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["ann", "bob"])
    clinic.tell("updated", "03-08 15:00", attendees=["ann"])
    history = [("cancelled", "03-09 15:00", "ann")]
    clinic.tell("cancelled", "03-09 15:00", attendees=["ann"], history=history)
    rows = clinic.slots().set_index("patient_id")
    assert rows.cancelled_by.to_dict() == {"ann": "patient", "bob": "unknown"}
    assert rows.notice_hours.to_dict() == {"ann": 24, "bob": 48}


def test_hosts_and_patients_are_those_of_the_slot_up_to_the_word(clinic: Clinic) -> None:
    """Who became host, or joined, after the cancellation had not cancelled as such."""
    for visit, by in [("before", "old"), ("after", "new"), ("joined", "bob")]:
        history = [("cancelled", "03-08 15:00", by)]
        clinic.tell("created", "03-01 09:00", visit, host="old")
        clinic.tell("cancelled", "03-08 15:00", visit, host="old", history=history)
        clinic.tell(
            "updated", "03-09 15:00", visit, host="new", history=history, attendees=["ann", "bob"]
        )
    rows = clinic.slots()
    rows = rows[rows.patient_id == "ann"].set_index("appointment_id")
    assert rows.cancelled_by.to_dict() == {
        "before": "provider",
        "after": "unknown",
        "joined": "unknown",
    }


def test_the_host_of_an_earlier_start_is_not_that_of_the_next(clinic: Clinic) -> None:
    history = [("cancelled", "03-08 15:00", "old")]
    clinic.tell("created", "03-01 09:00", host="old", attendees=["ann"])
    clinic.tell("rescheduled", "03-02 09:00", start=SECOND, host="new", attendees=["ann"])
    clinic.tell(
        "cancelled", "03-08 15:00", start=SECOND, host="new", history=history, attendees=["ann"]
    )
    assert list(clinic.slots().cancelled_by) == [None, "unknown"]


def test_a_caregiver_on_the_staff_cancels_for_their_patient_unless_they_are_the_host(
    clinic: Clinic,
) -> None:
    clinic.person("ann", caregiver="nurse")
    clinic.staff("nurse", "supports")
    for visit, host in [("v1", "dr"), ("v2", "nurse")]:
        clinic.tell(
            "cancelled",
            "03-09 15:00",
            visit,
            host=host,
            history=[("cancelled", "03-09 15:00", "nurse")],
        )
    rows = clinic.slots().set_index("appointment_id")
    assert rows.cancelled_by.to_dict() == {"v1": "patient", "v2": "provider"}
