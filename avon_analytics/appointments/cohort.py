"""The cohort: the one place where a question's scope is set. Every figure is a method of it.

What the methods take and say stands with the declarations of the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from avon_analytics.appointments.calculated.comparison import compare
from avon_analytics.appointments.calculated.figure import checked_options, of_counts
from avon_analytics.appointments.calculated.funnel import funnel
from avon_analytics.appointments.calculated.incidence import incidence
from avon_analytics.appointments.calculated.outliers import outliers
from avon_analytics.appointments.calculated.signals import signals
from avon_analytics.appointments.cohort_behind import CohortBehind
from avon_analytics.appointments.expectation.backtest import backtest
from avon_analytics.appointments.expectation.expected import expected
from avon_analytics.appointments.refused import refuse
from avon_analytics.figures import Figure, Figures
from avon_analytics.figures.words import By

CALCULATED: Mapping[str, Callable[..., pd.DataFrame]] = {
    one.__name__: one for one in (funnel, incidence, signals, outliers, expected, backtest)
}
"""The figures that take more than counts, shares and ratios, and what calculates them."""


@dataclass(frozen=True, slots=True, repr=False)
class Cohort(CohortBehind, Figures):
    """Slots and appointments of one scope, as of one instant. It does not change.

    Made by ``appointments``. All its figures share one population, and the same store and scope
    give the same figures for ever; once the store has changed, they raise StaleCohort. Every figure
    is a DataFrame with fixed columns and types, also when it has no rows; its ``attrs`` hold
    ``definition``, ``as_of`` (ISO 8601), ``min_count`` and ``n_unverified_events`` (events about
    these appointments whose signature is not verified). Each ``x_share`` (0 to 1, missing where its
    denominator is 0) is followed by ``x_share_n``, its denominator, and ``x_share_low`` and
    ``x_share_high``, its 95 % Wilson interval. Groups come first, named like the grouping; a
    missing value is a group of its own, and comes last. Of ids, ``<group>_name`` follows: of hosts
    from the records of staff, of all else from your labels.

    ``min_count`` blanks counts from 1 to just below it, and what would reveal them; counts are then
    ``Int64``. Without it a figure takes the cohort's.
    """

    def _figure(
        self,
        figure: Figure,
        *,
        by: By,
        every: str | None = None,
        min_count: int | None,
        **options: Any,
    ) -> pd.DataFrame:
        options = checked_options(figure, options)
        if figure.name not in CALCULATED:
            counted = self._count(figure, by, every, options=options, min_count=min_count)
            return of_counts(figure, counted, options)
        periods = {"every": every} if figure.has_periods else {}
        return CALCULATED[figure.name](self, by=by, min_count=min_count, **periods, **options)

    def compare(
        self,
        other: Cohort,
        figure: str = "outcomes",
        by: By = (),
        **options: Any,
    ) -> pd.DataFrame:
        """How the shares of this cohort differ from those of another one.

        One row per group and share of the figure, which is any with shares (``options`` are those
        of the figure, such as ``basis`` and ``every``). Groups and periods to compare are
        cohorts: ``store.appointments(where={"host": "a"})``, say, compared with
        ``store.appointments(where={"host": "b"})``. With ``every``, periods that are not complete
        in both are left out.

        Columns: ``measure`` (str), the share's name; ``share`` here and ``other_share`` there,
        each with denominator and interval as in any figure; ``difference`` (float), the first
        minus the other, with ``difference_low`` and ``difference_high``, its 95 % interval after
        Newcombe (1998); ``p_value`` (float), how often chance alone would part them so far, exact,
        two-sided and mid-P, and ``q_value``, which allows for all groups of the same share
        (Benjamini and Hochberg, 1995): of many groups, look at that. A group that only one of them
        has gets missing values for the other. All take the two for independent, which they are not
        if they share patients. ``cohort`` and ``other_cohort`` (str) say which is which, by what
        tells them apart, such as ``Oct 2025`` and ``Jul to Sep 2025``; tables and charts say it
        above.

        Warns with DefinitionsDiffer where the two are not defined alike (as_of, window date,
        grace, …) or share slots. Raises UnknownGroup for an unknown figure or grouping.

        >>> early = store.appointments(end="2025-07-01")
        >>> late = store.appointments(start="2025-07-01")
        >>> columns = ["measure", "difference", "difference_low", "difference_high"]
        >>> late.compare(early)[columns].round(2)
                   measure  difference  difference_low  difference_high
        0    no_show_share       -0.20           -0.45             0.21
        1   attended_share        0.18           -0.21             0.45
        2  cancelled_share       -0.11           -0.35             0.26
        """
        return compare(self, other, figure, by, options)

    def fill_rate(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason.

        >>> visits.fill_rate()
        Traceback (most recent call last):
            ...
        avon_analytics.errors.NeedsScheduleTemplate: fill rate is ...
        """
        refuse("fill_rate")

    def third_next_available(self) -> NoReturn:
        """Not to be had from webhooks. Raises NeedsScheduleTemplate, with the reason.

        >>> visits.third_next_available()
        Traceback (most recent call last):
            ...
        avon_analytics.errors.NeedsScheduleTemplate: third next ...
        """
        refuse("third_next_available")
