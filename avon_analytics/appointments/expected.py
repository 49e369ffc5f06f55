"""The figures ``expected`` and ``backtest``: what will come of what is booked, and what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.distributions import Floats
from avon_analytics.appointments.figure import Counted, finished
from avon_analytics.appointments.forecast import (
    OUTCOMES,
    SEEN_FROM,
    Alike,
    PeriodSpread,
    Shares,
    Sums,
    Width,
    drawn,
    intervals,
    sums,
)
from avon_analytics.appointments.landmarks import Open, Slots
from avon_analytics.appointments.learning import Learning
from avon_analytics.appointments.look_back import (
    FEWEST_WEEKS,
    Clock,
    Expected,
    look_back,
    plain_forecast,
    shares_at,
)
from avon_analytics.appointments.pickup import Booked, pickup, weeks_before
from avon_analytics.appointments.scope import PERIODS, as_date, choice, period_end
from avon_analytics.arguments import values
from avon_analytics.errors import UsageError
from avon_analytics.figures import backtest as of_backtest
from avon_analytics.figures import expected as of_expected
from avon_analytics.figures import outcomes
from avon_analytics.figures.expected import ENDS, KNOWN
from avon_analytics.figures.words import By, DateLike

if TYPE_CHECKING:
    from avon_analytics.appointments.cohort_rows import CohortRows

_PICKED_UP = " What is usually booked between T and then is added, by weekday and days ahead."
_DAY = timedelta(days=1)


def _days_given(given: Any, what: str) -> list[date]:
    """One day or several. Raises UsageError for what is none."""
    days = [] if given is None else [as_date(one, what) for one in values(given)]
    if None in days:
        raise UsageError(f"{what}: expected dates such as '2025-12-25'")
    return [day for day in days if day is not None]


def expected(
    cohort: CohortRows,
    *,
    by: By,
    every: str | None,
    min_count: int | None,
    pickup: bool,
    closed: Iterable[DateLike] | None,
    history_from: DateLike | None,
) -> pd.DataFrame:
    """See ``Cohort.expected``."""
    if cohort._scope.on != "start":
        raise UsageError("expected: the window must be one of starts (on='start')")
    with cohort._engine.reading():
        counted = cohort._count(outcomes.FIGURE, by, every, min_count=min_count, with_rows=False)
        return _expected(cohort, counted, slots_as_they_stood(cohort, closed, history_from), pickup)


def _expected(
    cohort: CohortRows, counted: Counted, slots: Slots, with_pickup: bool
) -> pd.DataFrame:
    at, every, scope = counted.as_of, counted.every, cohort._scope
    unit = every or _unit(scope.start, scope.end)
    weeks, complete = cohort._without_window()._complete_periods("week", unit)
    clock = _clock(cohort, slots, weeks)
    start, end = _window_ahead(cohort, at, clock, with_pickup)
    if at is None:
        return _expected_figure(counted, _no_rows(counted), Sums.none(), clock, slots, with_pickup)
    open_now = slots.open(counted.keys, every, at, start, end)
    lines = np.column_stack([open_now.group, open_now.period])
    instants = _looked_back_at(complete, clock, at, start)
    alike = open_now.alike(slice(0, len(lines)))
    known = _learned(slots, counted, unit, instants, clock, at, alike)
    found = sums(alike, known.shares)
    groups, mean, added = open_now.groups, found.mean, None
    if with_pickup and end is not None:
        to_come = [start + nth * _DAY for nth in range((end - start).days)]
        are_open = [day for day in to_come if day not in slots.closed]
        days = weeks_before(are_open, slots.closed, at, clock)
        later = slots.later(counted.keys, at, clock.day_of(at), _first_of(days, slots))
        more = pickup(Booked(groups, lines, found), later, days, every, at, clock)
        groups, lines, found = more.groups, more.lines, more.sums
        mean, added = found.mean + more.mean, (more.mean, more.variance)
    low, high = intervals(found, known.spread.variance, added)
    most = found.n[:, None] if added is None else np.full((1, 1), np.inf)
    low, high = drawn(mean, low, high, most, known.width.factors)
    rows = _rows(groups, lines[:, 0], lines[:, 1], every)
    rows["n_open"] = found.n.astype(np.int64)
    _put(rows, mean, low, high)
    return _expected_figure(counted, rows, found, clock, slots, with_pickup)


def _first_of(days: Mapping[date, Sequence[date]], slots: Slots) -> date | None:
    """The first day that tells of the days to come; where history is short, all of it does."""
    is_known = all(len(before) >= FEWEST_WEEKS for before in days.values())
    return min(chain(*days.values()), default=None) if is_known else slots.history_from


def _window_ahead(
    cohort: CohortRows, at: datetime | None, clock: Clock, with_pickup: bool
) -> tuple[date, date | None]:
    """The cohort's window. Raises UsageError for one that does not lie after T."""
    start, end = cohort._scope.start, cohort._scope.end
    if start is None:
        raise UsageError(
            "expected: say from when on, such as period='next-week' "
            "(--period next-week) or start='2025-12-01' (--start 2025-12-01)"
        )
    if at is not None and clock.at(start) < at:
        raise UsageError(
            f"expected: the window begins before T ({at:%Y-%m-%d %H:%M} UTC); it must lie after it"
        )
    if with_pickup and end is None:
        raise UsageError("pickup: say until when, such as end='2025-12-15' (--end)")
    return start, end


