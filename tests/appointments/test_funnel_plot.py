"""Groups against all others: exact limits against scipy, overdispersion by its formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from avon_analytics.appointments.statistics.distributions import hypergeometric
from avon_analytics.appointments.statistics.funnel_plot import funnel_plot

pytestmark = pytest.mark.any_engine


def groups(seed: int, size: int, spread: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 400, size)
    share = 1 / (1 + np.exp(1.4 - spread * rng.standard_normal(size)))
    return rng.binomial(n, share), n


def test_three_hosts_by_hand() -> None:
    """2 of 2, 1 of 2 and 0 of 2. Of 6 with 3 among them, 2 drawn: 0, 1, 2 with 1/5, 3/5, 1/5."""
    found = funnel_plot([2, 1, 0], [2, 2, 2], overdispersion=False)
    assert found.share.tolist() == [1, 0.5, 0]
    assert found.center.tolist() == [0.25, 0.5, 0.75]
    assert found.p.tolist() == pytest.approx([0.2, 1, 0.2])  # twice the half of 1/5
    assert found.q.tolist() == pytest.approx([0.3, 1, 0.3])
    # The mid-distribution function is 0.1, 0.5 and 0.9: 2.5 % and 97.5 % lie beyond it.
    assert found.limits.tolist() == pytest.approx(np.tile([0, 1, 0, 1], (3, 1)))
    assert not found.is_signal.any()
    assert found.false_alarms == 0


@pytest.mark.parametrize("seed", range(3))
def test_exact_limits_and_p_values_against_scipy(seed: int) -> None:
    count, n = groups(seed, 12, spread=0.8)
    found = funnel_plot(count, n, overdispersion=False)
    for place in range(12):
        second = stats.hypergeom(n.sum(), count.sum(), n[place])
        k = np.arange(n[place] + 1)
        mid = second.cdf(k) - second.pmf(k) / 2
        upper = second.sf(k) + second.pmf(k) / 2
        p = np.minimum(1, 2 * np.minimum(mid, upper))
        assert found.p[place] == pytest.approx(p[count[place]], rel=1e-7)
        possible = second.pmf(k) > 0
        for column, share in enumerate((0.025, 0.975, 0.001, 0.999)):
            limit = np.interp(share, mid[possible], k[possible]) / n[place]
            assert found.limits[place, column] == pytest.approx(limit, rel=1e-7, abs=1e-9)
        others = np.delete(count, place).sum() / np.delete(n, place).sum()
        assert found.center[place] == pytest.approx(others)
    np.testing.assert_allclose(found.q, multipletests(found.p, method="fdr_bh")[1])
    outside = (found.share < found.limits[:, 2]) | (found.share > found.limits[:, 3])
    np.testing.assert_array_equal(found.is_signal, outside)  # 12 groups: q follows from p


def test_q_matters_from_26_groups_on() -> None:
    """A p just under 0.002 is a signal of 25 groups (25 × 0.002 = 0.05), of 26 it is not."""
    for size, expected in ((25, True), (26, False)):
        count, n = np.full(size, 40), np.full(size, 400)
        for n[0] in range(300, 700):
            total, among = 40 * (size - 1), 400 * (size - 1) + n[0]
            p = [hypergeometric(int(n[0]), total + k, int(among)).p_value(k) for k in (65, 70)]
            if any(0.00193 < one < 0.002 for one in p):
                break
        count[0] = 65 if 0.00193 < p[0] < 0.002 else 70
        found = funnel_plot(count, n, overdispersion=False)
        assert 0.00193 < found.p[0] < 0.002
        assert found.q[0] == pytest.approx(found.p[0] * size)
        assert bool(found.is_signal[0]) is expected


def test_groups_that_cannot_be_compared_have_no_p() -> None:
    found = funnel_plot([3, 0, 4], [10, 0, 12], overdispersion=False)
    assert np.isnan(found.p).tolist() == [False, True, False]
    assert np.isnan(found.limits[1]).all()
    assert np.isnan(found.share[1])
    for overdispersion in (False, True):
        alone = funnel_plot([3], [10], overdispersion=overdispersion)
        assert np.isnan([alone.p[0], alone.q[0], alone.center[0], alone.phi]).all()
        assert alone.share[0] == 0.3
        nobody = funnel_plot([], [], overdispersion=overdispersion)
        assert nobody.p.shape == (0,)
        assert nobody.limits.shape == (0, 4)
        assert nobody.false_alarms == 0


def test_all_alike_at_the_ends() -> None:
    for count in ([0, 0, 0], [10, 20, 30]):
        for overdispersion in (False, True):
            found = funnel_plot(count, [10, 20, 30], overdispersion=overdispersion)
            assert found.p.tolist() == [1, 1, 1]
            assert not found.is_signal.any()


@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_overdispersion_by_spiegelhalters_formula(spread: float) -> None:
    """Statistical methods for healthcare regulation (2005), appendix A, word by word."""
    count, n = groups(5, 30, spread)
    found = funnel_plot(count, n, overdispersion=True)
    others = (count.sum() - count) / (n.sum() - n)
    z = 2 * np.sqrt(n) * (np.arcsin(np.sqrt(count / n)) - np.arcsin(np.sqrt(others)))
    phi = np.mean(np.clip(z, *np.quantile(z, [0.1, 0.9])) ** 2)
    assert found.phi == pytest.approx(phi)
    w = 4.0 * n
    tau2 = max(0.0, (30 * phi - 29) / (w.sum() - (w**2).sum() / w.sum()))
    assert found.tau2 == pytest.approx(tau2)
    assert (tau2 > 0) == (spread > 0)
    error = np.sqrt(1 / (4 * n) + tau2)
    away = z / (2 * np.sqrt(n))
    np.testing.assert_allclose(found.p, 2 * stats.norm.sf(np.abs(away / error)))
    angle = np.arcsin(np.sqrt(others))
    upper = np.sin(np.clip(angle + stats.norm.ppf(0.999) * error, 0, np.pi / 2)) ** 2
    np.testing.assert_allclose(found.limits[:, 3], upper)
    assert (found.limits[:, 2] <= found.limits[:, 0]).all()
    assert funnel_plot(count, n, overdispersion=False).phi == found.phi


def test_phi_is_about_0_7_by_chance_alone() -> None:
    """The winsorised variance of a normal number: 0.68, whatever the groups."""
    found = [funnel_plot(*groups(seed, 60), overdispersion=False).phi for seed in range(30)]
    assert np.mean(found) == pytest.approx(0.68, abs=0.05)


def test_expected_false_alarms_of_few_groups_are_exact() -> None:
    count, n = groups(1, 10)
    expected = 0.0
    for among in n:
        second = stats.hypergeom(n.sum(), count.sum(), among)
        k = np.arange(among + 1)
        mid = second.cdf(k) - second.pmf(k) / 2
        expected += second.pmf(k)[np.minimum(mid, 1 - mid) < 0.001].sum()
    assert 0.005 < expected < 0.025  # 10 groups at 0.2 %, and what is discrete may miss it
    found = funnel_plot(count, n, overdispersion=False).false_alarms
    assert found == pytest.approx(expected, rel=1e-6)


def test_expected_false_alarms_of_many_groups_are_those_of_a_simulation() -> None:
    count, n = groups(2, 40)
    found = funnel_plot(count, n, overdispersion=False).false_alarms
    assert found == funnel_plot(count, n, overdispersion=False).false_alarms  # the seed is fixed
    drawn = np.random.default_rng(11).multivariate_hypergeometric(n, count.sum(), size=150)
    signals = [funnel_plot(one, n, overdispersion=False).is_signal.sum() for one in drawn]
    assert found == pytest.approx(np.mean(signals), abs=0.08)
    assert 0.01 < found < 0.08  # no more than 40 at 0.2 %


def test_where_groups_differ_the_spread_is_part_of_chance() -> None:
    """Groups that vary by as much as was found, no more: few are beyond limits that allow it."""
    count, n = groups(3, 40, 0.7)
    exact = funnel_plot(count, n, overdispersion=False)
    spread = funnel_plot(count, n, overdispersion=True)
    assert exact.is_signal.sum() > 8 > spread.is_signal.sum()
    assert 0.1 < spread.false_alarms < 1
