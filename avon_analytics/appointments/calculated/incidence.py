"""The figure ``incidence``: by which day since the booking slots had ended, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished, in_order
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.appointments.statistics.aalen_johansen import aalen_johansen
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.small_counts import with_blanks
from avon_analytics.figures.declared import Cells, Column
from avon_analytics.figures.incidence import CAUSES, FIGURE
from avon_analytics.figures.words import By

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows

BEHIND = {
    "n_at_risk": "day >= $row_day",
    "n_events": "day = $row_day AND outcome = $row_cause",
}
"""The slots behind each count of a row: of the step ``days``, which has a slot's last day."""
CURVE = ("cumulative_incidence", "cumulative_incidence_low", "cumulative_incidence_high")


def incidence(cohort: CohortRows, *, by: By, min_count: int | None) -> pd.DataFrame:
    """See ``Cohort.incidence``."""
    return of_days(cohort._count(FIGURE, by, min_count=min_count))


def of_days(counted: Counted) -> pd.DataFrame:
    """The figure that is made of the counts of each day."""
    rows = _of_causes(counted)
    rows[list(CURVE)] = _estimates(rows)
    counted = replace(counted, rows=rows)
    data = finished(FIGURE, counted, {}, blank=_blank_small, is_in_order=True)
    if counted.min_count > 1:
        data.attrs["definition"] += _JOINED
    return data


def _of_causes(counted: Counted) -> pd.DataFrame:
    """A row for each group, cause and day, in this order; ``curve`` numbers groups with causes.

    The days of each group are put in order once, and stand there once for each cause. At risk are
    those who leave on a day or later.
    """
    names = [key.name for key in counted.keys]
    days = in_order(counted.rows, {key.name: key.labels for key in counted.keys} | {"day": ()})
    group = days.groupby(names or np.zeros(len(days)), sort=False, dropna=False).ngroup().to_numpy()
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    left = days["n_left"].to_numpy(dtype=np.int64)
    before = np.cumsum(left) - left
    at_risk = np.append(before, left.sum())[np.append(starts[1:], len(days))][group] - before
    n_days = np.repeat(np.diff(starts, append=len(days)), len(CAUSES))
    curve = np.repeat(np.arange(len(n_days)), n_days)
    of_curve = np.arange(len(curve)) - np.repeat(np.cumsum(n_days) - n_days, n_days)
    place = np.repeat(np.repeat(starts, len(CAUSES)), n_days) + of_curve
    cause = curve % len(CAUSES)
    events = days[[f"n_{one}" for one in CAUSES]].to_numpy(dtype=np.int64)
    rows = days[[*names, "day", "n_left"]].take(place).reset_index(drop=True)
    return rows.assign(
        cause=pd.array(CAUSES, dtype="str").take(cause),
        curve=curve,
        n_at_risk=at_risk[place],
        n_events=events[place, cause],
        n_events_of_any=events.sum(axis=1)[place],
    )


def _estimates(rows: pd.DataFrame) -> Floats:
    """The curves with their intervals, a line per row; those of as many days are made at once."""
    counts = rows[["n_at_risk", "n_events", "n_events_of_any"]].to_numpy(dtype=np.float64)
    starts = np.flatnonzero(np.diff(rows["curve"].to_numpy(), prepend=-1))
    n_days = np.diff(starts, append=len(rows))
    found = np.empty((len(rows), len(CURVE)))
    for n in np.unique(n_days):
        places = starts[n_days == n, np.newaxis] + np.arange(n)
        at_risk, events, events_of_any = np.moveaxis(counts[places], -1, 0)
        found[places] = np.stack(aalen_johansen(at_risk, events, events_of_any), axis=-1)
    return found


# Small counts. Events of a day are mostly few. Days are joined to windows, in each of which every
# cause has no event or enough of them, and so has censoring. The curve is estimated anew from the
# windows, so that it tells no more than their sums; the number at risk is shown where one begins.
# In a window in which a day's events are few, those of the cause are blank on all of its days: of
# two days and more whose sum is not small, nothing follows.

_JOINED = (
    " With small counts blanked, days are joined to windows in which none is small: the estimate "
    "is made of these, and shown on the last day of each, the number at risk on the first."
)


@dataclass(frozen=True, slots=True)
class _Window:
    """Days that are joined; the last window may end with counts that are still small."""

    first: int
    end: int
    is_closed: bool


def _blank_small(rows: pd.DataFrame, columns: Mapping[str, Column], min_count: int) -> pd.DataFrame:
    rows = rows.copy()
    all_events = rows.n_events.to_numpy(dtype=np.int64)
    all_left = rows.n_left.to_numpy(dtype=np.int64)
    all_at_risk = rows.n_at_risk.to_numpy(dtype=np.int64)
    estimates = rows[list(CURVE)].to_numpy(dtype=np.float64, copy=True)
    blank = {name: np.ones(len(rows), dtype=bool) for name in ("n_events", "n_at_risk", "curve")}
    for places in _days_of_groups(rows):
        events = all_events[places]
        at_risk = all_at_risk[places[:, 0]]
        windows = _windows(events, all_left[places[:, 0]] - events.sum(axis=1), min_count)
        sums = np.array([events[one.first : one.end].sum(axis=0) for one in windows])
        for window, total in zip(windows, sums, strict=True):
            days = slice(window.first, window.end)
            few = (events[days] > 0) & (events[days] < min_count)
            is_hidden = few.any(axis=0)
            blank["n_events"][places[days][:, ~is_hidden]] = False
            rest = at_risk[window.first] - total[~is_hidden].sum()
            reveals_rest = is_hidden.any() and not window.is_closed and 0 < rest < min_count
            if at_risk[window.first] >= min_count and not reveals_rest:
                blank["n_at_risk"][places[window.first]] = False
            if window.is_closed:
                blank["curve"][places[window.end - 1]] = False
        closed = [n for n, one in enumerate(windows) if one.is_closed]
        ends = [windows[n].end - 1 for n in closed]
        starts = at_risk[[windows[n].first for n in closed]]
        for cause in range(places.shape[1]):
            made = aalen_johansen(starts, sums[closed, cause], sums[closed].sum(axis=1))
            estimates[places[ends, cause]] = np.column_stack(made)
    rows[list(CURVE)] = estimates
    cells = Cells(based_on={"cumulative_incidence": ("curve",)})
    return with_blanks(rows, columns, cells, blank, min_count)


def _windows(events: Ints, censored: Ints, min_count: int) -> list[_Window]:
    """The shortest windows, one after the other, in which no cause and no censoring is small."""
    found, first = [], 0
    counts = np.column_stack([events, censored])
    for day in range(len(counts)):
        total = counts[first : day + 1].sum(axis=0)
        if ((total == 0) | (total >= min_count)).all():
            found.append(_Window(first, day + 1, is_closed=True))
            first = day + 1
    if first < len(counts):
        found.append(_Window(first, len(counts), is_closed=False))
    return found


def _days_of_groups(rows: pd.DataFrame) -> list[Ints]:
    """For each group, the places of its rows: a line per day, a column per cause."""
    curves = list(rows.groupby("curve", sort=False).indices.values())
    return [
        np.column_stack(curves[first : first + len(CAUSES)])
        for first in range(0, len(curves), len(CAUSES))
    ]
