"""Charts without words around them: a figure's frame in, an Altair chart out.

The page draws each twice, wide and narrow, and captions it itself; ``avon_analytics.plot`` adds
titles and descriptions for notebooks. A frame without anything to draw gives None.
"""

from __future__ import annotations

from avon_analytics.report.charts.cancellations import cancellations_by
from avon_analytics.report.charts.change import expected, outliers, signals
from avon_analytics.report.charts.compare import differences, keys_of
from avon_analytics.report.charts.funnel import FUNNEL_ENDS, funnel
from avon_analytics.report.charts.groups import (
    hours_by_group,
    lead_times_by_group,
    outcomes_by_group,
    share_by_group,
)
from avon_analytics.report.charts.incidence import CAUSES, incidence
from avon_analytics.report.charts.over_time import (
    HOURS,
    OUTCOMES,
    WHO,
    cancellations_over_time,
    hours_over_time,
    lead_times_over_time,
    outcomes_over_time,
    share_over_time,
)
from avon_analytics.report.charts.parts import NEWEST, NEWEST_IN_PANELS, nothing
from avon_analytics.report.charts.week import FEW, week

__all__ = [
    "CAUSES",
    "FEW",
    "FUNNEL_ENDS",
    "HOURS",
    "NEWEST",
    "NEWEST_IN_PANELS",
    "OUTCOMES",
    "WHO",
    "cancellations_by",
    "cancellations_over_time",
    "differences",
    "expected",
    "funnel",
    "hours_by_group",
    "hours_over_time",
    "incidence",
    "keys_of",
    "lead_times_by_group",
    "lead_times_over_time",
    "nothing",
    "outcomes_by_group",
    "outcomes_over_time",
    "outliers",
    "share_by_group",
    "share_over_time",
    "signals",
    "week",
]
