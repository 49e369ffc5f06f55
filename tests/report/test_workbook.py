"""A figure as a workbook: what a person finds in it, cell by cell."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import openpyxl
import pandas as pd
import pytest

import avon_analytics as avon

if TYPE_CHECKING:
    from tests.conftest import Loaded
    from tests.report.conftest import MadeUp

QUARTERS = ("2025-01-01", "2025-04-01")


def figure(clinic: MadeUp, *hosts: str | None) -> pd.DataFrame:
    rows = [
        clinic.outcome_row(
            *(80, 20, 10, 5, 5, 0), host=host, host_name=name, period_on=pd.Timestamp(on)
        )
        | {"is_mature": on == QUARTERS[0], "is_whole": True}
        for host, name in zip(hosts, ["=1+1", "Ada Testwell"], strict=False)
        for on in QUARTERS
    ]
    frame = clinic.frame(rows, rows[0])
    frame.attrs |= {
        "figure": "outcomes",
        "every": "quarter",
        "definition": "Slots by how they ended.",
        "as_of": "2025-05-01T12:00:00+00:00",
        "n_unverified_events": 3,
        "min_count": 11,
    }
    return frame


def book(frame: pd.DataFrame, tmp_path: Path, title: str = "Outcomes") -> Any:
    return openpyxl.load_workbook(avon.export(frame, tmp_path / "f.xlsx", title=title))


def test_the_table_is_in_words_with_formats_names_and_all(clinic: MadeUp, tmp_path: Path) -> None:
    sheet = book(figure(clinic, "user_1", "user_2"), tmp_path)["Outcomes"]
    assert sheet["A1"].value == "Outcomes by host and quarter"
    assert sheet["A2"].value == "As of 1 May 2025, 12:00 UTC"
    head, first, second, *_, total = list(sheet.iter_rows(min_row=4))
    words = [cell.value for cell in head]
    assert words[:7] == [
        *("Host", "Quarter from", "No-show share", "No-show share: of"),
        *("No-show share: lower end", "No-show share: upper end", "Slots"),
    ]
    assert [cell.value for cell in first][:4] == [
        "=1+1",
        datetime(2025, 1, 1),  # noqa: DTZ001
        0.2,
        100,
    ]
    assert [cell.number_format for cell in first][1:4] == ["mmm yyyy", "0.0%", "#,##0"]
    complete = words.index("Complete")
    assert (first[complete].value, second[complete].value) == ("yes", "no")
    assert second[2].font.color.rgb != (first[2].font.color.rgb if first[2].font.color else None)
    assert (total[0].value, total[1].value, total[2].value, total[3].value) == (
        "All",
        None,
        0.2,
        400,
    )
    assert total[0].font.bold
    assert sheet.freeze_panes == "C5"
    assert sheet.auto_filter.ref.startswith("A4:")
    assert sheet.auto_filter.ref.endswith("8")  # the filter leaves the row of all in its place
    assert "user_1" not in {cell.value for row in sheet.iter_rows() for cell in row}


def test_further_columns_are_folded_away_and_all_are_there(clinic: MadeUp, tmp_path: Path) -> None:
    frame = figure(clinic, "user_1")
    sheet = book(frame, tmp_path)["Outcomes"]
    words = {cell.value: cell.column_letter for cell in sheet[4]}
    # The name stands for the id, and one word for the two flags.
    assert len(words) == len(frame.columns) - 1 - 1
    folded = sheet.column_dimensions[words["Cancelled by patient"]]
    assert (folded.hidden, folded.outlineLevel) == (True, 1)
    assert not sheet.column_dimensions[words["No-show share"]].hidden


def test_long_values_of_one_beginning_show_their_ends(clinic: MadeUp, tmp_path: Path) -> None:
    long = "Blue Example of California - preferred network, "
    rows = clinic.by_host([f"{long}north", f"{long}south"]).rename(columns={"host": "custom:plan"})
    rows.attrs = figure(clinic, "user_1").attrs
    sheet = book(rows, tmp_path)["Outcomes"]
    assert sheet["A5"].value == f"{long}north"
    assert (sheet["A5"].alignment.wrap_text, sheet["B5"].alignment.wrap_text) == (True, None)
    assert sheet.row_dimensions[5].height == 30  # two lines
    short = book(figure(clinic, "user_1"), tmp_path)["Outcomes"]
    assert not short["A5"].alignment.wrap_text


def test_a_name_that_looks_like_a_formula_stays_a_text(clinic: MadeUp, tmp_path: Path) -> None:
    sheet = book(figure(clinic, "user_1", "user_2"), tmp_path)["Outcomes"]
    assert (sheet["A5"].value, sheet["A5"].data_type) == ("=1+1", "s")


def test_blank_cells_have_no_total(clinic: MadeUp, tmp_path: Path) -> None:
    frame = figure(clinic, "user_1", "user_2")
    frame["n_no_show"] = frame["n_no_show"].astype("Int64")
    frame.loc[0, "n_no_show"] = pd.NA
    frame.loc[0, "no_show_share"] = float("nan")
    sheet = book(frame, tmp_path)["Outcomes"]
    words = [cell.value for cell in sheet[4]]
    total = dict(zip(words, (cell.value for cell in sheet[9]), strict=True))
    assert (total["No-show"], total["No-show share"], total["Attended"]) == (None, None, 320)


def test_definitions_say_what_it_is_and_what_to_mind(clinic: MadeUp, tmp_path: Path) -> None:
    notes = book(figure(clinic, "user_1", "user_2"), tmp_path)["Definitions"]
    told = {row[0].value: row[1].value for row in notes.iter_rows(max_col=2)}
    assert told["Definition"] == "Slots by how they ended."
    assert told["Periods"] == "Q1 2025 to Q2 2025"
    assert told["Not verified"].startswith("3 events")
    assert told["Blank cells"].startswith("Counts from 1 to 10 are blank")
    assert told["Not complete"].startswith("2 rows in grey")
    assert told["No-show share"] == "no-shows, of slots attended or missed"


@pytest.mark.parametrize(
    ("hosts", "kind", "n_series"), [(("user_1", "user_2"), "lineChart", 2), ((), None, 0)]
)
def test_a_chart_is_drawn_from_the_cells(
    clinic: MadeUp, tmp_path: Path, hosts: tuple[str, ...], kind: str | None, n_series: int
) -> None:
    frame = figure(clinic, *hosts) if hosts else figure(clinic, "user_1").head(0)
    path = avon.export(frame, tmp_path / "f.xlsx", title="Outcomes")
    with ZipFile(path) as parts:
        drawn = [parts.read(name).decode() for name in parts.namelist() if "charts/chart" in name]
    assert [text.count("<c:ser>") for text in drawn] == ([n_series] if n_series else [])
    assert all(f"<c:{kind}>" in text and "Outcomes!$C$5" in text for text in drawn)


def test_shares_by_group_have_their_intervals(clinic: MadeUp, tmp_path: Path) -> None:
    frame = figure(clinic, "user_1", "user_2").drop(columns="period_on").iloc[[0, 2]]
    path = avon.export(frame, tmp_path / "f.xlsx", title="Outcomes")
    with ZipFile(path) as parts:
        text = parts.read("xl/charts/chart1.xml").decode()
    assert "<c:barChart>" in text
    assert "<c:errBars>" in text
    sheet = openpyxl.load_workbook(path)["Chart"]
    # Wilson's interval of 20 of 100 is 13.34 to 28.88 %.
    assert [round(sheet.cell(2, column).value, 3) for column in (19, 20)] == [0.067, 0.089]


def test_the_same_figure_gives_the_same_bytes(clinic: MadeUp, tmp_path: Path) -> None:
    frame = figure(clinic, "user_1", "user_2")
    one, two = (avon.export(frame, tmp_path / f"{n}.xlsx") for n in (1, 2))
    assert one.read_bytes() == two.read_bytes()


def test_of_who_cancelled_what_was_not_cancelled_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "cancelled_by": ["patient", "provider", None],
            "n_due": [3, 1, 7],
            "n_cancelled": [3, 1, 0],
            "n_after_start": [1, 0, 0],
        }
    )
    frame.attrs |= {"figure": "cancellations", "by": ["cancelled_by"], "definition": "n_due"}
    path = avon.export(frame, tmp_path / "f.xlsx", title="Cancellations")
    read = openpyxl.load_workbook(path)
    rows = [[cell.value for cell in row[:3]] for row in read.worksheets[0].iter_rows(min_row=4)]
    assert rows == [
        ["Cancelled by", "Cancelled", "Of all cancelled"],
        ["patient", 3, 0.75],
        ["provider", 1, 0.25],
        ["All", 4, 1],
    ]
    told = [row[1].value for row in read["Definitions"].iter_rows(max_col=2)]
    assert "7 due slots that were not cancelled are left out." in told
    assert "Due" in told  # the definition, in words


def test_of_blank_counts_no_part_of_the_whole_is_said(tmp_path: Path) -> None:
    """Cancelled by whom, of which one count is blank."""
    frame = pd.DataFrame({"cancelled_by": ["patient", "provider"], "n_cancelled": [30, None]})
    frame.attrs |= {"figure": "cancellations", "by": ["cancelled_by"], "min_count": 11}
    path = avon.export(frame, tmp_path / "f.xlsx", title="Cancellations")
    sheet = openpyxl.load_workbook(path).worksheets[0]
    rows = [[cell.value for cell in row[:3]] for row in sheet.iter_rows(min_row=5)]
    assert [row[2] for row in rows] == [None, None, None]
    assert rows[-1][:2] == ["All", None]


def test_a_heading_is_as_high_as_its_words(clinic: MadeUp, tmp_path: Path) -> None:
    path = avon.export(figure(clinic, "user_1"), tmp_path / "f.xlsx", title="Outcomes")
    sheet = openpyxl.load_workbook(path).worksheets[0]
    head = sheet.row_dimensions[4].height
    for cell in sheet[4]:
        width = sheet.column_dimensions[cell.column_letter].width
        if width and cell.value:
            assert head >= 15 * len(wrap(cell.value, int(width)))


def test_of_many_days_those_between_are_folded_away(tmp_path: Path) -> None:
    columns = ("cause", "day", "n_at_risk", "n_events", "cumulative_incidence")
    ends = ("cumulative_incidence_low", "cumulative_incidence_high")
    rows = [
        (cause, day, 50, 1, day / 100, day / 200, day / 50)
        for cause in ("attended", "no_show")
        for day in (1, 2, 6, 8, 15, 16)
    ]
    frame = pd.DataFrame(rows, columns=[*columns, *ends])
    frame.attrs = {"figure": "incidence", "by": []}
    whole = book(frame, tmp_path, "Incidence")
    sheet = whole["Incidence"]
    shown = [
        (sheet.cell(at, 1).value, sheet.cell(at, 2).value)
        for at in range(5, sheet.max_row + 1)
        if not sheet.row_dimensions[at].hidden
    ]
    # By day 1, by day 7 (day 6 was the last before it), by day 14 (day 8), and the last day.
    assert shown == [(cause, day) for cause in ("attended", "no_show") for day in (1, 6, 8, 16)]
    told = {row[0].value: row[1].value for row in whole["Definitions"]}
    assert told["Days"] == (
        "Those between the days shown are folded away, behind the + beside the rows."
    )


def test_the_stages_of_groups_stand_side_by_side(sample: Loaded, tmp_path: Path) -> None:
    with avon.open(sample.db) as store:
        frame = store.appointments().funnel(by="interaction_type")
    path = avon.export(frame, tmp_path / "f.xlsx")
    with ZipFile(path) as parts:
        drawn = parts.read("xl/charts/chart1.xml").decode()
    assert drawn.count("<c:ser>") == 2
    for text in ("in person", "video call"):
        assert f"<c:v>{text}</c:v>" in drawn
    assert drawn.count("Funnel!$B$5:$B$7") == 1  # booked, started, completed
    assert drawn.count("Funnel!$B$8:$B$10") == 1


def test_without_a_title_a_workbook_has_that_of_its_figure(sample: Loaded, tmp_path: Path) -> None:
    with avon.open(sample.db) as store:
        visits = store.appointments()
        frames = {
            "Outcomes by host and quarter": visits.outcomes("host", "quarter"),
            "Signals: cancelled share": visits.signals("cancelled_share"),
            "Rows": visits.slots({"outcome": "no_show"}),
        }
    for heading, frame in frames.items():
        sheet = openpyxl.load_workbook(avon.export(frame, tmp_path / "f.xlsx")).worksheets[0]
        assert sheet["A1"].value.startswith(heading)


def test_a_line_of_one_period_is_a_point(clinic: MadeUp, tmp_path: Path) -> None:
    frame = figure(clinic, "user_1", "user_2")
    path = avon.export(frame[frame["period_on"] == QUARTERS[0]], tmp_path / "f.xlsx")
    with ZipFile(path) as parts:
        drawn = parts.read("xl/charts/chart1.xml").decode()
    assert drawn.count("<c:ser>") == drawn.count('<c:symbol val="circle"/>') == 2


def by_week(clinic: MadeUp, n_hosts: int, n_weeks: int) -> pd.DataFrame:
    rows = [
        clinic.outcome_row(*(80 + host, 20, 0, 0, 0, 0), host=f"user_{host}", period_on=on)
        | {"is_mature": True, "is_whole": True}
        for host in range(n_hosts)
        for on in pd.date_range("2024-01-01", periods=n_weeks, freq="W-MON")
    ]
    frame = clinic.frame(rows, rows[0])
    frame.attrs = figure(clinic, "user_1").attrs | {"every": "week"}
    return frame


def test_of_many_periods_lines_show_the_newest(clinic: MadeUp, tmp_path: Path) -> None:
    for n_weeks, cut in ((40, ""), (50, "newest 40 of 50 periods")):
        path = avon.export(by_week(clinic, 2, n_weeks), tmp_path / f"{n_weeks}.xlsx", title="Hours")
        with ZipFile(path) as parts:
            drawn = parts.read("xl/charts/chart1.xml").decode()
        last = 4 + n_weeks  # the rows of the first host stand from 5 on
        assert f"Outcomes!$C${last - 39}:$C${last}" in drawn
        assert f"Outcomes!$C${last + n_weeks - 39}:$C${last + n_weeks}" in drawn
        assert ("newest" in drawn) == bool(cut)
        assert cut in drawn


def test_no_two_lines_of_a_chart_look_alike(clinic: MadeUp, tmp_path: Path) -> None:
    path = avon.export(by_week(clinic, 9, 3), tmp_path / "lines.xlsx", title="Outcomes")
    with ZipFile(path) as parts:
        lines = parts.read("xl/charts/chart1.xml").decode().split("<c:ser>")[1:]
    looks = {
        tuple(re.findall(r'<c:spPr><a:ln.*?srgbClr val="(\w+)".*?(dash)?"?/?></a:ln>', one)[0])
        for one in lines
    }
    assert len(lines) == len(looks) == 8


def test_shares_that_stand_out_are_drawn_between_their_limits(
    sample: Loaded, tmp_path: Path
) -> None:
    with avon.open(sample.db) as store:
        frame = store.appointments().outliers("no_show_share", by="host")
    with ZipFile(avon.export(frame, tmp_path / "f.xlsx")) as parts:
        drawn = parts.read("xl/charts/chart1.xml").decode()
    names = re.findall(r"<c:ser>.*?<c:tx>.*?<c:v>(.*?)</c:v>", drawn)
    assert names == ["Share", "Centre", "Lower 99.8 % limit", "Upper 99.8 % limit"]
    share, *limits = re.findall(r"<c:ser>.*?</c:ser>", drawn)
    assert "<a:ln><a:noFill/></a:ln>" in share  # no line from one host to the next
    assert [one.count("dash") > 0 for one in limits] == [False, True, True]
