"""What each figure is, said once: its columns, words, options and definition, and its method.

A figure is one module here and the SQL of the same name in ``appointments/sql``. Nothing here needs
an engine, so that help and completion are there at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from avon_analytics.figures import compare
from avon_analytics.figures.backtest import Backtest
from avon_analytics.figures.cancellations import Cancellations
from avon_analytics.figures.declared import Column, Figure, Kind
from avon_analytics.figures.expected import Expected
from avon_analytics.figures.funnel import Funnel
from avon_analytics.figures.incidence import Incidence
from avon_analytics.figures.lead_times import LeadTimes
from avon_analytics.figures.lost_time import LostTime
from avon_analytics.figures.method import DECLARED
from avon_analytics.figures.outcomes import Outcomes
from avon_analytics.figures.outliers import Outliers
from avon_analytics.figures.punctuality import Punctuality
from avon_analytics.figures.rebooking import Rebooking
from avon_analytics.figures.refills import Refills
from avon_analytics.figures.replies import Replies
from avon_analytics.figures.reschedules import Reschedules
from avon_analytics.figures.returns import Returns
from avon_analytics.figures.signals import Signals


class Figures(
    Outcomes,
    Funnel,
    Cancellations,
    Reschedules,
    LeadTimes,
    Rebooking,
    Returns,
    Incidence,
    Punctuality,
    Signals,
    Outliers,
    LostTime,
    Refills,
    Replies,
    Expected,
    Backtest,
):
    """All figures as methods, in the order in which they are shown."""

    __slots__ = ()


FIGURES: Mapping[str, Figure] = {
    figure.name: figure for figure in (DECLARED[one] for one in Figures.__bases__)
}
"""All figures by name, in that order."""

COLUMNS: Mapping[str, Column] = {
    name: column
    for figure in (compare.FIGURE, *FIGURES.values())
    for name, column in figure.spelled.items()
}
"""All columns of all figures and of comparisons; of one name there is one kind and one heading."""

__all__ = ["COLUMNS", "FIGURES", "Column", "Figure", "Figures", "Kind"]
