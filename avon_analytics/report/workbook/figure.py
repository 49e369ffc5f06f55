"""A figure as a workbook for a person: its table in words, a chart of it, and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import IO, Any

import pandas as pd

from avon_analytics.figures import COLUMNS, Column, Figure, Kind, compare
from avon_analytics.report.charts.palette import light
from avon_analytics.report.page.tables import days_shown
from avon_analytics.report.plot.titles import by_words
from avon_analytics.report.tables.figure_table import (
    ALL,
    OF_ALL,
    as_read,
    cancelled_alone,
    foremost,
    is_of_cancelled,
    left_out,
    of_cancelled,
    totals,
)
from avon_analytics.report.tables.remarks import found, title_of, unsure
from avon_analytics.report.tables.rows import Row, groupings, is_complete, rows_of
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.wording import (
    as_date,
    heading,
    is_missing,
    number,
    plain,
    plural,
    utc,
)
from avon_analytics.report.workbook.chart import HEAD_ROW, Drawing, SheetColumn

_SHARES = (Kind.SHARE, Kind.RATIO)
_NUMBERS: Mapping[Kind, str] = {
    Kind.COUNT: "#,##0",
    Kind.WHOLE: "#,##0",
    Kind.CHANCE: '[<0.001]"< 0.001";0.000',
    Kind.DIFFERENCE: "+0.0;−0.0;0.0",
    **dict.fromkeys(_SHARES, "0.0%"),
}
_PERIODS = {"year": "yyyy", "month": "mmm yyyy", "quarter": "mmm yyyy"}
_FIRST = {"quarter": "Quarter from", "week": "Week from"}
_FLAGS = ("is_mature", "is_whole")
_WIDEST, _LONGEST = 44, 200  # letters in a line of a cell, and in a cell


def write_workbook(frame: pd.DataFrame, part: IO[bytes], title: str) -> None:
    """Write a figure: a sheet of its table, one of its chart, one of its definitions."""
    figure, shown = as_read(frame)
    book = new_book(frame, part, title)
    table = _Table(book, figure, shown)
    about = title_of(frame) if title == figure.title else title
    whole_title = f"{about}{by_words(shown)}"
    table.write(sheet_name(figure.title), whole_title)
    Drawing(book, figure, table.name, table.columns, table.keys, table.rows).draw(whole_title)
    sections = {
        "What it is": _about(figure, shown),
        "What to mind": _caveats(figure, shown, table.left_out),
        "Columns": _meanings(figure, table.columns),
    }
    define(book, sections)
    book.close()


def new_book(frame: pd.DataFrame, part: IO[bytes], title: str) -> Any:
    """An empty workbook, dated by what is written into it: the same gives the same bytes."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    # Texts stay texts: none becomes a formula, a number or a link. Nothing is spilled to a folder
    # for all, where rows of patients would lie, and be left by a process that is killed.
    texts = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = Workbook(part, {**texts, "in_memory": True})
    as_of = frame.attrs.get("as_of")
    created = datetime.fromisoformat(as_of) if isinstance(as_of, str) else _NOT_KNOWN
    book.set_properties({"title": title, "created": created})
    return book


def head(sheet: Any, book: Any, title: str, as_of: object) -> None:
    """The title of a sheet, and as of when it is."""
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 16}))
    if as_of:
        quiet = book.add_format({"font_color": light("muted")})
        sheet.write_string(1, 0, f"As of {utc(str(as_of))}", quiet)


