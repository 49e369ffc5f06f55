"""The figure ``funnel``: how far appointments came, and where the others went."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_share
from avon_analytics.appointments.scope import choice

UNITS = ("appointment", "slot")
COLUMNS = (
    "step",
    "stage",
    "n_reached",
    "n_observed",
    "n_inferred",
    *("first_share", "first_share_n", "first_share_low", "first_share_high"),
    *("previous_share", "previous_share_n", "previous_share_low", "previous_share_high"),
    "median_hours_from_previous",
    "p90_hours_from_previous",
    "n_cancelled",
    "n_no_show",
    "n_rescheduled",
    "n_unresolved",
    "n_open",
)
DEFINITION = (
    "{unit}s that reached each stage, due or not; a later stage implies the earlier ones. "
    "first_share is of those booked, previous_share of those that reached the stage before. A "
    "stage is observed where the webhook named after it came, else inferred from what others told."
)
# Which table a unit is a row of, and where all its patients were no-shows.
_ROWS = {
    "appointment": ("lifecycle", "n_no_show = n_slots AS is_absent"),
    "slot": ("slots", "outcome = 'no_show' AS is_absent"),
}


def funnel(ask: Ask, *, by: str | Iterable[str], unit: str) -> pd.DataFrame:
    """See ``Cohort.funnel``."""
    table, plus = _ROWS[choice("unit", unit, UNITS)]
    counted = ask("funnel", by=by, table=table, plus=plus)
    rows = counted.rows
    # The first stage has no stage before it: of nothing, so its share is missing.
    rows["n_previous"] = rows.n_previous.where(rows.step > 1, 0)
    with_share(rows, "first_share", rows.n_reached, rows.n_all)
    with_share(rows, "previous_share", rows.n_reached, rows.n_previous)
    return finished(counted, rows, COLUMNS, DEFINITION.format(unit=unit.capitalize()))
