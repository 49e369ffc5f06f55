"""The figure ``signals``: whether a share changed over time, or strayed by chance."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished
from avon_analytics.appointments.calculated.shares import in_words, share_of
from avon_analytics.appointments.rows.scope import (
    PERIODS,
    as_date,
    choice,
    period_end,
)
from avon_analytics.appointments.statistics.arrays import Flags, Ints
from avon_analytics.appointments.statistics.p_prime import (
    FEWEST_EXPECTED,
    FEWEST_PERIODS,
    RULES,
    Chart,
    false_alarms,
    limits_at,
    p_prime,
)
from avon_analytics.appointments.statistics.small_counts import blank_small
from avon_analytics.arguments import number, values
from avon_analytics.errors import UsageError
from avon_analytics.figures.declared import Column
from avon_analytics.figures.signals import BETTER, FIGURE
from avon_analytics.figures.words import By, DateLike

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows


@dataclass(frozen=True, slots=True)
class Asked:
    """What a chart was asked for, checked."""

    baseline: tuple[date, date] | None
    rebase: tuple[date, ...]
    better: str | None
    target: float | None


def _asked(baseline: Any, rebase: Any, better: str | None, target: float | None) -> Asked:
    """The options of ``signals``. Raises UsageError for what cannot be."""
    if target is not None:
        target = number(target, 0, 1, "target: expected a share from 0 to 1")
    days = [] if rebase is None else [_day(one, "rebase") for one in values(rebase)]
    return Asked(_baseline(baseline), tuple(sorted(set(days))), better, target)


def _day(value: DateLike, what: str) -> date:
    day = as_date(value, what)
    if day is None:
        raise UsageError(f"{what}: expected a date such as '2025-01-31'")
    return day


def _baseline(given: Any) -> tuple[date, date] | None:
    if given is None:
        return None
    days = [] if isinstance(given, str) else values(given)
    if len(days) != 2:
        raise UsageError("baseline: expected its first day and the day after its last")
    start, end = (_day(one, "baseline") for one in days)
    if end <= start:
        raise UsageError("baseline: its end must come after its start")
    return start, end


def signals(
    cohort: CohortRows,
    *,
    by: By,
    every: str,
    min_count: int | None,
    share: str,
    baseline: Any,
    rebase: Any,
    better: str | None,
    target: float | None,
    basis: str,
) -> pd.DataFrame:
    """See ``Cohort.signals``."""
    asked = _asked(baseline, rebase, better, target)
    choice("period", every, PERIODS)
    counted = share_of(cohort, share, by=by, every=every, basis=basis, min_count=min_count)
    (periods,) = cohort._complete_periods(every)
    calendar = _calendar(periods, every)
    keys = [key.name for key in counted.keys]
    groups, count, n = _by_group(counted.rows, keys, calendar)
    is_base = _in_baseline(calendar, asked.baseline)
    stretches = [
        _Stretch(count[:, part], n[:, part], _base_of(is_base[part]), calendar.is_complete[part])
        for part in _parts(calendar.firsts, asked.rebase)
    ]
    charts = [stretch.chart() for stretch in stretches]
    rows = _rows(groups, calendar, stretches, charts)
    rows["meaning"] = _meaning(rows["signal"], asked.better)
    data = finished(
        FIGURE,
        replace(counted, rows=rows),
        {"share": share, "basis": basis},
        blank=_blank,
        of_share=in_words(share, basis),
    )
    data.attrs["share"] = share
    data.attrs["expected_false_alarms"] = _false_alarms(stretches, charts)
    data.attrs["messages"] = _messages(stretches, charts)
    if asked.target is not None and charts and counted.min_count < 2:
        data.attrs["target"] = _held_against(asked.target, groups, stretches[-1], charts[-1])
    return data


@dataclass(frozen=True, slots=True)
class _Calendar:
    """All periods from the first complete one to the last, and which of them are complete."""

    firsts: list[date]
    is_complete: Flags


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Periods with limits of their own: counts have a line per group, flags are one for all."""

    count: Ints
    n: Ints
    is_base: Flags
    is_complete: Flags

    def chart(self) -> Chart:
        return p_prime(self.count, self.n, self.is_base & self.is_complete, self.is_complete)

    @property
    def size(self) -> int:
        return int(self.is_complete.sum())


def _calendar(complete: Sequence[date], every: str) -> _Calendar:
    firsts = list(complete[:1])
    while firsts and firsts[-1] < complete[-1]:
        firsts.append(period_end(firsts[-1], every))
    known = set(complete)
    return _Calendar(firsts, np.array([first in known for first in firsts], dtype=bool))


def _by_group(
    rows: pd.DataFrame, keys: list[str], calendar: _Calendar
) -> tuple[pd.DataFrame, Ints, Ints]:
    """The groups that have rows in complete periods, and their counts: a line each."""
    place = {pd.Timestamp(first): nth for nth, first in enumerate(calendar.firsts)}
    complete = [one for one, nth in place.items() if calendar.is_complete[nth]]
    rows = rows[rows.period_on.isin(complete)]
    number = rows.groupby(keys, sort=False, dropna=False).ngroup() if keys else 0 * rows.n
    groups = rows.loc[~number.duplicated(), keys]  # numbered as they come
    shape = (len(groups), len(place))
    where = number.to_numpy(), rows.period_on.map(place).to_numpy(dtype=np.int64)
    count, n = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    count[where], n[where] = rows["count"].to_numpy(), rows["n"].to_numpy()
    return groups[keys].reset_index(drop=True), count, n


