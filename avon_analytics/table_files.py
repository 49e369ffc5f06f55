"""A figure as a file for other programs: CSV, Parquet or Excel, the same bytes each time."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pandas as pd

from avon_analytics.arguments import choice
from avon_analytics.arguments import path as path_of
from avon_analytics.errors import UsageError
from avon_analytics.figures import COLUMNS, Kind
from avon_analytics.printable import printable
from avon_analytics.report.tables.titles import is_figure, title_of
from avon_analytics.report.workbook.book import new_book, sheet_name
from avon_analytics.report.workbook.figure import write_workbook
from avon_analytics.report.workbook.rows import are_rows, write_rows
from avon_analytics.store.schema import literal
from avon_analytics.whole_file import write_whole

FORMATS = ("csv", "parquet", "xlsx")
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
EXCEL_ROWS = 1_048_576  # what a sheet holds, its heading included
_EXCEL_TEXT = 32_767
_EXCEL_EXACT = 2**53
_EXCEL_FIRST_DAY = date(1900, 3, 1)  # before it Excel counts a day that never was
_LENGTHS = ("_hours", "_minutes")
_MANY = 20  # columns that fit on a page


def export(frame: pd.DataFrame, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a figure, or any other DataFrame, to a ``.csv``, ``.parquet`` or ``.xlsx`` file.

    The file is written whole or not at all, and the same figure gives the same bytes. Instants
    are UTC (in CSV as ISO 8601 with their offset, in Excel without one, for it knows none), dates
    are dates, missing is empty. A text that a spreadsheet would take for a formula (it begins with
    = + - @, a tab or a carriage return) begins with an apostrophe in CSV, and is written as text
    in Excel; numbers stay numbers. In CSV a field with a comma, a semicolon or a tab stands in
    quotes, and characters that steer a terminal are escaped. Excel and Parquet carry
    ``frame.attrs`` too (the definition, as of when): Excel in a sheet of its own, Parquet in its
    metadata.

    For a person, Excel has a figure, and rows behind one, in words: names, per cent, the planned
    start by local clocks. Any other frame keeps the names of its columns and its values.

    title: heading of the Excel sheet, in place of the figure's own; of what is no figure, also its
        name.

    Returns the path. Raises UsageError for another ending, for more rows than a sheet holds, and
    where the file cannot be written.

    >>> avon.export(visits.outcomes(by="weekday"), "outcomes.xlsx").name
    'outcomes.xlsx'
    """
    if not isinstance(frame, pd.DataFrame):
        raise UsageError("export: expected a DataFrame; of a Series, to_frame() makes one")
    ending = Path(path_of(path, "export")).suffix.lower().removeprefix(".")
    choice("ending of the file's name", ending, FORMATS)
    return write_as(frame, path, ending, title=title)


def write_as(
    frame: pd.DataFrame, path: str | os.PathLike[str], form: str, *, title: str | None = None
) -> Path:
    """The same, in a form that the name of the file need not say."""
    if form == "xlsx" and len(frame) >= EXCEL_ROWS:
        raise UsageError(
            f"{len(frame):,} rows are more than a sheet of Excel holds: write csv or parquet"
        )
    writers: Mapping[str, Callable[[Path], object]] = {
        "csv": lambda part: part.write_bytes(csv_text(frame).encode()),
        "parquet": lambda part: _parquet(frame, part),
        "xlsx": lambda part: _excel(frame, part, title),
    }
    return write_whole(path, writers[form])


def csv_text(frame: pd.DataFrame, *, as_is: bool = False) -> str:
    """A DataFrame as CSV; ``as_is`` leaves texts that look like formulas as they are."""
    columns = [_cells(frame.iloc[:, n], as_is=as_is) for n in range(frame.shape[1])]
    names = [str(name) if as_is else _harmless(str(name)) for name in frame.columns]
    lines = [names, *zip(*columns, strict=True)]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def _cells(column: pd.Series, *, as_is: bool) -> list[str]:
    is_text = column.dtype.kind not in "biufmM"
    texts = ["" if (text := _text(value)) is None else text for value in column]
    return [_harmless(text) for text in texts] if is_text and not as_is else texts


def _quoted(cell: str) -> str:
    if any(letter in cell for letter in ',;\t"\r\n'):  # wherever a spreadsheet may split
        return '"' + cell.replace('"', '""') + '"'
    return cell


def plain(value: Any) -> Any:
    """A value as JSON has it: dates and instants in ISO, missing as None."""
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        is_date = value.tzinfo is None and value == value.normalize()
        return value.date().isoformat() if is_date else value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: Any) -> str | None:
    known = plain(value)
    if known is None or isinstance(known, str):
        return known
    return json.dumps(known, ensure_ascii=False) if isinstance(known, list | dict) else str(known)


def _harmless(text: str) -> str:
    text = f"'{text}" if text.startswith(_STARTS_FORMULA) else text
    return "\r".join(printable(part, lines=True) for part in text.split("\r"))


def _parquet(frame: pd.DataFrame, part: Path) -> None:
    import duckdb

    notes = ", ".join(
        f"{literal(str(name))}: {literal(_note(value))}"
        for name, value in {**frame.attrs, "written_by": "avon_analytics"}.items()
    )
    options = f"FORMAT parquet, KV_METADATA {{{notes}}}"
    with duckdb.connect() as connection:
        connection.register("result", frame)
        try:
            connection.execute(f"COPY result TO {literal(str(part))} ({options})")
        except duckdb.IOException:
            raise OSError(errno.EIO, "the disk is full or broken") from None


