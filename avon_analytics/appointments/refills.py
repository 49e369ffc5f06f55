"""The figure ``refills``: how much of the time that was given back others took."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, ratio, with_shares
from avon_analytics.appointments.groupings import OF_REFILLS
from avon_analytics.figures.refills import FIGURE


def refills(ask: Ask, *, by: str | Iterable[str]) -> pd.DataFrame:
    """See ``Cohort.refills``."""
    counted = ask("refills", by=by, table="released", beside=["session_hours"], more=OF_REFILLS)
    rows = counted.rows
    rows["n_not_refilled"] = rows.n_released - rows.n_refilled
    rows["n_untouched"] = rows.n_released - rows.n_refilled_at_all
    with_shares(FIGURE, rows)
    rows["refilled_ratio"] = ratio(rows.refilled_hours, rows.released_hours)
    return finished(FIGURE, counted, rows)
