"""Rows behind figures as a workbook for a person: slots, appointments, sessions, messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import IO, Any

import numpy as np
import pandas as pd

from avon_analytics.figures import COLUMNS
from avon_analytics.figures.names import NAMED, name_column
from avon_analytics.report.tables.remarks import doubts
from avon_analytics.report.words.dates import utc
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.text import plain
from avon_analytics.report.workbook.book import (
    HEAD_ROW,
    define,
    head,
    new_book,
    on_paper,
    sheet_name,
)
from avon_analytics.store.dictionary import meanings

_LOCAL = "start_local"
_FOREMOST = (
    *(_LOCAL, "start_at", "time_zone", "written_at", "answered_at", "outcome", "hours"),
    *("lost_hours", "won_back_hours", "refilled_hours", "hours_to_refill"),
    *("cancelled_by", "notice_hours", "host_name", "host", "appointment_type_name", "name"),
    *("interaction_type", "medical_center_name", "lead_days", "appointment_id", "message_id"),
)
"""What stands first, in this order. Of many columns the others are folded away behind it."""
_MANY = 14
_JOINED = {"outcome": "-", "evidence": " ", "interaction_type": " "}
"""Columns of codes, and what joins their words for a reader."""
_DAY, _INSTANTS = "yyyy-mm-dd", ("yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm:ss")
_BEGIN, _FIRST, _LAST = pd.Timestamp("1899-12-30"), 61, 2_958_466
"""Where Excel counts days from, the first number that it is right about, and where it ends."""
_LONGEST, _WIDEST = 2_000, 44
_ID = "appointment_id", "message_id"


def are_rows(frame: pd.DataFrame) -> bool:
    """Whether a frame holds rows behind figures, as a cohort returned them."""
    is_of_cohort = {"definition", "n_unverified_events"} <= {*frame.attrs}
    return is_of_cohort and "figure" not in frame.attrs and bool({*_ID} & {*map(str, frame)})


def write_rows(rows: pd.DataFrame, part: IO[bytes], title: str) -> None:
    """Write rows: a sheet of them in words, one of what they and their columns are."""
    book = new_book(rows, part, title)
    rows = _with_local_start(rows)
    first = _foremost(rows)
    shown = rows[[*first, *(name for name in map(str, rows) if name not in first)]]
    sheet = book.add_worksheet(sheet_name(title))
    head(sheet, book, title, rows.attrs.get("as_of"))
    folded = [*shown][len(first) :] if shown.shape[1] > _MANY else []
    bold: dict[str, Any] = {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1}
    high = 1
    for place, name in enumerate(map(str, shown)):
        cells, form, widest = _cells(shown[name], name)
        words = _heading(name, shown)
        text: dict[str, Any] = {"align": "left", "indent": 1}  # off the number before it
        side = text if form is None else {"align": "right"}
        sheet.write_string(HEAD_ROW, place, words, book.add_format(bold | side))
        look = book.add_format(text if form is None else {"num_format": form})
        for at, cell in enumerate(cells, start=HEAD_ROW + 1):
            if cell is None:
                continue
            if isinstance(cell, str):
                sheet.write_string(at, place, cell, look)
            else:
                sheet.write_number(at, place, cell, look)
        # The longest word of the heading stands beside the button of its filter.
        width = min(max(widest, max(map(len, words.split())) + 4, 9) + 3, _WIDEST)
        high = max(high, len(wrap(words, width - 4)))
        fold = {"level": 1, "hidden": True} if name in folded else {}
        sheet.set_column(place, place, width, None, fold)
    sheet.set_row(HEAD_ROW, 15 * high + 3)
    sheet.freeze_panes(HEAD_ROW + 1, 1)
    sheet.autofilter(HEAD_ROW, 0, HEAD_ROW + max(len(shown), 1), shown.shape[1] - 1)
    on_paper(sheet)
    define(
        book,
        {
            "What it is": [*_about(rows)],
            "What to mind": [*_caveats(rows, shown, folded)],
            "Columns": [(_heading(name, shown), means) for name, means in _meanings(shown)],
        },
    )
    book.close()


def _with_local_start(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the planned start by the clock of its time zone, where both are known."""
    if not {"start_at", "time_zone"} <= {*rows}:
        return rows
    local = rows["start_at"].dt.tz_localize(None)
    for zone, part in rows["start_at"].groupby(rows["time_zone"]):
        local.loc[part.index] = part.dt.tz_convert(str(zone)).dt.tz_localize(None)
    return rows.assign(**{_LOCAL: local.where(rows["time_zone"].notna())})


