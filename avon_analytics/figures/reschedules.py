"""``reschedules``: how many slots were moved, which way, and with how much notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, count, share
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

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
        based_on={
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


class Reschedules(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def reschedules(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How many slots were moved to another start, which way, and with how much notice.

        One row per group and, with ``every``, per period, as in ``outcomes``. All slots count, due
        or not. A visit that was moved twice is three slots, two of them superseded.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_slots``, ``n_superseded``
        (moved away from, whatever their outcome) = ``n_moved_earlier`` + ``n_moved_later``;
        ``superseded_share`` (float) of ``n_slots``; of the superseded, in elapsed hours (float)
        ``median_shift_hours``, the new start minus the old one, positive when later, and
        ``median_notice_hours``, the old start minus the event that moved it; ``is_mature`` and
        ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.

        >>> visits.reschedules()[["n_slots", "n_superseded", "n_moved_later"]]
           n_slots  n_superseded  n_moved_later
        0       35             3              3
        """
        return self._figure(FIGURE, by=by, every=every, min_count=min_count)
