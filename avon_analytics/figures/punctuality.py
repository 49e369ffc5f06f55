"""``punctuality``: how late attended slots began, and how far they ran over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, count
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Every

if TYPE_CHECKING:
    import pandas as pd

_TIMED = ("n_with_actual_times",)

FIGURE = Figure(
    name="punctuality",
    title="Punctuality",
    question="How late attended slots began, and how far they ran over.",
    row="group and period",
    definition=(
        "Due slots that were attended. Of those whose actual start and end are both known: actual "
        "start minus planned start (the delay), actual end minus planned end (the overrun), in "
        "minutes; negative is early."
    ),
    columns=(
        count("n_attended", "due slots that were attended", "Attended"),
        count(
            "n_with_actual_times",
            "of these, those with a known actual start and end",
            "With actual times",
        ),
        Column(
            "median_start_delay_minutes",
            Kind.MINUTES,
            "median of actual start minus planned start; negative is early",
            heading="Median start delay minutes",
        ),
        Column(
            "p90_start_delay_minutes",
            Kind.MINUTES,
            "90 % quantile of the same minutes",
            heading="90 % start within, minutes",
        ),
        Column(
            "median_overrun_minutes",
            Kind.MINUTES,
            "median of actual end minus planned end; negative is early",
            heading="Median overrun minutes",
        ),
        *COMPLETE,
    ),
    has_periods=True,
    cells=Cells(
        sums=(("n_attended", ("n_with_actual_times", "n_untimed")),),
        based_on={
            "median_start_delay_minutes": _TIMED,
            "p90_start_delay_minutes": _TIMED,
            "median_overrun_minutes": (*_TIMED, "n_with_overrun"),
        },
    ),
    foremost=(
        "median_start_delay_minutes",
        "p90_start_delay_minutes",
        "median_overrun_minutes",
        "n_with_actual_times",
        "n_attended",
    ),
    examples=("punctuality --by host", "punctuality --by hour --every quarter"),
)


class Punctuality(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def punctuality(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How late attended slots began, and how far they ran over.

        One row per group and, with ``every``, per period, as in ``outcomes``.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_attended``, due slots that
        were attended, as in ``outcomes``, and ``n_with_actual_times``, those whose actual start
        and end are both known; of these, in minutes (float), negative when early:
        ``median_start_delay_minutes`` and ``p90_start_delay_minutes``, the actual start minus the
        planned one, and ``median_overrun_minutes``, the actual end minus the planned one;
        ``is_mature`` and ``is_whole``, as in ``outcomes``.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.

        >>> visits.punctuality()[["n_attended", "median_start_delay_minutes"]].round(1)
           n_attended  median_start_delay_minutes
        0          18                         9.6
        """
        return self._figure(FIGURE, by=by, every=every, min_count=min_count)
