"""The figure ``reschedules``: how many slots were moved, which way, and with how much notice."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_shares
from avon_analytics.figures.reschedules import FIGURE


def reschedules(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.reschedules``."""
    counted = ask("reschedules", by=by, every=every)
    rows = counted.rows
    rows["n_stayed"] = rows.n_slots - rows.n_superseded
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows)
