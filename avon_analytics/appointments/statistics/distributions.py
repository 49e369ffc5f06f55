"""The distributions that chance alone would give a count: tails and quantiles, in numpy alone.

All of them are exact but for the rounding of the engine's floating point. A discrete distribution
is described by its mid-distribution function, P(X < k) + P(X = k) / 2 (Lancaster, 1961): it makes
two-sided p-values neither too small nor, as those that count the whole of P(X = k), too large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.statistics.arrays import Floats, Ints

_STIRLING_FROM = 16.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_WIDTH = 40.0  # standard deviations beyond which a probability is nothing
_TAIL = 10.0  # and beyond which it moves no quantile of the middle, where the tail is normal
_BINOMIAL = 1e12  # the size of a beta distribution that is as good as one share
_AT_ONCE = 50_000
_THREADS = 2
_erfc = np.frompyfunc(math.erfc, 1, 1)


def log_gamma(x: npt.ArrayLike) -> Floats:
    """The logarithm of the gamma function of numbers above 0: Stirling's series, after a shift."""
    shape = np.shape(x)
    given = np.asarray(x, dtype=np.float64).reshape(-1)
    low = given < _STIRLING_FROM
    shifted = np.where(low, given + _STIRLING_FROM, given)
    inverse = 1 / shifted
    series = np.zeros_like(shifted)
    for term in reversed(_STIRLING):
        series = series * inverse**2 + term
    found = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * math.log(2 * math.pi)
    found += series * inverse
    if low.any():
        small = given[low]
        steps = small[:, None] + np.arange(_STIRLING_FROM)
        found[low] -= np.log(steps).sum(axis=1)
    return np.asarray(found).reshape(shape)


def _log_factorial(n: int | Ints) -> Floats:
    """The logarithm of n!. Of whole numbers that lie closer than there are many, each is asked
    about once."""
    whole = np.asarray(n, dtype=np.int64)
    low, high = (int(whole.min()), int(whole.max())) if whole.size else (0, 0)
    if high - low >= whole.size:
        return log_gamma(whole + 1)
    return np.asarray(log_gamma(np.arange(low, high + 1) + 1)[whole - low])


def _log_choose(n: int, k: Ints) -> Floats:
    return _log_factorial(n) - _log_factorial(k) - _log_factorial(n - k)


def normal_tail(z: npt.ArrayLike) -> Floats:
    """The two-sided tail of the normal distribution: how often |Z| is at least |z|."""
    return np.asarray(_erfc(np.abs(np.asarray(z, dtype=np.float64)) / math.sqrt(2)), np.float64)


def normal_quantile(share: float) -> float:
    """The number of standard deviations below which this share of a normal distribution lies."""
    return NormalDist().inv_cdf(share)


class Counts:
    """A distribution of counts ``first``, ``first`` + 1, …, with these weights.

    ``mid`` is its mid-distribution function, ``p_values`` the two-sided mid-P value of each count.
    """

    __slots__ = ("first", "mid", "p_values", "weights")

    def __init__(self, first: int, logs: Floats) -> None:
        weights = np.exp(logs - logs.max())
        self.first = first
        self.weights: Floats = weights / weights.sum()
        half = self.weights / 2
        self.mid: Floats = np.cumsum(self.weights) - half
        above = np.cumsum(self.weights[::-1])[::-1] - half
        self.p_values: Floats = np.minimum(1, 2 * np.minimum(self.mid, above))

    def p_value(self, count: int) -> float:
        """The two-sided mid-P value of one count; 0 far outside."""
        place = count - self.first
        return float(self.p_values[place]) if 0 <= place < len(self.weights) else 0.0

    def quantiles(self, shares: npt.ArrayLike) -> Floats:
        """Where the mid-distribution function reaches these shares, interpolated linearly."""
        wanted = np.asarray(shares, dtype=np.float64)
        return np.asarray(
            np.interp(wanted, self.mid, self.first + np.arange(len(self.mid), dtype=np.float64))
        )


def hypergeometric(draws: int, successes: int, total: int) -> Counts:
    """How many of ``successes`` among ``total`` come among so many draws without replacement."""
    return next(hypergeometrics([draws], successes, total))


def hypergeometrics(draws: Sequence[int], successes: int, total: int) -> Iterator[Counts]:
    """One for each of these numbers of draws; many of them are worked out at once."""
    ranges = [_of_draws(one, successes, total) for one in draws]
    ends = np.cumsum([high - low + 1 for low, high in ranges])
    start = 0
    while start < len(ranges):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        ks = [np.arange(low, high + 1) for low, high in ranges[start:end]]
        k = np.concatenate(ks)
        left = np.repeat(draws[start:end], [len(one) for one in ks]) - k
        logs = _log_choose(successes, k) + _log_choose(total - successes, left)
        parts = np.split(logs, ends[start : end - 1] - before)
        for (low, _), part in zip(ranges[start:end], parts, strict=True):
            yield Counts(low, part)
        start = end


def _of_draws(draws: int, successes: int, total: int) -> tuple[int, int]:
    """The lowest and the highest count that has a chance."""
    lowest, highest = max(0, draws + successes - total), min(draws, successes)
    share = successes / total
    spread = math.sqrt(draws * share * (1 - share) * (total - draws) / max(total - 1, 1))
    width = _WIDTH * (spread + 1)
    mean = draws * share
    return max(lowest, math.floor(mean - width)), min(highest, math.ceil(mean + width))


