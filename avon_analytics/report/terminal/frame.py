"""The columns of any other frame in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from avon_analytics.figures import COLUMNS, Kind
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.terminal.columns import DENOMINATOR, DETAIL, INTERVAL, NEVER, TextColumn
from avon_analytics.report.terminal.written import LONGEST, WRITTEN, starred
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.letters import in_cells
from avon_analytics.report.words.numbers import MISSING, count, is_missing
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain

SENTENCES = ("cause", "description", "meaning")
TYPED = ("table", "code", "key")


def own_columns(frame: pd.DataFrame) -> Iterator[TextColumn]:
    rows = rows_of(frame)
    for name in map(str, frame.columns):
        cells = [
            MISSING if is_missing(row[name]) else plain(row[name], LONGEST, in_cells)
            for row in rows
        ]
        is_instant = is_datetime64_any_dtype(frame[name])  # the half of one is another
        right = is_numeric_dtype(frame[name])
        yield TextColumn(name, name, cells, NEVER, right, is_typed=is_instant)


def columns_in_words(
    frame: pd.DataFrame, every: str | None, width: int | None
) -> Iterator[TextColumn]:
    rows, names = rows_of(frame), [str(name) for name in frame.columns]
    every = every or every_of(frame)
    longest = LONGEST if width is None else min(LONGEST, max(12, width // 3))
    for name in names:
        values = [row[name] for row in rows]
        known = COLUMNS.get(name)
        kind = _kind(frame[name], name) if known is None else known.kind
        if name == "period_on":
            cells = [starred(row, every) for row in rows]
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
            write, gives_way, right = WRITTEN[kind]
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


def _kind(values: pd.Series, name: str) -> Kind | None:
    """What a column of a table holds that is no figure; None for a number that is no measure."""
    if is_bool_dtype(values) or not is_numeric_dtype(values):
        return Kind.TEXT
    if name.endswith(("_hours", "_days", "_minutes")):
        return Kind.NUMBER
    if name.startswith("n_"):
        return Kind.COUNT
    return Kind.SHARE if name.endswith("_share") else None
