"""``incidence``: by which day since the booking slots had ended, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Column, Figure, Kind, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    import pandas as pd

CAUSES = ("attended", "no_show", "cancelled", "rescheduled")

FIGURE = Figure(
    name="incidence",
    title="Incidence",
    question="By which day since the booking slots had ended, and how (Aalen-Johansen).",
    row="group, cause and day since the booking",
    definition=(
        "Of slots with a known booking, the share that had ended by each day since it (local "
        "calendar days, at least 0), by how they ended: Aalen-Johansen. Attended and no-show count "
        "at the planned start, cancelled and rescheduled at their instant; unresolved slots are "
        "censored at the planned start, open ones at T. The interval is on the log(-log) scale."
    ),
    source="Aalen and Johansen (1978)",
    columns=(
        Column("cause", Kind.TEXT, "attended, no_show, cancelled or rescheduled", heading="Cause"),
        Column("day", Kind.WHOLE, "whole local days since the booking", heading="Day"),
        count("n_at_risk", "slots that had not left before that day", "At risk"),
        count("n_events", "of these, those that left on it by this cause", "Events"),
        Column(
            "cumulative_incidence",
            Kind.SHARE,
            "had ended so by that day",
            "slots with a known booking",
            "Cumulative incidence",
            has_interval=True,
        ),
    ),
    examples=("incidence --format csv", "incidence --by self_booked"),
    adds_up=False,
    chart="incidence",
)


class Incidence(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def incidence(self, by: By = (), *, min_count: int | None = None) -> pd.DataFrame:
        """By which day since the booking slots had ended, and how.

        One row per group, ``cause`` (attended, no_show, cancelled, rescheduled) and ``day`` on
        which any slot of the group left: whole local days since the booking, 0 where it is
        negative. Slots with a known booking count, due or not: attended and no_show at the planned
        start, cancelled and rescheduled at their instant; unresolved slots are censored at the
        planned start, open ones at T. What ended without a known start is left out.

        Columns: ``day`` (int64), counts (int64) ``n_at_risk`` (had not left before that day) and
        ``n_events`` (left on it by this cause); ``cumulative_incidence`` (float), Aalen-Johansen,
        with ``_low`` and ``_high``, its 95 % interval on the scale log(-log), missing while the
        incidence is 0 and where it is 1. The causes of a day share its ``n_at_risk``; their
        incidences add up to at most 1.

        Raises UnknownGroup, listing the choices, for an unknown grouping.

        >>> attended = visits.incidence().query("cause == 'attended' and n_events > 0")
        >>> attended[["day", "n_at_risk", "n_events", "cumulative_incidence"]].head(2).round(3)
           day  n_at_risk  n_events  cumulative_incidence
        0    0         35         1                 0.029
        1    1         33         3                 0.114
        """
        return self._figure(FIGURE, by=by, min_count=min_count)
