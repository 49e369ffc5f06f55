"""A figure as CSV, Parquet and Excel, read back with programs that are not ours."""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics import table_files
from avon_analytics.errors import UsageError

DANGEROUS = ["=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx"]


def figure() -> pd.DataFrame:
    """Made up: every kind of column that a figure has."""
    data = pd.DataFrame(
        {
            "host": pd.Series(["user_1", None, "=1+1"], dtype="str"),
            "period_on": pd.to_datetime(pd.Series(["2025-01-01", None, "2025-02-01"])).astype(
                "datetime64[us]"
            ),
            "start_at": pd.Series(
                [datetime(2025, 3, 10, 15, 0, 0, 123000, tzinfo=UTC), None, None],
                dtype="datetime64[us, UTC]",
            ),
            "n_slots": pd.Series([3, -2, 2**60], dtype="int64"),
            "hour": pd.Series([9, None, 10], dtype="Int64"),
            "no_show_share": pd.Series([1 / 3, None, -0.5], dtype="float64"),
            "is_mature": pd.Series([True, False, True], dtype="bool"),
            "group": pd.Series([True, None, False], dtype="boolean"),
        }
    )
    data.attrs = {
        "definition": "It's a = b",
        "as_of": "2025-03-31T22:00:00.500000+00:00",
        "n_unverified_events": 0,
        "every": None,
    }
    return data


def cells(path: Path, sheet: str) -> list[list[Any]]:
    book = openpyxl.load_workbook(path)
    return [[cell.value for cell in row] for row in book[sheet].iter_rows()]


def test_excel_holds_the_figure_and_its_definition(tmp_path: Path) -> None:
    path = avon.export(figure(), tmp_path / "f.xlsx", title="Outcomes: 2025/26")
    head, first, second, third = cells(path, "Outcomes  2025 26")
    assert head == list(figure().columns)
    assert first == [
        "user_1",
        datetime(2025, 1, 1),  # noqa: DTZ001
        datetime(2025, 3, 10, 15, 0, 0, 123000),  # noqa: DTZ001
        3,
        9,
        pytest.approx(1 / 3),
        True,
        True,
    ]
    assert second == [None, None, None, -2, None, None, False, None]
    assert third[0] == "=1+1"
    # More digits than Excel's numbers hold are kept as text.
    assert third[3] == str(2**60)
    book = openpyxl.load_workbook(path)
    assert book["Outcomes  2025 26"]["A4"].data_type == "s"
    notes = dict(cells(path, "Definitions"))
    assert notes["definition"] == "It's a = b"
    assert notes["as_of"] == "2025-03-31T22:00:00.500000+00:00"
    assert notes["n_unverified_events"] == "0"


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_becomes_a_formula(tmp_path: Path, text: str) -> None:
    data = pd.DataFrame({text: pd.Series([text, f"x{text}"], dtype="str")})
    book = openpyxl.load_workbook(avon.export(data, tmp_path / "f.xlsx"))
    for row in (1, 2):
        cell = book["Figure"].cell(row, 1)
        assert cell.data_type == "s"
        assert str(cell.value).replace("_x000D_", "\r") == text
    path = avon.export(data, tmp_path / "f.csv")
    rows = list(csv.reader(StringIO(path.read_bytes().decode(), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"], [f"x{text}"]]


def test_csv_keeps_numbers_and_tells_instants_with_their_offset(tmp_path: Path) -> None:
    path = avon.export(figure(), tmp_path / "f.csv")
    first, second, third = csv.DictReader(StringIO(path.read_text("utf-8")))
    assert first == {
        "host": "user_1",
        "period_on": "2025-01-01",
        "start_at": "2025-03-10T15:00:00.123000+00:00",
        "n_slots": "3",
        "hour": "9",
        "no_show_share": str(1 / 3),
        "is_mature": "True",
        "group": "True",
    }
    assert (second["n_slots"], second["host"], second["no_show_share"]) == ("-2", "", "")
    assert (third["host"], third["no_show_share"]) == ("'=1+1", "-0.5")


def test_parquet_keeps_values_types_and_the_definition(tmp_path: Path) -> None:
    path = avon.export(figure(), tmp_path / "f.parquet")
    with duckdb.connect() as connection:
        read = connection.execute(f"SELECT host, n_slots, hour FROM '{path}'").fetchall()
        notes = connection.execute(
            f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}')"
        ).fetchall()
        kinds = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert read == [("user_1", 3, 9), (None, -2, None), ("=1+1", 2**60, 10)]
    assert dict(notes)["definition"] == "It's a = b"
    assert {name: kind for name, kind, *_ in kinds}["start_at"] == "TIMESTAMP WITH TIME ZONE"


@pytest.mark.parametrize("ending", table_files.FORMATS)
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    one, two = (avon.export(figure(), tmp_path / f"{n}.{ending}") for n in (1, 2))
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) > 0


def test_excel_is_dated_by_the_figure(tmp_path: Path) -> None:
    path = avon.export(figure(), tmp_path / "f.xlsx")
    created = openpyxl.load_workbook(path).properties.created
    assert created == datetime(2025, 3, 31, 22, 0)  # noqa: DTZ001


@pytest.mark.parametrize("ending", table_files.FORMATS)
def test_no_rows_and_no_attributes_are_a_file_too(tmp_path: Path, ending: str) -> None:
    empty = figure().iloc[:0].copy()
    empty.attrs = {}
    path = avon.export(empty, tmp_path / f"f.{ending}")
    read = {
        "csv": lambda: pd.read_csv(path),
        "xlsx": lambda: pd.DataFrame(columns=cells(path, "Figure")[0]),
        "parquet": lambda: pd.DataFrame(columns=duckdb.read_parquet(str(path)).columns),
    }[ending]()
    assert list(read.columns) == list(empty.columns)
    assert len(read) == 0


@pytest.mark.parametrize("name", ["f.xls", "f", "f.csv.gz"])
def test_another_ending_is_an_error_that_lists_the_choices(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="csv, parquet, xlsx"):
        avon.export(figure(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_a_sheet_holds_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "EXCEL_ROWS", 3)
    with pytest.raises(UsageError, match="csv or parquet"):
        avon.export(figure(), tmp_path / "f.xlsx")


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    for ending in table_files.FORMATS:
        with pytest.raises(UsageError, match="cannot write"):
            avon.export(figure(), tmp_path / "none" / f"f.{ending}")


def test_days_that_excel_does_not_know_stay_text(tmp_path: Path) -> None:
    data = pd.DataFrame({"day_on": pd.to_datetime(["1899-12-31"]).astype("datetime64[us]")})
    assert cells(avon.export(data, tmp_path / "f.xlsx"), "Figure")[1] == ["1899-12-31"]


def test_a_text_that_no_cell_of_excel_holds_is_cut_and_that_is_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["x" * 32_767, "y" * 32_768, "z" * 50_000]})
    path = avon.export(frame, tmp_path / "long.xlsx")
    assert [len(row[0]) for row in cells(path, "Figure")[1:]] == [32_767] * 3
    notes = dict(cells(path, "Definitions"))
    assert notes["cut"].startswith("2 of the texts are cut after 32,767 letters")
    path = avon.export(frame[:1], tmp_path / "short.xlsx")
    assert "cut" not in dict(cells(path, "Definitions"))


