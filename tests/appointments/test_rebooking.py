"""rebooking: who came back, typed out patient by patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.errors import UsageError
from tests.frames import only

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def book(clinic: Clinic, visit: str, patient: str, booked: str, start: str, **more: Any) -> None:
    clinic.tell("created", booked, visit, start=start, attendees=["dr", patient], **more)


def end(clinic: Clinic, visit: str, patient: str, event: str, when: str, start: str) -> None:
    clinic.tell(event, when, visit, start=start, attendees=["dr", patient])


def miss(clinic: Clinic, visit: str, patient: str, start: str) -> None:
    clinic.tell(
        "completed", start, visit, start=start, attendees=[{"attendee": patient, "no_show": True}]
    )


def row_of(clinic: Clinic, days: int = 30, **scope: Any) -> dict[str, Any]:
    row = only(clinic.visits(**scope).rebooking(days=days))
    return {name: row[name] for name in row if not name.endswith(("_low", "_high"))}


def counts(clinic: Clinic, days: int = 30, **scope: Any) -> tuple[int, ...]:
    """n_index, n_followed, n_already_held, n_rebooked, n_returned."""
    row = row_of(clinic, days, **scope)
    names = ("n_index", "n_followed", "n_already_held", "n_rebooked", "n_returned")
    return tuple(row[name] for name in names)


def test_six_patients(clinic: Clinic) -> None:
    """One of each fate; the instants of the index events are those of the comments."""
    # ann cancels on 03-05 10:00, books again a week later, and comes on the 20th.
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    end(clinic, "a1", "ann", "cancelled", "03-05 10:00", "03-10 15:00")
    book(clinic, "a2", "ann", "03-12 10:00", "03-20 15:00")
    end(clinic, "a2", "ann", "completed", "03-20 15:30", "03-20 15:00")
    # bob misses the 10th, with another visit booked, to which he comes.
    miss(clinic, "b1", "bob", "03-10 15:00")
    book(clinic, "b2", "bob", "03-01 09:00", "03-25 15:00")
    end(clinic, "b2", "bob", "completed", "03-25 15:30", "03-25 15:00")
    # cid misses the 10th, books on the last instant of the 30 days, and comes too late to count.
    miss(clinic, "c1", "cid", "03-10 15:00")
    book(clinic, "c2", "cid", "04-09 15:00", "04-10 15:00")
    end(clinic, "c2", "cid", "completed", "04-10 15:30", "04-10 15:00")
    # dan cancels on 03-09; a second visit had been cancelled the day before: two index events.
    book(clinic, "d1", "dan", "03-01 09:00", "03-10 15:00")
    end(clinic, "d1", "dan", "cancelled", "03-09 09:00", "03-10 15:00")
    book(clinic, "d2", "dan", "03-01 09:00", "03-20 15:00")
    end(clinic, "d2", "dan", "cancelled", "03-08 09:00", "03-20 15:00")
    # eve misses a visit 21 days before T: not followed.
    miss(clinic, "e1", "eve", "12-10 00:00")
    # A visit of nobody known is cancelled: nobody to follow.
    clinic.tell("cancelled", "03-05 10:00", "f1", attendees=["dr"])
    assert row_of(clinic) == {
        "n_index": 7,
        "n_followed": 5,  # ann, bob, cid, dan twice
        "n_already_held": 2,  # bob, and dan when he cancelled the first of two
        "n_rebooked": 2,  # ann, cid
        "rebooked_share": 2 / 3,
        "rebooked_share_n": 3,
        "n_returned": 2,  # ann, bob
        "returned_share": 2 / 5,
        "returned_share_n": 5,
        "median_days_to_rebook": 18.5,  # of 7 and 30
    }


@pytest.mark.parametrize(
    ("days", "as_of", "expected"),
    [
        (7, "03-12 10:00", (1, 1, 0, 1, 0)),
        (7, "03-12 09:59", (1, 0, 0, 0, 0)),
        (6, "03-12 10:00", (1, 1, 0, 0, 0)),
        (14, "03-21 10:00", (1, 1, 0, 1, 0)),
        (15, "03-21 10:00", (1, 1, 0, 1, 0)),
        (16, "03-21 10:00", (1, 1, 0, 1, 1)),
    ],
)
def test_followed_are_those_with_so_many_days_before_t(
    clinic: Clinic, days: int, as_of: str, expected: tuple[int, ...]
) -> None:
    """Cancelled on 03-05 10:00, booked on 03-12 10:00, came on 03-20 15:00 (15.2 days later)."""
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    end(clinic, "a1", "ann", "cancelled", "03-05 10:00", "03-10 15:00")
    book(clinic, "a2", "ann", "03-12 10:00", "03-20 15:00")
    end(clinic, "a2", "ann", "completed", "03-20 15:30", "03-20 15:00")
    assert counts(clinic, days, as_of=clinic.at(as_of)) == expected


@pytest.mark.parametrize(
    ("booked", "start", "ends", "held"),
    [
        ("03-05 09:59", "03-20 15:00", None, True),
        ("03-05 10:00", "03-20 15:00", None, True),  # of one instant: held, not booked afterwards
        ("03-05 10:01", "03-20 15:00", None, False),
        ("03-01 09:00", "03-05 10:00", None, False),  # its start is not to come any more
        ("03-01 09:00", "03-05 10:01", None, True),
        ("03-01 09:00", "03-20 15:00", ("cancelled", "03-05 09:59"), False),
        ("03-01 09:00", "03-20 15:00", ("cancelled", "03-05 10:01"), True),
        ("03-01 09:00", "03-20 15:00", ("completed", "03-20 15:30"), True),
    ],
)
def test_already_held(
    clinic: Clinic, booked: str, start: str, ends: tuple[str, str] | None, held: bool
) -> None:
    """ann cancels on 03-05 10:00; what else does she hold at that instant?"""
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    end(clinic, "a1", "ann", "cancelled", "03-05 10:00", "03-10 15:00")
    book(clinic, "a2", "ann", booked, start)
    if ends is not None:
        end(clinic, "a2", "ann", *ends, start)
    rows = clinic.visits(start="2025-03-10", end="2025-03-11").rebooking()
    assert list(rows.n_already_held) == [int(held)]


def test_a_visit_moved_past_the_instant_is_held_at_its_new_start(clinic: Clinic) -> None:
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    end(clinic, "a1", "ann", "cancelled", "03-05 10:00", "03-10 15:00")
    book(clinic, "a2", "ann", "03-01 09:00", "03-04 15:00")
    window: dict[str, Any] = {"start": "2025-03-10", "end": "2025-03-11"}
    assert counts(clinic, **window)[2] == 0
    end(clinic, "a2", "ann", "rescheduled", "03-03 09:00", "03-25 15:00")
    assert counts(clinic, **window)[2] == 1


def test_a_visit_moved_after_the_instant_was_held_at_its_old_start_alone(clinic: Clinic) -> None:
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    end(clinic, "a1", "ann", "cancelled", "03-05 10:00", "03-10 15:00")
    book(clinic, "a2", "ann", "03-01 09:00", "03-04 15:00")
    end(clinic, "a2", "ann", "rescheduled", "03-06 09:00", "03-25 15:00")
    assert counts(clinic, start="2025-03-10", end="2025-03-11")[2] == 0


def test_the_same_appointment_moved_is_no_other_one_but_coming_to_it_is_a_return(
    clinic: Clinic,
) -> None:
    miss(clinic, "a1", "ann", "03-10 15:00")
    end(clinic, "a1", "ann", "rescheduled", "03-11 09:00", "03-20 15:00")
    end(clinic, "a1", "ann", "completed", "03-20 15:30", "03-20 15:00")
    assert counts(clinic) == (1, 1, 0, 0, 1)


def test_the_same_appointment_moved_before_the_instant_is_not_held_either(clinic: Clinic) -> None:
    """Marked as missed on the 5th, moved on the 6th: on the 10th, its old start, it is still on."""
    gone = [{"attendee": "ann", "no_show": True}]
    clinic.tell("created", "03-01 09:00", "a1", attendees=["ann"])
    clinic.tell("updated", "03-05 09:00", "a1", attendees=gone)
    clinic.tell("rescheduled", "03-06 09:00", "a1", start="03-20 15:00", attendees=["ann"])
    assert list(clinic.slots().outcome) == ["no_show", "unresolved"]
    assert counts(clinic) == (1, 1, 0, 0, 0)
    book(clinic, "a2", "ann", "03-01 09:00", "03-25 15:00")
    assert counts(clinic)[2] == 1


def test_an_own_booking_told_after_the_start_is_not_a_rebooking(clinic: Clinic) -> None:
    """Booked after its own start, as a walk-in is; the next booking is the one that counts."""
    clinic.tell(
        "completed",
        "03-10 16:00",
        "a1",
        created_at="03-10 15:10",
        attendees=[{"attendee": "ann", "no_show": True}],
    )
    assert counts(clinic) == (1, 1, 0, 0, 0)
    book(clinic, "a2", "ann", "03-15 15:00", "06-20 15:00")
    row = row_of(clinic)
    assert (row["n_rebooked"], row["median_days_to_rebook"]) == (1, 5)


def test_another_patients_booking_is_not_theirs(clinic: Clinic) -> None:
    miss(clinic, "a1", "ann", "03-10 15:00")
    book(clinic, "b1", "bob", "03-12 15:00", "03-20 15:00")
    end(clinic, "b1", "bob", "completed", "03-20 15:30", "03-20 15:00")
    assert counts(clinic) == (1, 1, 0, 0, 0)


def test_coming_back_is_looked_for_outside_the_cohort(clinic: Clinic) -> None:
    miss(clinic, "a1", "ann", "03-10 15:00")
    book(clinic, "a2", "ann", "03-12 15:00", "04-02 15:00", host="el")
    clinic.tell("completed", "04-02 15:30", "a2", start="04-02 15:00", attendees=["ann"], host="el")
    narrow: dict[str, Any] = {"end": "2025-03-11", "where": {"host": "dr"}}
    assert counts(clinic, **narrow) == (1, 1, 0, 1, 1)


def test_internal_meetings_count_where_they_are_asked_for(clinic: Clinic) -> None:
    miss(clinic, "a1", "ann", "03-10 15:00")
    book(clinic, "m", "ann", "03-12 15:00", "03-20 15:00", internal=True)
    assert counts(clinic)[3] == 0
    assert counts(clinic, include_internal=True)[3] == 1
    assert counts(clinic)[3] == 0


def test_nothing_cancelled_is_a_row_of_zeros_and_nothing_at_all_is_none(clinic: Clinic) -> None:
    book(clinic, "a1", "ann", "03-01 09:00", "03-10 15:00")
    row = row_of(clinic)
    assert row["n_index"] == 0
    assert pd.isna(row["rebooked_share"])
    assert len(clinic.visits(start="2030-01-01").rebooking()) == 0


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "30", 100_000])
def test_days_are_a_whole_number(clinic: Clinic, days: Any) -> None:
    with pytest.raises(UsageError, match="whole number of days"):
        clinic.visits().rebooking(days=days)
