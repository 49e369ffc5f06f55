"""``lead_times``: how long ahead appointments were booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import (
    COMPLETE,
    Cells,
    Column,
    Figure,
    Kind,
    Option,
    Reads,
    Takes,
    count,
    share,
)
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

FIGURE = Figure(
    name="lead_times",
    title="Lead times",
    question="How many days ahead appointments were booked, by when they were booked.",
    row="group and period of the booking",
    definition=(
        "Appointments by the period in which they were booked, and the local calendar days from "
        "the booking to the first planned start; negative where it was booked afterwards. The "
        "window is one of bookings. within_share = attended at most {within} days after the "
        "booking / all that were booked so long before T that these days and the grace are over, "
        "whatever became of them."
    ),
    columns=(
        count("n_appointments", "appointments", "Appointments"),
        count(
            "n_with_lead", "of these, those with a known booking and start", "With known booking"
        ),
        Column(
            "median_lead_days",
            Kind.DAYS,
            "median of the days from booking to first planned start",
            heading="Median days ahead",
        ),
        Column(
            "p90_lead_days",
            Kind.DAYS,
            "90 % quantile of the same days",
            heading="90 % within, days",
        ),
        count("n_followed", "of all, those whose days and grace were over at T", "Followed"),
        count("n_within", "of the followed, those attended within the days", "Seen within"),
        share(
            "within_share",
            "attended within the days",
            "booked so many days before T",
            "Seen within share",
            counts="n_within",
            among=("n_followed",),
        ),
        *COMPLETE,
    ),
    has_periods=True,
    unit="appointment",
    options=(
        Option(
            "within",
            Takes.WHOLE,
            "Within how many days of the booking a visit is to be.",
            default=14,
            least=0,
            most=36_500,
            of="days",
            says="Seen within: at most {} after the booking.",
        ),
    ),
    reads=Reads("lifecycle", dated="booked"),
    cells=Cells(
        sums=(
            ("n_appointments", ("n_with_lead", "n_without_lead")),
            ("n_appointments", ("n_followed", "n_not_followed")),
            ("n_followed", ("n_within", "n_not_within")),
        ),
        same={"within_share_n": "n_followed"},
        based_on={
            "median_lead_days": ("n_with_lead",),
            "p90_lead_days": ("n_with_lead",),
            "within_share": ("n_within", "within_share_n"),
        },
    ),
    examples=("lead-times --every month", "lead-times --by appointment_type --within 28"),
    foremost=(
        "within_share",
        "median_lead_days",
        "p90_lead_days",
        "n_appointments",
        "n_with_lead",
    ),
    chart="lead_times",
)


class LeadTimes(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def lead_times(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        within: int = 14,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How long ahead appointments were booked, and which share was soon seen.

        One row per group and, with ``every``, per period of the booking. The cohort's window is
        taken as one of bookings, whatever ``on`` says: a window of starts would cut long leads
        away. What has no booking date is one row without a period.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_appointments`` and
        ``n_with_lead`` (both booking and first start are known); of these ``median_lead_days`` and
        ``p90_lead_days`` (float): local calendar days from booking to first planned start,
        negative where it was booked afterwards; ``n_followed``, of all those booked so long before
        T that ``within`` local days and the grace are over; ``n_within`` of these, attended with a
        planned start at most so many days after the booking; ``within_share`` (float) of
        ``n_followed``, so that cancelled, missed and later visits count as not seen; ``is_mature``
        (the period was over at T) and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period; UsageError for
        days that are not a whole number of at least 0.

        >>> visits.lead_times()[["n_appointments", "median_lead_days", "within_share"]].round(2)
           n_appointments  median_lead_days  within_share
        0              29              10.0          0.32
        """
        return self._figure(FIGURE, by=by, every=every, within=within, min_count=min_count)
