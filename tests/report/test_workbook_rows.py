"""Rows behind figures as a workbook: a person reads it, so it is in words and by local clocks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

import avon_analytics as avon

HEAD = 4
"""The row of the headings."""


def rows(**columns: Any) -> pd.DataFrame:
    """Two slots, made up: one of a zone, one without."""
    starts = pd.to_datetime(["2025-03-10 15:00", "2025-03-11 09:30"], utc=True).as_unit("us")
    frame = pd.DataFrame(
        {
            "appointment_id": ["appt_1", "=1+1"],
            "start_at": starts,
            "start_on": pd.to_datetime(pd.Series(["2025-03-09", None])).dt.as_unit("us"),
            "time_zone": pd.Series(["America/Los_Angeles", None], dtype="str"),
            "outcome": ["no_show", None],
            "evidence": ["status_history", "actual_time"],
            "source_word": ["no_show", "late_arrival"],
            "evidence_at": starts + pd.Timedelta(seconds=20),
            "notice_hours": [-3.25, float("nan")],
            "lead_days": pd.Series([12, None], dtype="Int64"),
            "is_late": pd.Series([True, None], dtype="boolean"),
            "host": ["user_1", "user_2"],
            "host_name": ["Ada Testwell", "Bo Testwell"],
            **columns,
        }
    )
    frame.attrs = {
        "definition": "One row is one patient at one planned start of an appointment.",
        "as_of": "2025-05-01T12:00:00+00:00",
        "n_unverified_events": 3,
    }
    return frame


def book(frame: pd.DataFrame, tmp_path: Path, title: str = "Slots") -> Any:
    return openpyxl.load_workbook(avon.export(frame, tmp_path / "rows.xlsx", title=title))


def by_heading(sheet: Any) -> dict[str, list[Any]]:
    columns = sheet.iter_cols(min_row=HEAD)
    return {head.value: [cell.value for cell in cells] for head, *cells in columns}


def test_codes_flags_and_headings_are_in_words(tmp_path: Path) -> None:
    sheet = book(rows(), tmp_path)["Slots"]
    shown = by_heading(sheet)
    assert (sheet["A1"].value, sheet["A2"].value) == ("Slots", "As of 1 May 2025, 12:00 UTC")
    assert shown["Outcome"] == ["no-show", None]
    assert shown["Evidence"] == ["status history", "actual time"]
    assert shown["Source word"] == ["no_show", "late_arrival"]  # as Avon wrote it
    assert shown["Is late"] == ["yes", None]
    assert shown["Lead days"] == [12, None]
    assert shown["Notice hours"] == [-3.25, None]
    assert shown["Host"] == ["Ada Testwell", "Bo Testwell"]
    assert shown["Host id"] == ["user_1", "user_2"]
    assert shown["Appointment id"] == ["appt_1", "=1+1"]
    formula = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "=1+1")
    assert formula.data_type == "s"
    assert not any("_" in heading for heading in shown)


def test_a_start_stands_by_the_clock_of_its_zone_and_in_utc(tmp_path: Path) -> None:
    sheet = book(rows(), tmp_path)["Slots"]
    shown = by_heading(sheet)
    assert shown["Start, local"] == [datetime(2025, 3, 10, 8, 0), None]  # noqa: DTZ001
    assert shown["Time zone"] == ["America/Los_Angeles", None]
    assert shown["Start, UTC"] == [
        datetime(2025, 3, 10, 15, 0),  # noqa: DTZ001
        datetime(2025, 3, 11, 9, 30),  # noqa: DTZ001
    ]
    assert shown["Evidence, UTC"][0] == datetime(2025, 3, 10, 15, 0, 20)  # noqa: DTZ001
    forms = {column[HEAD - 1].value: column[HEAD].number_format for column in sheet.columns}
    assert forms["Start, local"] == forms["Start, UTC"] == "yyyy-mm-dd hh:mm"
    assert forms["Evidence, UTC"] == "yyyy-mm-dd hh:mm:ss"
    assert (forms["Start on"], forms["Notice hours"]) == ("yyyy-mm-dd", "#,##0.0")
    without = book(rows().drop(columns="time_zone"), tmp_path)["Slots"]
    assert "Start, local" not in by_heading(without)


def test_an_instant_that_excel_does_not_know_stays_text(tmp_path: Path) -> None:
    starts = pd.Series(["1899-01-01T00:00:00Z", "1900-03-01T00:00:00Z"])
    frame = rows(start_at=pd.to_datetime(starts, utc=True).dt.as_unit("us")).drop(
        columns="time_zone"
    )
    shown = by_heading(book(frame, tmp_path)["Slots"])
    assert shown["Start, UTC"] == ["1899-01-01 00:00:00", datetime(1900, 3, 1)]  # noqa: DTZ001


def test_of_many_columns_the_foremost_stand_first_and_the_others_fold(tmp_path: Path) -> None:
    narrow = book(rows(), tmp_path)
    assert not any(one.hidden for one in narrow["Slots"].column_dimensions.values())
    wide = book(rows(**{f"fact_{nth}": nth for nth in range(10)}), tmp_path)
    sheet = wide["Slots"]
    # Alike neighbours share a dimension, so each column is asked by where it stands.
    hidden = {
        index
        for one in sheet.column_dimensions.values()
        if one.hidden
        for index in range(one.min, one.max + 1)
    }
    words = list(by_heading(sheet))
    shown = [word for nth, word in enumerate(words, start=1) if nth not in hidden]
    assert shown == words[: len(shown)]
    assert shown == [
        *("Start, local", "Time zone", "Outcome", "Notice hours", "Host", "Lead days"),
        "Appointment id",
    ]
    assert "unfold" in " ".join(str(row[1].value) for row in wide["Definitions"].iter_rows())


def test_lengths_have_a_decimal_and_hours_of_a_day_have_none(tmp_path: Path) -> None:
    sheet = book(rows(start_hour=[8, 9], hours_to_refill=[1.5, None]), tmp_path)["Slots"]
    forms = {column[HEAD - 1].value: column[HEAD].number_format for column in sheet.columns}
    assert (forms["Hours to refill"], forms["Start hour"]) == ("#,##0.0", "0")


def test_it_has_filters_still_headings_and_pages(tmp_path: Path) -> None:
    sheet = book(rows(), tmp_path)["Slots"]
    assert sheet.freeze_panes == f"B{HEAD + 1}"
    last = sheet.cell(HEAD, sheet.max_column).column_letter
    assert sheet.auto_filter.ref == f"A{HEAD}:{last}{HEAD + 2}"
    assert sheet.print_title_rows == f"${HEAD}:${HEAD}"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    # A heading stands as what is below it does, and a text off the number before it.
    heads = {cell.value: cell.alignment for cell in sheet[HEAD]}
    assert (heads["Notice hours"].horizontal, heads["Host"].horizontal) == ("right", "left")
    assert heads["Host"].indent == 1


def test_the_definitions_say_what_rows_and_columns_are(tmp_path: Path) -> None:
    sheet = book(rows(), tmp_path)["Definitions"]
    notes = {row[0].value: row[1].value for row in sheet.iter_rows()}
    assert notes["Rows"] == "One row is one patient at one planned start of an appointment."
    assert notes["Not verified"] == "3 events behind it without a verified signature."
    assert notes["Outcome"].startswith("attended if any of these was; else no-show")
    assert "by the clock of its time zone" in notes["Start, local"]
    whole = book(rows(slot=1, interaction_type="video_call"), tmp_path)
    meanings = str([row[1].value for row in whole["Definitions"].iter_rows()])
    assert "video call" in {cell.value for cell in whole["Slots"][HEAD + 1]}
    assert "attended, no-show, cancelled" in meanings
    assert "video call, in person" in meanings


def test_no_rows_and_the_same_rows(tmp_path: Path) -> None:
    none = rows().iloc[:0]
    none.attrs = rows().attrs
    assert list(by_heading(book(none, tmp_path)["Slots"])) == list(
        by_heading(book(rows(), tmp_path)["Slots"])
    )
    one, two = (avon.export(rows(), tmp_path / f"{n}.xlsx") for n in (1, 2))
    assert one.read_bytes() == two.read_bytes()


def test_any_other_frame_keeps_its_names_and_codes(tmp_path: Path) -> None:
    frame = rows()
    frame.attrs = {}
    sheet = book(frame, tmp_path)["Slots"]
    assert [cell.value for cell in sheet[1]] == list(frame)
    assert sheet["E2"].value == "no_show"
