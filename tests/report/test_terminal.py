"""Figures in a terminal: aligned, within the width, and honest about what is left out."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from avon_analytics.report.terminal import outcome_summary_table, print_table


def printed(frame, width=80, **options):
    console = Console(file=io.StringIO(), width=width)
    print_table(frame, console, **options)
    return console.file.getvalue()


def squeezed(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def summary_of(frame, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(outcome_summary_table(frame, width=width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200, 300])
@pytest.mark.parametrize("name", ["outcomes_by_period", "funnel", "cancellations_by_notice"])
def test_every_figure_fits_every_width(clinic, name, width):
    frame = getattr(clinic.figures(30, scale=10), name)
    lines = printed(frame, width).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert not [line for line in lines if "…" in line]


def test_intervals_go_first_and_it_is_said(clinic):
    frame = clinic.figures(3).cancellations
    columns = ["n_due", "n_cancelled", *[name for name in frame if name.startswith("cancelled_")]]
    wide, narrow = printed(frame[columns], 60), printed(frame[columns], 38)
    assert "95 %" in wide
    assert "Not shown" not in wide
    assert "95 %" not in narrow
    assert "Not shown for lack of width: intervals" in " ".join(narrow.split())
    assert "of" in narrow.split()


def test_shares_months_and_missing(clinic):
    frame = pd.DataFrame(
        {
            "host": ["Dr. Li", None],
            "period_on": pd.to_datetime(["2025-03-01", "2025-04-01"]),
            "n_slots": [1234, 0],
            "no_show_share": [0.1234, None],
            "no_show_share_n": [81, 0],
            "no_show_share_low": [0.068, None],
            "no_show_share_high": [0.213, None],
            "is_mature": [True, False],
        }
    )
    lines = squeezed(printed(frame, 100))
    assert lines[-3:] == [
        "Dr. Li 2025-03 1,234 12.3 % 81 6.8–21.3 yes",
        "– 2025-04 * 0 – 0 – no",
        "* not complete",
    ]


@pytest.mark.parametrize(
    ("every", "shown"),
    [("year", "2025"), ("quarter", "2025-Q3"), ("month", "2025-07"), ("week", "2025-07-01")],
)
def test_periods_are_written_as_long_as_they_are(every, shown):
    frame = pd.DataFrame({"period_on": [pd.Timestamp("2025-07-01")], "n_slots": [1]})
    assert printed(frame, every=every).split()[:1] == [every.capitalize()]
    assert shown in printed(frame, every=every).split()


def test_markup_in_names_is_text_and_controls_are_gone(clinic):
    text = printed(clinic.by_host(["[red]Dr.[/red] \x1b[31mLi"]), 300)
    assert "[red]Dr.[/red] [31mLi" in text
    assert "\x1b" not in text


def test_no_rows(clinic):
    assert "no rows" in printed(clinic.figures(0).outcomes_by_period)
    assert "no slots" in summary_of(clinic.figures(0).outcomes_by_period)


def test_outcome_summary_of_a_short_history(clinic):
    lines = squeezed(summary_of(clinic.figures(2).outcomes_by_period))
    assert "2026-02 362 260 30 48 20 4 0 10.3 % of 290" in lines
    assert "2026-03 * 500 268 33 53 21 5 120 11.0 % of 301" in lines
    assert "* not complete" in lines


def test_outcome_summary_of_a_long_history(clinic):
    text = summary_of(clinic.figures(30, scale=10).outcomes_by_period)
    assert len([line for line in text.splitlines() if line.startswith("20")]) == 24
    assert text.count("earlier") == 1
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
