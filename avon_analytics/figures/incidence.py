"""``incidence``: by which day since the booking slots had ended, and how."""

from __future__ import annotations

from avon_analytics.figures.declared import Column, Figure, Kind, count

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
