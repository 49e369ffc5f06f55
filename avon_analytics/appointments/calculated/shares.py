"""Any share of ``outcomes`` or ``cancellations`` by name: what it counts, and among how many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from avon_analytics.appointments.calculated.figure import in_order, shares_of
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.figures import Figure, cancellations, outcomes
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows


def share_of(
    cohort: CohortRows,
    share: str,
    *,
    by: By,
    every: str | None = None,
    basis: str,
    min_count: int | None,
) -> Counted:
    """The counts of one share: ``n``, ``count`` and ``n_others``, beside groups and period."""
    figure = figure_of(share)
    # What only cancellations can be divided by has no others to be compared with.
    counted = cohort._count(replace(figure, groupings=()), by, every, min_count=min_count)
    part, among = shares_of(figure, counted.rows, basis)[share]
    keys = [key.name for key in counted.keys] + ([] if every is None else ["period_on"])
    rows = counted.rows[keys].assign(n=among, count=part, n_others=among - part)
    # In order, as what is drawn by chance afterwards is drawn for one row after the other.
    labels = {key.name: key.labels for key in counted.keys}
    return replace(counted, rows=in_order(rows, {name: labels.get(name, ()) for name in keys}))


def figure_of(share: str) -> Figure:
    """The figure that a share is of."""
    return next(one for one in (outcomes.FIGURE, cancellations.FIGURE) if share in one.shares)


def in_words(share: str, basis: str) -> str:
    """What a share is divided by, as a sentence."""
    figure = figure_of(share)
    column = figure.spelled[share]
    of = column.of
    if share == "no_show_share" and basis == "booked":
        of = figure.spelled["attended_share"].of
    return f"{share} is {column.means} of {of}."