def on_paper(sheet: Any) -> None:
    """How a table is printed: as wide as a page, its headings on each."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW)
    sheet.set_footer("&L&A&R&P / &N")


_NOT_KNOWN = datetime(2000, 1, 1, tzinfo=UTC)


class _Table:
    """The sheet of a figure, and the chart that is drawn from its cells."""

    def __init__(self, book: Any, figure: Figure, shown: pd.DataFrame) -> None:
        self.book, self.figure, self.attrs = book, figure, shown.attrs
        self.every = every_of(shown)
        self.groups = groupings(shown) + ["period_on"] * ("period_on" in shown)
        own = [name for name in figure.row_names if name in shown and name != "step"]
        is_compared = figure.name == compare.FIGURE.name
        self.keys = [*own, *self.groups] if is_compared else [*self.groups, *own]
        self.is_of_cancelled = is_of_cancelled(shown, self.keys)
        self.rows, self.n_cancelled = (
            of_cancelled(shown) if self.is_of_cancelled else (rows_of(shown), None)
        )
        self.left_out = left_out(shown) if self.is_of_cancelled else ()
        self.columns = [*map(self._of_key, self.keys), *self._measures(list(map(str, shown)))]
        known = [one for one in figure.columns if one.name in shown]
        adds_up = bool(self.groups) and figure.adds_up
        kept = cancelled_alone(shown) if self.is_of_cancelled else shown
        self.totals = totals(kept, known, figure, self.groups) if adds_up else []
        self.sheet: Any = None
        self.name = ""
        self.wrapped: set[str] = set()  # columns with values longer than a column is wide

    def _of_key(self, name: str) -> SheetColumn:
        if name == "period_on":
            title = _FIRST.get(self.every, self.every.capitalize())
            return SheetColumn(name, title, _PERIODS.get(self.every, "d mmm yyyy"), is_key=True)
        values = [row[name] for row in self.rows if not is_missing(row[name])]
        is_number = bool(values) and all(type(one) in (int, float) for one in values)
        return SheetColumn(name, heading(name), "0" if is_number else "", is_key=True)

    def _measures(self, names: Sequence[str]) -> list[SheetColumn]:
        """What is said of each row: the foremost first, a share with what it rests on."""
        spelled = self.figure.spelled
        first = foremost(self.figure, self.keys)
        ordered = sorted(
            (one for one in spelled.values() if one.name in names and one.name not in self.keys),
            key=lambda one: _place(one, first),
        )
        shown = [one for one in ordered if one.name not in (*_FLAGS, "step")]
        has_periods = "period_on" in self.keys and set(_FLAGS) & set(names)
        flags = [SheetColumn("complete", "Complete")] if has_periods else []
        columns = [
            SheetColumn(
                one.name,
                one.title,
                _form(one, spelled),
                is_further=(one.base or one.name) not in first,
                times=100 if _is_in_points(one, spelled) else 1,
            )
            for one in shown
        ]
        if self.is_of_cancelled:
            columns.insert(1, SheetColumn(OF_ALL.name, OF_ALL.title, _NUMBERS[OF_ALL.kind]))
        n = len([one for one in columns if not one.is_further])
        return [*columns[:n], *flags, *columns[n:]]

    def write(self, name: str, title: str) -> None:
        """Write the title, the headings, the rows and the sums."""
        self.name, self.sheet = name, self.book.add_worksheet(name)
        sheet, form = self.sheet, self.book.add_format
        head(sheet, self.book, title, self.attrs.get("as_of"))
        look: dict[str, Any] = {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1}
        high = max(len(wrap(one.heading, int(self._width(one)) - 1)) for one in self.columns)
        sheet.set_row(HEAD_ROW, 15 * high + 3)
        for place, column in enumerate(self.columns):
            is_text = not column.is_key and not column.form
            side: dict[str, Any] = {"align": "left" if column.is_key or is_text else "right"}
            side |= {"indent": 1} if is_text else {}
            sheet.write_string(HEAD_ROW, place, column.heading, form(look | side))
            fold = {"level": 1, "hidden": True} if column.is_further else {}
            sheet.set_column(place, place, self._width(column), None, fold)
        widest = {one.name for one in self.columns if self._width(one) >= _WIDEST}
        self.wrapped = widest & {*self.keys}
        folded = self._folded()
        for nth, row in enumerate(self.rows):
            grey = {"font_color": light("muted")} if self._is_open(row) else {}
            self._line(HEAD_ROW + 1 + nth, row, grey)
            fold = {"level": 1, "hidden": True} if nth in folded else {}
            if fold or self.wrapped:
                sheet.set_row(HEAD_ROW + 1 + nth, self._height(row), None, fold)
        for nth, of_all in enumerate(self.totals):
            total = {**of_all, self.keys[0]: ALL, OF_ALL.name: 1.0 if self.n_cancelled else None}
            sum_look = {"bold": True, **({"top": 1} if nth == 0 else {})}
            self._line(HEAD_ROW + 1 + len(self.rows) + nth, total, sum_look, is_total=True)
        sheet.freeze_panes(HEAD_ROW + 1, len(self.keys))
        last = HEAD_ROW + max(len(self.rows), 1)
        sheet.autofilter(HEAD_ROW, 0, last, len(self.columns) - 1)
        on_paper(sheet)

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
        known: dict[Any, Any] = self.__dict__.setdefault("_forms", {})
        key = (tuple(sorted(look.items())), column.form, column.name in self.wrapped, column.is_key)
        if key not in known:
            side: dict[str, Any] = {} if column.form and not column.is_key else {"align": "left"}
            side |= {} if column.form or column.is_key else {"indent": 1}
            if column.name in self.wrapped:  # long values of one beginning differ in their ends
                side |= {"text_wrap": True}
            side |= {"valign": "top"} if self.wrapped else {}
            number_form = {"num_format": column.form} if column.form else {}
            known[key] = self.book.add_format({**look, **number_form, **side})
        return known[key]

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


def _place(column: Column, first: Sequence[str]) -> int:
    """Where a column stands: what a share rests on follows it."""
    base = column.base or column.name
    return first.index(base) if base in first else len(first)


def _form(column: Column, spelled: Mapping[str, Column]) -> str:
    if column.kind is Kind.BOUND:
        return _form(spelled[column.base], spelled)
    if column.kind in (Kind.TEXT, Kind.FLAG, Kind.DATE):
        return ""
    return _NUMBERS.get(column.kind, "#,##0.0")


def _is_in_points(column: Column, spelled: Mapping[str, Column]) -> bool:
    """Whether it is a difference of shares, in percentage points."""
    return spelled[column.base or column.name].kind is Kind.DIFFERENCE


def define(book: Any, sections: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """The sheet that says what was counted, what to mind, and what each column holds."""
    sheet = book.add_worksheet("Definitions")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 96)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)
    bold = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
    above = book.add_format({"bold": True, "font_size": 14})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    at = 0
    for title, lines in sections.items():
        sheet.write_string(at, 0, title, above)
        for nth, (name, meaning) in enumerate(lines, start=at + 1):
            sheet.write_string(nth, 0, name, bold)
            sheet.write_string(nth, 1, meaning, wrap)
            sheet.set_row(nth, 15 * max(-(-len(meaning) // 95), -(-len(name) // 32)))
        at += len(lines) + 2


def _about(figure: Figure, shown: pd.DataFrame) -> list[tuple[str, str]]:
    attrs = shown.attrs
    lines = [
        ("Question", figure.question),
        ("Definition", in_words(attrs.get("definition"), starts=True)),
    ]
    lines += [("Source", figure.source)] if figure.source else []
    if attrs.get("as_of"):
        lines.append(("As of", f"{utc(str(attrs['as_of']))}: events up to then count"))
    if len(shown) and "period_on" in shown:
        known = shown["period_on"].dropna()
        if len(known):
            ends = [label(one, every_of(shown)) for one in (known.min(), known.max())]
            lines.append(("Periods", " to ".join(dict.fromkeys(ends))))
    return lines


def _caveats(figure: Figure, shown: pd.DataFrame, left_out: Sequence[str]) -> list[tuple[str, str]]:
    rows = rows_of(shown)
    caveats = []
    if figure.shares or any(one.has_interval for one in figure.columns):
        caveats.append(
            (
                "Intervals",
                "They tell how far chance alone may carry a share of so many. They know nothing of "
                "wrong or missing data.",
            )
        )
    n_open = sum(not is_complete(row) for row in rows)
    if n_open and "period_on" not in shown:
        caveats.append(
            ("Not complete", "Part of the window is not due yet, or lies outside the archive.")
        )
    elif n_open:
        caveats.append(
            (
                "Not complete",
                f"{plural(n_open, 'row')} in grey: the period is not over, not all due, or only in "
                "part in the window. Compare the others.",
            )
        )
    if "host" in shown:
        caveats.append(
            ("Hosts", "Their visits differ: a difference between them need not be theirs.")
        )
    caveats += unsure(shown.attrs)
    if shown.attrs.get("figure") == "incidence" and len(shown):
        caveats.append(
            ("Days", "Those between the days shown are folded away, behind the + beside the rows.")
        )
    caveats += [("Note", one) for one in (*left_out, *found(shown))]
    return caveats or [("Nothing", "There is nothing in particular.")]


def _meanings(figure: Figure, columns: Sequence[SheetColumn]) -> list[tuple[str, str]]:
    meanings = []
    for column in columns:
        known = figure.spelled.get(column.name)
        if known is not None:
            of = f", of {known.of}" if known.of else ""
            meanings.append((column.heading, in_words(f"{known.means}{of}".replace("`", ""))))
        elif column.name == OF_ALL.name:
            meanings.append((column.heading, OF_ALL.means))
        elif column.name == "complete":
            meanings.append(
                (column.heading, "the period is over, all of it due, and wholly counted")
            )
    return meanings


def in_words(text: object, *, starts: bool = False) -> str:
    """A text with the headings of columns in place of their names."""
    sentence = plain(text, 4000)
    for name in sorted({*re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", sentence)} & set(COLUMNS)):
        sentence = re.sub(rf"\b{name}\b", COLUMNS[name].title.lower(), sentence)
    return sentence[:1].upper() + sentence[1:] if starts else sentence


def sheet_name(title: str) -> str:
    """A title as the name of a sheet."""
    name = re.sub(r"[\[\]:*?/\\]", " ", title).strip(" '")[:31]
    return name if name and name.lower() not in ("definitions", "chart", "history") else "Figure"