@dataclass(frozen=True, slots=True)
class _Learned:
    """What earlier slots teach: shares of outcomes, how far periods spread around what these say,
    and how much wider intervals must be."""

    shares: Shares
    spread: PeriodSpread
    width: Width


def _looked_back_at(
    complete: Sequence[date], clock: Clock, at: datetime, start: date
) -> dict[date, datetime]:
    """The instants as many days before the periods of the last year as the window is ahead now."""
    since = at.date() - timedelta(days=365)
    days_ahead = (clock.at(start) - at) // _DAY
    return looked_at([one for one in complete if one >= since], clock, days_ahead)


def _learned(
    slots: Slots,
    counted: Counted,
    unit: str,
    instants: dict[date, datetime],
    clock: Clock,
    at: datetime,
    open_now: Alike,
) -> _Learned:
    """Look back at periods like the window, each from its instant."""
    seen = _seen(slots, counted, unit, instants)
    most_days = max(int(open_now.days.max(initial=0)), seen.most_days)
    learning = Learning(slots, at, most_days, [*instants.values(), at])
    _, spread, width = look_back(seen, instants, unit, learning, at, clock, SEEN_FROM)
    return _Learned(shares_at(open_now, learning, at, at, clock), spread, width)


def slots_as_they_stood(
    cohort: CohortRows, closed: Iterable[DateLike] | None, history_from: DateLike | None
) -> Slots:
    """The cohort's slots at any instant, without closed days. Raises UsageError for no dates."""
    days = _days_given(closed, "closed")
    return Slots(cohort, days, as_date(history_from, "history_from"))


def clock_of(cohort: CohortRows, slots: Slots) -> Clock:
    """The time zone, grace and complete weeks that a cohort's expectations go by."""
    return _clock(cohort, slots, *cohort._without_window()._complete_periods("week"))


def _clock(cohort: CohortRows, slots: Slots, weeks: Sequence[date]) -> Clock:
    grace = timedelta(hours=cohort.grace_hours)
    return Clock(cohort._engine.time_zone, grace, weeks, slots.history_from)


def backtest(
    cohort: CohortRows,
    *,
    by: By,
    every: str,
    min_count: int | None,
    days_ahead: int,
    closed: Iterable[DateLike] | None,
    history_from: DateLike | None,
) -> pd.DataFrame:
    """See ``Cohort.backtest``."""
    if cohort._scope.on != "start":
        raise UsageError("backtest: the window must be one of starts (on='start')")
    choice("period", every, PERIODS)
    with cohort._engine.reading():
        counted = cohort._count(outcomes.FIGURE, by, every, min_count=min_count, with_rows=False)
        slots = slots_as_they_stood(cohort, closed, history_from)
        return _backtest(cohort, counted, slots, every, days_ahead)


def _backtest(
    cohort: CohortRows, counted: Counted, slots: Slots, every: str, days_ahead: int
) -> pd.DataFrame:
    clock, (periods,) = clock_of(cohort, slots), cohort._complete_periods(every)
    instants = looked_at(periods, clock, days_ahead)
    seen = _seen(slots, counted, every, instants, with_days=True)
    never = datetime(1970, 1, 1, tzinfo=UTC)
    reference = max(instants.values(), default=never)
    most_days = seen.most_days
    learning = Learning(slots, reference, most_days, instants.values())
    found, *_ = look_back(seen, instants, every, learning, reference, clock)
    rows = _rows(seen.groups, found.group, found.period, every)
    rows["n_open"] = found.sums.n.astype(np.int64)
    for place, end in enumerate(OUTCOMES):
        rows[f"n_{end}"] = found.came[:, place].astype(np.int64)
    _put(rows, found.sums.mean, found.low, found.high)
    data = finished(
        of_backtest.FIGURE,
        replace(counted, rows=rows),
        {"days_ahead": days_ahead, **slots.options},
    )
    data.attrs["days_ahead"] = days_ahead
    plain = plain_forecast(seen, found, instants, every, clock, slots.closed)
    data.attrs |= _goodness(found, plain)
    n_known = int(np.isfinite(found.sums.mean[:, 0]).sum())
    messages = [] if instants else ["there is no complete period"]
    if n_known < len(rows):
        messages.append(
            f"of {len(rows) - n_known} of {len(rows)} rows nothing is said: there were fewer than "
            f"{FEWEST_WEEKS} complete weeks to learn from"
        )
    data.attrs["messages"] = messages
    return data