def beta_binomial_quantiles(
    n: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike, shares: Sequence[float]
) -> Floats:
    """Quantiles of counts from 0 to n with these means and variances, a column for each share.

    Binomial where the variance is no larger; else the shares of the beta distribution are chosen to
    give the mean and the variance.
    """
    n, mean, variance = (np.asarray(one, dtype=np.float64) for one in (n, mean, variance))
    share = np.divide(mean, n, out=np.zeros_like(mean), where=n > 0)
    is_open = (share > 0) & (share < 1)
    found = np.repeat(np.where(share >= 1, n, 0.0)[:, None], len(shares), axis=1)
    n, mean, variance, share = (one[is_open] for one in (n, mean, variance, share))
    binomial = n * share * (1 - share)
    beyond = np.clip(variance / binomial - 1, 0, (n - 1) * 0.99)
    endless = np.full_like(beyond, _BINOMIAL)
    size = np.divide(n - 1, beyond, out=endless, where=beyond > 0)
    size = np.minimum(size - 1, _BINOMIAL)  # of the beta distribution: a + b
    a, b = (share * size)[:, None], ((1 - share) * size)[:, None]

    def step(k: Floats, place: Ints) -> Floats:
        left = n[place, None] - k
        ratio = left / (k + 1)
        ratio *= a[place] + k
        left -= 1  # before b, which may be far smaller
        left += b[place]
        ratio /= left
        return np.asarray(ratio)

    found[is_open] = _quantiles(mean, binomial * (1 + beyond), n, step, shares)
    return found


def negative_binomial_quantiles(
    mean: npt.ArrayLike, variance: npt.ArrayLike, shares: Sequence[float]
) -> Floats:
    """Quantiles of counts without an upper end; Poisson where the variance is no larger."""
    mean, variance = (np.asarray(one, dtype=np.float64) for one in (mean, variance))
    is_open = mean > 0
    found = np.zeros((len(mean), len(shares)))
    mean = mean[is_open]
    variance = np.maximum(variance[is_open], mean)
    with np.errstate(divide="ignore"):
        size = np.minimum(mean**2 / (variance - mean), _BINOMIAL)

    def step(k: Floats, place: Ints) -> Floats:
        return (k + size[place, None]) / (k + 1) * (mean / (mean + size))[place, None]

    endless = np.full(mean.shape, np.inf)
    found[is_open] = _quantiles(mean, variance, endless, step, shares)
    return found


def _quantiles(
    mean: Floats,
    variance: Floats,
    highest: Floats,
    step: Callable[[Floats, Ints], Floats],
    shares: Sequence[float],
) -> Floats:
    """Quantiles of many distributions; ``step`` is by how much k + 1 is likelier than k."""
    found = np.empty((len(mean), len(shares)))
    # Where rare counts stray far, the tail is no normal one: it falls by e in variance / mean.
    fall = variance / np.minimum(mean, highest - mean)
    reach = _TAIL * (np.maximum(np.sqrt(variance), 2 * fall) + 1)
    first = np.maximum(0, np.floor(mean - reach))
    last = np.minimum(highest, np.ceil(mean + reach))

    def work_out(place: Ints) -> None:
        start, end = first[place, None], last[place, None]
        k = start + np.arange(int((end - start).max()) + 1, dtype=np.float64)
        beyond = k > end
        # In place: memory takes longer to get than to fill.
        weights = np.ones_like(k)
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = step(k[:, :-1], place)
        steps[beyond[:, 1:]] = 0
        np.cumprod(steps, axis=1, out=weights[:, 1:])
        weights /= weights.sum(axis=1, keepdims=True)
        mid = np.cumsum(weights, axis=1)
        weights /= 2
        mid -= weights
        for column, wanted in enumerate(shares):
            found[place, column] = _where_reached(mid, k, last[place], wanted)

    # Each part stands for itself, and numpy lets others work meanwhile.
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(work_out, _parts(last - first)):
            pass
    return found


def _parts(widths: Floats) -> Iterator[Ints]:
    """The places of distributions that are about as wide, as many as are worked out at once."""
    order = np.argsort(widths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, int(_AT_ONCE // (widths[order[start]] + 1)))
        place = order[start : start + size]
        width = int(widths[place].max()) + 1
        if len(place) > 1 and len(place) * width > 4 * _AT_ONCE:
            place = place[: max(1, _AT_ONCE // width)]
        yield place
        start += len(place)


def _where_reached(mid: Floats, k: Floats, last: Floats, wanted: float) -> Floats:
    """Where each line reaches a share, interpolated; its end where it does not."""
    lines = np.arange(len(mid))
    above = np.clip((mid < wanted).sum(axis=1), 1, mid.shape[1] - 1) if mid.shape[1] > 1 else 0
    below = np.maximum(above - 1, 0)
    low, high = mid[lines, below], mid[lines, above]
    part = np.divide(wanted - low, high - low, out=np.zeros_like(low), where=high > low)
    return np.asarray(np.minimum(k[lines, below] + np.clip(part, 0, 1), last))


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """The q-values of p-values, along the last axis: of all at most q, that share may be chance.

    Benjamini and Hochberg (1995); missing p-values are no tests and have no q-value.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not p.shape[-1]:
        return p.copy()
    order = np.argsort(p, axis=-1)  # NaN comes last
    n_tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    ranks = np.arange(1, p.shape[-1] + 1)
    scaled = np.take_along_axis(p, order, axis=-1) * n_tests / ranks
    lowered = np.fmin.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    q = np.empty_like(p)
    np.put_along_axis(q, order, np.minimum(lowered, 1), axis=-1)
    return np.where(np.isnan(p), np.nan, q)
