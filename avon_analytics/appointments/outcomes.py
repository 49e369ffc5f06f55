"""The figure ``outcomes``: how slots ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from avon_analytics.appointments.figure import Ask, Counted, finished, with_share
from avon_analytics.appointments.scope import choice, midnight, period_end

BASES = ("completed", "booked")
COLUMNS = (
    "n_slots",
    "n_not_due",
    "n_attended",
    "n_no_show",
    "n_cancelled",
    "n_cancelled_by_patient",
    "n_cancelled_by_provider",
    "n_cancelled_by_unknown",
    "n_rescheduled",
    "n_unresolved",
    *("no_show_share", "no_show_share_n", "no_show_share_low", "no_show_share_high"),
    *("attended_share", "attended_share_n", "attended_share_low", "attended_share_high"),
    *("cancelled_share", "cancelled_share_n", "cancelled_share_low", "cancelled_share_high"),
    "is_mature",
)
DEFINITION = (
    "Slots by how they ended, counted when their planned end and the grace are over. "
    "no_show_share = no-show / ({among}); attended_share and cancelled_share are of all due slots "
    "that were not rescheduled (attended, no-show, cancelled, unresolved)."
)
_AMONG = {
    "completed": "attended + no-show",
    "booked": "attended + no-show + cancelled + unresolved",
}
_LAST_YEAR = 9998


def outcomes(ask: Ask, *, by: str | Iterable[str], every: str | None, basis: str) -> pd.DataFrame:
    """See ``Cohort.outcomes``."""
    choice("basis", basis, BASES)
    counted = ask("outcomes", by=by, every=every)
    rows = counted.rows
    held = rows.n_attended + rows.n_no_show
    due = held + rows.n_cancelled + rows.n_unresolved
    with_share(rows, "no_show_share", rows.n_no_show, held if basis == "completed" else due)
    with_share(rows, "attended_share", rows.n_attended, due)
    with_share(rows, "cancelled_share", rows.n_cancelled, due)
    rows["is_mature"] = (rows.n_not_due == 0) & _over(counted)
    return finished(counted, rows, COLUMNS, DEFINITION.format(among=_AMONG[basis]))


def _over(counted: Counted) -> pd.Series:
    """Whether a row's period, else the window, and the grace after it had ended at T."""
    if counted.every is None:
        return pd.Series(_has_ended(counted, counted.window_end), counted.rows.index)
    firsts = counted.rows.period_on
    ends = {
        # A start in the year 9999 is a slip; what ends there has not ended yet.
        first: first.year < _LAST_YEAR
        and _has_ended(counted, period_end(first.date(), counted.every))
        for first in firsts.dropna().unique()
    }
    return firsts.map(ends).fillna(True).astype(bool)


def _has_ended(counted: Counted, end: date | None) -> bool:
    if end is None or counted.as_of is None:
        return True
    return midnight(end, counted.time_zone) + timedelta(hours=counted.grace_hours) <= counted.as_of
