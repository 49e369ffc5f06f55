"""reschedules, lead_times and punctuality: counts and quantiles worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from tests.frames import only

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

# Reschedules


def counted(row: dict[str, Any]) -> dict[str, Any]:
    """A row without intervals, and without what other tests ask about: complete, soon seen."""
    elsewhere = ("is_", "within_", "n_within", "n_followed")
    return {
        name: value
        for name, value in row.items()
        if not name.endswith(("_low", "_high")) and not name.startswith(elsewhere)
    }


def moved_visits(clinic: Clinic) -> None:
    """Four visits: moved twice, moved earlier after it was cancelled, never moved, of two people.

    v: the 10th to the 12th (48 h later, told 120 h before), then to the 11th (24 h earlier, told
    24 h before); w: cancelled, then moved from the 20th to the 18th (48 h earlier, told 96 h
    before); x: stays; y: ann and bob, both moved by 240 h into April, told 2 h after the start.
    """
    clinic.tell("created", "03-01 09:00", "v", start="03-10 15:00")
    clinic.tell("rescheduled", "03-05 15:00", "v", start="03-12 15:00")
    clinic.tell("rescheduled", "03-11 15:00", "v", start="03-11 15:00")
    clinic.tell("created", "03-01 09:00", "w", start="03-20 15:00")
    clinic.tell("cancelled", "03-15 15:00", "w", start="03-20 15:00")
    clinic.tell("rescheduled", "03-16 15:00", "w", start="03-18 15:00")
    clinic.tell("created", "03-01 09:00", "x", start="03-25 15:00")
    both = ("dr", "ann", "bob")
    clinic.tell("created", "03-01 09:00", "y", start="03-28 15:00", attendees=both)
    clinic.tell("rescheduled", "03-28 17:00", "y", start="04-07 15:00", attendees=both)


def test_reschedules(clinic: Clinic) -> None:
    moved_visits(clinic)
    row = only(clinic.visits().reschedules())
    assert counted(row) == {
        "n_slots": 10,
        "n_superseded": 5,
        "superseded_share": 0.5,
        "superseded_share_n": 10,
        "n_moved_earlier": 2,
        "n_moved_later": 3,
        "median_shift_hours": 48,  # of -48, -24, 48, 240, 240
        "median_notice_hours": 24,  # of -2, -2, 24, 96, 120
    }


def test_superseded_are_all_that_were_moved_whatever_their_outcome(clinic: Clinic) -> None:
    moved_visits(clinic)
    assert clinic.visits().outcomes().n_rescheduled[0] == 4  # w was cancelled before its move
    assert clinic.visits().reschedules().n_superseded[0] == 5


def test_reschedules_count_slots_that_are_not_due(clinic: Clinic) -> None:
    moved_visits(clinic)
    early = clinic.visits(as_of=clinic.at("03-06 00:00"))
    assert early.outcomes().n_not_due[0] == 6
    assert list(early.reschedules()[["n_slots", "n_superseded"]].iloc[0]) == [6, 1]


def test_a_slot_that_was_left_belongs_to_the_period_of_its_own_start(clinic: Clinic) -> None:
    moved_visits(clinic)
    rows = clinic.visits().reschedules(every="month")
    assert list(rows.period_on) == [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-04-01")]
    assert list(rows.n_slots) == [8, 2]
    assert list(rows.n_superseded) == [5, 0]
    assert pd.isna(rows.median_shift_hours[1])
    assert rows.superseded_share[1] == 0


# Lead times


def test_lead_times_are_local_calendar_days_to_the_first_start(clinic: Clinic) -> None:
    """Booked late in the evening in New York for the next morning there: one day, on one UTC day.

    The others: 0 days, 9 days although moved to the 20th, -1 (booked afterwards), unknown.
    """
    clinic.tell("created", "03-05 03:30", "v1", start="03-05 15:00", timezone="America/New_York")
    clinic.tell("created", "03-10 09:00", "v2")
    clinic.tell("created", "03-01 09:00", "v3")
    clinic.tell("rescheduled", "03-02 09:00", "v3", start="03-20 15:00")
    clinic.tell("created", "03-11 09:00", "v4")
    clinic.tell("updated", "03-01 09:00", "v5")
    row = only(clinic.visits().lead_times())
    assert counted(row) == {
        "n_appointments": 5,
        "n_with_lead": 4,
        "median_lead_days": 0.5,  # of -1, 0, 1, 9
        "p90_lead_days": pytest.approx(1 + 0.7 * 8),
    }


def test_lead_times_are_by_the_period_of_booking_whatever_dates_the_window(clinic: Clinic) -> None:
    clinic.tell("created", "02-20 09:00", "v1", start="03-02 15:00")
    clinic.tell("created", "03-01 09:00", "v2", start="03-03 15:00")
    clinic.tell("updated", "03-01 09:00", "v3", start="03-04 15:00")
    clinic.tell("created", "02-20 09:00", "before", start="02-28 15:00")
    for on in ("start", "booked"):  # whatever it says, the window is one of bookings
        rows = clinic.visits(start="2025-03-01", on=on).lead_times(every="month")
        found = list(zip(rows.period_on, rows.n_appointments, strict=True))
        assert found == [(pd.Timestamp("2025-03-01"), 1)]
    rows = clinic.visits().lead_times(every="month")
    assert pd.isna(rows.period_on.iloc[-1])
    assert (rows.n_appointments.iloc[-1], rows.n_with_lead.iloc[-1]) == (1, 0)
    assert pd.isna(rows.median_lead_days.iloc[-1])


def test_lead_times_count_appointments_not_slots(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", "bob"])
    clinic.tell("rescheduled", "03-02 09:00", start="03-20 15:00", attendees=["dr", "ann", "bob"])
    assert clinic.visits().lead_times().n_appointments[0] == 1


# Punctuality


def timed(clinic: Clinic, visit: str, start: str | None, end: str | None) -> None:
    clinic.tell("completed", "03-10 16:00", visit, actual_start_time=start, actual_end_time=end)


def test_punctuality(clinic: Clinic) -> None:
    """Planned 15:00 to 15:30: 5 late and 10 over; 5 early and 5 under; 20 late, 30 over."""
    timed(clinic, "v1", "03-10 15:05", "03-10 15:40")
    timed(clinic, "v2", "03-10 14:55", "03-10 15:25")
    timed(clinic, "v3", "03-10 15:20", "03-10 16:00")
    timed(clinic, "no end", "03-10 17:00", None)
    timed(clinic, "no times", None, None)
    clinic.tell(
        "created", "03-01 09:00", "missed", attendees=[{"attendee": "bob", "no_show": True}]
    )
    clinic.tell(
        "started", "12-30 15:00", "not due", start="12-30 15:00", actual_start_time="12-30 15:30"
    )
    row = only(clinic.visits().punctuality())
    assert counted(row) == {
        "n_attended": 5,
        "n_with_actual_times": 3,
        "median_start_delay_minutes": 5,
        "p90_start_delay_minutes": pytest.approx(5 + 0.8 * 15),
        "median_overrun_minutes": 10,
    }
    assert row["n_attended"] == clinic.visits().outcomes().n_attended[0]


def test_without_a_planned_end_there_is_a_delay_and_no_overrun(clinic: Clinic) -> None:
    clinic.tell(
        "completed",
        "03-10 16:00",
        minutes=None,
        actual_start_time="03-10 15:03",
        actual_end_time="03-10 15:30",
    )
    (row,) = clinic.visits().punctuality().to_dict("records")
    assert (row["n_with_actual_times"], row["median_start_delay_minutes"]) == (1, 3)
    assert pd.isna(row["median_overrun_minutes"])


def test_a_group_nobody_of_whom_came_has_a_row_of_zeros(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    rows = clinic.visits().punctuality("host", "week")
    assert list(rows.host) == ["dr"]
    assert list(rows.n_attended) == [0]
    assert pd.isna(rows.median_start_delay_minutes[0])
