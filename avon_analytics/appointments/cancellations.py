"""The figure ``cancellations``: how many slots were cancelled, by whom and how late."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, share_columns, with_share
from avon_analytics.appointments.groupings import OF_CANCELLATIONS
from avon_analytics.appointments.small_counts import Cells

COLUMNS = (
    "n_due",
    "n_cancelled",
    *share_columns("cancelled_share"),
    "n_by_patient",
    "n_by_provider",
    "n_by_unknown",
    *share_columns("patient_cancelled_share"),
    *share_columns("provider_cancelled_share"),
    "n_late",
    *share_columns("late_share"),
    "n_after_start",
    "median_notice_hours",
)
CELLS = Cells(
    sums=(
        ("n_cancelled", ("n_by_patient", "n_by_provider", "n_by_unknown")),
        ("n_cancelled", ("late_share_n", "n_without_notice")),
        ("late_share_n", ("n_late", "n_in_time")),
        ("n_late", ("n_after_start", "n_late_before_start")),
        ("n_due", ("n_cancelled", "n_kept")),
        ("patient_cancelled_share_n", ("n_by_patient", "n_held")),
        ("provider_cancelled_share_n", ("n_by_provider", "n_attended")),
    ),
    same={"cancelled_share_n": "n_due"},
    rests={
        "cancelled_share": ("n_cancelled", "cancelled_share_n"),
        "patient_cancelled_share": ("n_by_patient", "patient_cancelled_share_n"),
        "provider_cancelled_share": ("n_by_provider", "provider_cancelled_share_n"),
        "late_share": ("n_late", "late_share_n"),
        "median_notice_hours": ("late_share_n",),
    },
)
DEFINITION = (
    "Cancelled slots among due slots that were not rescheduled. patient_cancelled_share = by "
    "patient / (attended + no-show + by patient); provider_cancelled_share = by provider / "
    "(attended + by provider); late_share = late / cancelled with known notice, whoever cancelled; "
    "late is a notice under {late:g} hours, after the start included."
)


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
    with_share(rows, "cancelled_share", rows.n_cancelled, rows.n_due)
    with_share(rows, "patient_cancelled_share", rows.n_by_patient, held + rows.n_by_patient)
    with_share(
        rows,
        "provider_cancelled_share",
        rows.n_by_provider,
        rows.n_attended + rows.n_by_provider,
    )
    with_share(rows, "late_share", rows.n_late, rows.n_with_notice)
    definition = DEFINITION.format(late=counted.late_hours)
    return finished(counted, rows, COLUMNS, definition, cells=CELLS)
