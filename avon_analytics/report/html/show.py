"""A figure in a notebook as the report would print it: ``avon.show(visits.outcomes())``."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

import pandas as pd

from avon_analytics.errors import UsageError
from avon_analytics.figures import Column, Kind
from avon_analytics.report.html.table import KINDS, Cell, Line, Show, Table, TableColumn, setting_of
from avon_analytics.report.html.templates import rendered
from avon_analytics.report.tables.build import figure_table
from avon_analytics.report.tables.names import named
from avon_analytics.report.tables.rows import Row
from avon_analytics.report.tables.table import ALL, FigureTable
from avon_analytics.report.tables.titles import by_words, is_figure, title_of
from avon_analytics.report.words.dates import utc
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import MISSING, is_missing, plural
from avon_analytics.report.words.periods import label
from avon_analytics.report.words.shares import interval
from avon_analytics.report.words.text import WHOLE, plain, told_apart

MOST = 200
_WIDTH = 100


def show(figure: pd.DataFrame, *, title: str | None = None) -> ShownFigure:
    """A figure as the report would print it, in a notebook or as text.

    Shares stand in per cent with what they rest on, groups and periods in words, periods that are
    not complete are marked, and a last row has all. It follows the notebook's theme, prints, and
    needs no script. The figure itself stays the DataFrame that it is.

    figure: what a method of a cohort returned, as it is or with rows taken out or put in order.
    title: in place of the figure's own.

    Raises UsageError for what is no figure.

    >>> shown = avon.show(visits.reschedules(), title="Moved")
    >>> str(shown).splitlines()[0]
    'Moved'
    """
    if not isinstance(figure, pd.DataFrame) or not is_figure(figure):
        raise UsageError(
            "show: expected a figure of a cohort, such as visits.outcomes(by='host'); a DataFrame "
            "that lost its attrs, after a merge say, is none"
        )
    return ShownFigure(figure, title)


class ShownFigure:
    """A figure that shows itself as a table."""

    def __init__(self, figure: pd.DataFrame, title: str | None) -> None:
        self._figure = named(figure)
        self._title = title or f"{title_of(figure)}{by_words(self._figure)}"

    def _repr_html_(self) -> str:
        known = figure_table(self._figure, most=MOST)
        assert known is not None
        attrs = self._figure.attrs
        notes = [*_intervals(known), *known.notes, *known.on_more]
        if known.n_further:
            notes.append(f"{plural(known.n_further, 'more column')} in the DataFrame.")
        if attrs.get("as_of"):
            notes.append(f"As of {utc(str(attrs['as_of']))}.")
        return rendered(
            "show.html",
            table=as_table(known, self._title),
            notes=notes,
            definition=plain(attrs.get("definition"), 2000),
        )

    def __repr__(self) -> str:
        from rich.console import Console

        from avon_analytics.report.terminal.table import table

        text = StringIO()
        console = Console(file=text, width=_WIDTH, color_system=None, force_jupyter=False)
        console.print(table(self._figure, title=self._title, width=_WIDTH, most=MOST))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def as_table(figure: FigureTable, caption: str) -> Table:
    """A figure as a table of the page: one of the report's."""
    first, *others = [_heading(name, figure.every) for name in figure.keys] or ["Cohort"]
    called = list(zip(*(_names(figure, key) for key in figure.keys), strict=True))
    called = called or [(ALL,)] * len(figure.rows)
    lines = [_line(figure, row, names) for row, names in zip(figure.rows, called, strict=True)]
    if others:  # the name of a group that goes on is there, and stands back
        lines = [
            line._replace(kind=f"{line.kind} again".strip()) if line.name == before.name else line
            for line, before in zip(lines, [Line("", []), *lines], strict=False)
        ]
    if figure.n_more:  # said where it is, so that the total adds up
        more = f"{figure.n_more:,} more"
        lines.append(
            Line(more, [Cell("…")] * len(figure.columns), "open", others=[""] * len(others))
        )
    for row in figure.totals:
        others_of_all = [
            "" if is_missing(one := row.get(key)) else plain(one) for key in figure.keys[1:]
        ]
        lines.append(_line(figure, row, [ALL, *others_of_all], is_total=True))
    columns = [
        TableColumn(one.title.replace("-", "\N{NON-BREAKING HYPHEN}"), _set_as(one)[0])
        for one in figure.columns
    ]
    return Table(caption, first, columns, lines, others=others)


def _intervals(figure: FigureTable) -> list[str]:
    """What stands small below a number."""
    if any(one.kind is Kind.SHARE and one.has_interval for one in figure.columns):
        of = "of how many, and " if any(one.has_n for one in figure.columns) else ""
        return [f"Below a share: {of}the 95\N{NO-BREAK SPACE}% interval."]
    if any(one.kind is Kind.NUMBER for one in figure.columns) and any(
        f"{one.name}_low" in row for one in figure.columns for row in figure.rows[:1]
    ):
        return ["Below an expected number: its 80\N{NO-BREAK SPACE}% interval."]
    return []


def _heading(name: str, every: str) -> str:
    return every.capitalize() if name == "period_on" else heading(name)


def _line(figure: FigureTable, row: Row, names: Sequence[str], *, is_total: bool = False) -> Line:
    cells = [_cell(row, column) for column in figure.columns]
    is_open = not is_total and figure.is_open(row)
    kind = "total" if is_total else "open" if is_open else ""
    return Line(names[0], cells, kind, "not complete" if is_open else "", others=names[1:])


def _names(figure: FigureTable, key: str) -> list[str]:
    """What rows are called by one of their keys, cut so that two which differ can be told apart."""
    values = [row.get(key) for row in figure.rows]
    if key == "period_on":
        return [label(value, figure.every) for value in values]
    names = told_apart([plain(value, WHOLE) for value in values], 80)
    return [name.capitalize() for name in names] if key == "stage" else names


def _set_as(column: Column) -> tuple[str, Show]:
    kind, write = KINDS[setting_of(column.kind)]
    return ("share" if column.has_interval else kind), write


def _cell(row: Row, column: Column) -> Cell:
    if is_missing(row.get(column.name)):
        return Cell(MISSING)
    cell = _set_as(column)[1](row, column.name)
    if column.kind is Kind.SHARE or f"{column.name}_low" not in row:
        return cell
    return cell._replace(note=interval(row, column))
