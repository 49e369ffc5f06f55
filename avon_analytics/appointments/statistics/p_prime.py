"""The p′-chart of Laney (2002): a share over time, with limits that allow for more than chance.

All arrays hold periods along their last axis, oldest first, and anything before it: groups, or
made-up repetitions of groups. So the same lines draw a chart and count its false alarms.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.statistics.arrays import Flags, Floats, Ints

FEWEST_PERIODS = 13  # of a stretch, for its rules to be applied
FEWEST_EXPECTED = 5  # cases within the share, and outside it, in its median period
FEWEST_FOR_LIMIT = 4  # such cases in a period, for it to be beyond a limit
IN_A_ROW = 7  # points on one side make a shift, and in strict order a trend
RULES = ("beyond a limit", "trend", "two of three", "shift")  # the first that holds names a signal
_WITHIN = 1 + 1e-9  # a point on a limit is not beyond it, whatever the rounding
_SEED = 2002
_MOST_REPEATS, _FEWEST_REPEATS = 2000, 20
_MOST_DRAWN = 1_000_000  # cells of made-up figures, in all and at once
_AT_ONCE, _CHARTED = 250_000, 50_000
_THREADS = 2
_RANGE_TO_SIGMA = 1.128  # the mean range of two normal numbers, in standard deviations


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of one stretch. ``rule`` is the place in ``RULES`` plus 1, 0 for no signal; ``side``
    is 1 where a signal is higher, -1 where it is lower. Of the whole stretch are ``has_rules`` and
    ``spread``, by how much its limits are wider than chance alone would have them (at least 1)."""

    share: Floats
    center: Floats
    lower: Floats
    upper: Floats
    rule: Ints
    side: Ints
    has_rules: Flags
    spread: Floats


def p_prime(
    count: npt.ArrayLike,
    n: npt.ArrayLike,
    is_baseline: npt.ArrayLike,
    is_complete: npt.ArrayLike | None = None,
) -> Chart:
    """The chart of counts among n, with centre and spread from the periods of the baseline.

    Neighbours of the last axis are neighbours of the calendar; a period without n, or one that is
    not complete, is no point. ``is_baseline`` and ``is_complete`` are one for all groups.
    """
    counts = np.asarray(count, dtype=np.float64)
    whole = np.ones(counts.shape[-1], bool) if is_complete is None else np.asarray(is_complete)
    among = np.where(whole, np.broadcast_to(np.asarray(n, dtype=np.float64), counts.shape), 0)
    base = np.asarray(is_baseline, dtype=bool)
    is_point = among > 0
    points = np.where(is_point, among, np.nan)
    share = counts / points
    center = _center(counts, among, base)
    sigma = np.sqrt(center * (1 - center) / points)
    with np.errstate(invalid="ignore"):  # a centre of 0 or 1 has no spread
        z = np.where(sigma > 0, (share - center) / np.where(sigma > 0, sigma, 1), 0.0)
    z = np.where(is_point, z, np.nan)
    spread = np.maximum(1, _sigma_z(z, is_point & base))
    wide = sigma * spread
    rule, side = _signals(share, center, wide, among)
    has_rules = _has_rules(among[..., whole], center)
    return Chart(
        share=share,
        center=np.broadcast_to(center, share.shape),
        lower=np.clip(center - 3 * wide, 0, 1),
        upper=np.clip(center + 3 * wide, 0, 1),
        rule=np.where(has_rules, rule, 0),
        side=np.where(has_rules & (rule > 0), side, 0),
        has_rules=has_rules[..., 0],
        spread=spread[..., 0],
    )


