"""``reschedules``: how many slots were moved, which way, and with how much notice."""

from __future__ import annotations

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, count, share

FIGURE = Figure(
    name="reschedules",
    title="Reschedules",
    question="How many slots were moved to another start, which way, and with how much notice.",
    row="group and period",
    definition=(
        "All slots, due or not, and those that were moved to another start (superseded), whatever "
        "their outcome. A shift is positive when later; notice is the planned start minus the "
        "event that moved it."
    ),
    columns=(
        count("n_slots", "all slots, due or not", "Slots"),
        count("n_superseded", "of these, those that the visit was moved away from", "Superseded"),
        share(
            "superseded_share",
            "slots moved to another start",
            "all slots",
            "Superseded share",
            counts="n_superseded",
            among=("n_slots",),
        ),
        count("n_moved_earlier", "moved to an earlier start", "Moved earlier"),
        count("n_moved_later", "moved to a later start", "Moved later"),
        Column(
            "median_shift_hours",
            Kind.HOURS,
            "median of new start minus old start; positive is later",
            heading="Median shift hours",
        ),
        Column(
            "median_notice_hours",
            Kind.HOURS,
            "median of old start minus the event that moved it; negative is after the start",
            heading="Median notice hours",
        ),
        *COMPLETE,
    ),
    has_periods=True,
    cells=Cells(
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
    ),
    examples=("reschedules --every month", "reschedules --by host"),
    foremost=(
        "superseded_share",
        "n_superseded",
        "n_moved_earlier",
        "n_moved_later",
        "median_shift_hours",
        "median_notice_hours",
    ),
    chart="share",
)
