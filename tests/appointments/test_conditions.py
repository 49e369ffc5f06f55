"""Conditions that ordinary reports stumble over, each a small clinic with its numbers by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FIRST, SECOND, THIRD = "03-10 15:00", "03-12 15:00", "03-14 15:00"
MISSED = {"attendee": "ann", "no_show": True}
CAME = {"attendee": "ann", "no_show": False}


def ends(clinic: Clinic, **scope: Any) -> list[tuple[Any, ...]]:
    """Patient, number, day of the start and outcome of every slot, by patient and number."""
    rows = clinic.slots(**scope)
    days = [start.day for start in rows.start_at]
    found = zip(rows.patient_id, rows.slot, days, rows.outcome, strict=True)
    return sorted(found, key=lambda row: (row[0] or "", row[1]))


# Moves


def test_moved_often_each_start_is_a_slot_with_its_own_notice(clinic: Clinic) -> None:
    starts = ["03-10 15:00", "03-11 15:00", "03-12 15:00", "03-13 15:00", "03-14 15:00"]
    for nth, start in enumerate(starts):
        name = "rescheduled" if nth else "created"
        clinic.tell(name, f"03-0{nth + 1} 15:00", start=start)
    clinic.tell("completed", "03-14 15:30", start=starts[-1])
    rows = clinic.slots()
    assert list(rows.outcome) == ["rescheduled"] * 4 + ["attended"]
    # Each was left on the day that the next one was told: 8, 8, 8 and 8 days before.
    assert list(rows.notice_hours)[:4] == [192.0, 192.0, 192.0, 192.0]
    (figure,) = clinic.visits().outcomes().to_dict("records")
    assert (figure["n_slots"], figure["n_rescheduled"], figure["n_attended"]) == (5, 4, 1)
    assert clinic.life()["n_rescheduled"] == 4


def test_moved_to_an_earlier_start_and_after_the_start_was_over(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=SECOND)
    clinic.tell("rescheduled", "03-12 16:00", start=FIRST)
    rows = clinic.slots().sort_values("slot")
    assert list(rows.outcome) == ["rescheduled", "unresolved"]
    assert rows.notice_hours.iloc[0] == -1.0
    assert rows.moved_to_at.iloc[0] == clinic.at(FIRST)
    assert clinic.life()["start_at"] == clinic.at(FIRST)


def test_moved_away_and_back_without_any_event_of_that_name(clinic: Clinic) -> None:
    for day, start in [("01", FIRST), ("02", SECOND), ("03", FIRST)]:
        clinic.tell("updated", f"03-{day} 09:00", start=start)
    assert ends(clinic) == [
        ("ann", 1, 10, "rescheduled"),
        ("ann", 2, 12, "rescheduled"),
        ("ann", 3, 10, "unresolved"),
    ]
    (figure,) = clinic.visits(end="2025-03-11").outcomes().to_dict("records")
    assert (figure["n_slots"], figure["n_rescheduled"], figure["n_unresolved"]) == (2, 1, 1)


def test_a_first_booking_that_never_arrived_is_no_slot(clinic: Clinic) -> None:
    history = [
        ("scheduled", "03-01 09:00", "dr"),
        ("cancelled", "03-02 09:00", "ann"),
        ("rescheduled", "03-03 09:00", "dr"),
    ]
    clinic.tell("rescheduled", "03-03 09:00", start=SECOND, history=history)
    slot = clinic.slot()
    assert (slot["start_at"], slot["outcome"]) == (clinic.at(SECOND), "unresolved")
    assert slot["booked_at"] == clinic.at("03-01 09:00")
    life = clinic.life()
    assert (life["booked_observed"], life["n_rescheduled"]) == (False, 0)


def test_a_start_that_no_version_told_in_time_is_known_from_when_it_was(clinic: Clinic) -> None:
    # The webhook of the move was lost; the next one shows the new start.
    clinic.tell("created", "03-01 09:00", start=FIRST)
    clinic.tell("started", "03-12 15:01", start=SECOND)
    first, second = clinic.slots().to_dict("records")
    assert (first["outcome"], first["moved_at"]) == ("rescheduled", clinic.at("03-12 15:01"))
    assert second["outcome"] == "attended"
    known = ends(clinic, as_of=clinic.at("03-11 16:00"))
    assert known == [("ann", 1, 10, "unresolved")]


def test_a_held_visit_says_nothing_of_a_start_that_was_left_before(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=FIRST)
    clinic.tell("rescheduled", "03-09 09:00", start=SECOND)
    clinic.tell("updated", "03-12 16:00", start=SECOND, actual_start_time="03-12 15:02")
    assert [row[3] for row in ends(clinic)] == ["rescheduled", "attended"]


# Cancellations


def test_conflicting_events(clinic: Clinic) -> None:
    told: list[tuple[list[tuple[str, str]], str, str | None]] = [
        ([("cancelled", "03-05 09:00"), ("updated", "03-06 09:00")], "cancelled", "03-05 09:00"),
        ([("cancelled", "03-05 09:00"), ("started", "03-10 15:00")], "attended", None),
        ([("started", "03-10 15:00"), ("cancelled", "03-10 15:05")], "cancelled", "03-10 15:05"),
        ([("completed", "03-10 15:30"), ("cancelled", "03-11 09:00")], "cancelled", "03-11 09:00"),
        ([("cancelled", "03-10 16:00"), ("completed", "03-10 15:30")], "cancelled", "03-10 16:00"),
        ([("cancelled", "03-10 15:10"), ("completed", "03-10 15:30")], "attended", None),
        # A second webhook of one cancellation does not make it later.
        ([("cancelled", "03-05 09:00"), ("cancelled", "03-09 09:00")], "cancelled", "03-05 09:00"),
    ]
    for number, (events, *_) in enumerate(told):
        for name, when in events:
            clinic.tell(name, when, f"v{number}")
    slots = clinic.slots().set_index("appointment_id")
    assert slots.outcome.to_dict() == {f"v{n}": outcome for n, (_, outcome, _) in enumerate(told)}
    assert slots.cancelled_at.to_dict() == {
        f"v{n}": None if when is None else clinic.at(when) for n, (*_, when) in enumerate(told)
    }


def test_called_off_called_on_and_moved(clinic: Clinic) -> None:
    off, on = ("cancelled", "03-03 15:00", "ann"), ("scheduled", "03-04 15:00", "dr")
    clinic.tell("cancelled", "03-03 15:00", history=[off])
    clinic.tell("updated", "03-04 15:00", history=[off, on])
    clinic.tell("rescheduled", "03-05 15:00", start=SECOND, history=[off, on])
    again = ("cancelled", "03-11 15:00", "dr")
    clinic.tell("cancelled", "03-11 15:00", start=SECOND, history=[off, on, again])
    first, second = clinic.slots().to_dict("records")
    assert (first["outcome"], first["notice_hours"], first["cancelled_at"]) == (
        "rescheduled",
        120,
        None,
    )
    assert (second["outcome"], second["cancelled_by"], second["notice_hours"]) == (
        "cancelled",
        "provider",
        24,
    )
    (row,) = clinic.visits().cancellations().to_dict("records")
    assert (row["n_due"], row["n_cancelled"], row["n_by_provider"], row["n_late"]) == (1, 1, 1, 0)


def test_a_cancellation_after_the_start_is_late_and_has_negative_notice(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("cancelled", "03-10 15:45", history=[("cancelled", "03-10 15:45", "dr")])
    (row,) = clinic.visits().cancellations("notice_band").to_dict("records")
    assert (row["notice_band"], row["n_after_start"], row["n_late"]) == ("after start", 1, 1)
    assert row["median_notice_hours"] == -0.75


def test_a_cancellation_told_by_the_history_of_a_later_version_counts(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("updated", "03-20 09:00", history=[("cancelled", "03-08 15:00", "ann")])
    slot, life = clinic.slot(), clinic.life()
    assert (slot["outcome"], slot["evidence"], slot["notice_hours"]) == (
        "cancelled",
        "status_history",
        48,
    )
    assert (life["cancelled_observed"], life["cancelled_at"]) == (False, clinic.at("03-08 15:00"))
    # On the 15th nobody had told of it yet.
    assert clinic.slot(as_of=clinic.at("03-15 00:00"))["outcome"] == "unresolved"


# No-shows


def test_a_no_show_that_is_corrected(clinic: Clinic) -> None:
    clinic.tell("updated", "03-10 16:00", attendees=["dr", MISSED])
    assert clinic.slot(as_of=clinic.at("03-12 00:00"))["outcome"] == "no_show"
    clinic.tell("completed", "03-12 09:00", attendees=["dr", CAME], actual_start_time=FIRST)
    assert clinic.slot()["outcome"] == "attended"
    assert clinic.slot(as_of=clinic.at("03-12 08:59"))["outcome"] == "no_show"


def test_a_no_show_flag_taken_back_leaves_what_else_is_known(clinic: Clinic) -> None:
    clinic.tell("updated", "03-10 16:00", attendees=["dr", MISSED])
    clinic.tell("updated", "03-10 17:00", attendees=["dr", CAME])
    assert clinic.slot()["outcome"] == "unresolved"


def test_a_visit_that_was_marked_completed_and_then_a_no_show(clinic: Clinic) -> None:
    clinic.tell("completed", "03-10 15:30", attendees=["dr", CAME])
    clinic.tell("updated", "03-10 18:00", attendees=["dr", MISSED])
    slot, life = clinic.slot(), clinic.life()
    assert (slot["outcome"], slot["evidence"]) == ("no_show", "attendee")
    assert (life["outcome"], life["n_no_show"]) == ("no_show", 1)
    # Nobody came, so the visit that was completed on paper stops at booked.
    funnel = clinic.visits().funnel()
    assert (list(funnel.n_reached), funnel.n_no_show[0]) == ([1, 0, 0], 1)


# Groups


def test_a_group_whose_members_fare_differently(clinic: Clinic) -> None:
    names = ["ann", "bob", "cid", "dee"]
    clinic.tell("created", "03-01 09:00", attendees=["dr", *names], group=True)
    clinic.tell("updated", "03-05 09:00", attendees=["dr", "ann", "bob", "cid"])
    clinic.tell(
        "completed",
        "03-10 15:30",
        attendees=["dr", "ann", {"attendee": "bob", "no_show": True}, "cid"],
    )
    clinic.tell(
        "cancelled",
        "03-10 15:00",
        "other",
        attendees=["dr", "eve", {"attendee": "fay", "no_show": True}],
    )
    rows = clinic.slots().set_index("patient_id")
    assert rows.outcome.to_dict() == {
        "ann": "attended",
        "bob": "no_show",
        "cid": "attended",
        "dee": "cancelled",
        "eve": "cancelled",
        "fay": "no_show",
    }
    lives = clinic.visits().lifecycle().set_index("appointment_id")
    assert lives.outcome.to_dict() == {"v": "attended", "other": "no_show"}
    assert lives.n_slots.to_dict() == {"v": 4, "other": 2}


def test_who_leaves_and_joins_the_next_start_again(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", start=FIRST, attendees=["dr", "ann", "bob"])
    clinic.tell("rescheduled", "03-02 09:00", start=SECOND, attendees=["dr", "ann"])
    clinic.tell("rescheduled", "03-03 09:00", start=THIRD, attendees=["dr", "ann", "bob"])
    clinic.tell("completed", "03-14 15:30", start=THIRD, attendees=["dr", "ann", "bob"])
    assert ends(clinic) == [
        ("ann", 1, 10, "rescheduled"),
        ("ann", 2, 12, "rescheduled"),
        ("ann", 3, 14, "attended"),
        ("bob", 1, 10, "cancelled"),
        ("bob", 3, 14, "attended"),
    ]


def test_who_left_is_not_touched_by_what_happens_later(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", "bob"])
    clinic.tell("updated", "03-02 09:00", attendees=["dr", "ann"])
    clinic.tell("cancelled", "03-03 09:00", attendees=["dr", "ann"])
    clinic.tell("updated", "03-04 09:00", attendees=["dr", "ann"], history=[("scheduled", None)])
    clinic.tell("completed", "03-10 15:30", attendees=["dr", "ann"])
    rows = clinic.slots().set_index("patient_id")
    assert rows.outcome.to_dict() == {"ann": "attended", "bob": "cancelled"}
    assert rows.cancelled_at["bob"] == clinic.at("03-02 09:00")


# Who is listed, and who is not


def test_versions_that_list_nobody_tell_what_happened_all_the_same(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    clinic.tell("started", "03-10 15:00", attendees=[])
    clinic.tell("completed", "03-10 15:30", attendees=[])
    assert clinic.slot()["outcome"] == "attended"


def test_a_visit_that_never_lists_anybody_is_one_slot_for_each_start(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=[], host=None)
    clinic.tell("rescheduled", "03-02 09:00", attendees=[], host=None, start=SECOND)
    clinic.tell("completed", "03-12 15:30", attendees=[], host=None, start=SECOND)
    assert ends(clinic) == [(None, 1, 10, "rescheduled"), (None, 2, 12, "attended")]


def test_an_observer_is_who_the_last_version_says(clinic: Clinic) -> None:
    for when, bob, cid in [("03-01", True, None), ("03-02", False, True), ("03-03", None, True)]:
        attendees: list[str | dict[str, Any]] = [
            "ann",
            {"attendee": "bob", "is_observer": bob},
            {"attendee": "cid", "is_observer": cid},
        ]
        clinic.tell("updated", f"{when} 09:00", attendees=attendees)
    assert [row[0] for row in ends(clinic)] == ["ann", "bob"]


@pytest.mark.parametrize("first", [True, None, False])
@pytest.mark.parametrize("then", [True, None, False])
def test_who_only_looks_on_does_so_at_every_start(
    clinic: Clinic, first: bool | None, then: bool | None
) -> None:
    for name, when, start, looks_on in [
        ("created", "03-01 09:00", FIRST, first),
        ("rescheduled", "03-02 09:00", SECOND, then),
    ]:
        bob = {"attendee": "bob", "is_observer": looks_on}
        clinic.tell(name, when, attendees=["ann", bob], start=start)
    patients = {"ann"} if (first if then is None else then) else {"ann", "bob"}
    for number, outcome in [(1, "rescheduled"), (2, "unresolved")]:
        found = [row for row in ends(clinic) if row[1] == number]
        assert {row[0] for row in found} == patients
        assert {row[3] for row in found} == {outcome}


def test_staff_caregivers_and_observers_cancel_for_whom_they_stand(clinic: Clinic) -> None:
    clinic.person("mum", caregiver_only=True, dependent="ann")
    clinic.staff("nurse", "supports")
    student = {"attendee": "student", "is_observer": True}
    for visit, who in [("v1", "mum"), ("v2", "nurse"), ("v3", "student")]:
        clinic.tell(
            "cancelled",
            "03-09 15:00",
            visit,
            attendees=["dr", "ann", "mum", "nurse", student],
            history=[("cancelled", "03-09 15:00", who)],
        )
    rows = clinic.slots().set_index("appointment_id")
    assert rows.cancelled_by.to_dict() == {"v1": "patient", "v2": "provider", "v3": "unknown"}
    assert set(rows.patient_id) == {"ann"}


def test_whether_a_meeting_is_internal_is_what_was_said_last(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", internal=True)
    clinic.tell("updated", "03-05 09:00", internal=False)
    clinic.tell("updated", "03-06 09:00", internal=None)
    assert len(clinic.slots(as_of=clinic.at("03-04 00:00"))) == 0
    assert len(clinic.slots()) == 1


# What never arrived


def test_stages_that_only_a_later_history_tells_are_inferred(clinic: Clinic) -> None:
    history = [
        ("scheduled", "03-01 09:00", "dr"),
        ("in_progress", "03-10 15:01", "dr"),
        ("completed", "03-10 15:29", "dr"),
    ]
    clinic.tell("updated", "03-11 09:00", history=history)
    life = clinic.life()
    assert [life[name] for name in ("booked_at", "started_at", "completed_at")] == [
        clinic.at(when) for _, when, _ in history
    ]
    assert [life[f"{stage}_observed"] for stage in ("booked", "started", "completed")] == [
        False,
        False,
        False,
    ]
    funnel = clinic.visits().funnel()
    assert list(funnel.n_reached) == list(funnel.n_inferred) == [1, 1, 1]


def test_the_second_word_for_started_is_the_stage_too(clinic: Clinic) -> None:
    clinic.tell("in_progress", "03-10 15:01")
    assert clinic.life()["started_observed"] is True
    assert list(clinic.visits().funnel().n_observed) == [0, 1, 0]


def test_one_clinic_across_zones_and_the_night_the_clocks_change(clinic: Clinic) -> None:
    # 2nd of November 2025, New York: 01:30 comes twice, as 05:30 and as 06:30 UTC.
    for visit, start in [("before", "11-02 05:30"), ("after", "11-02 06:30")]:
        zone: dict[str, Any] = {"start": start, "timezone": "America/New_York"}
        clinic.tell("created", "11-01 05:30", visit, **zone)
        clinic.tell("cancelled", "11-01 06:30", visit, **zone)
    clinic.tell("created", "10-31 16:00", "far", start="11-02 05:30", timezone="Asia/Tokyo")
    rows = clinic.slots().set_index("appointment_id")
    assert list(rows.start_hour[["before", "after", "far"]]) == [1, 1, 14]
    assert [day.day for day in rows.start_on] == [2, 2, 2]
    assert list(rows.lead_days[["before", "after", "far"]]) == [1, 1, 1]
    assert list(rows.notice_hours[["before", "after"]]) == [23.0, 24.0]
    assert list(rows.is_late[["before", "after"]]) == [True, False]
