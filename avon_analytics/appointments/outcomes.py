"""The figure ``outcomes``: how slots ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from avon_analytics.appointments.figure import (
    Ask,
    Counted,
    finished,
    share_columns,
    with_share,
)
from avon_analytics.appointments.scope import choice, midnight, period_end
from avon_analytics.appointments.small_counts import Cells

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
    *share_columns("no_show_share"),
    *share_columns("attended_share"),
    *share_columns("cancelled_share"),
    "is_mature",
    "no_show_share_if_all_unresolved_missed",
    "no_show_share_if_all_unresolved_attended",
)
_HELD = ("n_attended", "n_no_show")
_BY_WHOM = ("n_cancelled_by_patient", "n_cancelled_by_provider", "n_cancelled_by_unknown")
_RESTS = {
    "no_show_share": ("n_no_show", "no_show_share_n"),
    "attended_share": ("n_attended", "attended_share_n"),
    "cancelled_share": ("n_cancelled", "cancelled_share_n"),
}
DEFINITION = (
    "Slots by how they ended, counted when their planned end and the grace are over. "
    "no_show_share = no-show / ({among}); attended_share and cancelled_share are of all due slots "
    "that were not rescheduled (attended, no-show, cancelled, unresolved). The two bounds say what "
    "no_show_share would be, had all unresolved slots been missed, or all been attended."
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
    resolved = held + rows.n_unresolved if basis == "completed" else due
    missed = rows.n_no_show + rows.n_unresolved
    rows["no_show_share_if_all_unresolved_missed"] = _fraction(missed, resolved)
    rows["no_show_share_if_all_unresolved_attended"] = _fraction(rows.n_no_show, resolved)
    rows["is_mature"] = (rows.n_not_due == 0) & _over(counted)
    definition = DEFINITION.format(among=_AMONG[basis])
    return finished(counted, rows, COLUMNS, definition, cells=_cells(basis))


def _fraction(part: pd.Series, among: pd.Series) -> pd.Series:
    return part.astype("float64") / among.astype("float64").where(among > 0)


def _cells(basis: str) -> Cells:
    """How the counts hang together: ``attended_share_n`` is all due slots not rescheduled."""
    sums: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("n_slots", ("n_not_due", "n_rescheduled", "attended_share_n")),
        ("n_cancelled", _BY_WHOM),
    )
    same = {"cancelled_share_n": "attended_share_n"}
    bounds: tuple[str, ...] = (*_HELD, "n_unresolved")
    if basis == "completed":
        sums += (
            ("attended_share_n", ("no_show_share_n", "n_cancelled", "n_unresolved")),
            ("no_show_share_n", ("n_attended", "n_no_show")),
        )
    else:
        same["no_show_share_n"] = "attended_share_n"
        sums += (("attended_share_n", (*_HELD, "n_cancelled", "n_unresolved")),)
        bounds = ("n_no_show", "n_unresolved", "attended_share_n")
    names = [name for name in COLUMNS if "_if_all_" in name]
    return Cells(sums=sums, same=same, rests=_RESTS | dict.fromkeys(names, bounds))


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
