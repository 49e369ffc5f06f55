"""What is said of a figure besides its numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from avon_analytics.figures import FIGURES
from avon_analytics.report.tables.remarks import remarks
from avon_analytics.report.tables.titles import title_of


def frame(figure: str, columns: dict[str, list[Any]] | None = None, **attrs: Any) -> pd.DataFrame:
    made = pd.DataFrame(columns or {})
    made.attrs |= {"figure": figure, **attrs}
    return made


def test_a_figure_of_one_share_is_named_after_it() -> None:
    assert title_of(frame("outcomes")) == "Outcomes"
    assert title_of(frame("signals", share="late_share")) == "Signals: late share"


@pytest.mark.parametrize(
    ("figure", "options", "said"),
    [
        ("lead_times", {"within": 14}, ["Seen within: at most 14 days after the booking."]),
        ("rebooking", {"days": 1}, ["Patients are followed for 1 day."]),
        ("replies", {"hours": 24}, ["In time: within 24 hours."]),
        ("outcomes", {"basis": "completed"}, []),
        (
            "outcomes",
            {"basis": "booked"},
            ["No-shows are divided by all due slots that were not rescheduled."],
        ),
        ("funnel", {"unit": "slot"}, ["Counted: slots."]),
        (
            "expected",
            {"pickup": False, "closed": ["2025-12-25", "2025-12-26"], "history_from": None},
            ["Left out: 25 Dec 2025, 26 Dec 2025."],
        ),
    ],
)
def test_what_decides_the_meaning_of_a_number_is_said(
    figure: str, options: dict[str, Any], said: list[str]
) -> None:
    assert list(remarks(frame(figure, options=options))) == said


def test_every_number_that_a_figure_can_be_asked_is_said() -> None:
    told = [one for figure in FIGURES.values() for one in figure.options if one.least is not None]
    assert told
    assert all("{}" in one.says and one.of for one in told)


def test_signals_stand_beside_those_of_chance() -> None:
    share = frame(
        "signals",
        {"period_on": [1, 2, 3], "signal": [None, "higher", None]},
        expected_false_alarms={"rows": 0.0265, "groups": 0.5},
        messages=["there is no complete period"],
    )
    assert remarks(share) == (
        "1 signal, where chance alone would bring 0.026.",
        "There is no complete period.",
    )


def test_how_good_expectations_were() -> None:
    told = frame(
        "backtest",
        options={"days_ahead": 7},
        n_intervals=48,
        coverage={"no_show": 0.75, "all": 43 / 48},
        skill={"no_show": 0.527, "cancelled": -0.119, "rescheduled": None},
    )
    assert remarks(told) == (
        "Expected 7 days before each period.",
        "89.6\N{NO-BREAK SPACE}% of 48 intervals of 80 % held what came.",
        "Skill (1: no error; 0: no better than weeks before): no-show 0.53, cancelled −0.12.",
    )


def test_what_is_not_verified_or_blank() -> None:
    assert remarks(frame("outcomes", n_unverified_events=1, min_count=11)) == (
        "1 event behind it without a verified signature.",
        "Counts from 1 to 10 are blank, and what would reveal them.",
    )
