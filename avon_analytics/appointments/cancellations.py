"""The figure ``cancellations``: how many slots were cancelled, by whom and how late."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from avon_analytics.appointments.figure import Ask, finished, with_share
from avon_analytics.appointments.groupings import OF_CANCELLATIONS

_INTERVAL = ("", "_n", "_low", "_high")
COLUMNS = (
    "n_due",
    "n_cancelled",
    *(f"cancelled_share{part}" for part in _INTERVAL),
    "n_by_patient",
    "n_by_provider",
    "n_by_unknown",
    *(f"patient_cancelled_share{part}" for part in _INTERVAL),
    *(f"provider_cancelled_share{part}" for part in _INTERVAL),
    "n_late",
    *(f"late_share{part}" for part in _INTERVAL),
    "n_after_start",
    "median_notice_hours",
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
    with_share(rows, "cancelled_share", rows.n_cancelled, rows.n_due)
    with_share(rows, "patient_cancelled_share", rows.n_by_patient, held + rows.n_by_patient)
    with_share(
        rows,
        "provider_cancelled_share",
        rows.n_by_provider,
        rows.n_attended + rows.n_by_provider,
    )
    with_share(rows, "late_share", rows.n_late, rows.n_with_notice)
    return finished(counted, rows, COLUMNS, DEFINITION.format(late=counted.late_hours))
