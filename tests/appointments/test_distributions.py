"""Distributions and q-values, against scipy and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

from avon_analytics.appointments.statistics.distributions import (
    Counts,
    benjamini_hochberg,
    beta_binomial_quantiles,
    hypergeometric,
    hypergeometrics,
    log_gamma,
    negative_binomial_quantiles,
    normal_quantile,
    normal_tail,
)

pytestmark = pytest.mark.any_engine


def weights(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    return counts.first + np.arange(len(counts.weights)), counts.weights


def test_log_gamma() -> None:
    x = np.concatenate([np.geomspace(1e-6, 16, 200), np.linspace(16, 200, 77), [1e4, 1e7, 1e9]])
    np.testing.assert_allclose(log_gamma(x), special.gammaln(x), rtol=1e-13, atol=1e-12)
    assert log_gamma(3.0).shape == ()


@pytest.mark.parametrize(
    ("draws", "successes", "total"),
    [(10, 4, 30), (1, 1, 2), (30, 25, 40), (5, 0, 9), (5, 9, 9), (4000, 30_000, 200_000)],
)
def test_hypergeometric(draws: int, successes: int, total: int) -> None:
    k, found = weights(hypergeometric(draws, successes, total))
    np.testing.assert_allclose(
        found, stats.hypergeom(total, successes, draws).pmf(k), rtol=1e-8, atol=1e-14
    )


def test_many_hypergeometric_distributions_are_each_as_one_alone() -> None:
    """Some are worked out together, and one has more counts than are taken together."""
    draws = [*range(900, 3900, 40), 2_000_000, 1, 7, *range(300, 3300, 40)]
    many = list(hypergeometrics(draws, 1_900_000, 6_000_000))
    assert sum(len(one.weights) for one in many) > 150_000
    for drawn, counts in zip(draws, many, strict=True):
        k, found = weights(counts)
        alone = hypergeometric(drawn, 1_900_000, 6_000_000)
        assert counts.first == alone.first
        assert found.tolist() == alone.weights.tolist()
        likely = slice(np.argmax(found), np.argmax(found) + 1)
        expected = stats.hypergeom(6_000_000, 1_900_000, drawn).pmf(k[likely])
        np.testing.assert_allclose(found[likely], expected, rtol=1e-7)
    assert list(hypergeometrics([], 1, 2)) == []


def mid_quantiles(second: Any, last: int) -> np.ndarray:
    k = np.arange(last + 1)
    mid = second.cdf(k) - second.pmf(k) / 2
    return np.interp([0.1, 0.5, 0.9], mid, k)


def test_beta_binomial_quantiles() -> None:
    cases = [(12, 2.0, 3.0), (200, 0.5, 8.0), (5000, 40.0, 160.0), (3, 1.0, 1.0), (900, 30, 2.0)]
    seconds = [stats.betabinom(*case) for case in cases]
    found = beta_binomial_quantiles(
        [n for n, *_ in cases],
        [second.mean() for second in seconds],
        [second.var() for second in seconds],
        [0.1, 0.5, 0.9],
    )
    for (n, *_), second, line in zip(cases, seconds, found, strict=True):
        np.testing.assert_allclose(line, mid_quantiles(second, n), rtol=1e-6, atol=1e-9)


def test_a_beta_binomial_without_more_than_chance_is_binomial() -> None:
    found = beta_binomial_quantiles([25, 25, 2000], [10, 10, 90], [0, 6, 1], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found[0], mid_quantiles(stats.binom(25, 0.4), 25), rtol=1e-9)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[2], mid_quantiles(stats.binom(2000, 0.045), 2000), rtol=1e-9)
    ends = beta_binomial_quantiles([7, 7, 0, 1], [0, 7, 0, 0.5], [0, 0, 0, 9], [0.1, 0.9])
    assert ends.tolist() == [[0, 0], [7, 7], [0, 0], [0, 1]]


def test_a_share_that_is_all_but_one() -> None:
    """Nine of nine are all but certain: half of that lies below 9, and nothing below 8."""
    found = beta_binomial_quantiles([9, 9], [9 - 2e-14, 2e-14], [1e-10, 1e-10], [0.1, 0.9])
    np.testing.assert_allclose(found, [[8.2, 9], [0, 0.8]], rtol=1e-9)


def test_tails_of_rare_counts_that_stray_far_are_not_cut() -> None:
    n, share, size = 3000, 0.003, 49.0
    second = stats.betabinom(n, share * size, (1 - share) * size)
    mean, variance = second.mean(), second.var()
    found = beta_binomial_quantiles([n, n], [mean, n - mean], [variance] * 2, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found[0], mid_quantiles(second, n), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found[1], n - found[0][::-1], rtol=1e-9)
    found = negative_binomial_quantiles([1.0], [20.0], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found[0], mid_quantiles(stats.nbinom(1 / 19, 1 / 20), 2000), 1e-6)


def test_many_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(1, 30_000, 300)
    mean = n * rng.uniform(0.01, 0.99, 300)
    variance = mean * rng.uniform(0.1, 60, 300)
    together = beta_binomial_quantiles(n, mean, variance, [0.1, 0.9])
    for place in range(0, 300, 7):
        one = slice(place, place + 1)
        alone = beta_binomial_quantiles(n[one], mean[one], variance[one], [0.1, 0.9])
        np.testing.assert_allclose(together[one], alone, rtol=1e-9)


def test_negative_binomial_quantiles() -> None:
    cases = [(3.0, 5.0), (80.0, 400.0), (20.0, 20.0)]
    found = negative_binomial_quantiles(
        [mean for mean, _ in cases], [variance for _, variance in cases], [0.1, 0.5, 0.9]
    )
    for (mean, variance), line in zip(cases, found, strict=True):
        second = (
            stats.poisson(mean)
            if mean == variance
            else stats.nbinom(mean**2 / (variance - mean), mean / variance)
        )
        np.testing.assert_allclose(line, mid_quantiles(second, 2000), rtol=1e-6)
    assert negative_binomial_quantiles([0.0], [0.0], [0.1]).tolist() == [[0]]


def test_mid_p_by_hand() -> None:
    """Of 3 drawn from 2 and 2: 1 or 2 successes, one half each; so each has its half twice."""
    pair = hypergeometric(3, 2, 4)
    assert pair.p_values.tolist() == pytest.approx([0.5, 0.5])
    # The mid-distribution function is 1/4 at 1 and 3/4 at 2: one half lies between.
    assert pair.quantiles([0.25, 0.5, 0.75, 0.001]).tolist() == pytest.approx([1, 1.5, 2, 1])


def test_mid_p_of_fishers_table() -> None:
    """The tea of Fisher (1935): 3 of 4 guessed right. P(4) = 1/70, P(3) = 16/70."""
    tea = hypergeometric(4, 4, 8)
    assert tea.p_value(3) == pytest.approx(2 * (1 + 16 / 2) / 70)
    assert tea.p_value(4) == pytest.approx(1 / 70)


def test_limits_and_p_values_say_the_same() -> None:
    for draws, successes, total in ((200, 900, 6000), (17, 40, 300), (3000, 4000, 20_000)):
        counts = hypergeometric(draws, successes, total)
        low, high = counts.quantiles([0.001, 0.999])
        k = counts.first + np.arange(len(counts.weights))
        np.testing.assert_array_equal((k < low) | (k > high), counts.p_values < 0.002)


def test_normal() -> None:
    z = np.array([0, 1.2, -3, 9.0])
    np.testing.assert_allclose(normal_tail(z), 2 * stats.norm.sf(np.abs(z)), rtol=1e-12)
    assert normal_quantile(0.999) == pytest.approx(stats.norm.ppf(0.999))


@pytest.mark.parametrize("seed", range(4))
def test_q_values_against_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).uniform(size=40) ** 3
    q = multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(benjamini_hochberg(p), q)
    with_gaps = np.insert(p, [0, 7, 40], np.nan)
    found = benjamini_hochberg(with_gaps)
    assert np.isnan(found).sum() == 3
    np.testing.assert_allclose(found[~np.isnan(found)], q)


def test_q_values_of_benjamini_and_hochberg() -> None:
    """The example of the paper (1995, section 3): at 5 % the first four of 15 are rejected."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    q = benjamini_hochberg(p)
    assert (q < 0.05).sum() == 4
    assert q[3] == pytest.approx(0.0095 * 15 / 4)
    assert len(benjamini_hochberg([])) == 0
