"""Charts without words around them: a figure's frame in, a chart in Vega-Lite's words out.

The page draws each twice, wide and narrow, and captions it itself; ``avon.plot`` gives it a title
and a description, for notebooks. A frame without anything to draw gives None.
"""

from __future__ import annotations

from avon_analytics.report.charts.cancellations import cancellations_by
from avon_analytics.report.charts.compare import differences, keys_of
from avon_analytics.report.charts.expected import expected
from avon_analytics.report.charts.funnel import FUNNEL_ENDS, funnel
from avon_analytics.report.charts.incidence import CAUSES, incidence
from avon_analytics.report.charts.lead_times import lead_times_by_group, lead_times_over_time
from avon_analytics.report.charts.outliers import outliers
from avon_analytics.report.charts.panels import NEWEST, NEWEST_IN_PANELS
from avon_analytics.report.charts.shares import share_by_group, share_over_time
from avon_analytics.report.charts.signals import signals
from avon_analytics.report.charts.stacks import (
    HOURS,
    OUTCOMES,
    WHO,
    stacked_by_group,
    stacked_over_time,
)
from avon_analytics.report.charts.style import nothing
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
    "differences",
    "expected",
    "funnel",
    "incidence",
    "keys_of",
    "lead_times_by_group",
    "lead_times_over_time",
    "nothing",
    "outliers",
    "share_by_group",
    "share_over_time",
    "signals",
    "stacked_by_group",
    "stacked_over_time",
    "week",
]