def limits_at(chart: Chart, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The limits of a stretch for a period with so many n, of each group."""
    center = chart.center[..., 0]
    half = 3 * chart.spread * np.sqrt(center * (1 - center) / np.asarray(n, dtype=np.float64))
    return np.clip(center - half, 0, 1), np.clip(center + half, 0, 1)


def false_alarms(
    charts: list[Chart], n: list[Ints], is_baseline: list[Flags], is_complete: list[Flags]
) -> tuple[float, float]:
    """How many rows, and how many groups, would be signals if nothing but chance were at work.

    One chart, its n (a line per group) and its flags for each stretch. Counts are drawn again
    and again, binomial, with each group's own n and one share throughout a stretch, and charted in
    the same way. The seed is fixed: the same figure has the same number.
    """
    rng = np.random.default_rng(_SEED)
    n_groups = len(n[0]) if n else 0
    n_cells = sum(part.size for part in n)
    if not n_cells or not any(chart.has_rules.any() for chart in charts):
        return 0.0, 0.0
    repeats = min(max(_MOST_DRAWN // n_cells, _FEWEST_REPEATS), _MOST_REPEATS)
    at_once, charted = (max(1, most // n_cells) for most in (_AT_ONCE, _CHARTED))

    def drawn() -> Iterator[list[Ints]]:
        for start in range(0, repeats, at_once):
            size = min(at_once, repeats - start)
            counts = [
                rng.binomial(among, np.nan_to_num(chart.center), (size, *among.shape))
                for chart, among in zip(charts, n, strict=True)
            ]
            for first in range(0, size, charted):
                yield [count[first : first + charted] for count in counts]

    def signals_in(counts: list[Ints]) -> tuple[int, int]:
        rows, is_signal = 0, np.zeros((len(counts[0]), n_groups), dtype=bool)
        for count, among, base, whole in zip(counts, n, is_baseline, is_complete, strict=True):
            rule = p_prime(count, among, base, whole).rule
            rows += int((rule > 0).sum())
            is_signal |= (rule > 0).any(axis=-1)
        return rows, int(is_signal.sum())

    with ThreadPoolExecutor(_THREADS) as threads:  # numpy lets others work while it does
        rows, groups = np.sum(list(threads.map(signals_in, drawn())), axis=0).tolist()
    return rows / repeats, groups / repeats


def _center(counts: Floats, among: Floats, base: Flags) -> Floats:
    total = np.where(base, among, 0).sum(axis=-1, keepdims=True)
    found = np.where(base, counts, 0).sum(axis=-1, keepdims=True)
    return np.asarray(found / np.where(total > 0, total, np.nan))


def _sigma_z(z: Floats, counts: Flags) -> Floats:
    """How much more neighbours differ than chance alone would make them: σz, 0 without any."""
    both = counts[..., 1:] & counts[..., :-1]
    ranges = np.where(both, np.abs(np.diff(z, axis=-1)), 0).sum(axis=-1, keepdims=True)
    return np.asarray(ranges / np.maximum(both.sum(axis=-1, keepdims=True), 1) / _RANGE_TO_SIGMA)


def _has_rules(among: Floats, center: Floats) -> Flags:
    """Whether there are periods and counts enough to call anything a signal."""
    if among.shape[-1] < FEWEST_PERIODS:
        return np.zeros_like(center, dtype=bool)
    median = np.median(among, axis=-1, keepdims=True)
    return np.asarray(median * np.minimum(center, 1 - center) >= FEWEST_EXPECTED)


def _signals(share: Floats, center: Floats, wide: Floats, among: Floats) -> tuple[Ints, Ints]:
    """Which rule each point breaks first, and on which side."""
    away = share - center
    is_point = among > 0
    by_rule = (
        _beyond(away, wide, among * np.minimum(center, 1 - center) >= FEWEST_FOR_LIMIT),
        _trend(share, is_point),
        _two_of_three(away, wide),
        _shift(away),
    )
    rule = np.zeros(share.shape, dtype=np.int64)
    side = np.zeros(share.shape, dtype=np.int64)
    for place, found in reversed(list(enumerate(by_rule, start=1))):
        rule = np.where(found != 0, place, rule)
        side = np.where(found != 0, found, side)
    return rule, side


def _beyond(away: Floats, wide: Floats, has_enough: Flags) -> Ints:
    with np.errstate(invalid="ignore"):
        return np.where(has_enough & (np.abs(away) > 3 * _WITHIN * wide), np.sign(away), 0).astype(
            np.int64
        )


def _two_of_three(away: Floats, wide: Floats) -> Ints:
    """Points between 2 and 3 σ, two of which are among three in a row on one side."""
    side = np.nan_to_num(np.sign(away)).astype(np.int64)
    with np.errstate(invalid="ignore"):
        is_near = (np.abs(away) > 2 * _WITHIN * wide) & (np.abs(away) <= 3 * _WITHIN * wide)
    found = np.zeros(side.shape, dtype=np.int64)
    if side.shape[-1] >= 3:
        is_run = np.abs(_windows(side, 3).sum(axis=-1)) == 3
        holds = is_run & (_windows(is_near, 3).sum(axis=-1) >= 2)
        n_windows = holds.shape[-1]
        for step in range(3):
            part = slice(step, step + n_windows)
            found[..., part] |= (holds & is_near[..., part]).astype(np.int64)
    return found * side


def _shift(away: Floats) -> Ints:
    """Points that end seven or more in a row strictly on one side of the centre."""
    side = np.nan_to_num(np.sign(away)).astype(np.int64)
    return _lasting(side, IN_A_ROW)


def _trend(share: Floats, is_point: Flags) -> Ints:
    """Points that end seven or more in strict order: six steps of one direction."""
    steps = np.zeros(share.shape, dtype=np.int64)
    both = is_point[..., 1:] & is_point[..., :-1]
    with np.errstate(invalid="ignore"):
        steps[..., 1:] = np.where(both, np.nan_to_num(np.sign(np.diff(share, axis=-1))), 0)
    return _lasting(steps, IN_A_ROW - 1)


def _lasting(side: Ints, length: int) -> Ints:
    """The side of each place that ends so many or more of one side, neither of them 0; else 0."""
    found = np.zeros(side.shape, dtype=np.int64)
    if side.shape[-1] >= length:
        sums = _windows(side, length).sum(axis=-1)
        found[..., length - 1 :] = np.where(np.abs(sums) == length, np.sign(sums), 0)
    return found


def _windows(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=-1)
