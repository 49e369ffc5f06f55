"""The figure ``rebooking``: whether patients came back after a cancellation or a no-show."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, checked_days, finished, with_shares
from avon_analytics.figures.rebooking import FIGURE


def rebooking(ask: Ask, *, by: str | Iterable[str], days: int) -> pd.DataFrame:
    """See ``Cohort.rebooking``."""
    days = checked_days(days)
    counted = ask("rebooking", by=by, beside=["follow_up"], bound={"days": days})
    rows = counted.rows
    rows["n_not_followed"] = rows.n_index - rows.n_followed
    rows["n_not_returned"] = rows.n_followed - rows.n_returned
    rows["n_not_rebooked"] = rows.n_not_held - rows.n_rebooked
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows, options={"days": days}, days=days)
