"""What sums to expect: shares drawn towards the whole, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from avon_analytics.appointments.forecast import (
    OUTCOMES,
    interval,
    interval_with_pickup,
    shares,
    spread_of_periods,
    sums,
)


def counts(*rows: list[int]) -> np.ndarray:
    """Kinds with one number of days each."""
    return np.array(rows, dtype=float)[:, None, :]


def test_few_slots_are_drawn_towards_the_whole() -> None:
    """80 and 20: the whole is 60 attended, 20 missed, 20 cancelled of 100."""
    found = shares(counts([50, 10, 20, 0, 0], [10, 10, 0, 0, 0], [0, 0, 0, 0, 0]))
    assert found.share[0, 0].tolist() == pytest.approx([0.62, 0.14, 0.24, 0, 0])
    # (10 + 20 × 0.6) / 40, (10 + 20 × 0.2) / 40, (0 + 20 × 0.2) / 40
    assert found.share[1, 0].tolist() == pytest.approx([0.55, 0.35, 0.1, 0, 0])
    # Nobody known: the whole itself.
    assert found.share[2, 0].tolist() == pytest.approx([0.6, 0.2, 0.2, 0, 0])
    assert found.weight[:, 0].tolist() == [100, 40, 20]


def test_days_on_which_nobody_was_open_take_the_nearest() -> None:
    table = np.zeros((2, 6, 5))
    table[0, 1] = [10, 0, 0, 0, 0]
    table[1, 4] = [0, 10, 0, 0, 0]
    found = shares(table).share
    assert found[0, 0].tolist() == found[1, 2].tolist() == [1, 0, 0, 0, 0]
    assert found[1, 5].tolist() == found[0, 3].tolist() == [0, 1, 0, 0, 0]


def test_without_history_nothing_is_guessed() -> None:
    assert np.isnan(shares(np.zeros((2, 3, 5))).share).all()


def test_a_sum_adds_up_means_and_variances() -> None:
    known = shares(counts([50, 10, 20, 0, 0], [10, 10, 0, 0, 0]))
    expected = sums(np.array([[[4.0], [10.0]], [[0.0], [0.0]]]), known)
    assert expected.n.tolist() == [14, 0]
    assert expected.mean[0].tolist() == pytest.approx([7.98, 4.06, 1.96, 0, 0])
    assert expected.mean.sum(axis=1).tolist() == pytest.approx([14, 0])
    attended = 4 * 0.62 * 0.38 + 10 * 0.55 * 0.45
    assert expected.chance[0, 0] == pytest.approx(attended)
    # Each slot of a kind shares its doubt: the variance of a Dirichlet share times n².
    assert expected.unsure[0, 0] == pytest.approx(16 * 0.62 * 0.38 / 101 + 100 * 0.55 * 0.45 / 41)


def test_the_spread_of_periods_is_found_where_there_is_one() -> None:
    rng = np.random.default_rng(4)
    for truth in (0.0, 0.2, 0.4):
        n = rng.integers(150, 350, 150)
        share = 1 / (1 + np.exp(1.4 - truth * rng.standard_normal(150)))
        came = rng.binomial(n, share).astype(float)
        level = came.sum() / n.sum()
        chance = n * level * (1 - level)
        found = spread_of_periods(came, n * level, chance, np.zeros(150))
        assert np.sqrt(found) == pytest.approx(truth, abs=0.06)


def test_without_periods_the_spread_is_that_of_the_prior() -> None:
    nothing = np.empty(0)
    assert spread_of_periods(nothing, nothing, nothing, nothing) == pytest.approx(0.04, rel=0.02)


def test_intervals_of_chance_alone_hold_80_of_100() -> None:
    rng = np.random.default_rng(8)
    for n, share in ((60, 0.2), (200, 0.85), (1500, 0.1)):
        low, high = interval(n, n * share, n * share * (1 - share))
        came = rng.binomial(n, share, 20_000)
        assert ((low <= came) & (came <= high)).mean() == pytest.approx(0.8, abs=0.045)


def test_slots_that_differ_have_narrower_intervals() -> None:
    """Half at 0.1 and half at 0.9 vary by 0.09 each, not by 0.25."""
    rng = np.random.default_rng(9)
    low, high = interval(100, 50, 9)
    came = rng.binomial(50, 0.1, 20_000) + rng.binomial(50, 0.9, 20_000)
    assert ((low <= came) & (came <= high)).mean() == pytest.approx(0.8, abs=0.06)
    assert high - low < 0.65 * np.subtract(*interval(100, 50, 25)[::-1])


def test_ends_of_intervals() -> None:
    assert interval(0, 0.0, 0.0) == (0, 0)
    assert interval(5, 0.0, 0.0) == (0, 0)
    assert interval(5, 5.0, 0.0) == (5, 5)
    assert np.isnan(interval(5, np.nan, np.nan)).all()
    low, high = interval(3, 1.5, 4.0)
    assert 0 <= low < high <= 3
    low, high = interval_with_pickup(20, 60)
    assert 8 < low < 12
    assert 28 < high < 32


def test_all_outcomes_are_there() -> None:
    assert OUTCOMES == ("attended", "no_show", "cancelled", "rescheduled", "unresolved")
