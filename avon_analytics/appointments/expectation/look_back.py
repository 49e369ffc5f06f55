"""What would have been expected of earlier periods, each as of so many days before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import numpy as np

from avon_analytics.appointments.expectation.landmarks import (
    Landmarks,
    OpenSlots,
    day_number,
    steps_before,
)
from avon_analytics.appointments.expectation.learning import Learning
from avon_analytics.appointments.rows.groupings import Grouping
from avon_analytics.appointments.rows.scope import midnight, period_end
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.forecast import (
    OUTCOMES,
    Alike,
    PeriodSpread,
    Shares,
    Sums,
    Width,
    drawn,
    intervals,
    shares,
    sums,
)
from avon_analytics.figures.expected import HISTORY_DAYS

FEWEST_WEEKS = 4  # complete ones to learn from
_WEEKS = 12  # that a plain forecast looks at
_WEEK = timedelta(days=7)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Clock:
    """What tells instants from days: the time zone, the grace, and the complete weeks."""

    time_zone: str
    grace: timedelta
    weeks: Sequence[date]
    history_from: date | None

    @classmethod
    def of(cls, landmarks: Landmarks, weeks: Sequence[date] | None = None) -> Clock:
        """That of a cohort; its complete weeks are asked for unless they are given."""
        cohort = landmarks.cohort
        if weeks is None:
            (weeks,) = cohort._without_window()._complete_periods("week")
        grace = timedelta(hours=cohort.grace_hours)
        return cls(cohort._engine.time_zone, grace, weeks, landmarks.history_from)

    def at(self, day: date) -> datetime:
        """The instant at which a day begins."""
        return midnight(day, self.time_zone)

    def day_of(self, at: datetime) -> date:
        """The local day of an instant."""
        day = at.date() + timedelta(days=1)
        while self.at(day) > at:
            day -= timedelta(days=1)
        return day

    def is_over(self, end: date, at: datetime) -> bool:
        """Whether what ends before this day was due at an instant."""
        return self.at(end) + self.grace <= at

    def before(self, periods: Iterable[date], days: int) -> dict[date, datetime]:
        """The instant so many days before each of the periods."""
        return {first: self.at(first) - timedelta(days=days) for first in periods}

    def n_weeks(self, at: datetime) -> int:
        """How many complete weeks there were to learn from."""
        oldest = self.day_of(at) - timedelta(days=HISTORY_DAYS)
        first = max(oldest, self.history_from or oldest)
        n_over = bisect_right(self.weeks, at - self.grace, key=lambda week: self.at(week + _WEEK))
        return max(0, n_over - bisect_left(self.weeks, first))


@dataclass(frozen=True, slots=True)
class Backtested:
    """What was expected of each group in each period, a line each, and what came (a column for
    each outcome)."""

    group: Ints
    period: Ints
    sums: Sums
    low: Floats
    high: Floats
    came: Floats


def opened_before(
    landmarks: Landmarks,
    keys: tuple[Grouping, ...],
    every: str,
    instants: dict[date, datetime],
    *,
    with_days: bool = False,
) -> OpenSlots:
    """What was open of each of these periods at its instant."""
    window = window_of(instants, every)
    return landmarks.open(keys, every, instants, *window, with_days=with_days)


def window_of(instants: Mapping[date, datetime], every: str) -> tuple[date, date]:
    """The window from the first period to the end of the last."""
    first = min(instants, default=date.min)
    last = max(instants, default=None)
    return first, first if last is None else period_end(last, every)


def shares_at(
    slots: Alike, learning: Learning, at: datetime, reference: datetime, clock: Clock
) -> Shares:
    """The shares of slots that were known at an instant; NaN where history was too short."""
    counts = learning.at(steps_before(at, reference))
    known = counts if clock.n_weeks(at) >= FEWEST_WEEKS else 0 * counts
    return shares(known, slots.kind, slots.days)


def look_back(
    seen: OpenSlots,
    instants: dict[date, datetime],
    every: str,
    learning: Learning,
    reference: datetime,
    clock: Clock,
    least: float = 0,
) -> tuple[Backtested, PeriodSpread, Width]:
    """Expectations of the periods, oldest first, each with the spread and the width that were known
    by then; and what is known of both in the end. Intervals are those of means from ``least`` on.
    """
    sizes, found, came = _looked_at(seen, instants, learning, reference, clock)
    parts = [slice(start, end) for start, end in pairwise(np.cumsum([0, *sizes]).tolist())]
    over_at = [clock.at(period_end(first, every)) + clock.grace for first in instants]
    n_over = [bisect_right(over_at, at) for at in instants.values()]
    spread, width = PeriodSpread(), Width()

    def learn_spread(part: slice) -> None:
        spread.learn(came[part], found[part])

    def learn_width(part: slice) -> None:
        width.learn(came[part], found.mean[part], low[part], high[part])

    variance = _known_then(parts, n_over, learn_spread, lambda: spread.variance)
    mean = np.where(found.mean >= least, found.mean, np.nan)
    low, high = intervals(replace(found, mean=mean), _of_lines(variance, sizes))
    factors = _known_then(parts, n_over, learn_width, lambda: width.factors)
    below, above = (_of_lines([one[side] for one in factors], sizes) for side in (0, 1))
    low, high = drawn(found.mean, low, high, found.n[:, None], (below, above))
    period = np.repeat(np.array([day_number(one) for one in instants], dtype=np.int64), sizes)
    return Backtested(seen.group, period, found, low, high, came), spread, width


def _looked_at(
    seen: OpenSlots,
    instants: dict[date, datetime],
    learning: Learning,
    reference: datetime,
    clock: Clock,
) -> tuple[list[int], Sums, Floats]:
    """How many groups there are of each period, what was expected of each, and what came."""
    firsts = np.array([day_number(first) for first in instants], dtype=np.int64)
    ends = np.searchsorted(seen.period, firsts, side="right")
    sizes = np.diff(ends, prepend=0).tolist()
    parts = [slice(end - size, end) for end, size in zip(ends.tolist(), sizes, strict=True)]
    found = []
    for at, part in zip(instants.values(), parts, strict=True):
        slots = seen.alike(part)
        found.append(sums(slots, shares_at(slots, learning, at, reference, clock)))
    came = [np.zeros((0, len(OUTCOMES))), *map(seen.came, parts)]
    return sizes, Sums.joined(found), np.concatenate(came)


def _known_then(
    parts: list[slice], n_over: list[int], learn: Callable[[slice], None], known: Callable[[], _T]
) -> list[_T]:
    """What is known at the instant of each period, of which so many before it were over by then;
    in the end, all of them have been learnt from."""
    known_by_period: list[_T] = []
    learnt = 0
    for n in n_over:
        for part in parts[learnt:n]:
            learn(part)
        known_by_period.append(known_by_period[-1] if known_by_period and n == learnt else known())
        learnt = n
    for part in parts[learnt:]:
        learn(part)
    return known_by_period


def _of_lines(known: list[Floats], sizes: list[int]) -> Floats:
    """What is known at each instant, for each of its lines."""
    return np.repeat(np.array(known).reshape(-1, len(OUTCOMES)), sizes, axis=0)


def plain_forecast(
    seen: OpenSlots,
    found: Backtested,
    instants: dict[date, datetime],
    every: str,
    clock: Clock,
    closed: Collection[date],
) -> Floats:
    """For each line the mean of what came on the same weekdays in the 12 weeks before, as far as it
    was due at the line's instant, without days that were closed; NaN where that is under four
    weeks, or where all of a weekday were closed."""
    forecast = np.full(found.came.shape, np.nan)
    if not len(found.group):
        return forecast
    first_day = min(map(day_number, instants))
    is_open = ~np.isin(first_day + np.arange(seen.daily.shape[1]), [*map(day_number, closed)])
    for first, at in instants.items():
        last = clock.day_of(at)
        while not clock.is_over(last, at):
            last -= timedelta(days=1)
        end = day_number(last) - first_day
        n_weeks = min(_WEEKS, end // 7)
        if n_weeks < FEWEST_WEEKS:
            continue
        before = seen.daily[:, end - 7 * n_weeks : end]
        came = before.reshape(len(before), n_weeks, 7, len(OUTCOMES)).sum(axis=1)
        n_open = is_open[end - 7 * n_weeks : end].reshape(n_weeks, 7).sum(axis=0)[:, None]
        usual = np.divide(came, n_open, out=np.full(came.shape, np.nan), where=n_open > 0)
        days = np.arange(day_number(first), day_number(period_end(first, every))) - first_day
        lines = found.period == day_number(first)
        of_period = usual[:, (days[is_open[days]] - end) % 7].sum(axis=1)
        forecast[lines] = of_period[found.group[lines]]
    return forecast
