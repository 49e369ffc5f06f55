"""Charts of figures, for notebooks: ``avon.plot.share(visits.outcomes(by="host"))``.

Each function takes the DataFrame that a method of a cohort returned, as it is or with rows taken
out or put in another order, and gives an Altair chart that shows itself in a notebook without a
network: an SVG with a description, light or dark as the notebook is. ``save`` writes it for a page
or a slide; ``chart.properties(title=…)`` and nearly everything else that Altair offers work on it.

Titles say what is counted and divided. ``title`` replaces the first line of it, ``width`` is in
pixels. Groups are drawn in the order of the frame, the largest only where there are many; the
chart says how many it left out. Periods that are not complete are pale or hollow. A figure
without anything to draw gives a chart that says so.

Raises UsageError for a frame that lacks the columns of its figure.
"""

from __future__ import annotations

from avon_analytics.report.plot.change import compare, expected, outliers, signals
from avon_analytics.report.plot.counts import (
    cancellations,
    funnel,
    incidence,
    lead_times,
    lost_time,
    outcomes,
    share,
    week,
)
from avon_analytics.report.plot.saved import save

__all__ = [
    "cancellations",
    "compare",
    "expected",
    "funnel",
    "incidence",
    "lead_times",
    "lost_time",
    "outcomes",
    "outliers",
    "save",
    "share",
    "signals",
    "week",
]


def __dir__() -> list[str]:
    return list(__all__)
