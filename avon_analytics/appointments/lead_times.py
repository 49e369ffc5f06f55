"""The figure ``lead_times``: how long ahead appointments were booked."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished
from avon_analytics.appointments.small_counts import Cells

COLUMNS = ("n_appointments", "n_with_lead", "median_lead_days", "p90_lead_days")
CELLS = Cells(
    sums=(("n_appointments", ("n_with_lead", "n_without_lead")),),
    rests={"median_lead_days": ("n_with_lead",), "p90_lead_days": ("n_with_lead",)},
)
DEFINITION = (
    "Appointments by the period in which they were booked, and the local calendar days from the "
    "booking to the first planned start; negative where it was booked afterwards."
)


def lead_times(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.lead_times``."""
    counted = ask("lead_times", by=by, every=every, table="lifecycle", dated="booked")
    rows = counted.rows
    rows["n_without_lead"] = rows.n_appointments - rows.n_with_lead
    return finished(counted, rows, COLUMNS, DEFINITION, cells=CELLS)
