"""``funnel``: how far appointments came, and where the others went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avon_analytics.figures.declared import Column, Figure, Kind, Option, Reads, Takes, count, share
from avon_analytics.figures.method import FigureMethod
from avon_analytics.figures.words import By, Unit

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("appointment", "slot")
STAGES = ("booked", "started", "completed")

FIGURE = Figure(
    name="funnel",
    title="Funnel",
    question="How far appointments came: booked, started, completed, and where the others went.",
    row="group and stage",
    definition=(
        "{unit}s that reached each stage, due or not; a later stage implies the earlier ones. "
        "first_share is of those booked, previous_share of those that reached the stage before. A "
        "stage is observed where the webhook named after it came, else inferred from what others "
        "reported."
    ),
    columns=(
        Column("step", Kind.WHOLE, "1 to 3", heading="Step"),
        Column("stage", Kind.TEXT, "booked, started or completed", heading="Stage"),
        count("n_reached", "reached the stage", "Reached"),
        count("n_observed", "of these, those of which the stage's own webhook came", "Observed"),
        count("n_inferred", "of these, the others", "Inferred"),
        share(
            "first_share",
            "reached the stage",
            "those booked",
            "Of booked",
            counts="n_reached",
            among=("n_all",),
        ),
        share(
            "previous_share",
            "reached the stage (missing at the first)",
            "those that reached the stage before",
            "Of stage before",
            counts="n_reached",
            among=("n_previous",),
        ),
        Column(
            "median_hours_from_previous",
            Kind.HOURS,
            "median of the hours since the stage before, of those with both instants",
            heading="Median hours since",
        ),
        Column(
            "p90_hours_from_previous",
            Kind.HOURS,
            "90 % quantile of the same hours",
            heading="90 % within, hours",
        ),
        count("n_cancelled", "stopped here: cancelled", "Cancelled"),
        count("n_no_show", "stopped here: missed", "No-show"),
        count("n_rescheduled", "stopped here: moved to another start", "Rescheduled"),
        count("n_unresolved", "stopped here: due, and nobody closed it", "Unresolved"),
        count("n_open", "stopped here: not due", "Open"),
    ),
    unit="appointment",
    reads_by_unit={
        "appointment": Reads("lifecycle", plus="n_no_show = n_slots AS is_absent"),
        "slot": Reads("slots", plus="outcome = 'no_show' AS is_absent"),
    },
    options=(
        Option(
            "unit",
            Takes.CHOICE,
            "What is counted: appointment or slot.",
            default="appointment",
            choices=UNITS,
            says="Counted: {}s.",
        ),
    ),
    examples=("funnel", "funnel --by appointment_type --unit slot"),
    foremost=(
        "first_share",
        "n_reached",
        "n_cancelled",
        "n_no_show",
        "n_rescheduled",
        "n_unresolved",
        "n_open",
        "median_hours_from_previous",
    ),
    chart="funnel",
)


class Funnel(FigureMethod, figure=FIGURE):
    """The figure as a method of a cohort."""

    __slots__ = ()

    def funnel(
        self,
        by: By = (),
        *,
        unit: Unit = "appointment",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How far appointments came, and where those went that did not come further.

        Three rows per group: ``step`` 1 to 3, ``stage`` booked, started, completed. All
        appointments of the cohort count, due or not (``unit="slot"``: all slots). A later stage
        implies the earlier ones. An appointment all of whose patients were no-shows stops at
        booked; one that started and was not completed stops at started.

        Columns: counts (int64) ``n_reached`` = ``n_observed`` (the webhook named after the stage
        came) + ``n_inferred``; shares (float) ``first_share`` of those booked and
        ``previous_share`` of those that reached the stage before (missing at the first stage);
        ``median_hours_from_previous``, ``p90_hours_from_previous`` (float, elapsed hours, of those
        with both instants, quantiles interpolated linearly); and where those went that stopped
        here: ``n_cancelled``, ``n_no_show``, ``n_rescheduled``, ``n_unresolved`` (due),
        ``n_open`` (not due). ``n_reached`` is the next stage's ``n_reached`` plus these five.

        Raises UnknownGroup, listing the choices, for an unknown grouping or unit.

        >>> visits.funnel()[["stage", "n_reached", "first_share"]].round(3)
               stage  n_reached  first_share
        0     booked         29        1.000
        1    started         18        0.621
        2  completed         18        0.621
        """
        return self._figure(FIGURE, by=by, unit=unit, min_count=min_count)
