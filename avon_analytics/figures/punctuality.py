"""``punctuality``: how late attended slots began, and how far they ran over."""

from __future__ import annotations

from avon_analytics.figures.declared import COMPLETE, Cells, Column, Figure, Kind, count

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
            heading="P90 start delay minutes",
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
        rests={
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
