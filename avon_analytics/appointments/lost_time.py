"""The figure ``lost_time``: what became of the hours that were planned."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, ratio
from avon_analytics.figures.lost_time import FIGURE


def lost_time(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.lost_time``."""
    counted = ask("lost_time", by=by, every=every, beside=["session_hours"])
    rows = counted.rows
    rows["n_timed"] = rows.n_sessions - rows.n_without_length
    rows["lost_ratio"] = ratio(rows.lost_hours, rows.planned_hours)
    return finished(FIGURE, counted, rows, late=counted.late)
