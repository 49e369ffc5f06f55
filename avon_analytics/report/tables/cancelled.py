"""Cancelled slots by what a cancellation decides: who, the notice, the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from avon_analytics.appointments.rows.groupings import OF_CANCELLATIONS
from avon_analytics.figures import FIGURES, Column, Figure, Kind
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.tables.table import FigureTable, n_further, window_notes
from avon_analytics.report.tables.totals import blanks_of_all, total_of, totals
from avon_analytics.report.words.numbers import count, number
from avon_analytics.report.words.periods import every_of

OF_ALL = Column("of_all_share", Kind.RATIO, "of all cancelled here", heading="Of all cancelled")


def foremost(figure: Figure, keys: Sequence[str]) -> list[str]:
    """The columns of a figure's table, the foremost first, where it is divided by these."""
    if not set(keys) & set(OF_CANCELLATIONS):
        return [one.name for one in figure.in_tables]
    names = ["n_cancelled", "late_share", "n_after_start", "median_notice_hours"]
    if "cancelled_by" not in keys:
        names[1:1] = ["n_by_patient", "n_by_provider", "n_by_unknown"]
    settled = ("late_share", "n_after_start") if "notice_band" in keys else ()
    return [name for name in names if name not in settled]


def is_of_cancelled(frame: pd.DataFrame, keys: Sequence[str]) -> bool:
    """Whether a figure is divided by what a cancellation decides."""
    return bool(set(keys) & set(OF_CANCELLATIONS)) and "n_cancelled" in frame


def cancelled_only(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of cancelled slots, and those of which that is blank."""
    return frame[frame["n_cancelled"].isna() | (frame["n_cancelled"] != 0)]


def rows_of_cancelled(frame: pd.DataFrame) -> tuple[list[dict[str, Any]], float | None]:
    """The rows of cancelled slots, each with its part of all of these, and how many these are."""
    kept = cancelled_only(frame)
    rows, total = rows_of(kept), total_of(kept, "n_cancelled")
    for row in rows:
        n = number(row["n_cancelled"])
        row[OF_ALL.name] = n / total if total and n is not None else None
    return rows, total


def left_out_notes(frame: pd.DataFrame) -> tuple[str, ...]:
    """How many due slots the rows of cancelled slots leave out."""
    due, shown = (total_of(one, "n_due") for one in (frame, cancelled_only(frame)))
    if due is None or shown is None or due == shown:
        return ()
    return (f"{count(due - shown)} due slots that were not cancelled are left out.",)


def table_of_cancelled(frame: pd.DataFrame, keys: list[str]) -> FigureTable:
    """Cancelled slots by what a cancellation decides, each row beside all of these.

    A slot that was not cancelled has no such thing, and of the others all are cancelled: shares of
    due slots would be 0 or 100 %.
    """
    figure = FIGURES["cancellations"]
    rows, total = rows_of_cancelled(frame)
    kept = cancelled_only(frame)
    measures = [figure.spelled[name] for name in foremost(figure, keys) if name in frame]
    columns = [*measures[:1], OF_ALL, *measures[1:]]
    of_all = totals(kept, measures, figure, keys)
    return FigureTable(
        keys=keys,
        columns=columns,
        rows=rows,
        totals=[{**one, OF_ALL.name: 1.0 if total else None} for one in of_all],
        every=every_of(frame),
        n_further=n_further(frame, keys, measures),
        notes=(
            *window_notes(kept, keys),
            *left_out_notes(frame),
            *blanks_of_all(measures, of_all),
        ),
    )
