"""``cancellations``: how many due slots were cancelled, by whom and how late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, count, share
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

FIGURE = Figure(
    name="cancellations",
    title="Cancellations",
    question="How many due slots were cancelled, by whom and how late.",
    row="group and period",
    definition=(
        "Cancelled slots among due slots that were not rescheduled. patient_cancelled_share = by "
        "patient / (attended + no-show + by patient); provider_cancelled_share = by provider / "
        "(attended + by provider); late_share = late / cancelled with known notice, whoever "
        "cancelled; late is what came {late}."
    ),
    source="hospital cancellation rate of Northern Ireland's outpatient statistics (2023)",
    columns=(
        count("n_due", "due slots that were not rescheduled", "Due"),
        count("n_cancelled", "of these, those cancelled", "Cancelled"),
        share(
            "cancelled_share",
            "slots cancelled",
            "due slots that were not rescheduled",
            "Cancelled share",
            counts="n_cancelled",
            among=("n_due",),
        ),
        count("n_by_patient", "cancelled by the patient", "By patient", in_terminal=False),
        count("n_by_provider", "cancelled by the provider", "By provider", in_terminal=False),
        count("n_by_unknown", "cancelled by someone unknown", "By unknown", in_terminal=False),
        share(
            "patient_cancelled_share",
            "cancelled by the patient",
            "attended, missed or so cancelled",
            "Patient cancelled share",
            counts="n_by_patient",
            among=("n_attended", "n_no_show", "n_by_patient"),
        ),
        share(
            "provider_cancelled_share",
            "cancelled by the provider",
            "attended or so cancelled",
            "Provider cancelled share",
            counts="n_by_provider",
            among=("n_attended", "n_by_provider"),
        ),
        count("n_late", "cancelled with little notice, or after the start", "Late"),
        share(
            "late_share",
            "cancelled late",
            "cancelled with known notice",
            "Late share",
            counts="n_late",
            among=("n_with_notice",),
        ),
        count("n_after_start", "cancelled after the start", "After the start"),
        Column(
            "median_notice_hours",
            Kind.HOURS,
            "median of the hours from the cancellation to the start; negative is afterwards",
            heading="Median notice hours",
        ),
        *COMPLETE,
    ),
    has_periods=True,
    cells=Cells(
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
        based_on={
            "cancelled_share": ("n_cancelled", "cancelled_share_n"),
            "patient_cancelled_share": ("n_by_patient", "patient_cancelled_share_n"),
            "provider_cancelled_share": ("n_by_provider", "provider_cancelled_share_n"),
            "late_share": ("n_late", "late_share_n"),
            "median_notice_hours": ("late_share_n",),
        },
    ),
    examples=("cancellations --by cancelled_by", "cancellations --every month"),
    foremost=(
        "cancelled_share",
        "n_cancelled",
        "n_by_patient",
        "n_by_provider",
        "n_by_unknown",
        "late_share",
        "n_after_start",
        "median_notice_hours",
    ),
    chart="cancellations",
    by=("cancelled_by",),
    groupings=("notice_band", "cancelled_by", "reason"),
)


class Cancellations(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def cancellations(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How many due slots were cancelled, by whom and how late.

        One row per group and, with ``every``, per period, as in ``outcomes``. ``by`` may also be
        notice_band, cancelled_by or reason, which are missing for slots that were not cancelled.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_due`` (due slots that were
        not rescheduled), ``n_cancelled`` = ``n_by_patient`` + ``n_by_provider`` +
        ``n_by_unknown``, ``n_late`` (less notice than the cohort's ``late``, after the start
        included), ``n_after_start``; shares (float) ``cancelled_share`` of ``n_due``,
        ``patient_cancelled_share`` = by patient / (attended + no-show + by patient),
        ``provider_cancelled_share`` = by provider / (attended + by provider), ``late_share`` of
        those cancelled with known notice; ``median_notice_hours`` (float): start minus
        cancellation in elapsed hours, negative after the start; ``is_mature`` and
        ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.

        >>> visits.cancellations(by="notice_band")[["notice_band", "n_cancelled", "n_late"]]
           notice_band  n_cancelled  n_late
        0  after start            1       1
        1   2-24 hours            4       4
        2  over 7 days            1       0
        3          NaN            0       0
        """
        return self._figure(FIGURE, by=by, every=every, min_count=min_count)
