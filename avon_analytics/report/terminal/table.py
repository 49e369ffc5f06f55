"""Any frame as a table in a terminal: a figure with its totals, or what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from avon_analytics.report.tables.build import figure_table
from avon_analytics.report.tables.names import named
from avon_analytics.report.tables.rows import is_complete, rows_of
from avon_analytics.report.terminal.cells import STARRED
from avon_analytics.report.terminal.columns import GAP, first_that_fit, fitted
from avon_analytics.report.terminal.figure import figure_group
from avon_analytics.report.terminal.frame import columns_in_words, own_columns
from avon_analytics.report.terminal.rich_table import not_shown, rich_table
from avon_analytics.report.words.numbers import plural

if TYPE_CHECKING:
    from rich.console import Group


def table(
    frame: pd.DataFrame,
    *,
    title: str | None = None,
    width: int | None = None,
    as_is: bool = False,
    most: int | None = None,
) -> Group:
    """A figure as a table: plain headings, shares in per cent, missing as ``–``.

    A figure has its foremost columns, as many as ``width`` allows, each share with its denominator
    and interval, and a row of all. What is no figure has all columns; where they are too wide,
    intervals give way first, then denominators, details and counts. ``as_is`` keeps the columns'
    own names and order, and has the first that fit. ``most`` rows of a figure stand there, the
    first, and a line that says how many more there are.
    """
    known = None if as_is else figure_table(frame, most)
    if known is not None:
        return figure_group(known, title, width)
    read = list(own_columns(frame) if as_is else columns_in_words(named(frame), width))
    first = first_that_fit(read, width, GAP) if as_is else read
    columns, hidden = fitted(first, width, GAP)
    has_star = "period_on" in frame and not all(map(is_complete, rows_of(frame)))
    notes = [STARRED] if has_star else [] if len(frame) else ["no rows"]
    if n_further := len(read) - len(first):
        notes.append(f"{plural(n_further, 'more column')} with --format csv or json")
    return rich_table(columns, title=title, notes=[*notes, *not_shown(hidden)], width=width)
