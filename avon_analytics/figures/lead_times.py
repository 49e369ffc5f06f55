"""``lead_times``: how long ahead appointments were booked."""

from __future__ import annotations

from avon_analytics.figures.declared import Cells, Column, Figure, Kind, count

FIGURE = Figure(
    name="lead_times",
    title="Lead times",
    question="How many days ahead appointments were booked, by when they were booked.",
    row="group and period of the booking",
    definition=(
        "Appointments by the period in which they were booked, and the local calendar days from "
        "the booking to the first planned start; negative where it was booked afterwards."
    ),
    columns=(
        count("n_appointments", "appointments", "Appointments"),
        count(
            "n_with_lead", "of these, those with a known booking and start", "With known booking"
        ),
        Column(
            "median_lead_days",
            Kind.DAYS,
            "median of the days from booking to first planned start",
            heading="Median days ahead",
        ),
        Column(
            "p90_lead_days", Kind.DAYS, "90 % quantile of the same days", heading="90 % within days"
        ),
    ),
    has_periods=True,
    cells=Cells(
        sums=(("n_appointments", ("n_with_lead", "n_without_lead")),),
        rests={"median_lead_days": ("n_with_lead",), "p90_lead_days": ("n_with_lead",)},
    ),
    examples=("lead-times --every month", "lead-times --by appointment_type"),
    chart="lead_times",
)
