"""Wilson's and Newcombe's intervals, against worked examples and a second opinion."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from avon_analytics.appointments.statistics.intervals import newcombe, wilson

pytestmark = pytest.mark.any_engine


def test_by_hand() -> None:
    # 8 of 10, z = 1.96: centre (8 + 1.9207) / 13.8415 = 0.7167,
    # half width 1.96 / 13.8415 * sqrt(8 * 2 / 10 + 0.9604) = 0.2266
    share, low, high = wilson([8], [10])
    assert share[0] == 0.8
    assert low[0] == pytest.approx(0.4902, abs=1e-4)
    assert high[0] == pytest.approx(0.9433, abs=1e-4)


def test_against_statsmodels() -> None:
    trials = np.repeat(np.arange(1, 60), 60)
    successes = np.minimum(np.tile(np.arange(60), 59), trials)
    _, low, high = wilson(successes, trials)
    expected = proportion_confint(successes, trials, method="wilson")
    np.testing.assert_allclose(low, expected[0], atol=1e-12)
    np.testing.assert_allclose(high, expected[1], atol=1e-12)


def test_at_the_edges() -> None:
    share, low, high = wilson([0, 5, 0], [5, 5, 0])
    assert (low[0], high[1]) == (0, 1)
    assert np.isnan([share[2], low[2], high[2]]).all()
    assert [len(part) for part in wilson([], [])] == [0, 0, 0]


# The difference of two shares


def test_newcombe_as_published() -> None:
    # Newcombe (1998), Table II, example (a), method 10: 56/70 against 48/80.
    difference, low, high = newcombe([56], [70], [48], [80])
    assert difference[0] == pytest.approx(0.2)
    assert low[0] == pytest.approx(0.0524, abs=5e-5)
    assert high[0] == pytest.approx(0.3339, abs=5e-5)


def test_newcombe_against_statsmodels() -> None:
    for one, n, other, m in [(1, 9, 3, 10), (5, 56, 0, 29), (0, 10, 0, 20), (10, 10, 3, 7)]:
        _, low, high = newcombe([one], [n], [other], [m])
        expected = confint_proportions_2indep(one, n, other, m, method="newcomb", compare="diff")
        assert (low[0], high[0]) == pytest.approx(expected, abs=1e-12)


def test_newcombe_turned_around_and_of_nothing() -> None:
    there, back = newcombe([7], [30], [2], [40]), newcombe([2], [40], [7], [30])
    assert [float(part[0]) for part in there] == pytest.approx(
        [-float(back[0][0]), -float(back[2][0]), -float(back[1][0])]
    )
    assert all(np.isnan(part[0]) for part in newcombe([0], [0], [2], [40]))
