"""What would have been expected of earlier periods, each as of so many days before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.distributions import Floats, Ints
from avon_analytics.appointments.forecast import (
    OUTCOMES,
    PeriodSpread,
    Shares,
    Sums,
    Width,
    drawn,
    intervals,
    shares,
    sums,
)
from avon_analytics.appointments.landmarks import (
    Learning,
    Open,
    day_number,
    steps_before,
)
from avon_analytics.appointments.scope import midnight, period_end
from avon_analytics.figures.expected import HISTORY_DAYS

FEWEST_WEEKS = 4  # complete ones to learn from
_WEEKS = 12  # that a plain forecast looks at


@dataclass(frozen=True, slots=True)
class Clock:
    """What tells instants from days: the time zone, the grace, and the complete weeks."""

    time_zone: str
    grace: timedelta
    weeks: Sequence[date]
    history_from: date | None

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

    def n_weeks(self, at: datetime) -> int:
        """How many complete weeks there were to learn from."""
        oldest = self.day_of(at) - timedelta(days=HISTORY_DAYS)
        first = max(oldest, self.history_from or oldest)
        return sum(
            first <= week and self.is_over(week + timedelta(days=7), at) for week in self.weeks
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected of each group in each period, a line each, and what came (a column for
    each outcome)."""

    group: Ints
    period: Ints
    sums: Sums
    low: Floats
    high: Floats
    came: Floats


def shares_at(learning: Learning, at: datetime, reference: datetime, clock: Clock) -> Shares:
    """The shares that were known at an instant; NaN where history was too short."""
    counts = learning.at(steps_before(at, reference))
    return shares(counts if clock.n_weeks(at) >= FEWEST_WEEKS else 0 * counts)


def look_back(
    seen: Open,
    instants: dict[date, datetime],
    every: str,
    learning: Learning,
    reference: datetime,
    clock: Clock,
) -> tuple[Expected, PeriodSpread, Width]:
    """Expectations of the periods, oldest first, each with the spread and the width that were known
    by then; and what is known of both in the end."""
    spread, width = PeriodSpread(), Width()
    waiting: list[tuple[date, Floats, Sums, Floats, Floats]] = []

    def learn(came: Floats, found: Sums, low: Floats, high: Floats) -> None:
        spread.learn(came, found)
        width.learn(came, found.mean, low, high)

    parts: list[Expected] = []
    by_period = np.argsort(seen.period, kind="stable")
    cuts = np.searchsorted(seen.period[by_period], [day_number(first) for first in instants])
    ends = np.searchsorted(
        seen.period[by_period], [day_number(first) for first in instants], side="right"
    )
    for (first, at), start, end in zip(instants.items(), cuts, ends, strict=True):
        known = shares_at(learning, at, reference, clock)
        while waiting and clock.is_over(waiting[0][0], at):
            learn(*waiting.pop(0)[1:])
        lines = by_period[start:end]
        groups, place = np.unique(seen.group[lines], return_inverse=True)
        found = sums(len(groups), place, seen.kind[lines], seen.days[lines], seen.n[lines], known)
        came = np.zeros((len(groups), len(OUTCOMES)))
        np.add.at(came, (place, seen.outcome[lines]), seen.n[lines])
        low, high = intervals(found, spread.variance)
        waiting.append((period_end(first, every), came, found, low, high))
        low, high = drawn(found.mean, low, high, found.n[:, None], width.factors)
        period = np.full(len(groups), day_number(first))
        parts.append(Expected(groups, period, found, low, high, came))
    for one in waiting:
        learn(*one[1:])
    return _joined(parts), spread, width


def _joined(parts: list[Expected]) -> Expected:
    if not parts:
        none = Sums.none()
        nobody = np.zeros(0, dtype=np.int64)
        return Expected(nobody, nobody, none, none.mean, none.mean, none.mean)

    def together(of: Callable[[Expected], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([of(part) for part in parts])

    return Expected(
        group=together(lambda part: part.group),
        period=together(lambda part: part.period),
        sums=Sums(
            n=together(lambda part: part.sums.n),
            mean=together(lambda part: part.sums.mean),
            chance=together(lambda part: part.sums.chance),
            unsure=together(lambda part: part.sums.unsure),
        ),
        low=together(lambda part: part.low),
        high=together(lambda part: part.high),
        came=together(lambda part: part.came),
    )


def plain_forecast(
    seen: Open, found: Expected, instants: dict[date, datetime], every: str, clock: Clock
) -> Floats:
    """For each line the mean of what came on the same weekdays in the 12 weeks before, as far as it
    was due at the line's instant; NaN where that is under four weeks."""
    forecast = np.full(found.came.shape, np.nan)
    if not len(found.group):
        return forecast
    first_day = min(map(day_number, instants))
    n_days = day_number(period_end(max(instants), every)) - first_day
    came = np.zeros((int(seen.group.max()) + 1, n_days, len(OUTCOMES)))
    inside = (seen.day >= first_day) & (seen.day < first_day + n_days)
    where = seen.group[inside], seen.day[inside] - first_day, seen.outcome[inside]
    np.add.at(came, where, seen.n[inside])
    for first, at in instants.items():
        last = clock.day_of(at)
        while not clock.is_over(last, at):
            last -= timedelta(days=1)
        end = day_number(last) - first_day
        n_weeks = min(_WEEKS, end // 7)
        if n_weeks < FEWEST_WEEKS:
            continue
        before = came[:, end - 7 * n_weeks : end]
        usual = before.reshape(len(came), n_weeks, 7, len(OUTCOMES)).mean(axis=1)
        days = np.arange(day_number(first), day_number(period_end(first, every)))
        lines = found.period == day_number(first)
        of_period = usual[:, (days - first_day - end) % 7].sum(axis=1)
        forecast[lines] = of_period[found.group[lines]]
    return forecast
