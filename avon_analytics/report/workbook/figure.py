"""A figure as a workbook for a person: its table in words, a chart of it, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import IO, Any

import pandas as pd

from avon_analytics.figures import Figure, compare
from avon_analytics.report.charts.palette import light
from avon_analytics.report.tables.bookings import days_shown
from avon_analytics.report.tables.build import as_shown
from avon_analytics.report.tables.cancelled import (
    OF_ALL,
    cancelled_only,
    is_of_cancelled,
    left_out_notes,
    rows_of_cancelled,
)
from avon_analytics.report.tables.rows import Row, groupings, is_complete, rows_of
from avon_analytics.report.tables.table import ALL
from avon_analytics.report.tables.titles import by_words, row_names_of, title_of
from avon_analytics.report.tables.totals import totals
from avon_analytics.report.words.dates import as_date
from avon_analytics.report.words.numbers import is_missing, number
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.text import plain
from avon_analytics.report.workbook.book import (
    HEAD_ROW,
    define,
    head,
    new_book,
    on_paper,
    sheet_name,
)
from avon_analytics.report.workbook.chart import draw_chart
from avon_analytics.report.workbook.columns import SheetColumn, key_column, measure_columns
from avon_analytics.report.workbook.definitions import about_figure, caveats_of, meanings_of
from avon_analytics.report.workbook.series import Source

_WIDEST, _LONGEST = 44, 200  # letters in a line of a cell, and in a cell
_FOLDED = {"level": 1, "hidden": True}


def write_workbook(frame: pd.DataFrame, part: IO[bytes], title: str) -> None:
    """Write a figure: a sheet of its table, one of its chart, one of its definitions."""
    figure, shown = as_shown(frame)
    book = new_book(frame, part, title)
    sheet = _Sheet(book, figure, shown)
    about = title_of(frame) if title == figure.title else title
    whole_title = f"{about}{by_words(shown)}"
    sheet.write(sheet_name(figure.title), whole_title)
    draw_chart(book, Source(figure, sheet.name, sheet.columns, sheet.keys, sheet.rows), whole_title)
    sections = {
        "What it is": about_figure(figure, shown),
        "What to mind": caveats_of(figure, shown, sheet.left_out),
        "Columns": meanings_of(figure, sheet.columns),
    }
    define(book, sections)
    book.close()


class _Sheet:
    """The sheet of a figure: its headings, its rows, and what they sum to."""

    def __init__(self, book: Any, figure: Figure, shown: pd.DataFrame) -> None:
        self.book, self.figure, self.attrs = book, figure, shown.attrs
        self.every = every_of(shown)
        self.groups = groupings(shown) + ["period_on"] * ("period_on" in shown)
        own = row_names_of(figure, shown)
        is_compared = figure.name == compare.FIGURE.name
        self.keys = [*own, *self.groups] if is_compared else [*self.groups, *own]
        self.is_of_cancelled = is_of_cancelled(shown, self.keys)
        self.rows, self.n_cancelled = (
            rows_of_cancelled(shown) if self.is_of_cancelled else (rows_of(shown), None)
        )
        self.left_out = left_out_notes(shown) if self.is_of_cancelled else ()
        self.columns = [
            *(key_column(name, self.rows, self.every) for name in self.keys),
            *measure_columns(figure, shown, self.keys),
        ]
        known = [one for one in figure.columns if one.name in shown]
        adds_up = bool(self.groups) and figure.adds_up
        kept = cancelled_only(shown) if self.is_of_cancelled else shown
        self.totals = totals(kept, known, figure, self.groups) if adds_up else []
        self.sheet: Any = None
        self.name = ""
        self.forms: dict[Any, Any] = {}
        self.wrapped: set[str] = set()  # columns with values longer than a column is wide

    def write(self, name: str, title: str) -> None:
        """Write the title, the headings, the rows and the sums."""
        self.name, self.sheet = name, self.book.add_worksheet(name)
        head(self.sheet, self.book, title, self.attrs.get("as_of"))
        self._write_headings()
        widest = {one.name for one in self.columns if self._width(one) >= _WIDEST}
        self.wrapped = widest & {*self.keys}
        self._write_rows()
        self._write_totals()
        self.sheet.freeze_panes(HEAD_ROW + 1, len(self.keys))
        last = HEAD_ROW + max(len(self.rows), 1)
        self.sheet.autofilter(HEAD_ROW, 0, last, len(self.columns) - 1)
        on_paper(self.sheet)

    def _write_headings(self) -> None:
        look: dict[str, Any] = {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1}
        high = max(len(wrap(one.heading, int(self._width(one)) - 1)) for one in self.columns)
        self.sheet.set_row(HEAD_ROW, 15 * high + 3)
        for place, column in enumerate(self.columns):
            is_text = not column.is_key and not column.form
            side: dict[str, Any] = {"align": "left" if column.is_key or is_text else "right"}
            side |= {"indent": 1} if is_text else {}
            form = self.book.add_format(look | side)
            self.sheet.write_string(HEAD_ROW, place, column.heading, form)
            fold = _FOLDED if column.is_further else {}
            self.sheet.set_column(place, place, self._width(column), None, fold)

    def _write_rows(self) -> None:
        folded = self._folded()
        for nth, row in enumerate(self.rows):
            grey = {"font_color": light("muted")} if self._is_open(row) else {}
            self._line(HEAD_ROW + 1 + nth, row, grey)
            fold = _FOLDED if nth in folded else {}
            if fold or self.wrapped:
                self.sheet.set_row(HEAD_ROW + 1 + nth, self._height(row), None, fold)

    def _write_totals(self) -> None:
        for nth, of_all in enumerate(self.totals):
            total = {**of_all, self.keys[0]: ALL, OF_ALL.name: 1.0 if self.n_cancelled else None}
            look = {"bold": True, **({"top": 1} if nth == 0 else {})}
            self._line(HEAD_ROW + 1 + len(self.rows) + nth, total, look, is_total=True)

    def _folded(self) -> set[int]:
        """Of hundreds of days, all but the few that a table elsewhere shows."""
        if self.figure.name != "incidence":
            return set()
        curves: dict[tuple[str, ...], list[int]] = {}
        for nth, row in enumerate(self.rows):
            of = tuple(plain(row[name]) for name in self.keys if name != "day")
            curves.setdefault(of, []).append(nth)
        shown = {
            max((at for at in curve if self.rows[at]["day"] <= day), default=curve[0])
            for curve in curves.values()
            for day in days_shown(max(self.rows[at]["day"] for at in curve))
        }
        return set(range(len(self.rows))) - shown

    def _is_open(self, row: Row) -> bool:
        return "period_on" in self.keys and not is_complete(row)

    def _line(self, at: int, row: Row, look: Mapping[str, Any], *, is_total: bool = False) -> None:
        for place, column in enumerate(self.columns):
            value = row.get(column.name)
            form = self._form(look, column)
            if column.name == "complete":
                value = "" if is_total else "yes" if is_complete(row) else "no"
            if is_missing(value):
                text = plain(value) if column.is_key and not is_total else None
                self.sheet.write(at, place, text, form)
            elif isinstance(value, str):
                self.sheet.write_string(at, place, plain(value, _LONGEST), form)
            elif column.name == "period_on":
                day = as_date(value)
                self.sheet.write_datetime(at, place, day, form)
            elif isinstance(value, bool) or not column.form:
                self.sheet.write_string(at, place, plain(value), form)
            else:
                self.sheet.write_number(at, place, column.times * (number(value) or 0), form)

    def _form(self, look: Mapping[str, Any], column: SheetColumn) -> Any:
        key = (tuple(sorted(look.items())), column.form, column.name in self.wrapped, column.is_key)
        if key not in self.forms:
            side: dict[str, Any] = {} if column.form and not column.is_key else {"align": "left"}
            side |= {} if column.form or column.is_key else {"indent": 1}
            if column.name in self.wrapped:  # long values of one beginning differ in their ends
                side |= {"text_wrap": True}
            side |= {"valign": "top"} if self.wrapped else {}
            number_form = {"num_format": column.form} if column.form else {}
            self.forms[key] = self.book.add_format({**look, **number_form, **side})
        return self.forms[key]

    def _height(self, row: Row) -> float:
        """High enough for the lines of its longest value: not every program finds that itself."""
        values = [plain(row.get(name), _LONGEST) for name in self.wrapped]
        return 15.0 * max((len(wrap(value, int(_WIDEST) - 4)) for value in values), default=1)

    def _width(self, column: SheetColumn) -> float:
        """Wide enough for the longest word of the heading beside its filter, and for the cells."""
        if column.name == "period_on":
            return 14
        words = max(map(len, column.heading.split()), default=0) + 4
        cells = [len(plain(row.get(column.name), _WIDEST)) for row in self.rows[:1000]]
        return min(max(words, *(cells if column.is_key else [9]), 9) + 2, _WIDEST)
