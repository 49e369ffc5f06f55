"""The figure ``lead_times``: how long ahead appointments were booked."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished
from avon_analytics.figures.lead_times import FIGURE


def lead_times(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.lead_times``."""
    counted = ask("lead_times", by=by, every=every, table="lifecycle", dated="booked")
    rows = counted.rows
    rows["n_without_lead"] = rows.n_appointments - rows.n_with_lead
    return finished(FIGURE, counted, rows)