def _foremost(rows: pd.DataFrame) -> list[str]:
    """The columns that a person looks for: names rather than ids, local rather than UTC."""
    gone = {name for name in NAMED if name_column(name) in rows}
    gone |= {"start_at"} if _LOCAL in rows else set()
    return [name for name in _FOREMOST if name in rows and name not in gone]


def _cells(column: pd.Series, name: str) -> tuple[list[Any], str | None, int]:
    """What is written for each row, the number format, and how wide the widest of it is."""
    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(column.dtype):
        return _instants(column)
    if kinds.is_numeric_dtype(column.dtype) and not kinds.is_bool_dtype(column.dtype):
        form = "#,##0.0" if {"hours", "minutes"} & {*name.split("_")} else "0"
        numbers = [None if value is pd.NA or value != value else value for value in column.tolist()]
        return numbers, form, 9
    codes, values = pd.factorize(column)  # each text is put into words once
    words = [_word(value, name) for value in values]
    cells = [words[code] if code >= 0 else None for code in codes.tolist()]
    return cells, None, max(map(len, words), default=0)


def _word(value: object, name: str) -> str:
    text = plain(value, _LONGEST)
    return text.replace("_", _JOINED[name]) if name in _JOINED else text


def _instants(column: pd.Series) -> tuple[list[Any], str, int]:
    """Instants and days as Excel counts them; what it does not know stays text."""
    is_day = column.dtype.kind == "M" and column.name != _LOCAL and not hasattr(column.dtype, "tz")
    column = column.dt.tz_localize(None)
    days = (column - _BEGIN) / pd.Timedelta(days=1)
    cells: list[Any] = [None if day != day else day for day in days.tolist()]
    for place in np.flatnonzero((days < _FIRST) | (days >= _LAST)):
        cells[place] = column.iloc[place].isoformat(" ")
    if is_day:
        return cells, _DAY, 10
    has_seconds = bool((column.dt.floor("min") != column).mul(column.notna()).any())
    return cells, _INSTANTS[has_seconds], 19 if has_seconds else 16


def _heading(name: str, shown: pd.DataFrame) -> str:
    """Of a column, for a person: of an instant with its clock, and a name before its id."""
    if name == _LOCAL:
        return "Start, local"
    if name in NAMED and name_column(name) in shown:
        return f"{heading(name)} id"
    of = name.removesuffix("_name")
    if of != name and of in NAMED:
        return heading(of)
    is_instant = name.endswith("_at")
    return f"{heading(name)}, UTC" if is_instant else heading(name)


def _about(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    yield "Rows", plain(rows.attrs.get("definition"), _LONGEST)
    if rows.attrs.get("as_of"):
        yield "As of", f"{utc(str(rows.attrs['as_of']))}: events up to then count"


def _caveats(
    rows: pd.DataFrame, shown: pd.DataFrame, folded: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if _LOCAL in shown:
        yield "Clocks", "The local start is by the clock of its time zone; other instants are UTC."
    else:
        yield "Clocks", "Instants are UTC."
    if "patient_id" in shown:
        yield "People", "Each row is about a patient, whose id stands in it: keep it as such."
    yield from doubts(rows.attrs)
    if folded:
        yield "Columns", "Those that are not shown unfold with the + above them."


def _meanings(shown: pd.DataFrame) -> Iterator[tuple[str, str]]:
    known: Mapping[str, str] = meanings(
        "appointment_slots" if "slot" in shown else "appointment_lifecycle"
    )
    for name in map(str, shown):
        if name == _LOCAL:
            yield name, "Planned start, by the clock of its time zone"
        elif name in known:
            text = known[name]
            for code, join in _JOINED.items():
                text = text.replace("_", join) if name == code else text
            yield name, text
        elif name in COLUMNS:
            yield name, COLUMNS[name].means
        elif name in _MEANINGS:
            yield name, _MEANINGS[name]


_MEANINGS = {
    "hours": "Planned end minus planned start, in hours",
    "hours_to_refill": "From the release to the planning of the first refill, in hours",
    "message_id": "The message of a patient",
    "written_at": "When it was written",
    "answered_at": "When staff answered it; missing where nobody has",
}
