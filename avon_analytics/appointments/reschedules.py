"""The figure ``reschedules``: how many slots were moved, which way, and with how much notice."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, share_columns, with_share
from avon_analytics.appointments.small_counts import Cells

COLUMNS = (
    "n_slots",
    "n_superseded",
    *share_columns("superseded_share"),
    "n_moved_earlier",
    "n_moved_later",
    "median_shift_hours",
    "median_notice_hours",
)
CELLS = Cells(
    sums=(
        ("n_superseded", ("n_moved_earlier", "n_moved_later")),
        ("n_slots", ("n_superseded", "n_stayed")),
    ),
    same={"superseded_share_n": "n_slots"},
    rests={
        "superseded_share": ("n_superseded", "superseded_share_n"),
        "median_shift_hours": ("n_superseded",),
        "median_notice_hours": ("n_superseded",),
    },
)
DEFINITION = (
    "All slots, due or not, and those that were moved to another start (superseded), whatever "
    "their outcome. A shift is positive when later; notice is the planned start minus the event "
    "that moved it."
)


def reschedules(ask: Ask, *, by: str | Iterable[str], every: str | None) -> pd.DataFrame:
    """See ``Cohort.reschedules``."""
    counted = ask("reschedules", by=by, every=every)
    rows = counted.rows
    rows["n_stayed"] = rows.n_slots - rows.n_superseded
    with_share(rows, "superseded_share", rows.n_superseded, rows.n_slots)
    return finished(counted, rows, COLUMNS, DEFINITION, cells=CELLS)
