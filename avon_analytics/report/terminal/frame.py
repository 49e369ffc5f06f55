"""A frame that is no figure, as columns in a terminal: under plain headings, or as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from avon_analytics.figures import COLUMNS, Kind
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.terminal.cells import CELLS, LONGEST, starred, written
from avon_analytics.report.terminal.columns import DENOMINATOR, DETAIL, INTERVAL, NEVER, TextColumn
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import MISSING, count
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain

SENTENCES = ("cause", "description", "meaning")
TYPED = ("table", "code", "key")


def own_columns(frame: pd.DataFrame) -> Iterator[TextColumn]:
    """The columns under their own names."""
    for name in map(str, frame.columns):
        values = frame[name]
        yield TextColumn(
            name,
            name,
            written(values.tolist()),
            NEVER,
            is_numeric_dtype(values),
            is_typed=is_datetime64_any_dtype(values),  # the half of an instant is another
        )


def columns_in_words(frame: pd.DataFrame, width: int | None) -> Iterator[TextColumn]:
    """The columns under plain headings; those of one share as it is written beside its rest."""
    rows, every = rows_of(frame), every_of(frame)
    longest = LONGEST if width is None else min(LONGEST, max(12, width // 3))
    for name in map(str, frame.columns):
        known = COLUMNS.get(name)
        values = [row[name] for row in rows]
        if name == "period_on":
            cells = [starred(row, every) for row in rows]
            yield TextColumn(name, every.capitalize(), cells, NEVER, right=False)
        elif name == "file":
            cells = written(values, lambda path: plain(path, 4096))
            yield TextColumn(name, heading(name), cells, NEVER, right=False, is_path=True)
        elif name in SENTENCES:
            cells = written(values, lambda sentence: plain(sentence, 400))
            yield TextColumn(name, heading(name), cells, NEVER, right=False, folds=True)
        elif known is not None and known.kind is Kind.BOUND:
            if name.endswith("_low"):
                cells = [share(row, known.base).interval or MISSING for row in rows]
                yield TextColumn(name, "95 %", cells, INTERVAL)
        elif known is not None and known.base:
            yield TextColumn(name, "of", [count(value) for value in values], DENOMINATOR)
        elif is_datetime64_any_dtype(frame[name]):
            cells, zone = _instants(frame[name])
            yield TextColumn(name, heading(name) + zone, cells, NEVER, right=False)
        else:
            yield _column_of_kind(frame, name, values, longest)


def _column_of_kind(frame: pd.DataFrame, name: str, values: list[Any], longest: int) -> TextColumn:
    """A column as its kind says; a text is cut to ``longest``, but for what is to be copied."""
    known = COLUMNS.get(name)
    kind = CELLS[_kind(frame[name], name) if known is None else known.kind]
    if name == "measure":
        values = [heading(str(value)) for value in values]
    is_detail = known is not None and not known.in_terminal
    is_detail |= name == "kind" and "table" in frame  # tables stand by their kind
    is_typed = name in TYPED
    most = LONGEST if is_typed or name.endswith("_id") else longest
    return TextColumn(
        name,
        heading(name),
        written(values, kind.write, most),
        DETAIL if is_detail else kind.gives_way,
        kind.right,
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
