"""``rebooking``: whether patients came back after a cancellation or a no-show."""

from __future__ import annotations

from avon_analytics.figures.declared import (
    Cells,
    Column,
    Figure,
    Kind,
    Option,
    Takes,
    count,
    share,
)

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
        ),
    ),
    cells=Cells(
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
