"""The figure ``returns``: what patients did after a visit."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, checked_days, finished, with_shares
from avon_analytics.figures.returns import FIGURE


def returns(ask: Ask, *, by: str | Iterable[str], every: str | None, days: int) -> pd.DataFrame:
    """See ``Cohort.returns``."""
    days = checked_days(days)
    counted = ask("returns", by=by, every=every, beside=["every_slot"], bound={"days": days})
    rows = counted.rows
    rows["n_not_followed"] = rows.n_attended - rows.n_followed
    rows["n_not_followed_up"] = rows.n_followed - rows.n_followed_up
    rows["n_not_returned"] = rows.n_followed - rows.n_returned
    rows["n_not_held"] = rows.n_followed_up - rows.n_already_held
    rows["n_with_booking"] = rows.n_patients - rows.n_without_booking
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows, options={"days": days}, days=days)
