"""The figure ``punctuality``: how late attended slots began, and how far they ran over."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished
from avon_analytics.figures.punctuality import FIGURE


def punctuality(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.punctuality``."""
    counted = ask("punctuality", by=by, every=every)
    rows = counted.rows
    rows["n_untimed"] = rows.n_attended - rows.n_with_actual_times
    return finished(FIGURE, counted, rows)