def _in_baseline(calendar: _Calendar, baseline: tuple[date, date] | None) -> Flags:
    if baseline is None:
        return np.ones(len(calendar.firsts), dtype=bool)
    start, end = baseline
    found = np.array([start <= first < end for first in calendar.firsts], dtype=bool)
    if calendar.firsts and not (found & calendar.is_complete).any():
        raise UsageError(
            "baseline: no complete period begins in it; complete ones begin from "
            f"{calendar.firsts[0]} to {calendar.firsts[-1]}"
        )
    return found


def _parts(periods: list[date], rebase: tuple[date, ...]) -> list[slice]:
    """Parts of the periods with limits of their own."""
    cuts = sorted({0, len(periods), *(bisect_left(periods, day) for day in rebase)})
    return [slice(start, end) for start, end in pairwise(cuts)]


def _base_of(base: Flags) -> Flags:
    """The baseline of a stretch; a later stretch that has no part of it is its own."""
    return base if base.any() else np.ones_like(base)


def _rows(
    groups: pd.DataFrame, calendar: _Calendar, stretches: list[_Stretch], charts: list[Chart]
) -> pd.DataFrame:
    """One row per group and complete period."""
    n_groups, shown = len(groups), calendar.is_complete

    def joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if not parts:
            return np.zeros(0)
        return np.concatenate(parts, axis=-1)[..., shown].reshape(-1)

    rows = groups.loc[groups.index.repeat(shown.sum())].reset_index(drop=True)
    firsts = np.array(calendar.firsts, dtype="datetime64[us]")[shown]
    rows["period_on"] = pd.array(np.tile(firsts, n_groups), dtype="datetime64[us]")
    rows["n"] = joined([one.n for one in stretches]).astype(np.int64)
    rows["count"] = joined([one.count for one in stretches]).astype(np.int64)
    rows["n_others"] = rows["n"] - rows["count"]
    for name in ("share", "center", "lower", "upper"):
        rows[name] = joined([getattr(chart, name) for chart in charts])
    bases = [np.broadcast_to(one.is_base, one.n.shape) for one in stretches]
    rows["is_in_baseline"] = joined(bases).astype(bool)
    sides = joined([chart.side for chart in charts]).astype(np.int64)
    rows["signal"] = pd.array([None, "higher", "lower"], dtype="str").take(sides)
    rules = joined([chart.rule for chart in charts]).astype(np.int64)
    rows["rule"] = pd.array([None, *RULES], dtype="str").take(rules)
    return rows


def _meaning(signal: pd.Series, better: str | None) -> pd.Series:
    if better is None:
        return pd.Series(pd.NA, signal.index, dtype="str")
    worse = next(word for word in BETTER if word != better)
    return signal.map({better: "improvement", worse: "concern"}).astype("str")


def _false_alarms(stretches: list[_Stretch], charts: list[Chart]) -> dict[str, float]:
    """How many rows, and how many groups, chance alone would be expected to point out."""
    rows, groups = false_alarms(
        charts,
        [one.n for one in stretches],
        [one.is_base for one in stretches],
        [one.is_complete for one in stretches],
    )
    return {"rows": rows, "groups": groups}


def _messages(stretches: list[_Stretch], charts: list[Chart]) -> list[str]:
    """What keeps the rules from being applied, a sentence each."""
    if not stretches:
        return ["there is no complete period"]
    messages = [
        f"a stretch of {stretch.size} complete period{'s' * (stretch.size != 1)} is too short for "
        f"the rules, which want {FEWEST_PERIODS}"
        for stretch in stretches
        if stretch.size < FEWEST_PERIODS
    ]
    long = [
        chart.has_rules
        for stretch, chart in zip(stretches, charts, strict=True)
        if stretch.size >= FEWEST_PERIODS
    ]
    n_charts, n_with = sum(len(one) for one in long), sum(int(one.sum()) for one in long)
    if n_with < n_charts:
        where = f"in {n_charts - n_with} of {n_charts} charts " if n_charts > 1 else ""
        messages.append(
            f"{where}a period of median size is too small for the rules: at least "
            f"{FEWEST_EXPECTED} cases should fall within the share, and at least "
            f"{FEWEST_EXPECTED} outside it"
        )
    return messages


def _held_against(
    target: float, groups: pd.DataFrame, stretch: _Stretch, chart: Chart
) -> list[dict[Any, Any]]:
    """For each group, whether the limits of the newest stretch hold the target."""
    median = np.median(stretch.n[:, stretch.is_complete], axis=-1)
    lower, upper = limits_at(chart, np.where(median > 0, median, np.nan))
    names = groups.astype(object).where(groups.notna(), None).to_dict("records")
    verdicts: list[dict[Any, Any]] = []
    for place, (low, high) in enumerate(zip(lower.tolist(), upper.tolist(), strict=True)):
        known = not np.isnan(low)
        verdicts.append(
            {
                **(names[place] if names else {}),
                "target": target,
                "lower": low if known else None,
                "upper": high if known else None,
                "holds": bool(low <= target <= high) if known else None,
            }
        )
    return verdicts


def _blank(rows: pd.DataFrame, columns: Mapping[str, Column], min_count: int) -> pd.DataFrame:
    """Small counts blanked; of a group with any, centre and limits too, which rest on all of it."""
    assert FIGURE.cells is not None
    shown = blank_small(rows, columns, FIGURE.cells, min_count)
    keys = list(rows.columns[: list(rows.columns).index("period_on")])
    is_blank = shown["count"].isna() | shown["n"].isna()
    group = [rows[key] for key in keys] or np.zeros(len(rows))
    is_blank = is_blank.groupby(group, dropna=False).transform("any")
    for name in ("center", "lower", "upper"):
        shown[name] = shown[name].mask(is_blank)
    return shown
