"""The figure ``outcomes``: how slots ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from avon_analytics.appointments.figure import (
    Ask,
    Counted,
    finished,
    with_share,
)
from avon_analytics.appointments.scope import choice, midnight, period_end
from avon_analytics.figures.outcomes import BASES, CELLS, FIGURE

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
    for name, (part, among) in shares(rows, basis).items():
        with_share(rows, name, part, among)
    held = rows.n_attended + rows.n_no_show
    due = rows.attended_share_n
    resolved = held + rows.n_unresolved if basis == "completed" else due
    missed = rows.n_no_show + rows.n_unresolved
    rows["no_show_share_if_all_unresolved_missed"] = _fraction(missed, resolved)
    rows["no_show_share_if_all_unresolved_attended"] = _fraction(rows.n_no_show, resolved)
    rows["is_mature"] = (rows.n_not_due == 0) & _over(counted)
    return finished(FIGURE, counted, rows, cells=CELLS[basis], among=_AMONG[basis])


def shares(rows: pd.DataFrame, basis: str) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What each share counts, and among how many."""
    held = rows.n_attended + rows.n_no_show
    due = held + rows.n_cancelled + rows.n_unresolved
    return {
        "no_show_share": (rows.n_no_show, held if basis == "completed" else due),
        "attended_share": (rows.n_attended, due),
        "cancelled_share": (rows.n_cancelled, due),
    }


def _fraction(part: pd.Series, among: pd.Series) -> pd.Series:
    return part.astype("float64") / among.astype("float64").where(among > 0)


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
    return pd.Series([ends.get(first, True) for first in firsts], firsts.index, dtype=bool)


def _has_ended(counted: Counted, end: date | None) -> bool:
    if end is None or counted.as_of is None:
        return True
    try:
        over = midnight(end, counted.time_zone) + timedelta(hours=counted.grace_hours)
    except OverflowError:  # after the year 9999
        return False
    return over <= counted.as_of
