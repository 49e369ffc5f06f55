"""The figure ``outcomes``: how slots ended."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_shares
from avon_analytics.appointments.scope import choice
from avon_analytics.figures.outcomes import BASES, CELLS, FIGURE

_AMONG = {
    "completed": "attended + no-show",
    "booked": "attended + no-show + cancelled + unresolved",
}


def outcomes(ask: Ask, *, by: str | Iterable[str], every: str | None, basis: str) -> pd.DataFrame:
    """See ``Cohort.outcomes``."""
    choice("basis", basis, BASES)
    counted = ask("outcomes", by=by, every=every)
    rows = counted.rows
    with_shares(FIGURE, rows, basis)
    held = rows.n_attended + rows.n_no_show
    due = rows.attended_share_n
    resolved = held + rows.n_unresolved if basis == "completed" else due
    missed = rows.n_no_show + rows.n_unresolved
    rows["no_show_share_if_all_unresolved_missed"] = _fraction(missed, resolved)
    rows["no_show_share_if_all_unresolved_attended"] = _fraction(rows.n_no_show, resolved)
    return finished(
        FIGURE, counted, rows, cells=CELLS[basis], options={"basis": basis}, among=_AMONG[basis]
    )


def _fraction(part: pd.Series, among: pd.Series) -> pd.Series:
    return part.astype("float64") / among.astype("float64").where(among > 0)