def looked_at(periods: Sequence[date], clock: Clock, days_ahead: int) -> dict[date, datetime]:
    """The instant so many days before each of the periods."""
    return {first: clock.at(first) - days_ahead * _DAY for first in periods}


def _seen(
    slots: Slots,
    counted: Counted,
    every: str,
    instants: dict[date, datetime],
    *,
    with_days: bool = False,
) -> Open:
    """What was open so many days before each of the periods."""
    window = window_of(instants, every)
    return slots.open(counted.keys, every, instants, *window, with_days=with_days)


def window_of(instants: Mapping[date, datetime], every: str) -> tuple[date, date]:
    """The window from the first period to the end of the last."""
    first = min(instants, default=date.min)
    last = max(instants, default=None)
    return first, first if last is None else period_end(last, every)


def _unit(start: date | None, end: date | None) -> str:
    """The calendar period that is most like a window."""
    days = 365 if start is None or end is None else (end - start).days
    return "day" if days < 5 else "week" if days < 20 else "month" if days < 80 else "quarter"


def _rows(groups: pd.DataFrame, group: Any, period: Any, every: str | None) -> pd.DataFrame:
    rows: pd.DataFrame = groups.iloc[group].reset_index(drop=True)
    if not len(groups.columns):
        rows = pd.DataFrame(index=range(len(group)))
    if every is not None:
        days = np.asarray(period).astype("datetime64[D]").astype("datetime64[us]")
        rows["period_on"] = days
    return rows


def _put(rows: pd.DataFrame, mean: Floats, low: Floats, high: Floats) -> None:
    """The expected numbers, and as whole ones that add up, for blanking small counts."""
    for place, end in enumerate(ENDS):
        rows[f"expected_{end}"] = mean[:, place]
        if end in KNOWN:
            rows[f"expected_{end}_low"] = low[:, place]
            rows[f"expected_{end}_high"] = high[:, place]
        rows[f"cell_{end}"] = np.nan_to_num(mean[:, place]).round().astype(np.int64)
    rows["cell_all"] = rows[[f"cell_{end}" for end in ENDS]].sum(axis=1)


def _goodness(found: Expected, plain: Floats) -> dict[str, Any]:
    """How many intervals held what came, and how large the errors were."""
    known = np.isfinite(found.sums.mean[:, 0])
    names = list(enumerate(KNOWN))
    is_within = (found.low <= found.came) & (found.came <= found.high)
    counts = known[:, None] & (found.sums.mean > 0)
    counts[:, len(KNOWN) :] = False
    both = known & np.isfinite(plain[:, 0])
    error = np.abs(found.came - found.sums.mean)[both]
    plain_error = np.abs(found.came - plain)[both]

    def mean(numbers: Any) -> float | None:
        return float(np.mean(numbers)) if np.size(numbers) else None

    def skill(place: int) -> float | None:
        worse = plain_error[:, place].sum()
        return 1 - float(error[:, place].sum() / worse) if worse > 0 else None

    return {
        "n_intervals": int(counts.sum()),
        "coverage": {
            **{end: mean(is_within[counts[:, place], place]) for place, end in names},
            "all": mean(is_within[counts]),
        },
        "mean_error": {end: mean(error[:, place]) for place, end in names},
        "mean_error_of_plain": {end: mean(plain_error[:, place]) for place, end in names},
        "skill": {end: skill(place) for place, end in names},
    }


def _no_rows(counted: Counted) -> pd.DataFrame:
    rows = counted.rows.iloc[:0][[key.name for key in counted.keys]].copy()
    if counted.every is not None:
        rows["period_on"] = pd.array([], dtype="datetime64[us]")
    rows["n_open"] = pd.array([], dtype="int64")
    none = np.zeros((0, len(OUTCOMES)))
    _put(rows, none, none, none)
    return rows


def _expected_figure(
    counted: Counted,
    rows: pd.DataFrame,
    found: Sums,
    clock: Clock,
    slots: Slots,
    with_pickup: bool,
) -> pd.DataFrame:
    data = finished(
        of_expected.FIGURE,
        replace(counted, rows=rows),
        {"pickup": with_pickup, **slots.options},
        pickup=_PICKED_UP if with_pickup else "",
    )
    at = counted.as_of
    n_weeks = 0 if at is None else clock.n_weeks(at)
    messages = []
    if n_weeks < FEWEST_WEEKS:
        messages.append(
            f"history is too short to expect anything: {n_weeks} complete "
            f"week{'s' * (n_weeks != 1)}, and {FEWEST_WEEKS} are needed"
        )
    elif len(rows) and np.isnan(found.mean).any():
        messages.append("there are no earlier slots to learn from")
    data.attrs["messages"] = messages
    return data
