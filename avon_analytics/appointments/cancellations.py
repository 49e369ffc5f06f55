"""The figure ``cancellations``: how many slots were cancelled, by whom and how late."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_shares
from avon_analytics.appointments.groupings import OF_CANCELLATIONS
from avon_analytics.figures.cancellations import FIGURE


def cancellations(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.cancellations``."""
    counted = ask("cancellations", by=by, every=every, more=OF_CANCELLATIONS)
    rows = counted.rows
    held = rows.n_attended + rows.n_no_show
    rows["n_held"] = held
    rows["n_kept"] = rows.n_due - rows.n_cancelled
    rows["n_without_notice"] = rows.n_cancelled - rows.n_with_notice
    rows["n_in_time"] = rows.n_with_notice - rows.n_late
    rows["n_late_before_start"] = rows.n_late - rows.n_after_start
    with_shares(FIGURE, rows)
    return finished(FIGURE, counted, rows, late=counted.late)
