"""What is usually booked between now and a day to come, and how that ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count, islice

import numpy as np
import pandas as pd

from avon_analytics.appointments.expectation.landmarks import day_number
from avon_analytics.appointments.expectation.look_back import FEWEST_WEEKS, Clock
from avon_analytics.appointments.rows.scope import period_start
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.forecast import OUTCOMES, Sums

_WEEKS = 12  # of the same weekday, before
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Booked:
    """What is booked now: the groups, and the sums with their group and period (a line each)."""

    groups: pd.DataFrame
    lines: Ints
    sums: Sums


@dataclass(frozen=True, slots=True)
class Pickup:
    """What is booked, and what is still to be: its mean and variance, with lines of its own where
    nothing is booked yet."""

    groups: pd.DataFrame
    lines: Ints
    sums: Sums
    mean: Floats
    variance: Floats


def weeks_before(
    days: Iterable[date], closed: Collection[date], at: datetime, clock: Clock
) -> dict[date, list[date]]:
    """For each of the days the last 12 of its weekday that were due at an instant, as far as there
    are, none of them closed."""
    found = {}
    for day in days:
        before = (one for one in _same_weekday(day, at, clock) if one not in closed)
        found[day] = list(islice(before, _WEEKS))
    return found


def pickup(
    now: Booked,
    later: pd.DataFrame,
    days: Mapping[date, Sequence[date]],
    every: str | None,
    at: datetime,
    clock: Clock,
) -> Pickup:
    """Add to what is booked what is usually booked by the days to come.

    A day gets the mean of those of its weekday before (``weeks_before``), of slots that were not
    there yet with as many days to go; under 4 of them, nothing is known of it. ``later`` are such
    slots.
    """
    names = list(now.groups.columns)
    groups, group = _numbered(now.groups, later[names])
    today = clock.day_of(at)
    from_days, on_day, outcome = (
        later[name].to_numpy(dtype=np.int64) for name in ("from_days", "day", "outcome")
    )
    n = later["n"].to_numpy(dtype=np.float64)
    in_order = np.argsort(on_day, kind="stable")
    on_day = on_day[in_order]
    found: dict[tuple[int, int], tuple[Floats, Floats]] = {}
    shape = (len(groups), len(OUTCOMES))
    for day, before in days.items():
        counts = np.zeros((len(before), *shape))
        for nth, earlier in enumerate(before):
            first, end = np.searchsorted(on_day, [day_number(earlier), day_number(earlier) + 1])
            lines = in_order[first:end]
            lines = lines[from_days[lines] <= (day - today).days]
            np.add.at(counts[nth], (group[lines], outcome[lines]), n[lines])
        known = len(before) >= FEWEST_WEEKS
        mean = counts.mean(axis=0) if known else np.full(shape, np.nan)
        spread = counts.var(axis=0, ddof=1) * (1 + 1 / len(before)) if known else mean
        period = 0 if every is None else day_number(period_start(day, every))
        for place in range(len(groups)):
            so_far = found.get((place, period), (np.zeros(shape[1]), np.zeros(shape[1])))
            found[place, period] = so_far[0] + mean[place], so_far[1] + spread[place]
    return _together(now, groups, found)


def _numbered(known: pd.DataFrame, more: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """All groups, those known first, and the number of each further row."""
    if not len(known.columns):
        return pd.DataFrame(index=range(1)), np.zeros(len(more), dtype=np.int64)
    both = pd.concat([known, more], ignore_index=True)
    number = both.groupby(list(known.columns), sort=False, dropna=False).ngroup().astype("int64")
    groups = both.loc[~number.duplicated()].reset_index(drop=True)
    return groups, np.asarray(number, dtype=np.int64)[len(known) :]


def _same_weekday(day: date, at: datetime, clock: Clock) -> Iterator[date]:
    """The same weekday, week by week into the past, as far as it was due and history goes."""
    first = min(clock.weeks, default=day)
    if clock.history_from is not None:
        first = max(first, clock.history_from)
    for nth in count(1):
        earlier = day - nth * _WEEK
        if earlier < first:
            return
        if clock.is_over(earlier + timedelta(days=1), at):
            yield earlier


def _together(
    now: Booked, groups: pd.DataFrame, found: dict[tuple[int, int], tuple[Floats, Floats]]
) -> Pickup:
    booked = {(int(group), int(period)): nth for nth, (group, period) in enumerate(now.lines)}
    wanted = sorted({*booked, *(one for one, (mean, _) in found.items() if not mean.sum() <= 0)})
    nothing = np.zeros(len(OUTCOMES))
    unknown = np.full(len(OUTCOMES), np.nan)
    n, rows = [], []
    for one in wanted:
        nth = booked.get(one)
        n.append(0.0 if nth is None else now.sums.n[nth])
        own = (
            (nothing, nothing, nothing)
            if nth is None
            else (now.sums.mean[nth], now.sums.chance[nth], now.sums.unsure[nth])
        )
        rows.append((*own, *found.get(one, (unknown, unknown))))
    table = np.array(rows).reshape(len(wanted), 5, len(OUTCOMES))
    mean, chance, unsure, more, spread = (table[:, nth] for nth in range(5))
    return Pickup(
        groups,
        np.array(wanted, dtype=np.int64).reshape(-1, 2),
        Sums(np.array(n), mean, chance, unsure),
        more,
        spread,
    )
