"""Which periods can be compared: mature, and wholly in the window and in the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from avon_analytics.figures import FIGURES
from tests.appointments.conftest import Clinic

# What is expected is asked of a window after T, and replies are of messages: tests of their own.
OF_PERIODS = [
    name
    for name, figure in FIGURES.items()
    if "is_whole" in figure.spelled and name not in ("expected", "replies")
]


def visit(clinic: Clinic, day: str, host: str = "dr", booked: str | None = None) -> None:
    """A visit that was held, booked on the day before unless told otherwise."""
    name = f"v{day}{host}"
    start = f"{day} 15:00"
    before = clinic.at(start) - timedelta(days=1)
    more: dict[str, Any] = {"start": start, "host": host, "attendees": [host, "ann"]}
    clinic.tell("created", booked or before, name, **more)
    clinic.tell("completed", f"{day} 15:40", name, **more)


def marks(rows: pd.DataFrame, name: str) -> dict[str, bool]:
    """The flag of each period, by its first day."""
    return dict(zip(rows.period_on.dt.strftime("%m-%d"), rows[name].tolist(), strict=True))


@pytest.fixture
def year(clinic: Clinic) -> Clinic:
    """A visit on the 20th of each month from February to June, the first event on 19 February."""
    for month in range(2, 7):
        visit(clinic, f"{month:02}-20")
    return clinic


def whole_months(visits: Any) -> dict[str, dict[str, bool]]:
    """Which months are whole, by figure: all of one cohort, whose slots are computed once."""
    return {name: marks(getattr(visits, name)(every="month"), "is_whole") for name in OF_PERIODS}


def test_a_period_that_the_window_cuts_is_not_whole(year: Clinic) -> None:
    # Bookings lie a day before the visits: the window is the same in months for lead_times.
    cut = {"03-01": False, "04-01": True, "05-01": True, "06-01": False}
    visits = year.visits(start="2025-03-12", end="2025-06-25")
    assert whole_months(visits) == dict.fromkeys(OF_PERIODS, cut)
    whole = {"03-01": True, "04-01": True, "05-01": True}
    visits = year.visits(start="2025-03-01", end="2025-06-01")
    assert whole_months(visits) == dict.fromkeys(OF_PERIODS, whole)


def test_weeks_at_the_edges_of_a_window_are_not_whole(clinic: Clinic) -> None:
    for day in ("03-03", "03-12", "03-17", "03-25"):  # weeks of the 3rd, 10th, 17th and 24th
        visit(clinic, day)
    visits = clinic.visits(start="2025-03-11", end="2025-03-31")
    assert marks(visits.outcomes(every="week"), "is_whole") == {
        "03-10": False,
        "03-17": True,
        "03-24": True,
    }
    visits = clinic.visits(start="2025-03-10", end="2025-03-30")
    assert marks(visits.outcomes(every="week"), "is_whole") == {
        "03-10": True,
        "03-17": True,
        "03-24": False,
    }


def test_the_month_in_which_the_archive_begins_is_not_whole(year: Clinic) -> None:
    months = {"02-01": False, "03-01": True, "04-01": True, "05-01": True, "06-01": True}
    assert whole_months(year.visits()) == dict.fromkeys(OF_PERIODS, months)
    year.tell("created", "02-01 00:30", "first", start="02-20 09:00")
    found = whole_months(year.visits())
    assert {name: told["02-01"] for name, told in found.items()} == dict.fromkeys(OF_PERIODS, True)


def test_the_archive_begins_on_a_day_of_the_store(clinic: Clinic) -> None:
    """The 1st of March, 03:00 in UTC, is still the 28th of February in New York."""
    visit(clinic, "03-20")
    visit(clinic, "03-21", booked="03-01 03:00")
    assert list(clinic.visits().outcomes(every="month").is_whole) == [True]
    visits = clinic.visits(as_of="12-31 00:00")
    assert not visits.outcomes(every="year").is_whole[0]


@pytest.mark.parametrize(
    ("start", "whole"),
    [("2025-02-18", False), ("2025-02-19", True), ("2025-03-01", True), (None, True)],
)
def test_without_periods_the_window_is_the_period(
    year: Clinic, start: str | None, whole: bool
) -> None:
    for end in (None, "2025-05-01"):
        rows = year.visits(start=start, end=end).outcomes()
        assert (rows.is_mature[0], rows.is_whole[0]) == (True, whole)


def test_both_are_the_same_for_all_groups(clinic: Clinic) -> None:
    def asked(visits: Any) -> list[pd.DataFrame]:
        figures = [name for name in OF_PERIODS if name != "lead_times"]
        return [getattr(visits, name)("host", "month") for name in figures]

    visit(clinic, "02-20")
    visit(clinic, "03-20", "dr")
    visit(clinic, "03-21", "el")
    clinic.tell("created", "03-01 09:00", "open", start="03-31 15:00", host="el")
    as_of = clinic.at("04-01 14:00")  # the grace of the 31st is not over
    for rows in asked(clinic.visits(as_of=as_of)):
        months = rows.period_on.dt.month
        told = list(zip(rows.host, months, rows.is_mature, rows.is_whole, strict=True))
        assert told == [("dr", 2, True, False), ("dr", 3, False, True), ("el", 3, False, True)]
    # The month and its grace are over, but a slot of it is planned to end in the next one.
    clinic.tell("updated", "04-01 10:00", "open", start="03-31 23:50", host="el")
    for rows in asked(clinic.visits(as_of=clinic.at("04-02 00:10"))):
        assert list(rows.is_mature) == [True, False, False]
    for rows in asked(clinic.visits(as_of=clinic.at("04-02 00:20"))):
        assert list(rows.is_mature) == [True, True, True]


def test_a_period_of_bookings_is_mature_when_it_is_over(clinic: Clinic) -> None:
    visit(clinic, "03-20")
    clinic.tell("created", "03-30 09:00", "open", start="06-01 15:00")
    for as_of, mature in (("03-31 23:59", False), ("04-01 00:00", True)):
        rows = clinic.visits(as_of=clinic.at(as_of)).lead_times(every="month")
        assert list(rows.is_mature) == [mature]


def test_what_has_no_period_is_not_whole(clinic: Clinic) -> None:
    visit(clinic, "03-20")
    clinic.tell("updated", "03-21 09:00", "unknown", start="03-25 15:00")
    rows = clinic.visits().lead_times(every="month")
    assert rows.period_on.isna().tolist() == [False, True]
    assert list(rows.is_whole)[-1] is False


def test_a_comparison_leaves_out_what_is_not_complete(year: Clinic) -> None:
    visit(year, "03-21", "el")
    visit(year, "06-21", "el")
    dr, el = (
        year.visits(start="2025-03-01", end="2025-06-25", where={"host": host})
        for host in ("dr", "el")
    )
    rows = dr.compare(el, every="month")
    assert sorted(set(rows.period_on.dt.month)) == [3, 4, 5]
    assert rows.share_n.notna().all()
