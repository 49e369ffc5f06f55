"""Figures in a terminal: aligned, within the width, and honest about what is left out."""

from __future__ import annotations

import io
import re
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from avon_analytics.report.tables.build import figure_table
from avon_analytics.report.terminal.cells import STARRED
from avon_analytics.report.terminal.columns import COUNT, TextColumn, headed
from avon_analytics.report.terminal.outcomes import outcome_summary_table
from avon_analytics.report.terminal.table import table
from tests.frames import column_names

if TYPE_CHECKING:
    from tests.report.conftest import MadeUp


def printed(frame: pd.DataFrame, width: int = 80, **options: Any) -> str:
    told = io.StringIO()
    console = Console(file=told, width=width)
    console.print(table(frame, width=console.width, **options))
    return told.getvalue()


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def summary_of(frame: pd.DataFrame, width: int = 80) -> str:
    told = io.StringIO()
    console = Console(file=told, width=width)
    console.print(outcome_summary_table(frame, width=width))
    return told.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200, 300])
@pytest.mark.parametrize("name", ["outcomes_by_period", "funnel", "cancellations_by_notice"])
def test_every_figure_fits_every_width(clinic: MadeUp, name: str, width: int) -> None:
    frame = getattr(clinic.figures(30, scale=10), name)
    lines = printed(frame, width).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert not [line for line in lines if "…" in line]


def test_intervals_go_first_and_it_is_said(clinic: MadeUp) -> None:
    frame = clinic.figures(3).cancellations
    columns = [
        "n_due",
        "n_cancelled",
        *[n for n in column_names(frame) if n.startswith("cancelled_")],
    ]
    wide, narrow = printed(frame[columns], 60), printed(frame[columns], 38)
    assert "95 %" in wide
    assert "Not shown" not in wide
    assert "95 %" not in narrow
    assert "Not shown for lack of width: intervals" in " ".join(narrow.split())
    assert "of" in narrow.split()