def _note(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def _excel(frame: pd.DataFrame, part: Path, title: str | None) -> None:
    # Packed in memory: an archive that a full disk cuts short prints a traceback when it is let go.
    book = BytesIO()
    if is_figure(frame):
        write_workbook(frame, book, title or title_of(frame))
    elif are_rows(frame):
        write_rows(frame, book, title or "Rows")
    else:
        _plain_book(frame, book, title or "Figure")
    part.write_bytes(book.getbuffer())


def _plain_book(frame: pd.DataFrame, part: IO[bytes], title: str) -> None:
    """What is neither: its columns as they are named, and what is known of it."""
    book = new_book(frame, part, title)
    forms = {
        "head": book.add_format({"bold": True, "bottom": 1, "indent": 1}),
        "head of numbers": book.add_format({"bold": True, "bottom": 1, "align": "right"}),
        "text": book.add_format({"indent": 1}),  # off the number before it
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        **{form: book.add_format({"num_format": form}) for form in _INSTANTS},
        "share": book.add_format({"num_format": "0.000"}),
        "length": book.add_format({"num_format": "#,##0.0"}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    sheet = book.add_worksheet(sheet_name(title))
    sheet.freeze_panes(1, 0)
    names = [str(name) for name in frame.columns]
    n_cut = 0
    for column, name in enumerate(names):
        values = list(frame.iloc[:, column])
        forms["instant"] = forms[_instant_form(values)]
        head = "head of numbers" if _is_right(frame.dtypes.iloc[column]) else "head"
        sheet.write_string(0, column, name, forms[head])
        for row, value in enumerate(values, start=1):
            n_cut += _write(sheet, row, column, value, name, forms)
        sheet.set_column(column, column, _width(name, values))
    sheet.autofilter(0, 0, max(len(frame), 1), max(len(names) - 1, 0))
    sheet.set_landscape()
    sheet.set_paper(9)
    if len(names) <= _MANY:
        sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&R&P / &N")
    notes = book.add_worksheet("Definitions")
    notes.set_column(0, 0, 24)
    notes.set_column(1, 1, 100)
    about = {
        **{str(key): note for key, note in frame.attrs.items()},
        "reading": "Instants are UTC, a share is 0 to 1, empty is missing.",
    }
    if n_cut:
        about["cut"] = (
            f"{n_cut:,} of the texts are cut after {_EXCEL_TEXT:,} letters, which is what a "
            "cell of Excel holds. CSV and Parquet keep them whole."
        )
    for row, (key, note) in enumerate(about.items()):
        notes.write_string(row, 0, key, forms["head"])
        notes.write_string(row, 1, _note(note)[:_EXCEL_TEXT], forms["wrap"])
    book.close()


def _is_right(kind: Any) -> bool:
    """Whether what a column holds stands at the right of its cells."""
    types = pd.api.types
    is_number = types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind)
    return bool(is_number or types.is_datetime64_any_dtype(kind))


_INSTANTS = ("yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd hh:mm:ss.000")


def _instant_form(values: Sequence[Any]) -> str:
    """Instants as finely as any of a column is known: planned starts have no seconds."""
    known = [value for value in values if isinstance(value, pd.Timestamp) and not pd.isna(value)]
    if any(value.microsecond for value in known):
        return _INSTANTS[2]
    return _INSTANTS[1 if any(value.second for value in known) else 0]


def _write(
    sheet: Any, row: int, column: int, value: Any, name: str, forms: Mapping[str, Any]
) -> bool:
    """Write a value, and say whether it had to be cut."""
    if isinstance(value, pd.Timestamp) and not pd.isna(value):
        naive = value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value
        if naive.date() >= _EXCEL_FIRST_DAY:
            is_date = value.tzinfo is None and naive == naive.normalize()
            form = forms["date" if is_date else "instant"]
            sheet.write_datetime(row, column, naive.to_pydatetime(warn=False), form)
            return False
    known = plain(value)
    if known is None:
        return False
    if isinstance(known, bool):
        sheet.write_boolean(row, column, known)
    elif isinstance(known, int | float) and abs(known) <= _EXCEL_EXACT:
        is_length = name.endswith(_LENGTHS)
        form = "share" if _is_share(name) else "length" if is_length else None
        sheet.write_number(row, column, known, forms[form] if form else None)
    else:
        text = _note(known)
        sheet.write_string(row, column, text[:_EXCEL_TEXT], forms["text"])
        return len(text) > _EXCEL_TEXT
    return False


def _is_share(name: str) -> bool:
    """Whether a column holds a share, or an end of its interval."""
    known = COLUMNS.get(name)
    if known is None:
        return name.endswith("_share")
    return (
        COLUMNS.get(known.base, known).kind in (Kind.SHARE, Kind.DIFFERENCE)
        and known.kind is not Kind.COUNT
    )


def _width(name: str, values: list[Any]) -> int:
    longest = max([len(name), *(len(str(plain(value) or "")) for value in values[:1000])])
    return min(longest + 2, 60)
