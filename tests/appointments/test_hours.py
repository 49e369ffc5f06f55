"""lost_time and refills: hours worked out by hand, visit by visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.errors import UnknownGroup

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

BOOKED = "03-01 09:00"


def book(clinic: Clinic, visit: str, start: str, minutes: float | None = 60, **more: Any) -> None:
    clinic.tell("created", more.pop("booked", BOOKED), visit, start=start, minutes=minutes, **more)


def attend(clinic: Clinic, visit: str, start: str, minutes: float = 60, **more: Any) -> None:
    book(clinic, visit, start, minutes, **more)
    more.pop("booked", None)
    clinic.tell("completed", f"{start[:5]} 23:30", visit, start=start, minutes=minutes, **more)


def miss(clinic: Clinic, visit: str, start: str, minutes: float = 60, **more: Any) -> None:
    people = ["dr", {"attendee": "ann", "no_show": True}]
    clinic.tell("created", BOOKED, visit, start=start, minutes=minutes, **more)
    told = {"start": start, "minutes": minutes, "attendees": people, **more}
    clinic.tell("completed", f"{start[:5]} 23:30", visit, **told)


def cancel(clinic: Clinic, visit: str, when: str, start: str, by: str = "ann", **more: Any) -> None:
    book(clinic, visit, start, **more)
    told = [("cancelled", when, by)]
    clinic.tell("cancelled", when, visit, start=start, minutes=60, history=told)


def row_of(clinic: Clinic, figure: str = "lost_time", **scope: Any) -> dict[str, Any]:
    (row,) = getattr(clinic.visits(**scope), figure)().to_dict("records")
    return {
        name: value
        for name, value in row.items()
        if value and not name.startswith("is_") and not name.endswith(("_n", "_low", "_high"))
    }


def test_a_day_of_each_fate(clinic: Clinic) -> None:
    attend(clinic, "a", "03-10 08:00")
    miss(clinic, "b", "03-10 09:00")
    cancel(clinic, "c", "03-10 07:00", "03-10 10:00")  # 3 hours before: late, by the patient
    cancel(clinic, "d", "03-10 07:00", "03-10 11:00", by="dr")
    cancel(clinic, "e", "03-08 07:00", "03-10 12:00")  # in time
    book(clinic, "f", "03-10 13:00")
    clinic.tell("rescheduled", "03-10 12:30", "f", start="03-20 13:00", minutes=60)
    clinic.tell("completed", "03-20 14:00", "f", start="03-20 13:00", minutes=60)
    book(clinic, "g", "03-10 14:00")  # never closed
    book(clinic, "h", "03-10 15:00", None)  # without an end
    book(clinic, "i", "03-10 16:00", 25 * 60)  # over 24 hours
    assert row_of(clinic) == {
        "n_sessions": 10,
        "n_without_length": 2,
        "planned_hours": 8.0,
        "attended_hours": 2.0,
        "no_show_hours": 1.0,
        "late_cancelled_hours": 2.0,
        "late_rescheduled_hours": 1.0,
        "released_in_time_hours": 1.0,
        "unresolved_hours": 1.0,
        "late_cancelled_by_patient_hours": 1.0,
        "late_cancelled_by_provider_hours": 1.0,
        "lost_hours": 4.0,
        "lost_ratio": 0.5,
    }
    by_day = clinic.visits().lost_time(every="day")
    assert by_day.planned_hours.tolist() == [7.0, 1.0]
    # With an hour of notice as enough, only the move, half an hour before, is late.
    assert row_of(clinic, late=1)["lost_hours"] == 2.0


def test_a_group_session_is_one(clinic: Clinic) -> None:
    six = [{"attendee": f"p{n}", "no_show": n > 0} for n in range(6)]
    clinic.tell("created", BOOKED, "v", minutes=90, attendees=["dr", *six], group=True)
    clinic.tell("completed", "03-10 17:00", "v", minutes=90, attendees=["dr", *six], group=True)
    assert row_of(clinic) == {"n_sessions": 1, "planned_hours": 1.5, "attended_hours": 1.5}


def test_a_session_across_time_zones_has_one_local_day(clinic: Clinic) -> None:
    """Cancelled on the day before, wherever one of its patients lives."""
    clinic.person("ann", timezone="Pacific/Honolulu")  # 12:30 on the 1st, cancelled on May 31st
    clinic.person("ben", timezone="Asia/Kolkata")  # 4:00 on the 2nd, cancelled on the 1st, 0:30
    people = ("dr", "ann", "ben")
    told: dict[str, Any] = {"start": "06-01 22:30", "minutes": 60, "attendees": people}
    clinic.tell("created", BOOKED, **told)
    clinic.tell("cancelled", "05-31 19:00", **told)
    assert not any(clinic.slots(late="same_day").is_late)
    row = row_of(clinic, late="same_day")
    assert (row["released_in_time_hours"], "late_cancelled_hours" in row) == (1.0, False)


def test_a_session_across_time_zones_is_in_one_group(clinic: Clinic) -> None:
    # Monday evening in New York is Tuesday morning in Tokyo.
    clinic.person("ann", timezone="America/New_York")
    clinic.person("ben", timezone="Asia/Tokyo")
    at_once: dict[str, Any] = {"start": "03-10 23:00", "minutes": 60, "group": True}
    both = {"attendees": ["dr", "ann", "ben"], **at_once}
    clinic.tell("created", BOOKED, "v", **both)
    history = [("cancelled", "03-10 22:00", "dr")]
    clinic.tell("cancelled", "03-10 22:00", "v", history=history, **both)
    visits = clinic.visits()
    assert visits.slots().time_zone.nunique() == 2
    for figure, count in (("lost_time", "n_sessions"), ("refills", "n_released")):
        for how in ({"by": "weekday"}, {"by": "hour"}):
            rows = getattr(visits, figure)(**how)
            assert rows[count].tolist() == [1], (figure, how)
            assert len(visits.behind(rows, 0, count)) == 1


def test_a_session_moved_twice_is_three(clinic: Clinic) -> None:
    book(clinic, "v", "03-10 08:00")
    clinic.tell("rescheduled", "03-09 20:00", "v", start="03-11 08:00", minutes=60)  # 12 h before
    clinic.tell("rescheduled", "03-09 21:00", "v", start="03-12 08:00", minutes=60)  # 35 h before
    clinic.tell("completed", "03-12 09:00", "v", start="03-12 08:00", minutes=60)
    row = row_of(clinic)
    assert (row["n_sessions"], row["late_rescheduled_hours"]) == (3, 1.0)
    assert (row["released_in_time_hours"], row["attended_hours"]) == (1.0, 1.0)


def test_a_lost_moment_counts_once_and_what_was_attended_is_not_lost(clinic: Clinic) -> None:
    # Double booked at 10: both missed. Half past ten to half past eleven somebody else came.
    miss(clinic, "a", "03-10 10:00")
    miss(clinic, "b", "03-10 10:00")
    attend(clinic, "c", "03-10 10:30")
    row = row_of(clinic)
    assert row["no_show_hours"] == 2.0
    assert row["lost_hours"] == 0.5
    assert "won_back_hours" not in row


def test_what_came_after_the_release_is_won_back(clinic: Clinic) -> None:
    cancel(clinic, "a", "03-10 07:00", "03-10 10:00")
    attend(clinic, "b", "03-10 10:15", 30, booked="03-10 08:00")
    attend(clinic, "c", "03-10 10:30", 15, booked=BOOKED)  # was double booked before
    row = row_of(clinic)
    assert row["late_cancelled_hours"] == 1.0
    assert row["lost_hours"] == 0.5
    assert row["won_back_hours"] == 0.5


def test_over_midnight_and_over_a_clock_change(clinic: Clinic) -> None:
    # From 23:30 to 00:30 of the next day, and attended from midnight on.
    miss(clinic, "a", "03-10 23:30")
    attend(clinic, "b", "03-11 00:00", 30)
    assert row_of(clinic)["lost_hours"] == 0.5
    clinic.clear()
    # New York springs forward at 07:00 UTC of the 9th of March: three hours on the clock are two.
    miss(clinic, "a", "03-09 06:00", 120, timezone="America/New_York")
    assert row_of(clinic)["lost_hours"] == 2.0


def test_a_refill_of_half_the_time(clinic: Clinic) -> None:
    cancel(clinic, "a", "03-09 10:00", "03-10 10:00")
    attend(clinic, "b", "03-10 10:30", booked="03-09 12:00")  # half of it, two hours later
    cancel(clinic, "c", "03-09 10:00", "03-10 14:00")
    book(clinic, "d", "03-10 14:40", booked="03-09 11:00")  # a third of it, and nobody knows
    cancel(clinic, "e", "03-09 10:00", "03-10 18:00")
    attend(clinic, "f", "03-10 18:00")  # booked before the release: no refill
    row = row_of(clinic, "refills")
    assert row == {
        "n_released": 3,
        "released_hours": 3.0,
        "n_refilled": 1,
        "refilled_share": pytest.approx(1 / 3),
        "refilled_hours": pytest.approx(0.5 + 1 / 3),
        "refilled_ratio": pytest.approx((0.5 + 1 / 3) / 3),
        "attended_again_hours": 0.5,
        "median_hours_to_refill": 2.0,
    }


def test_a_refill_that_was_cancelled_itself_and_refilled(clinic: Clinic) -> None:
    cancel(clinic, "a", "03-08 10:00", "03-10 10:00")
    cancel(clinic, "b", "03-09 10:00", "03-10 10:00", booked="03-08 12:00")
    attend(clinic, "c", "03-10 10:00", booked="03-09 12:00")
    rows = clinic.visits().refills(by="name")
    # b refilled a; c counts for b alone, which was released last.
    assert rows.n_refilled.tolist() == [2]
    assert rows.refilled_hours.tolist() == [2.0]
    assert rows.attended_again_hours.tolist() == [1.0]


def test_a_moved_appointment_may_refill_what_it_left(clinic: Clinic) -> None:
    book(clinic, "v", "03-10 10:00")
    clinic.tell("rescheduled", "03-09 10:00", "v", start="03-10 10:15", minutes=60)
    clinic.tell("completed", "03-10 11:30", "v", start="03-10 10:15", minutes=60)
    (row,) = clinic.visits().refills(by=["released_by", "notice_band"]).to_dict("records")
    assert (row["released_by"], row["notice_band"]) == ("rescheduled", "1-7 days")
    assert row["refilled_hours"] == 0.75
    assert (row["n_refilled"], row["median_hours_to_refill"]) == (1, 0.0)


def test_what_was_released_at_its_start_is_late_and_no_refill_is_asked_for(clinic: Clinic) -> None:
    cancel(clinic, "a", "03-10 10:00", "03-10 10:00")
    assert len(clinic.visits().refills()) == 0
    assert row_of(clinic)["late_cancelled_hours"] == 1.0


def test_only_what_is_the_sessions_own_divides_it(clinic: Clinic) -> None:
    attend(clinic, "a", "03-10 10:00", custom={"cfld_a": '"x"'})
    clinic.person("ann", custom={"cfld_p": '"y"'})
    assert clinic.visits().lost_time(by="custom:cfld_a").planned_hours.tolist() == [1.0]
    for name in ("patient_state", "patient_visit", "custom:cfld_p", "notice_band"):
        with pytest.raises(UnknownGroup):
            clinic.visits().lost_time(by=name)


def test_nothing_is_a_typed_frame(clinic: Clinic) -> None:
    for figure in ("lost_time", "refills", "returns", "replies"):
        rows = getattr(clinic.visits(), figure)(by="host")
        assert len(rows) == 0
        assert {str(rows[name].dtype) for name in rows if name.startswith("n_")} == {"int64"}
        assert {str(rows[name].dtype) for name in rows if name.endswith("_hours")} <= {"float64"}
