"""The figure ``expected``: what will probably come of what is booked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished
from avon_analytics.appointments.expectation.landmarks import Landmarks
from avon_analytics.appointments.expectation.learning import Learning
from avon_analytics.appointments.expectation.look_back import (
    FEWEST_WEEKS,
    Clock,
    look_back,
    opened_before,
    shares_at,
)
from avon_analytics.appointments.expectation.pickup import Booked, pickup, weeks_before
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.forecast import (
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
from avon_analytics.errors import UsageError
from avon_analytics.figures import outcomes
from avon_analytics.figures.expected import ENDS, FIGURE, KNOWN
from avon_analytics.figures.words import By, DateLike

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows

_PICKED_UP = " What is usually booked between T and then is added, by weekday and days ahead."
_DAY = timedelta(days=1)


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
        return _expected(counted, Landmarks.of(cohort, closed, history_from), pickup)


def _expected(counted: Counted, landmarks: Landmarks, with_pickup: bool) -> pd.DataFrame:
    cohort, at, every = landmarks.cohort, counted.as_of, counted.every
    scope = cohort._scope
    unit = every or _unit(scope.start, scope.end)
    weeks, complete = cohort._without_window()._complete_periods("week", unit)
    clock = Clock.of(landmarks, weeks)
    start, end = _window_ahead(cohort, at, clock, with_pickup)
    if at is None:
        return _expected_figure(
            counted, _no_rows(counted), Sums.none(), clock, landmarks, with_pickup
        )
    open_now = landmarks.open(counted.keys, every, at, start, end)
    lines = np.column_stack([open_now.group, open_now.period])
    instants = _looked_back_at(complete, clock, at, start)
    alike = open_now.alike(slice(0, len(lines)))
    known = _learned(landmarks, counted, unit, instants, clock, at, alike)
    found = sums(alike, known.shares)
    groups, mean, added = open_now.groups, found.mean, None
    if with_pickup and end is not None:
        to_come = [start + nth * _DAY for nth in range((end - start).days)]
        are_open = [day for day in to_come if day not in landmarks.closed]
        days = weeks_before(are_open, landmarks.closed, at, clock)
        later = landmarks.later(counted.keys, at, clock.day_of(at), _first_of(days, landmarks))
        more = pickup(Booked(groups, lines, found), later, days, every, at, clock)
        groups, lines, found = more.groups, more.lines, more.sums
        mean, added = found.mean + more.mean, (more.mean, more.variance)
    low, high = intervals(found, known.spread.variance, added)
    most = found.n[:, None] if added is None else np.full((1, 1), np.inf)
    low, high = drawn(mean, low, high, most, known.width.factors)
    rows = rows_of(groups, lines[:, 0], lines[:, 1], every)
    rows["n_open"] = found.n.astype(np.int64)
    put_expected(rows, mean, low, high)
    return _expected_figure(counted, rows, found, clock, landmarks, with_pickup)


def _first_of(days: Mapping[date, Sequence[date]], landmarks: Landmarks) -> date | None:
    """The first day that tells of the days to come; where history is short, all of it does."""
    is_known = all(len(before) >= FEWEST_WEEKS for before in days.values())
    return min(chain(*days.values()), default=None) if is_known else landmarks.history_from


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
    return clock.before([one for one in complete if one >= since], days_ahead)


def _learned(
    landmarks: Landmarks,
    counted: Counted,
    unit: str,
    instants: dict[date, datetime],
    clock: Clock,
    at: datetime,
    open_now: Alike,
) -> _Learned:
    """Look back at periods like the window, each from its instant."""
    seen = opened_before(landmarks, counted.keys, unit, instants)
    most_days = max(int(open_now.days.max(initial=0)), seen.most_days)
    learning = Learning(landmarks, at, most_days, [*instants.values(), at])
    _, spread, width = look_back(seen, instants, unit, learning, at, clock, SEEN_FROM)
    return _Learned(shares_at(open_now, learning, at, at, clock), spread, width)


def _unit(start: date | None, end: date | None) -> str:
    """The calendar period that is most like a window."""
    days = 365 if start is None or end is None else (end - start).days
    return "day" if days < 5 else "week" if days < 20 else "month" if days < 80 else "quarter"


def rows_of(groups: pd.DataFrame, group: Ints, period: Ints, every: str | None) -> pd.DataFrame:
    """The groups, and the periods, of some lines."""
    rows: pd.DataFrame = groups.iloc[group].reset_index(drop=True)
    if not len(groups.columns):
        rows = pd.DataFrame(index=range(len(group)))
    if every is not None:
        days = period.astype("datetime64[D]").astype("datetime64[us]")
        rows["period_on"] = days
    return rows


def put_expected(rows: pd.DataFrame, mean: Floats, low: Floats, high: Floats) -> None:
    """Add the expected numbers, and as whole ones that add up, for blanking small counts."""
    for place, end in enumerate(ENDS):
        rows[f"expected_{end}"] = mean[:, place]
        if end in KNOWN:
            rows[f"expected_{end}_low"] = low[:, place]
            rows[f"expected_{end}_high"] = high[:, place]
        rows[f"cell_{end}"] = np.nan_to_num(mean[:, place]).round().astype(np.int64)
    rows["cell_all"] = rows[[f"cell_{end}" for end in ENDS]].sum(axis=1)


def _no_rows(counted: Counted) -> pd.DataFrame:
    rows = counted.rows.iloc[:0][[key.name for key in counted.keys]].copy()
    if counted.every is not None:
        rows["period_on"] = pd.array([], dtype="datetime64[us]")
    rows["n_open"] = pd.array([], dtype="int64")
    none = np.zeros((0, len(OUTCOMES)))
    put_expected(rows, none, none, none)
    return rows


def _expected_figure(
    counted: Counted,
    rows: pd.DataFrame,
    found: Sums,
    clock: Clock,
    landmarks: Landmarks,
    with_pickup: bool,
) -> pd.DataFrame:
    data = finished(
        FIGURE,
        replace(counted, rows=rows),
        {"pickup": with_pickup, **landmarks.options},
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
