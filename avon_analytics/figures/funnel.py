"""``funnel``: how far appointments came, and where the others went."""

from __future__ import annotations

from avon_analytics.figures.declared import Column, Figure, Kind, Option, Takes, count, share

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
            heading="90 % within hours",
        ),
        count("n_cancelled", "stopped here: cancelled", "Cancelled"),
        count("n_no_show", "stopped here: missed", "No-show"),
        count("n_rescheduled", "stopped here: moved to another start", "Rescheduled"),
        count("n_unresolved", "stopped here: due, and nobody closed it", "Unresolved"),
        count("n_open", "stopped here: not due", "Open"),
    ),
    unit="appointment",
    options=(
        Option(
            "unit",
            Takes.CHOICE,
            "What is counted: appointment or slot.",
            default="appointment",
            choices=UNITS,
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
