"""What a cohort says of change: what chance alone explains, and what is to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Self

import pandas as pd

from avon_analytics.appointments.cohort_time import CohortTime
from avon_analytics.appointments.expected import backtest, days_given, expected
from avon_analytics.appointments.landmarks import HISTORY_DAYS, Slots
from avon_analytics.appointments.look_back import Clock
from avon_analytics.appointments.outliers import outliers
from avon_analytics.appointments.scope import PERIODS, DateLike, as_date, choice
from avon_analytics.appointments.signals import asked, signals
from avon_analytics.appointments.words import Basis, By, Every
from avon_analytics.arguments import flag, whole_number
from avon_analytics.errors import UsageError


class CohortChange(CohortTime):
    """The figures of a cohort that tell change from chance, or look ahead."""

    __slots__ = ()

    def signals(
        self,
        share: str = "no_show_share",
        by: By = (),
        every: Every = "month",
        *,
        baseline: tuple[DateLike, DateLike] | None = None,
        rebase: Iterable[DateLike] | None = None,
        better: str | None = None,
        target: float | None = None,
        basis: Basis = "completed",
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

        >>> change = visits.signals("no_show_share", every="month")
        >>> change.attrs["messages"]
        ['the median period expects fewer than 5 that count, or ...
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
        by: By = "host",
        *,
        overdispersion: bool = False,
        basis: Basis = "completed",
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

        >>> days = visits.outliers("no_show_share", by="weekday")
        >>> days[["weekday", "n", "share", "p_value"]].head(2).round(2)
           weekday  n  share  p_value
        0   Monday  7   0.29     0.27
        1  Tuesday  4   0.00     0.51
        """
        return outliers(
            self._ask(min_count), share, by=by, overdispersion=overdispersion, basis=basis
        )

    def expected(
        self,
        by: By = (),
        every: Every | None = None,
        *,
        pickup: bool = False,
        closed: Iterable[DateLike] | None = None,
        history_from: DateLike | None = None,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """What will probably come of what is booked now, in a window of starts that lies after T.

        One row per group and, with ``every``, per period of what is open at T. Each open slot takes
        the shares of past slots that were open as many whole days before their start, by lead band,
        self_booked and patient_visit, drawn towards all of them where they are few (with the weight
        of 20 slots). It learns from the cohort's ``where`` without its window: due slots with
        starts in the 365 days before T.

        Columns: ``n_open`` (int64); ``expected_attended``, ``expected_no_show``,
        ``expected_cancelled``, ``expected_rescheduled`` (float), each with the ends ``_low`` and
        ``_high`` of its 80 % interval; ``expected_unresolved``, which completes the sum to
        ``n_open``; ``is_whole`` (bool): the period lies wholly inside the window. Intervals allow
        for chance, for what is not known of the shares, and for how much whole periods varied in a
        backtest.

        ``pickup=True`` adds, by weekday and days ahead, what is usually booked between T and then:
        the sum is then above ``n_open``. A slot moved within the period returns only through it.
        Days in ``closed`` are left out, past and to come; ``history_from`` is the first day to
        learn from, after a change of policy. Under 4 complete weeks of history the numbers are
        missing, and ``attrs["messages"]`` says so.

        Sums only: a named patient has no score. Raises UnknownGroup for an unknown grouping or
        period; UsageError for a window that begins before T, or is one of bookings.

        >>> ahead = store.appointments(start="2025-11-15")
        >>> ahead.expected(every="month")[["n_open", "expected_attended"]].round(1)
           n_open  expected_attended
        0       4                1.7
        """
        if self._scope.on != "start":
            raise UsageError("expected: the window must be one of starts (on='start')")
        counted = self._ask(min_count)("outcomes", by=by, every=every)
        alone = self._without_window()
        with self._engine.reading():
            slots = self._slots_as_they_stood(closed, history_from)
            return expected(
                counted,
                slots,
                alone._complete_periods,
                self._clock(slots),
                window=(self._scope.start, self._scope.end),
                every=every,
                with_pickup=flag(pickup, "pickup"),
            )

    def backtest(
        self,
        by: By = (),
        every: Every = "week",
        *,
        days_ahead: int = 7,
        closed: Iterable[DateLike] | None = None,
        history_from: DateLike | None = None,
        min_count: int | None = None,
    ) -> pd.DataFrame:
        """How good expectations were: those of every complete period, and what came.

        One row per group and complete period (by planned start) of the slots that were open
        ``days_ahead`` times 24 hours before it began. A slot's state at that instant is read off
        its own instants, as known at T; expectations learn only from slots that were due by then.

        Columns: counts (int64) ``n_open`` and what came of them: ``n_attended``, ``n_no_show``,
        ``n_cancelled``, ``n_rescheduled``, ``n_unresolved``; and as in ``expected``
        ``expected_attended``, ``expected_no_show``, ``expected_cancelled``,
        ``expected_rescheduled``, each with ``_low`` and ``_high``, and ``expected_unresolved``.

        ``attrs["coverage"]`` holds the share of intervals that held what came, for each outcome
        and for ``all``, of ``attrs["n_intervals"]`` (an expected number of 0 has none);
        ``attrs["skill"]`` is 1 less the mean error over that of a plain forecast, the mean of the
        same weekday in the 12 weeks before (0: no better); ``attrs["mean_error"]`` and
        ``attrs["mean_error_of_plain"]`` are the two. Periods
        before there were 4 complete weeks to learn from have no expectations.

        Raises UnknownGroup for an unknown grouping or period, UsageError for other ``days_ahead``
        than 0 to 365, or a window of bookings.

        >>> visits.backtest(every="month").attrs["n_intervals"]
        15
        """
        if self._scope.on != "start":
            raise UsageError("backtest: the window must be one of starts (on='start')")
        choice("period", every, PERIODS)
        ahead = whole_number(
            days_ahead, 0, HISTORY_DAYS, "days_ahead: expected a whole number from 0 to 365"
        )
        counted = self._ask(min_count)("outcomes", by=by, every=every)
        with self._engine.reading():
            slots = self._slots_as_they_stood(closed, history_from)
            return backtest(
                counted,
                slots,
                self._complete_periods(every),
                self._clock(slots),
                every=every,
                days_ahead=ahead,
            )

    def _slots_as_they_stood(
        self, closed: Iterable[DateLike] | None, history_from: DateLike | None
    ) -> Slots:
        days = days_given(closed, "closed")
        return Slots(self, days, as_date(history_from, "history_from"))

    def _clock(self, slots: Slots) -> Clock:
        return Clock(
            time_zone=self._engine.time_zone,
            grace=timedelta(hours=self._settings.grace_hours),
            weeks=self._without_window()._complete_periods("week"),
            history_from=slots.history_from,
        )

    def _without_window(self) -> Self:
        scope = replace(self._scope, start=None, end=None)
        return replace(self, _scope=scope)

    def _complete_periods(self, every: str) -> Sequence[date]:
        """The first days of the cohort's complete periods, oldest first."""
        with self._engine.reading():
            return self._completeness(every).complete_periods()
