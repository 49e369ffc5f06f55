"""The distributions that chance alone would give a count: tails and quantiles, in numpy alone.

All of them are exact but for the rounding of the engine's floating point. A discrete distribution
is described by its mid-distribution function, P(X < k) + P(X = k) / 2 (Lancaster, 1961): it makes
two-sided p-values neither too small nor, as those that count the whole of P(X = k), too large.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STIRLING_FROM = 16.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_WIDTH = 40.0  # standard deviations beyond which a probability is nothing
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


def _log_choose(n: npt.ArrayLike, k: npt.ArrayLike) -> Floats:
    n, k = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1)


def normal_tail(z: npt.ArrayLike) -> Floats:
    """The two-sided tail of the normal distribution: how often |Z| is at least |z|."""
    return np.asarray(_erfc(np.abs(np.asarray(z, dtype=np.float64)) / math.sqrt(2)), np.float64)


def normal_quantile(share: float) -> float:
    """The number of standard deviations below which this share of a normal distribution lies."""
    return NormalDist().inv_cdf(share)


class Counts:
    """A distribution of counts ``first``, ``first`` + 1, …, with these weights."""

    __slots__ = ("first", "mid", "weights")

    def __init__(self, first: int, logs: Floats) -> None:
        weights = np.exp(logs - logs.max())
        self.first = first
        self.weights: Floats = weights / weights.sum()
        self.mid: Floats = np.cumsum(self.weights) - self.weights / 2

    @property
    def p_values(self) -> Floats:
        """The two-sided mid-P value of each count."""
        above = np.cumsum(self.weights[::-1])[::-1] - self.weights / 2
        return np.asarray(np.minimum(1, 2 * np.minimum(self.mid, above)))

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
    lowest, highest = max(0, draws + successes - total), min(draws, successes)
    share = successes / total
    spread = math.sqrt(draws * share * (1 - share) * (total - draws) / max(total - 1, 1))
    low, high = _range(draws * share, spread, lowest, highest)
    k = np.arange(low, high + 1)
    return Counts(low, _log_choose(successes, k) + _log_choose(total - successes, draws - k))


def beta_binomial(n: int, mean: float, variance: float) -> Counts:
    """Counts from 0 to n with this mean and variance; binomial where the variance is no larger.

    The shares of the beta distribution are chosen to give the mean and the variance.
    """
    share = mean / n if n else 0.0
    if n == 0 or not 0 < share < 1:
        return Counts(round(mean), np.zeros(1))
    binomial = n * share * (1 - share)
    beyond = min(max(variance / binomial - 1, 0.0), (n - 1) * 0.99)
    low, high = _range(mean, math.sqrt(binomial * (1 + beyond)), 0, n)
    k = np.arange(low, high + 1)
    if beyond < 1e-9:
        return Counts(low, _log_choose(n, k) + k * math.log(share) + (n - k) * math.log1p(-share))
    size = (n - 1) / beyond - 1  # of the beta distribution: a + b
    a, b = share * size, (1 - share) * size
    return Counts(low, _log_choose(n, k) + log_gamma(k + a) + log_gamma(n - k + b))


def negative_binomial(mean: float, variance: float) -> Counts:
    """Counts without an upper end, of this mean and variance; Poisson where it is no larger."""
    if mean <= 0:
        return Counts(0, np.zeros(1))
    variance = max(variance, mean)
    spread = math.sqrt(variance)
    low, high = _range(mean, spread, 0, math.ceil(mean + _WIDTH * (spread + 1)))
    k = np.arange(low, high + 1)
    if variance < mean * (1 + 1e-9):
        return Counts(low, k * math.log(mean) - log_gamma(k + 1))
    size = mean**2 / (variance - mean)
    share = mean / variance
    return Counts(low, log_gamma(k + size) - log_gamma(k + 1) + k * math.log1p(-share))


def _range(mean: float, spread: float, lowest: int, highest: int) -> tuple[int, int]:
    """The counts that can be told from impossible ones."""
    width = _WIDTH * (spread + 1)
    return max(lowest, math.floor(mean - width)), min(highest, math.ceil(mean + width))


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
