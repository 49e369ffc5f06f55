"""The table of a figure in a terminal: its foremost columns, and what it sums to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from avon_analytics.figures import Column, Kind
from avon_analytics.report.tables.rows import Row
from avon_analytics.report.tables.table import ALL, FigureTable
from avon_analytics.report.terminal.cells import CELLS, LONGEST, STARRED, starred, written
from avon_analytics.report.terminal.columns import (
    DENOMINATOR,
    GAP,
    INTERVAL,
    NEVER,
    TextColumn,
    fitted,
    squeezed,
    width_of,
)
from avon_analytics.report.terminal.rich_table import not_shown, rich_table
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.letters import in_cells
from avon_analytics.report.words.numbers import MISSING, count, is_missing, plural
from avon_analytics.report.words.shares import interval
from avon_analytics.report.words.text import WHOLE, plain, told_apart

if TYPE_CHECKING:
    from rich.console import Group


LEGIBLE = 18
FOREMOST = 4


def figure_group(figure: FigureTable, title: str | None, width: int | None) -> Group:
    """The table of a figure: what is foremost stays, a share never without what it rests on."""
    rows = [*figure.rows, *figure.totals]
    keys = [_key(name, figure) for name in figure.keys]
    shown = [*keys, *chain.from_iterable(_block(column, rows) for column in figure.columns)]
    steps = figure.gives_way or {one.title: [one.name] for one in reversed(figure.columns[1:])}
    gone: list[str] = []
    for words, names in steps.items():
        if width is None or width_of(_as_narrow_as_may_be(shown)) <= width:
            break
        inside = {step for step in gone if all(one.startswith(tuple(names)) for one in steps[step])}
        gone = [*(step for step in gone if step not in inside), words]
        shown = [one for one in shown if one.name not in names and one.base not in names]
    # Names are cut before the foremost share loses what it rests on.
    columns, hidden = fitted(squeezed(shown, width, GAP), width, GAP)
    notes = [STARRED] if figure.has_open else []
    notes += [f"Not shown for lack of width: {'; '.join(reversed(gone))}"] if gone else []
    notes += [*figure.notes, *figure.on_more]
    if figure.n_further and figure.rows:
        notes.append(f"{plural(figure.n_further, 'more column')} with --format csv or json")
    notes = [*(notes if figure.rows else ["no rows"]), *not_shown(hidden)]
    return rich_table(columns, title=title, notes=notes, width=width, n_totals=len(figure.totals))


def _key(name: str, figure: FigureTable) -> TextColumn:
    """What the rows are of; a period that is not complete has a star, a total a word alone."""
    if name == "period_on":
        cells = whole = [starred(row, figure.every) for row in figure.rows]
        word = figure.every.capitalize()
    else:
        values = [row.get(name) for row in figure.rows]
        whole = [MISSING if is_missing(one) else plain(one, WHOLE) for one in values]
        cells, word = told_apart(whole, LONGEST, in_cells), heading(name)
    of_all = ["" if is_missing(one.get(name)) else plain(one.get(name)) for one in figure.totals]
    if name == figure.keys[0]:
        of_all = [ALL] * len(of_all)
    return TextColumn(name, word, cells + of_all, NEVER, right=False, whole=whole + of_all)


def _block(column: Column, rows: Sequence[Row]) -> Iterator[TextColumn]:
    """The columns that one of a figure takes: a share has its denominator and interval beside."""
    name = column.name
    kind = CELLS[column.kind]
    cells = written([row.get(name) for row in rows], kind.write)
    yield TextColumn(name, column.title, cells, NEVER, kind.right, base=name)
    if f"{name}_n" in rows[0] if rows else column.has_n:
        among = [count(row.get(f"{name}_n")) for row in rows]
        yield TextColumn(f"{name}_n", "of", among, DENOMINATOR, base=name)
    if f"{name}_low" in rows[0] if rows else column.has_interval:
        between = [interval(row, column) or MISSING for row in rows]
        of_expected = column.kind is Kind.NUMBER
        word = "80 %" if of_expected else "95 %"
        yield TextColumn(f"{name}_low", word, between, INTERVAL, base=name)


def _as_narrow_as_may_be(columns: list[TextColumn]) -> list[TextColumn]:
    """The columns of a figure as wide as they have to be, before one of them goes.

    A name stays whole while there are more columns than the foremost; for one of these it is cut.
    """
    if len({one.base for one in columns if one.base}) > FOREMOST:
        return columns
    return [one if one.right or one.width <= LEGIBLE else one.cut(LEGIBLE) for one in columns]
