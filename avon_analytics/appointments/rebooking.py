"""The figure ``rebooking``: whether patients came back after a cancellation or a no-show."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, share_columns, with_share
from avon_analytics.appointments.small_counts import Cells
from avon_analytics.arguments import whole_number

COLUMNS = (
    "n_index",
    "n_followed",
    "n_already_held",
    "n_rebooked",
    *share_columns("rebooked_share"),
    "n_returned",
    *share_columns("returned_share"),
    "median_days_to_rebook",
)
CELLS = Cells(
    sums=(
        ("n_index", ("n_followed", "n_not_followed")),
        ("n_followed", ("n_already_held", "rebooked_share_n")),
        ("n_followed", ("n_returned", "n_not_returned")),
        ("rebooked_share_n", ("n_rebooked", "n_not_rebooked")),
    ),
    same={"returned_share_n": "n_followed"},
    rests={
        "rebooked_share": ("n_rebooked", "rebooked_share_n"),
        "returned_share": ("n_returned", "returned_share_n"),
        "median_days_to_rebook": ("n_rebooked",),
    },
)
DEFINITION = (
    "Slots that were cancelled (counted from the cancellation) or missed (from their start), with "
    "a known patient and {days} days before T. Already held: the patient then had another "
    "appointment booked and still to come. Rebooked: of the others, who booked another appointment "
    "within {days} days. Returned: of all followed, who attended a planned start within them."
)
_MOST_DAYS = 36_500
_DAYS = f"days: expected a whole number of days from 1 to {_MOST_DAYS:,}, such as 30"


def rebooking(ask: Ask, *, by: str | Iterable[str], days: int) -> pd.DataFrame:
    """See ``Cohort.rebooking``."""
    days = whole_number(days, 1, _MOST_DAYS, _DAYS)
    counted = ask("rebooking", by=by, days=days)
    rows = counted.rows
    free = rows.n_followed - rows.n_already_held
    rows["n_not_followed"] = rows.n_index - rows.n_followed
    rows["n_not_returned"] = rows.n_followed - rows.n_returned
    rows["n_not_rebooked"] = free - rows.n_rebooked
    with_share(rows, "rebooked_share", rows.n_rebooked, free)
    with_share(rows, "returned_share", rows.n_returned, rows.n_followed)
    return finished(counted, rows, COLUMNS, DEFINITION.format(days=days), cells=CELLS)
