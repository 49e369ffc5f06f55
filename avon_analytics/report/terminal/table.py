"""Figures in a terminal: one rich table for any frame, and the compact table of outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from avon_analytics.figures import COLUMNS, Column, Kind
from avon_analytics.report.page.tables import OUTCOME_COLUMNS, OUTCOME_SHARES
from avon_analytics.report.tables.figure_table import ALL, Tabled, tabled
from avon_analytics.report.tables.names import named
from avon_analytics.report.tables.rows import (
    Row,
    by_period,
    is_complete,
    rows_of,
    split_newest,
    summed,
)
from avon_analytics.report.terminal.columns import (
    COUNT,
    DENOMINATOR,
    DETAIL,
    GAP,
    INTERVAL,
    NEVER,
    SHARE,
    TOGETHER,
    TextColumn,
    first_that_fit,
    fitted,
    headed,
    squeezed,
    width_of,
)
from avon_analytics.report.words.letters import in_cells
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.wording import (
    MISSING,
    amount,
    as_date,
    chance,
    count,
    heading,
    interval,
    is_missing,
    percent,
    plain,
    plural,
    points,
    share,
    told_apart,
)

if TYPE_CHECKING:
    from rich.console import Group

LEGIBLE = 18
LONGEST = 60
FOREMOST = 4
SENTENCES = ("cause", "description", "meaning")
TYPED = ("table", "code", "key")
NEWEST = 24
STARRED = "* not complete: not over, not all due, or only in part in the window"


def table(
    frame: pd.DataFrame,
    *,
    title: str | None = None,
    every: str | None = None,
    width: int | None = None,
    as_is: bool = False,
    most: int | None = None,
) -> Group:
    """A figure as a table: plain headings, shares in per cent, missing as ``–``.

    ``every`` is the length of the figure's periods; without it, periods that all begin on the
    first of a month are shown as months. A figure has its foremost columns, as many as ``width``
    allows, each share with its denominator and interval, and a row of all. What is no figure has
    all columns; where they are too wide, intervals give way first, then denominators, details and
    counts. ``as_is`` keeps the columns' own names and order, and has the first that fit. ``most``
    rows of a figure stand there, the first, and a line that says how many more there are.
    """
    known = None if as_is else tabled(frame, every, most)
    if known is not None:
        return _of_figure(known, title, width)
    read = list(_own_columns(frame) if as_is else _columns(named(frame), every, width))
    first = first_that_fit(read, width, GAP) if as_is else read
    columns, hidden = fitted(first, width, GAP)
    has_star = "period_on" in frame and not all(map(is_complete, rows_of(frame)))
    note = STARRED if has_star else "" if len(frame) else "no rows"
    if n_further := len(read) - len(first):
        further = f"{plural(n_further, 'more column')} with --format csv or json"
        note = "\n".join(one for one in (note, further) if one)
    return _built(columns, hidden, title, note, width)


def _of_figure(figure: Tabled, title: str | None, width: int | None) -> Group:
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
    note = "\n".join(notes) if figure.rows else "no rows"
    return _built(columns, hidden, title, note, width, n_last=len(figure.totals))


def _key(name: str, figure: Tabled) -> TextColumn:
    """What the rows are of; a period that is not complete has a star, a total a word alone."""
    if name == "period_on":
        cells = whole = [_starred(row, figure.every) for row in figure.rows]
        word = figure.every.capitalize()
    else:
        values = [row.get(name) for row in figure.rows]
        whole = [MISSING if is_missing(one) else plain(one, 200) for one in values]
        cells, word = told_apart(whole, LONGEST, in_cells), heading(name)
    of_all = ["" if is_missing(one.get(name)) else plain(one.get(name)) for one in figure.totals]
    if name == figure.keys[0]:
        of_all = [ALL] * len(of_all)
    return TextColumn(name, word, cells + of_all, NEVER, right=False, whole=whole + of_all)


def _block(column: Column, rows: Sequence[Row]) -> Iterator[TextColumn]:
    """The columns that one of a figure takes: a share has its denominator and interval beside."""
    name = column.name
    write, _, right = _WRITTEN[column.kind]
    values = [row.get(name) for row in rows]
    cells = [
        MISSING if is_missing(one) else write(one) if write else plain(one, LONGEST, in_cells)
        for one in values
    ]
    yield TextColumn(name, column.title, cells, NEVER, right, base=name)
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


def outcome_summary_table(
    outcomes_by_period: pd.DataFrame, *, title: str | None = None, width: int | None = None
) -> Group:
    """The outcomes of the newest periods; older ones are one row. Fits 80 columns."""
    every = every_of(outcomes_by_period)
    older, newest = split_newest(by_period(outcomes_by_period), NEWEST)
    rows = ([summed(older, OUTCOME_SHARES)] if older else []) + newest
    names = (["earlier"] if older else []) + [_starred(row, every) for row in newest]
    columns = [TextColumn("period_on", every.capitalize(), names, NEVER, right=False)]
    columns += [
        TextColumn(name, word, [count(row.get(name)) for row in rows], COUNT)
        for name in OUTCOME_COLUMNS
        if COLUMNS[name].kind is Kind.COUNT and (word := heading(name))
    ]
    columns.append(
        TextColumn("no_show_share", "No-show share", [_with_n(row) for row in rows], NEVER)
    )
    note = STARRED if any(name.endswith("*") for name in names) else ""
    columns, hidden = fitted(columns, width, 1)
    return _built(columns, hidden, title, note if rows else "no slots", width, 1)


def _with_n(row: Any) -> str:
    known = share(row, "no_show_share")
    return MISSING if known.value is None else f"{_percent(known.value)} of {count(known.n)}"


def _percent(value: object) -> str:
    return percent(value).replace("\u00a0", " ")


def _own_columns(frame: pd.DataFrame) -> Iterator[TextColumn]:
    rows = rows_of(frame)
    for name in map(str, frame.columns):
        cells = [
            MISSING if is_missing(row[name]) else plain(row[name], LONGEST, in_cells)
            for row in rows
        ]
        is_instant = is_datetime64_any_dtype(frame[name])  # the half of one is another
        right = is_numeric_dtype(frame[name])
        yield TextColumn(name, name, cells, NEVER, right, is_typed=is_instant)


def _columns(frame: pd.DataFrame, every: str | None, width: int | None) -> Iterator[TextColumn]:
    rows, names = rows_of(frame), [str(name) for name in frame.columns]
    every = every or every_of(frame)
    longest = LONGEST if width is None else min(LONGEST, max(12, width // 3))
    for name in names:
        values = [row[name] for row in rows]
        known = COLUMNS.get(name)
        kind = _kind(frame[name], name) if known is None else known.kind
        if name == "period_on":
            cells = [_starred(row, every) for row in rows]
            yield TextColumn(name, every.capitalize(), cells, NEVER, right=False)
        elif name == "file":
            cells = [MISSING if is_missing(value) else plain(value, 4096) for value in values]
            yield TextColumn(name, heading(name), cells, NEVER, right=False, is_path=True)
        elif name in SENTENCES:
            cells = [MISSING if is_missing(value) else plain(value, 400) for value in values]
            yield TextColumn(name, heading(name), cells, NEVER, right=False, folds=True)
        elif known is not None and kind is Kind.BOUND:
            if name.endswith("_low"):
                cells = [share(row, known.base).interval or MISSING for row in rows]
                yield TextColumn(name, "95 %", cells, INTERVAL)
        elif known is not None and known.base:
            yield TextColumn(name, "of", [count(value) for value in values], DENOMINATOR)
        elif is_datetime64_any_dtype(frame[name]):
            cells, zone = _instants(frame[name])
            yield TextColumn(name, heading(name) + zone, cells, NEVER, right=False)
        else:
            is_detail = known is not None and not known.in_terminal
            write, gives_way, right = _WRITTEN[kind]
            if name == "measure":
                values = [heading(str(value)) for value in values]
            is_typed = name in TYPED
            is_detail |= name == "kind" and "table" in names  # tables stand by their kind
            most = LONGEST if is_typed or name.endswith("_id") else longest  # an id is to be copied
            cells = [
                MISSING
                if is_missing(value)
                else write(value)
                if write
                else plain(value, most, in_cells)
                for value in values
            ]
            yield TextColumn(
                name,
                heading(name),
                cells,
                DETAIL if is_detail else gives_way,
                right,
                is_typed=is_typed,
            )


def _instants(values: pd.Series) -> tuple[list[str], str]:
    """Days, or instants to the minute, as text; and what is to be said of their clock."""
    is_day = values.dt.tz is None and bool(
        (values.dropna() == values.dropna().dt.normalize()).all()
    )
    texts = values.dt.strftime("%Y-%m-%d" if is_day else "%Y-%m-%d %H:%M")
    return texts.fillna(MISSING).tolist(), "" if values.dt.tz is None else ", UTC"


_WRITTEN: Mapping[Kind | None, tuple[Callable[[object], str] | None, int, bool]] = {
    Kind.COUNT: (count, COUNT, True),
    Kind.SHARE: (_percent, SHARE, True),
    Kind.RATIO: (_percent, SHARE, True),
    Kind.DIFFERENCE: (points, SHARE, True),
    Kind.CHANCE: (chance, SHARE, True),
    Kind.HOURS: (amount, COUNT, True),
    Kind.DAYS: (amount, COUNT, True),
    Kind.MINUTES: (amount, COUNT, True),
    Kind.NUMBER: (amount, COUNT, True),
    Kind.WHOLE: (count, NEVER, True),
    Kind.FLAG: (None, NEVER, False),
    Kind.TEXT: (None, NEVER, False),
    Kind.DATE: (None, NEVER, False),
    None: (None, NEVER, True),
}
"""How each kind of column is written, when it gives way, and whether it stands to the right."""


def _kind(values: pd.Series, name: str) -> Kind | None:
    """What a column of a table holds that is no figure; None for a number that is no measure."""
    if is_bool_dtype(values) or not is_numeric_dtype(values):
        return Kind.TEXT
    if name.endswith(("_hours", "_days", "_minutes")):
        return Kind.NUMBER
    if name.startswith("n_"):
        return Kind.COUNT
    return Kind.SHARE if name.endswith("_share") else None


def _starred(row: Mapping[str, Any], every: str) -> str:
    """The name of a row's period, with a star where that is not complete."""
    name = _period(as_date(row["period_on"]), every)
    return name if is_complete(row) else f"{name} *"