def test_rows_are_aligned_and_instants_are_as_fine_as_they_are_known(tmp_path: Path) -> None:
    starts = pd.to_datetime(["2025-03-10 15:00", "2025-03-10 15:30"], utc=True)
    rows = pd.DataFrame({"start_at": starts, "n": [1, 2], "outcome": "attended"})
    rows["told_at"] = starts + pd.Timedelta(milliseconds=250)
    rows["closed_at"] = starts + pd.Timedelta(seconds=20)
    sheet = openpyxl.load_workbook(avon.export(rows, tmp_path / "rows.xlsx")).worksheets[0]
    assert [cell.number_format for cell in sheet[2]] == [
        *("yyyy-mm-dd hh:mm", "General", "General"),
        *("yyyy-mm-dd hh:mm:ss.000", "yyyy-mm-dd hh:mm:ss"),
    ]
    # Headings stand over what is below them, and a text stands off the number before it.
    assert [cell.alignment.horizontal for cell in sheet[1]][:3] == ["right", "right", "left"]
    assert sheet["C2"].alignment.indent == sheet["C1"].alignment.indent == 1


@contextmanager
def no_more_than(n_bytes: int) -> Iterator[None]:
    """No file may become longer, as on a disk that is nearly full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("form", "limit"), [("csv", 100), ("parquet", 100), ("xlsx", 5_000)])
def test_no_room_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, limit: int
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with no_more_than(limit), pytest.raises(UsageError, match="cannot write"):
        avon.export(figure(), tmp_path / f"f.{form}")
    gc.collect()
    assert (said, list(tmp_path.iterdir())) == ([], [])
