"""The figure ``lead_times``: how long ahead appointments were booked."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_shares
from avon_analytics.arguments import whole_number
from avon_analytics.figures.lead_times import FIGURE

_MOST_DAYS = 36_500
_WITHIN = f"within: expected a whole number of days from 0 to {_MOST_DAYS:,}, such as 14"


def lead_times(
    ask: Ask, *, by: str | Iterable[str], every: str | None, within: int
) -> pd.DataFrame:
    """See ``Cohort.lead_times``."""
    within = whole_number(within, 0, _MOST_DAYS, _WITHIN)
    counted = ask(
        "lead_times",
        by=by,
        every=every,
        table="lifecycle",
        dated="booked",
        bound={"within": within},
    )
    rows = counted.rows
    rows["n_without_lead"] = rows.n_appointments - rows.n_with_lead
    rows["n_not_followed"] = rows.n_appointments - rows.n_followed
    rows["n_not_within"] = rows.n_followed - rows.n_within
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows, options={"within": within}, within=within)