def _period(on: date | None, every: str) -> str:
    if on is None:
        return MISSING
    if every == "quarter":
        return f"{on.year}-Q{(on.month + 2) // 3}"
    return {"year": f"{on:%Y}", "month": f"{on:%Y-%m}"}.get(every, on.isoformat())


def _built(
    columns: Sequence[TextColumn],
    hidden: Sequence[TextColumn],
    title: str | None,
    note: str,
    width: int | None,
    gap: int = GAP,
    n_last: int = 0,
) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    notes = [note] if note else []
    if hidden:
        words = "; ".join(dict.fromkeys(TOGETHER.get(o.gives_way, o.heading) for o in hidden))
        notes.append(f"Not shown for lack of width: {words}")
    built = Table(
        box=None,
        padding=(0, gap, 0, 0),
        pad_edge=False,
        header_style="bold",
    )
    for column, words in zip(columns, headed(columns, width, gap), strict=True):
        justify: Any = "right" if column.right else "left"
        built.add_column(
            Text(words), justify=justify, no_wrap=not column.folds, overflow="ellipsis"
        )
    lines = list(zip(*(column.cells for column in columns), strict=True))
    rows, totals = lines[: len(lines) - n_last], lines[len(lines) - n_last :]
    if rows and not any(one.folds or "\n" in "".join(one.cells) for one in columns):
        # A column in one cell, a line for each row: rich takes a quarter of the time.
        rows = [tuple("\n".join(cells) for cells in zip(*rows, strict=True))]
    for cells in rows:
        built.add_row(*map(Text, cells))
    for cells in totals:
        built.add_row(*map(Text, cells), style="bold")
    above = [Text(title, style="bold")] if title else []  # a title of the table wraps at its width
    return Group(*above, built, *(Text(note, style="dim") for note in notes))
