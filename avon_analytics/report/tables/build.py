"""A figure as the table that a reader gets: its foremost columns, its rows, and what they sum to.

Terminal and notebook set it each in its own way. A DataFrame, CSV and JSON have all of it.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from avon_analytics.figures import Figure, compare
from avon_analytics.report.tables.bookings import table_by_days
from avon_analytics.report.tables.cancelled import is_of_cancelled, table_of_cancelled
from avon_analytics.report.tables.comparison import comparison_table
from avon_analytics.report.tables.names import cohorts, named
from avon_analytics.report.tables.remarks import remarks
from avon_analytics.report.tables.rows import groupings, rows_of
from avon_analytics.report.tables.table import FigureTable, n_further, window_notes
from avon_analytics.report.tables.titles import figure_of, is_figure, row_names_of
from avon_analytics.report.tables.totals import blanks_of_all, totals
from avon_analytics.report.words.headings import share_name
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.text import capital


def figure_table(frame: pd.DataFrame, most: int | None = None) -> FigureTable | None:
    """The table of a figure, or the first rows of it; None for a frame that is none."""
    if not is_figure(frame):
        return None
    known = _whole_table(frame, most)
    n_rows = len(known.rows) + known.n_more
    rows = known.rows[:most]
    return replace(
        known, rows=rows, n_more=n_rows - len(rows), notes=(*known.notes, *remarks(frame))
    )


def _whole_table(frame: pd.DataFrame, most: int | None) -> FigureTable:
    figure, frame = as_shown(frame)
    keys = groupings(frame) + ["period_on"] * ("period_on" in frame)
    if {"cause", "day", "cumulative_incidence"} <= set(frame):
        return table_by_days(frame, keys, most)
    keys += row_names_of(figure, frame)
    if figure.name == compare.FIGURE.name:
        return comparison_table(figure, frame, keys)
    if is_of_cancelled(frame, keys):
        return table_of_cancelled(frame, keys)
    columns = [one for one in figure.in_tables if one.name in frame]
    groups = [name for name in keys if name not in figure.row_names]
    of_all = totals(frame, columns, figure, groups) if groups and figure.adds_up else []
    rows = rows_of(frame if most is None else frame.head(most))
    return FigureTable(
        keys=keys,
        columns=columns,
        rows=rows,
        n_more=len(frame) - len(rows),
        totals=of_all,
        every=every_of(frame),
        n_further=n_further(frame, keys, columns),
        notes=(*window_notes(frame, keys), *blanks_of_all(columns, of_all)),
    )


def as_shown(frame: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A figure and its frame with all names as a reader knows them.

    Of a comparison, a column of either cohort is headed by what the cohort is called, and groups
    are side by side: one share after the other.
    """
    figure, shown = figure_of(frame), named(frame)
    if figure is not compare.FIGURE:
        return figure, shown
    called = dict(zip((compare.HERE, compare.THERE), map(capital, cohorts(frame)), strict=True))
    columns = [replace(one, heading=called.get(one, one.heading)) for one in figure.columns]
    order = {share: nth for nth, share in enumerate(dict.fromkeys(shown["measure"]))}
    shown = shown.sort_values("measure", key=lambda shares: shares.map(order), kind="stable")
    measures = [share_name(str(share)) for share in shown["measure"]]
    return replace(figure, columns=tuple(columns)), shown.assign(measure=measures)
