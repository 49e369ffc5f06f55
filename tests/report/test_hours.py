"""Hours as a director reads them: sentences and table, on figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.figures.lost_time import FIGURE as LOST_TIME
from avon_analytics.figures.refills import FIGURE as REFILLS
from avon_analytics.report.page.collect import collect
from avon_analytics.report.page.hours import hours_findings
from avon_analytics.report.page.render import render
from avon_analytics.report.page.tables import HOUR_COLUMNS, hours_by_period

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp

HOURS = (
    *("planned_hours", "attended_hours", "no_show_hours", "late_cancelled_hours"),
    *("late_rescheduled_hours", "released_in_time_hours", "unresolved_hours"),
    *("won_back_hours", "lost_hours"),
)
JUNE = (100.0, 60.0, 9.0, 8.0, 3.0, 15.0, 5.0, 1.0, 18.5)
JULY = (80.0, 62.0, 0.0, 8.0, 0.0, 10.0, 0.0, 0.0, 8.0)


def lost_time(*rows: tuple[float | None, ...], without: int = 0, **more: list[Any]) -> pd.DataFrame:
    """Rows of 120 sessions, with these hours."""
    frame = pd.DataFrame(rows, columns=list(HOURS))
    ratio = frame["lost_hours"] / frame["planned_hours"]
    told: dict[str, Any] = {"n_sessions": 120, "n_without_length": without, **more}
    return frame.assign(lost_ratio=ratio, is_whole=True, **told)


def refills(*told: float | None) -> pd.DataFrame:
    names = ("n_released", "released_hours", "n_refilled", "refilled_hours", "refilled_ratio")
    return pd.DataFrame([told], columns=[*names, "attended_again_hours", "median_hours_to_refill"])


def test_the_builders_name_columns_of_the_figures() -> None:
    assert {*HOURS, *HOUR_COLUMNS} <= set(LOST_TIME.spelled)
    assert set(refills(*[0] * 7)) <= set(REFILLS.spelled)


@pytest.fixture
def told(clinic: MadeUp) -> Any:
    def content(**figures: Any) -> Any:
        made = clinic.content(2)
        return replace(made, figures=replace(made.figures, **figures))

    return content


def test_what_was_lost_is_told_of_the_last_complete_month_and_of_all(told: Any) -> None:
    months = lost_time(
        *(JULY, JUNE, JULY),
        period_on=[date(2025, 7, 1), date(2025, 6, 1), date(2025, 8, 1)],
        is_mature=[True, True, False],
    )
    found = hours_findings(told(lost_time=lost_time(JUNE, without=2), lost_time_by_period=months))
    assert [each.topic for each in found] == ["Jul 2025", "The whole period"]
    assert [each.text.replace("\u00a0", " ") for each in found] == [
        "Of 80.0 planned hours 8.0 were lost (10.0 %): 8.0 cancelled late.",
        # 9 + 8 + 3 = 20, of which 18.5 were lost.
        "Of 100.0 planned hours 18.5 were lost (18.5 %): 9.0 missed, 8.0 cancelled late and 3.0 "
        "moved late, less 1.5 in which others were seen or that two sessions shared. 2 of 120 "
        "sessions have no usable end and are in none of these.",
    ]


def test_what_was_filled_again(told: Any) -> None:
    def words(*row: float | None) -> str:
        content = told(lost_time=lost_time(JUNE), refills=refills(*row))
        (text,) = (each.text for each in hours_findings(content) if each.topic == "Filled again")
        return text.replace("\u00a0", " ")

    assert words(10, 8, 3, 2.0, 0.25, 1.5, 100.0) == (
        "10 sessions of 8.0 hours were cancelled or moved away before the start. Other visits "
        "were planned into 2.0 of these hours afterwards (25.0 %), and somebody came to 1.5. Half "
        "of the sessions filled again were so within 4 days."
    )
    assert words(0, 0, 0, 0, None, 0, None) == "No session was given back before its start."
    assert words(None, None, None, None, None, None, None).startswith("Blank")


def test_without_usable_hours_it_says_so_and_draws_nothing(told: Any) -> None:
    nothing = lost_time((0.0,) * 9, without=120)
    content = told(
        lost_time=nothing, lost_time_by_period=nothing.assign(period_on=date(2025, 6, 1))
    )
    (only,) = hours_findings(content)
    assert only.text.startswith("No session has usable hours: of 120 sessions 120 report no end")
    assert hours_by_period(content.figures, content.every) is None
    page = render(content)
    assert '<section id="hours"' in page
    assert "Stacked bars: planned hours" not in page


def test_without_sessions_or_where_they_are_not_asked_for_there_is_no_section(told: Any) -> None:
    assert hours_findings(told(lost_time=lost_time((0.0,) * 9, n_sessions=[0]))) == []
    assert hours_findings(told()) == []
    assert 'href="#hours"' not in render(told())


def test_older_months_are_added_up(told: Any) -> None:
    months = pd.date_range("2022-01-01", periods=38, freq="MS").date
    frame = lost_time(*[JUNE] * 38, period_on=list(months), is_mature=[True] * 38)
    content = told(lost_time=lost_time(JUNE), lost_time_by_period=frame)
    table = hours_by_period(content.figures, content.every)
    assert table is not None
    first, last = table.lines[0], table.lines[-1]
    assert (first.name, last.name, len(table.lines)) == ("Jan 2022 to Feb 2022", "All", 38)
    assert [cell.text.replace("\u00a0", " ") for cell in first.cells] == [
        *("18.5 %", "240", "200.0", "120.0", "18.0", "16.0", "6.0", "30.0", "10.0", "2.0", "37.0"),
    ]


def test_hours_are_not_told_where_counts_are_blank(sample: Any) -> None:
    """Visits are much of a length: hours would tell the counts."""
    with avon.open(sample.db) as store:
        visits = store.appointments(min_count=11)
        figures = collect(store._database, visits, title="t", every="month").figures
        expected = visits.lost_time()
    assert figures.outcomes_by_period.n_unresolved.isna().any()
    assert figures.lost_time_by_period is None
    assert not figures.outcomes.n_unresolved.isna().any()
    assert figures.lost_time is not None
    assert figures.refills is not None
    pd.testing.assert_frame_equal(figures.lost_time, expected)
