"""``rebooking``: whether patients came back after a cancellation or a no-show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import (
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
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    import pandas as pd

FIGURE = Figure(
    name="rebooking",
    title="Rebooking",
    question="Whether patients came back after a cancellation or a no-show.",
    row="group",
    definition=(
        "Slots that were cancelled (counted from the cancellation) or missed (from their start), "
        "with a known patient and {days} days before T. Already held: the patient then had another "
        "appointment booked and still to come. Rebooked: of the others, who booked another "
        "appointment within {days} days. Returned: of all followed, who attended a planned start "
        "within them."
    ),
    columns=(
        count("n_index", "slots that were cancelled or missed", "Cancelled or missed"),
        count(
            "n_followed",
            "of these, those with a known patient and so many days before T",
            "Followed",
        ),
        count(
            "n_already_held",
            "of the followed, whose patient then had another booked and still to come",
            "Already held",
        ),
        count("n_rebooked", "of the others, who booked another within the days", "Rebooked"),
        share(
            "rebooked_share",
            "rebooked",
            "followed without another booking",
            "Rebooked share",
            counts="n_rebooked",
            among=("n_not_held",),
        ),
        count(
            "n_returned",
            "of the followed, who attended a planned start within the days",
            "Returned",
        ),
        share(
            "returned_share",
            "seen again",
            "followed",
            "Returned share",
            counts="n_returned",
            among=("n_followed",),
        ),
        Column(
            "median_days_to_rebook",
            Kind.DAYS,
            "median of the elapsed days until the booking, of the rebooked",
            heading="Median days to rebook",
        ),
    ),
    options=(
        Option(
            "days",
            Takes.WHOLE,
            "For how many days a patient is followed.",
            default=30,
            least=1,
            most=36_500,
            of="days",
            says="Patients are followed for {}.",
        ),
    ),
    reads=Reads(beside=("follow_up",)),
    cells=Cells(
        sums=(
            ("n_index", ("n_followed", "n_not_followed")),
            ("n_followed", ("n_already_held", "rebooked_share_n")),
            ("n_followed", ("n_returned", "n_not_returned")),
            ("rebooked_share_n", ("n_rebooked", "n_not_rebooked")),
        ),
        same={"returned_share_n": "n_followed"},
        based_on={
            "rebooked_share": ("n_rebooked", "rebooked_share_n"),
            "returned_share": ("n_returned", "returned_share_n"),
            "median_days_to_rebook": ("n_rebooked",),
        },
    ),
    examples=("rebooking", "rebooking --by host --days 14"),
    foremost=(
        "rebooked_share",
        "n_rebooked",
        "returned_share",
        "n_returned",
        "median_days_to_rebook",
        "n_index",
        "n_already_held",
    ),
    chart="share",
)


class Rebooking(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def rebooking(
        self,
        by: By = (),
        *,
        days: int = 30,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Whether patients came back after a cancellation or a no-show.

        One row per group of the cohort's slots, each of which that was cancelled or missed is
        followed for ``days`` times 24 hours: from its cancellation, or from the start that was
        missed. What the patient did next is looked for in the whole store as of T, not in the
        cohort alone (internal meetings apart, unless the cohort includes them).

        Columns: counts (int64) ``n_index``, all that were cancelled or missed; ``n_followed``,
        those with a known patient and so many days before T; ``n_already_held`` of these, whose
        patient then had another appointment open: booked by then, its start still to come, neither
        cancelled nor moved; ``n_rebooked`` of the rest, whose patient booked another appointment
        within the days; ``n_returned`` of the followed, whose patient attended a planned start
        within the days. Shares (float) ``rebooked_share`` of ``n_followed`` - ``n_already_held``,
        ``returned_share`` of ``n_followed``; ``median_days_to_rebook`` (float), elapsed days of
        the rebooked. Of one instant, a booking counts as held, not as booked afterwards.

        Raises UnknownGroup, listing the choices, for an unknown grouping; UsageError for days
        that are not a whole number of at least 1.

        >>> visits.rebooking(days=30)[["n_index", "n_followed", "n_rebooked", "n_returned"]]
           n_index  n_followed  n_rebooked  n_returned
        0        9           9           1           2
        """
        return self._figure(FIGURE, by=by, days=days, min_count=min_count)
