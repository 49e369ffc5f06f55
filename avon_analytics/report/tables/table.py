"""The table of a figure as a reader gets it, whoever sets it: terminal, notebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from avon_analytics.figures import Column
from avon_analytics.report.tables.rows import Row, is_complete, rows_of
from avon_analytics.report.words.numbers import plural

ALL = "All"


@dataclass(frozen=True)
class FigureTable:
    """A figure as a reader gets it.

    keys: the columns that say what a row is of: groups, ``period_on``, a stage. columns: what is
    said of it, the foremost first; a share stands for its denominator and interval too. totals: all
    rows as one, or as one for each stage. n_further: how many columns are left to CSV and JSON.
    notes: what was left out, and what a mark means. gives_way: what goes where there
    is no room, in this order, with the columns that it is; unless given, the last of them first.
    n_more: how many rows come after these.
    """

    keys: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Sequence[Row] = ()
    every: str = "month"
    n_further: int = 0
    notes: Sequence[str] = field(default_factory=tuple)
    gives_way: Mapping[str, Collection[str]] = field(default_factory=dict)
    n_more: int = 0

    def is_open(self, row: Row) -> bool:
        """Whether a row is of a period that is not complete."""
        return "period_on" in self.keys and not is_complete(row)

    @property
    def on_more(self) -> tuple[str, ...]:
        """What is said of the rows that come after these."""
        if not self.n_more:
            return ()
        of_all = f" The row {ALL!r} counts them too." if self.totals else ""
        return (f"{plural(self.n_more, 'more row')} in the DataFrame.{of_all}",)

    @property
    def has_open(self) -> bool:
        """Whether there are such rows."""
        return any(map(self.is_open, self.rows))


def n_further(frame: pd.DataFrame, keys: Sequence[str], columns: Sequence[Column]) -> int:
    """How many columns of a figure its table has no room for; those of a share count with it."""
    shown = {one.name for column in columns for one in column.spelled()} | set(keys)
    bounds = {f"{one.name}_{end}" for one in columns for end in ("low", "high")}
    flags = {"is_mature", "is_whole", "step"}  # a mark, and an order
    return len([name for name in map(str, frame.columns) if name not in shown | bounds | flags])


def window_notes(frame: pd.DataFrame, keys: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of a figure without periods whose window is not complete."""
    flags = frame[[name for name in ("is_mature", "is_whole") if name in frame]]
    if "period_on" in keys or all(map(is_complete, rows_of(flags.drop_duplicates()))):
        return ()
    return ("Not complete: part of the window is not due yet, or lies outside the archive.",)