def test_what_cannot_be_narrower_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings of one word wider than their cells: to cut these again and again never ended."""
    cut, times = TextColumn.cut, count(1)

    def counted(self: TextColumn, width: int) -> TextColumn:
        assert next(times) < 100
        return cut(self, width)

    monkeypatch.setattr(TextColumn, "cut", counted)
    frame = pd.DataFrame({f"a_column_of_an_answer_{nth}": ["x", "y" * 30] for nth in range(9)})
    for width, n_further in (
        (30, "8 more columns"),
        (80, "6 more columns"),
        (150, "3 more columns"),
    ):
        lines = printed(frame, width, as_is=True).splitlines()
        assert lines[0].split() == list(frame.columns[: 9 - int(n_further[0])])
        assert " ".join(lines[3:]).startswith(f"{n_further} with")
    assert "more column" not in printed(frame, 400, as_is=True)
    by_field = {"custom:cfld_DemoConsentAAAAAAAAA": ["yes", "no"], "n_slots": [7, 8]}
    assert "cfld_Demo" in printed(pd.DataFrame(by_field), 20)


def test_an_instant_of_an_answer_is_not_cut() -> None:
    starts = pd.to_datetime(["2025-03-10 15:45:00+00:00", "NaT"])
    frame = pd.DataFrame({f"start_time_{nth}": starts for nth in range(4)})
    narrow = printed(frame, 60, as_is=True)
    assert narrow.count("2025-03-10 15:45:00+00:00") == 2
    assert "2 more columns" in narrow


def test_what_has_no_room_is_named_as_its_heading_is() -> None:
    names = {"file": ["2025/01-webhooks.jsonl"], "n_lines": [7], "verified": [5], "mismatch": [2]}
    text = " ".join(printed(pd.DataFrame(names), 40).split())
    assert text.endswith("Not shown for lack of width: Lines")


def test_shares_months_and_missing() -> None:
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
        STARRED,
    ]


@pytest.mark.parametrize(
    ("every", "shown"),
    [("year", "2025"), ("quarter", "2025-Q3"), ("month", "2025-07"), ("week", "2025-07-01")],
)
def test_periods_are_written_as_long_as_they_are(every: str, shown: str) -> None:
    frame = pd.DataFrame({"period_on": [pd.Timestamp("2025-07-01")], "n_slots": [1]})
    frame.attrs["every"] = every
    assert printed(frame).split()[:1] == [every.capitalize()]
    assert shown in printed(frame).split()


def test_markup_in_names_is_text_and_controls_are_gone(clinic: MadeUp) -> None:
    text = printed(clinic.by_host(["[red]Dr.[/red] \x1b[31mLi"]), 300)
    assert "[red]Dr.[/red] [31mLi" in text
    assert "\x1b" not in text


def test_no_rows(clinic: MadeUp) -> None:
    assert "no rows" in printed(clinic.figures(0).outcomes_by_period)
    assert "no slots" in summary_of(clinic.figures(0).outcomes_by_period)


def test_outcome_summary_of_a_short_history(clinic: MadeUp) -> None:
    lines = squeezed(summary_of(clinic.figures(2).outcomes_by_period))
    assert "2026-02 362 260 30 48 20 4 0 10.3 % of 290" in lines
    assert "2026-03 * 500 268 33 53 21 5 120 11.0 % of 301" in lines
    assert STARRED in lines


def test_outcome_summary_of_a_long_history(clinic: MadeUp) -> None:
    text = summary_of(clinic.figures(30, scale=10).outcomes_by_period)
    assert len([line for line in text.splitlines() if line.startswith("20")]) == 24
    assert text.count("earlier") == 1
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def of_hosts(clinic: MadeUp, *hosts: str | None) -> pd.DataFrame:
    """Outcomes of two hosts in two quarters, the second of which is not complete."""
    rows = [
        clinic.outcome_row(
            *(80, 20, 10, 5, 5, 0), host=host, period_on=pd.Timestamp(f"2025-0{month}-01")
        )
        | {"is_mature": month == 1, "is_whole": True}
        for host in hosts
        for month in (1, 4)
    ]
    frame = clinic.frame(rows, rows[0])
    frame.attrs |= {"figure": "outcomes", "every": "quarter"}
    return frame


def test_a_share_comes_first_with_what_it_rests_on_and_all_come_last(
    clinic: MadeUp,
) -> None:
    lines = squeezed(printed(of_hosts(clinic, "Ada", "Bo"), 80))
    assert lines[1] == "Host Quarter share of 95 % Slots Attended No-show Cancelled"
    assert lines[2] == "Ada 2025-Q1 20.0 % 100 13.3–28.9 120 80 20 10"
    assert lines[3].startswith("Ada 2025-Q2 * 20.0 % 100")
    # 80 of 400: (0.2 + z²/800 ± z·√(0.2·0.8/400 + z²/640000)) / (1 + z²/400), z = 1.96
    assert lines[6] == "All 20.0 % 400 16.4–24.2 480 320 80 40"
    assert lines[7:] == [
        STARRED,
        "Not shown for lack of width: Rescheduled; Unresolved; Not due; Cancelled share",
        "7 more columns with --format csv or json",
    ]


def test_one_row_has_no_row_of_all(clinic: MadeUp) -> None:
    frame = of_hosts(clinic, "Ada").head(1)
    assert "All" not in printed(frame, 80)


def test_what_is_blank_in_part_has_no_total(clinic: MadeUp) -> None:
    frame = of_hosts(clinic, "Ada", "Bo")
    blank = frame.index[0]
    frame["n_no_show"] = frame["n_no_show"].astype("Int64")
    frame.loc[blank, "n_no_show"] = pd.NA
    frame.loc[blank, "no_show_share"] = float("nan")
    (total,) = [line for line in squeezed(printed(frame, 80)) if line.startswith("All")]
    assert total == "All – 400 – 480 320 – 40"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_figure_fits_and_says_what_it_leaves_out(clinic: MadeUp, width: int) -> None:
    frame = of_hosts(clinic, "A name of some length (…3f9a)", "Bo")
    text = printed(frame, width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    assert "No-show" in text
    assert "13.3–28.9" in text
    assert ("Not shown for lack of width" in text) == (width < 200)


def test_a_name_that_is_cut_keeps_the_ending_that_tells_it_apart(clinic: MadeUp) -> None:
    one, other = (f"Maximiliana Testwell-Sample ({ending})" for ending in ("…3f9a", "…77b0"))
    text = printed(of_hosts(clinic, one, other), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "Maximiliana Tes… (…3f9a)" in text
    assert "Maximiliana Tes… (…77b0)" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_numbers_stand_whole_beside_names_of_wide_letters(clinic: MadeUp, width: int) -> None:
    one, other = (f"診療予約の長い名前がここにあります{last}" for last in "甲乙")
    text = printed(of_hosts(clinic, one, other), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert not re.search(r"\d…", text)
    assert set("甲乙") <= set(text)


def test_incidence_is_told_at_a_few_days() -> None:
    days = [
        {
            "cause": cause,
            "day": day,
            "n_at_risk": 100,
            "n_events": 1,
            "cumulative_incidence": share * day / 100,
            "cumulative_incidence_low": share * day / 200,
            "cumulative_incidence_high": share * day / 50,
        }
        for cause, share in (("attended", 1.0), ("no_show", 0.5))
        for day in range(33)
    ]
    frame = pd.DataFrame(days)
    frame.attrs["figure"] = "incidence"
    assert squeezed(printed(frame, 80)) == [
        "Within Attended 95 % No-show 95 %",
        "1 day 1.0 % 0.5–2.0 0.5 % 0.2–1.0",
        "7 days 7.0 % 3.5–14.0 3.5 % 1.8–7.0",
        "14 days 14.0 % 7.0–28.0 7.0 % 3.5–14.0",
        "30 days 30.0 % 15.0–60.0 15.0 % 7.5–30.0",
        "32 days 32.0 % 16.0–64.0 16.0 % 8.0–32.0",
        "Every day up to day 32 is in CSV, JSON and the DataFrame.",
    ]


def test_a_cut_table_of_incidence_is_the_beginning_of_the_whole() -> None:
    """Of groups whose curves are of different lengths, one of them without a name."""
    days = [
        {
            "host": host,
            "cause": cause,
            "day": day,
            "n_at_risk": 9,
            "n_events": 1,
            "cumulative_incidence": day / 100,
            "cumulative_incidence_low": day / 200,
            "cumulative_incidence_high": day / 50,
        }
        for host, last in (("ann", 3), ("bob", 40), (None, 8), ("eve", 15))
        for cause in ("attended", "no_show")
        for day in range(last + 1)
    ]
    frame = pd.DataFrame(days)
    frame.attrs |= {"figure": "incidence", "by": ["host"]}
    whole = figure_table(frame)
    assert whole is not None
    assert (len(whole.rows), whole.n_more) == (14, 0)
    for most in range(1, 16):
        cut = figure_table(frame, most=most)
        assert cut is not None
        assert cut.rows == whole.rows[:most]
        assert cut.n_more == len(whole.rows) - len(cut.rows)
        assert cut.notes == whole.notes


def test_what_a_cancellation_decides_has_shares_of_all_cancelled(clinic: MadeUp) -> None:
    rows = [
        clinic.cancellation_row(30, 30, cancelled_by="patient"),
        clinic.cancellation_row(10, 10, cancelled_by="provider"),
        clinic.cancellation_row(60, 0, cancelled_by=None),
    ]
    frame = clinic.frame(rows, rows[0])
    frame.attrs["figure"] = "cancellations"
    text = printed(frame, 100)
    lines = squeezed(text)
    told = {line.split()[0]: line for line in lines}
    assert told["patient"].startswith("patient 30 75.0 % 33.3 % 30")
    assert told["provider"].startswith("provider 10 25.0 % 30.0 % 10")
    assert told["All"].startswith("All 40 100.0 %")
    assert "60 due slots that were not cancelled are left out." in lines
    why = "Medians do not add up: that of all is the figure's without groups and periods."
    assert why in lines
    alone = clinic.frame(rows[:1], rows[0])
    alone.attrs["figure"] = "cancellations"
    assert why not in squeezed(printed(alone, 100))  # no row of all


def test_a_title_is_not_broken_where_the_table_is_narrow(clinic: MadeUp) -> None:
    empty = of_hosts(clinic, "Ada").head(0)[["host"]]
    text = io.StringIO()
    Console(file=text, width=80).print(table(empty, title="A title wider than its table"))
    assert text.getvalue().splitlines()[0].strip() == "A title wider than its table"


def compared(**told: Any) -> pd.DataFrame:
    """Two hosts whose shares are 0.1 and 0.2 higher than before, with names that are long."""
    names = ["Exempla Testwell-Sampleton (…ab12)", "Bo Lee"]
    rows = [
        {
            "host": host,
            "measure": share,
            **{
                name: 0.1 * (nth + 1) + more
                for more, name in enumerate(("other_share", "difference"))
                for name in (name, f"{name}_low", f"{name}_high")
            },
            **dict.fromkeys(("share", "share_low", "share_high"), 0.4),
            "share_n": 1000,
            "other_share_n": 30,
            "p_value": 0.02,
            "q_value": 0.04,
            "cohort": "Oct 2025",
            "other_cohort": "Jul to Sep 2025",
            **told,
        }
        for host in names
        for nth, share in enumerate(("no_show_share", "late_share"))
    ]
    frame = pd.DataFrame(rows)
    frame.attrs = {"figure": "compare", "compared": "outcomes", "by": ["host"], "as_of": None}
    return frame


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_comparison_names_both_at_every_width(width: int) -> None:
    text = printed(compared(), width)
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert "points: Oct 2025 minus Jul to Sep 2025." in " ".join(text.split())
    head = " ".join(text.split("No-show")[0].split())
    assert ("Oct" in head) is (width > 60)
    assert ("P-value" in head) is (width == 160)
    told = [line.split()[0] for line in lines if line.startswith(("No-show", "Late"))]
    assert told == ["No-show", "No-show", "Late", "Late"]


def test_comparisons_in_one_frame_have_their_names_in_the_rows() -> None:
    both = pd.concat([compared(), compared(other_cohort="Apr to Jun 2025")])
    both.attrs = compared().attrs
    text = printed(both, 200)
    assert text.count("Oct 2025  Apr to Jun 2025  No-show") == 2
    assert text.count("Oct 2025  Jul to Sep 2025  No-show") == 2
    assert "this cohort minus the other cohort" in text


def test_an_id_in_the_name_of_a_cohort_is_cut_to_what_tells_it_apart() -> None:
    ids = {"cohort": f"host user_{'a' * 24}Bc12", "other_cohort": f"host user_{'a' * 24}De34"}
    assert "Host user_…Bc12" in " ".join(printed(compared(**ids), 300).split())


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (38, ["Notice, in hours", "Rescheduled", "Not due"]),  # 16 + 2 + 11 + 2 + 7
        (37, ["Notice,\nin hours", "Rescheduled", "Not\ndue"]),
        (26, ["Notice,\nin hours", "Rescheduled", "Not\ndue"]),  # 8 + 2 + 11 + 2 + 3
        (25, ["Notice,\nin hours", "Resched-\nuled", "Not\ndue"]),
        (22, ["Notice,\nin\nhours", "Resched-\nuled", "Not\ndue"]),  # 7 + 2 + 8 + 2 + 3
    ],
)
def test_a_heading_breaks_only_where_the_table_needs_it(width: int, expected: list[str]) -> None:
    names = ("Notice, in hours", "Rescheduled", "Not due")
    columns = [TextColumn(name, name, ["1"], COUNT) for name in names]
    assert headed(columns, width, 2) == expected


def test_long_values_of_a_field_keep_what_tells_them_apart(clinic: MadeUp) -> None:
    field = "custom:cfld_PlanOfRecord"
    plans = [f"Made-up insurance, preferred network, {end} counties" for end in ("east", "west")]
    rows = [clinic.outcome_row(*(8, 2, 0, 0, 0, 0), **{field: plan}) for plan in plans]
    frame = clinic.frame(rows, rows[0])
    frame.attrs |= {"figure": "outcomes", "every": None, "by": [field]}
    text = printed(frame, 80)
    assert "cfld_PlanOfRecord" in text  # as it is to be typed
    assert "east counties" in text
    assert "west counties" in text


def test_what_a_query_gives_is_cut_only_where_it_is_too_wide() -> None:
    ids = [f"user_{letter * 28}" for letter in "ab"]
    assert ids[0] in printed(pd.DataFrame({"id": ids}), 80, as_is=True)
    narrow = printed(pd.DataFrame({"id": ids, "host": ids}), 50, as_is=True)
    assert max(map(len, narrow.splitlines())) <= 50


def test_the_folder_that_paths_share_drives_out_no_column() -> None:
    names = [f"/{'long/' * 12}{one}.jsonl" for one in "ab"]
    shown = printed(pd.DataFrame({"file": names, "n_lines": [1, 2]}), width=40)
    assert squeezed(shown)[1] == "…/a.jsonl 1"


@pytest.mark.parametrize("width", [60, 80])
def test_words_that_somebody_types_stand_whole_and_sentences_go_on_below(width: int) -> None:
    name, code = "appointment_reference_patients_versions", "signature_mismatch"
    words = "Other patients that a visit is about, as each version of it has them."
    tables = pd.DataFrame(
        {"table": [name], "kind": ["provenance"], "n_rows": 12, "description": words}
    )
    told = printed(tables, width)
    assert name in told
    assert "each" in told
    assert "…" not in told
    assert all(len(line) <= width for line in told.splitlines())
    assert "Not shown for lack of width: Kind" in told
    lines = pd.DataFrame({"file": ["archive/2024-09-webhooks.jsonl.gz"] * 2, "line": [1, 2]})
    lines = lines.assign(code=code, cause="the signature matches no secret that is known here")
    assert printed(lines, width).count(code) == 2


def test_a_column_of_many_rows_stands_as_each_row_would_by_itself() -> None:
    rows = pd.DataFrame(
        {"host": ["a", "", "Ada Ω"], "n_slots": [1, 20, 300], "word": ["x", "", ""]}
    )
    whole = printed(rows).splitlines()
    assert len(whole) == 1 + len(rows)
    folded = printed(rows.assign(meaning="one")).splitlines()  # which is set row by row
    before = whole[0].index("Word") + len("Word")
    assert [line[:before] for line in folded] == [line[:before] for line in whole]
