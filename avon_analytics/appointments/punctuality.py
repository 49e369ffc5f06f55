"""The figure ``punctuality``: how late attended slots began, and how far they ran over."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished
from avon_analytics.appointments.small_counts import Cells

COLUMNS = (
    "n_attended",
    "n_with_actual_times",
    "median_start_delay_minutes",
    "p90_start_delay_minutes",
    "median_overrun_minutes",
)
CELLS = Cells(
    sums=(("n_attended", ("n_with_actual_times", "n_untimed")),),
    rests={
        "median_start_delay_minutes": ("n_with_actual_times",),
        "p90_start_delay_minutes": ("n_with_actual_times",),
        "median_overrun_minutes": ("n_with_actual_times", "n_with_overrun"),
    },
)
DEFINITION = (
    "Due slots that were attended. Of those whose actual start and end are both known: actual "
    "start minus planned start (the delay), actual end minus planned end (the overrun), in "
    "minutes; negative is early."
)


def punctuality(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.punctuality``."""
    counted = ask("punctuality", by=by, every=every)
    rows = counted.rows
    rows["n_untimed"] = rows.n_attended - rows.n_with_actual_times
    return finished(counted, rows, COLUMNS, DEFINITION, cells=CELLS)
