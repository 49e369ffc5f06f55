"""What a cohort says of change: what chance alone explains, and what is to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pandas as pd

from avon_analytics.appointments.cohort_rows import CohortRows
from avon_analytics.appointments.outliers import outliers
from avon_analytics.appointments.scope import DateLike
from avon_analytics.appointments.signals import asked, signals


class CohortChange(CohortRows):
    """The figures of a cohort that tell change from chance, or look ahead."""

    __slots__ = ()

    def signals(
        self,
        share: str = "no_show_share",
        by: str | Iterable[str] = (),
        every: str = "month",
        *,
        baseline: tuple[DateLike, DateLike] | None = None,
        rebase: Iterable[DateLike] | None = None,
        better: str | None = None,
        target: float | None = None,
        basis: str = "completed",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Whether a share changed over time, or strayed by chance: a p′-chart (Laney, 2002).

        One row per group and complete period: over, all of it due, wholly in the cohort's window
        and not before the store's first appointment event. A complete period without slots is a
        row with ``n`` 0. ``share`` is any of ``outcomes`` or ``cancellations``; ``basis`` is that
        of ``no_show_share`` in ``outcomes``.

        Columns: ``period_on``; counts (int64) ``n``, what the share is of, and ``count``; ``share``
        (float); ``center``, the share of the baseline, with ``lower`` and ``upper`` limit (float),
        3 standard deviations of chance away, wider where neighbours differ by more;
        ``is_in_baseline`` (bool); ``signal`` (str: higher, lower or missing); ``rule`` (str:
        beyond a limit, trend, two of three, shift); ``meaning`` (str: improvement or concern, with
        ``better="lower"`` or ``"higher"``, else missing).

        ``baseline=(start, end)`` are the periods whose first day is in it, else all; ``rebase``
        are days from which new limits hold. A stretch of under 13 periods, and one whose median
        period expects under 5, has limits but no signals, and ``attrs["messages"]`` says so.
        ``attrs["expected_false_alarms"]`` holds how many ``rows`` and ``groups`` of this very
        figure would be signals by chance alone. With ``target=`` ``attrs["target"]`` says for each
        group whether the limits of the newest stretch, at its median n, hold it.

        Raises UnknownGroup for an unknown share, grouping, period or basis; UsageError for a date,
        baseline or target that cannot be.
        """
        return signals(
            self._ask(min_count),
            self._complete_periods,
            share,
            by=by,
            every=every,
            asked=asked(baseline, rebase, better, target),
            basis=basis,
        )

    def outliers(
        self,
        share: str = "no_show_share",
        by: str | Iterable[str] = "host",
        *,
        overdispersion: bool = False,
        basis: str = "completed",
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """Which groups differ from all others together by more than chance: a funnel plot.

        One row per group. ``share`` is any of ``outcomes`` or ``cancellations``. Each group is
        compared with all others, not with a whole that holds it. Groups may differ in whom they
        see: case mix is not removed.

        Columns: counts (int64) ``n`` and ``count``; ``share`` and ``center``, the share of all
        other groups (float); the limits within which chance keeps 95 % and 99.8 % of groups of
        this size, ``lower_95``, ``upper_95``, ``lower_998``, ``upper_998`` (float); ``p_value``,
        two-sided and exact (mid-P), and ``q_value``, which allows for all groups (Benjamini and
        Hochberg, 1995); ``signal`` (str: higher, lower or missing): beyond the 99.8 % limits with
        a q-value under 0.05. A group with ``n`` 0, or without others, has no p-value.

        ``overdispersion=True`` lets groups differ anyway (Spiegelhalter, 2005): limits and
        p-values are then those of arcsine shares with a variance between groups. ``attrs["phi"]``
        says by how much groups vary beyond chance (about 0.7 by chance alone),
        ``attrs["expected_false_alarms"]`` how many groups would be signals by chance.

        Raises UnknownGroup for an unknown share, grouping or basis; UsageError without a grouping.
        """
        return outliers(
            self._ask(min_count), share, by=by, overdispersion=overdispersion, basis=basis
        )

    def _complete_periods(self, every: str) -> Sequence[date]:
        """The first days of the cohort's complete periods, oldest first."""
        with self.engine.reading():
            return self._completeness(every).complete_periods()
