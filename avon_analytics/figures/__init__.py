"""What each figure is: its columns, words, options and definition, said once.

The module of a figure here declares it; the module of the same name in ``appointments`` computes
it. Nothing here needs an engine, so that help and completion are there at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from avon_analytics.figures import (
    backtest,
    cancellations,
    compare,
    expected,
    funnel,
    incidence,
    lead_times,
    lost_time,
    outcomes,
    outliers,
    punctuality,
    rebooking,
    refills,
    replies,
    reschedules,
    returns,
    signals,
)
from avon_analytics.figures.declared import Column, Figure, Kind

FIGURES: Mapping[str, Figure] = {
    module.FIGURE.name: module.FIGURE
    for module in (
        outcomes,
        funnel,
        cancellations,
        reschedules,
        lead_times,
        rebooking,
        returns,
        incidence,
        punctuality,
        signals,
        outliers,
        lost_time,
        refills,
        replies,
        expected,
        backtest,
    )
}
"""All figures by name, in the order in which they are shown."""

COLUMNS: Mapping[str, Column] = {
    name: column
    for figure in (compare.FIGURE, *FIGURES.values())
    for name, column in figure.spelled.items()
}
"""All columns of all figures and of comparisons; of one name there is one kind and one heading."""

__all__ = ["COLUMNS", "FIGURES", "Column", "Figure", "Kind"]
