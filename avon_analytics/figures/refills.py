"""``refills``: how much of the time that was given back others took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Reads, count, share
from avon_analytics.figures.lost_time import OF_A_SESSION
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    import pandas as pd

FIGURE = Figure(
    name="refills",
    title="Refills",
    question="How much of the time that was cancelled or moved away other visits filled.",
    row="group",
    definition=(
        "Due sessions with a host and a length that were cancelled or moved before their start. A "
        "session of the same host refills one if it overlaps it, and if its own start came to be "
        "planned after the release and before the released end, whatever became of it; each moment "
        "of it counts for one released session, that released last. Refilled are those with at "
        "least half of their time refilled. Moves count as releases, and the same patient may "
        "refill."
    ),
    columns=(
        count("n_released", "sessions released before their start", "Released"),
        Column("released_hours", Kind.HOURS, "their hours", heading="Released hours"),
        count("n_refilled", "of these, at least half of whose time was refilled", "Refilled"),
        share(
            "refilled_share",
            "refilled",
            "released",
            "Refilled share",
            counts="n_refilled",
            among=("n_released",),
        ),
        Column("refilled_hours", Kind.HOURS, "the hours refilled", heading="Refilled hours"),
        Column(
            "refilled_ratio",
            Kind.RATIO,
            "refilled / released hours",
            "released hours",
            "Refilled ratio",
            counts="refilled_hours",
            among=("released_hours",),
        ),
        Column(
            "attended_again_hours",
            Kind.HOURS,
            "the refilled hours to which somebody came",
            heading="Attended again, hours",
        ),
        Column(
            "median_hours_to_refill",
            Kind.HOURS,
            "of the refilled, from the release to the planning of the first refill",
            heading="Median hours to refill",
        ),
    ),
    unit="session",
    groupings=("notice_band", "released_by"),
    general=OF_A_SESSION,
    customs="appointment",
    reads=Reads("session_hours"),
    cells=Cells(
        sums=(
            ("n_released", ("n_refilled", "n_not_refilled")),
            ("n_released", ("n_refilled_at_all", "n_untouched")),
        ),
        same={"refilled_share_n": "n_released"},
        based_on={
            "released_hours": ("n_released",),
            "refilled_share": ("n_refilled", "refilled_share_n"),
            "refilled_hours": ("n_refilled_at_all",),
            "refilled_ratio": ("n_refilled_at_all", "n_released"),
            "attended_again_hours": ("n_attended_again",),
            "median_hours_to_refill": ("n_refilled",),
        },
    ),
    examples=("refills", "refills --by released_by --by notice_band"),
    foremost=(
        "refilled_share",
        "n_refilled",
        "refilled_ratio",
        "refilled_hours",
        "released_hours",
        "attended_again_hours",
        "median_hours_to_refill",
    ),
    chart="share",
)


class Refills(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def refills(self, by: By = (), *, min_count: int | None = None) -> pd.DataFrame:
        """How much of the time that was given back before its start others took.

        One row per group of the due sessions, with a host and a length, that were cancelled or
        moved before their start. ``by`` may also be ``notice_band`` and ``released_by``
        (cancelled, rescheduled). Sessions that refill one are sought in the whole store as of T,
        due or not: of the same host, overlapping it, their own start planned after the release
        and before the released end.

        Columns: ``n_released`` (int64), ``released_hours``; ``n_refilled`` (int64), those with at
        least half of their time refilled; ``refilled_share`` (float) of ``n_released``;
        ``refilled_hours``, ``refilled_ratio`` = refilled / released hours,
        ``attended_again_hours``, the refilled hours to which somebody came;
        ``median_hours_to_refill`` (float), of the refilled, from the release to the planning of
        the first refill. Each moment of a refilling session counts for one released session, that
        released last.

        Unlike the common refill rate, moves are releases, the same patient may refill, and half
        the time suffices. Raises UnknownGroup for a grouping that is not the session's own.

        >>> visits.refills()[["n_released", "released_hours", "refilled_hours"]]
           n_released  released_hours  refilled_hours
        0           7        3.583333             0.0
        """
        return self._figure(FIGURE, by=by, min_count=min_count)
