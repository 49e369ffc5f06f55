"""``returns``: what patients did after a visit."""

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
    name="returns",
    title="Returns",
    question="Whether patients who came have another visit, and who has nothing booked.",
    row="group and period",
    definition=(
        "Attended slots with a known patient. Followed are those with {days} days before T. "
        "Already held: at the visit's start the patient had another one planned and still to come. "
        "Followed up: of the followed, who held one, booked one or attended one within {days} "
        "days. Returned: who attended one within them. Patients count once a row; without a "
        "booking are those with no open slot that starts after T."
    ),
    columns=(
        count("n_attended", "attended slots with a known patient", "Attended"),
        count("n_followed", "of these, those with all days over", "Followed"),
        count(
            "n_already_held", "of the followed, whose patient held another visit", "Already held"
        ),
        count(
            "n_followed_up",
            "of the followed, whose patient held, booked or attended another",
            "Followed up",
        ),
        share(
            "followed_up_share",
            "followed up",
            "followed",
            "Followed-up share",
            counts="n_followed_up",
            among=("n_followed",),
        ),
        count("n_returned", "of the followed, whose patient attended another", "Returned"),
        share(
            "returned_share",
            "seen again",
            "followed",
            "Returned share",
            counts="n_returned",
            among=("n_followed",),
        ),
        Column(
            "median_days_to_return",
            Kind.DAYS,
            "median of the elapsed days until the next attended start, of the returned",
            heading="Median days to return",
        ),
        count("n_patients", "patients of the attended slots, each once", "Patients"),
        count("n_without_booking", "of these, those with nothing booked at T", "Nothing booked"),
        share(
            "without_booking_share",
            "patients with nothing booked",
            "patients",
            "Nothing-booked share",
            counts="n_without_booking",
            among=("n_patients",),
        ),
        *COMPLETE,
    ),
    has_periods=True,
    options=(
        Option(
            "days",
            Takes.WHOLE,
            "For how many days a patient is followed.",
            default=90,
            least=1,
            most=36_500,
            of="days",
            says="Patients are followed for {}.",
        ),
    ),
    reads=Reads("after_visits", beside=("every_slot",)),
    cells=Cells(
        sums=(
            ("n_attended", ("n_followed", "n_not_followed")),
            ("n_followed", ("n_followed_up", "n_not_followed_up")),
            ("n_followed", ("n_returned", "n_not_returned")),
            ("n_followed_up", ("n_already_held", "n_not_held")),
            ("n_patients", ("n_without_booking", "n_with_booking")),
        ),
        same={
            "followed_up_share_n": "n_followed",
            "returned_share_n": "n_followed",
            "without_booking_share_n": "n_patients",
        },
        based_on={
            "followed_up_share": ("n_followed_up", "followed_up_share_n"),
            "returned_share": ("n_returned", "returned_share_n"),
            "without_booking_share": ("n_without_booking", "without_booking_share_n"),
            "median_days_to_return": ("n_returned",),
        },
    ),
    examples=("returns --days 180", "returns --by host --every quarter"),
    foremost=(
        "returned_share",
        "without_booking_share",
        "followed_up_share",
        "n_attended",
        "n_returned",
        "n_without_booking",
        "median_days_to_return",
    ),
    apart=("n_patients", "n_without_booking"),
    chart="share",
)


class Returns(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def returns(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        days: int = 90,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """What patients did after a visit, and who has nothing booked.

        One row per group and, with ``every``, per period of the cohort's attended slots with a
        known patient, each followed from its start for ``days`` times 24 hours. What the patient
        did next is looked for in the whole store as of T (internal meetings apart, unless the
        cohort includes them).

        Columns: counts (int64) ``n_attended``; ``n_followed``, those with so many days before T;
        ``n_already_held`` of these, whose patient then had another visit planned and still to
        come; ``n_followed_up``, who held one, or booked or attended one within the days;
        ``n_returned``, who attended one within them. A booking made after the visit that it is
        for is none. ``n_patients`` counts each patient once a row, so rows do not add up;
        ``n_without_booking`` of these hold no open slot that starts after T. Shares (float)
        ``followed_up_share`` and ``returned_share`` of ``n_followed``, ``without_booking_share``
        of ``n_patients``; ``median_days_to_return`` (float), elapsed days of the returned;
        ``is_mature`` and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup for an unknown grouping; UsageError for days that are no whole number
        of at least 1.

        >>> visits.returns(days=90)[["n_attended", "n_followed", "n_returned"]]
           n_attended  n_followed  n_returned
        0          18          13           1
        """
        return self._figure(FIGURE, by=by, every=every, days=days, min_count=min_count)
