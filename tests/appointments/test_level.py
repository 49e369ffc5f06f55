"""By how much shares of earlier slots are off, learnt from made-up periods whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from avon_analytics.appointments.forecast import Sums
from avon_analytics.appointments.level import Level

pytestmark = pytest.mark.any_engine

ALL = np.arange(3)
SPREAD = np.zeros(5)
SHARES = np.array([0.6, 0.2, 0.2, 0, 0])


def said(n: np.ndarray) -> Sums:
    """What shares say of so many slots of each group."""
    mean = n[:, None] * SHARES
    return Sums(n.astype(float), mean, mean * (1 - SHARES), 0 * mean)


def came(rng: np.random.Generator, n: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """What came, if so large a share of each group is missed and a fifth cancelled."""
    found = np.zeros((len(n), 5))
    for group, share in enumerate(missed):
        found[group, :3] = rng.multinomial(n[group], [0.8 - share, share, 0.2])
    return found


def taught(missed: np.ndarray, n_weeks: int = 60) -> Level:
    rng = np.random.default_rng(7)
    level = Level(3)
    for week in range(n_weeks):
        n = rng.integers(80, 120, 3)
        level.learn(came(rng, n, missed), said(n), ALL, SPREAD, 7 * week)
    return level


def test_before_anything_came_shares_stand_and_are_doubted() -> None:
    shares = said(np.array([100, 50, 10]))
    found = Level(3).shifted(shares, ALL, 0)
    assert found.mean == pytest.approx(shares.mean)
    assert found.chance == pytest.approx(shares.chance)
    assert (found.unsure[:, :3] > 0).all()


def test_shares_that_are_right_stay() -> None:
    shares = said(np.array([100, 100, 100]))
    found = taught(np.array([0.2, 0.2, 0.2])).shifted(shares, ALL, 420)
    assert found.mean == pytest.approx(shares.mean, abs=1)
    assert found.unsure.max() < 3  # 24 by chance


def test_groups_that_differ_are_found_out() -> None:
    missed = np.array([0.1, 0.2, 0.4])
    found = taught(missed).shifted(said(np.array([100, 100, 100])), ALL, 420)
    assert found.mean[:, 1] == pytest.approx([10, 20, 40], abs=2)
    assert found.mean[:, 2] == pytest.approx([20, 20, 20], abs=1.5)
    assert found.mean.sum(axis=1) == pytest.approx([100, 100, 100])


def test_groups_add_up_to_what_one_group_of_all_expects() -> None:
    rng = np.random.default_rng(3)
    each, whole = Level(3), Level(1)
    for week in range(30):
        n = rng.integers(20, 200, 3)
        ends, shares = came(rng, n, np.array([0.1, 0.3, 0.3])), said(n)
        each.learn(ends, shares, ALL, SPREAD, 7 * week)
        of_all = said(n.sum(keepdims=True))
        whole.learn(ends.sum(axis=0, keepdims=True), of_all, ALL[:1], SPREAD, 7 * week)
    n = np.array([30, 50, 170])
    groups = each.shifted(said(n), ALL, 210)
    together = whole.shifted(said(n.sum(keepdims=True)), ALL[:1], 210)
    assert groups.mean.sum(axis=0) == pytest.approx(together.mean[0])
    assert groups.mean.sum(axis=1) == pytest.approx(n)


def test_a_change_is_followed_within_a_few_weeks() -> None:
    rng = np.random.default_rng(5)
    level = taught(np.array([0.2, 0.2, 0.2]), 100)
    n = np.array([100, 100, 100])
    for week in range(100, 106):
        level.learn(came(rng, n, np.array([0.35] * 3)), said(n), ALL, SPREAD, 7 * week)
    found = level.shifted(said(n), ALL, 7 * 106)
    assert found.mean[:, 1] == pytest.approx([35] * 3, abs=4)


def test_what_is_certain_or_unknown_stays() -> None:
    level = taught(np.array([0.4, 0.4, 0.4]))
    assert level.shifted(said(np.array([10])), ALL[:1], 420).mean[0, 3:].tolist() == [0, 0]
    nan = np.full((3, 5), np.nan)
    unknown = Sums(np.array([1.0, 2, 3]), nan, nan, nan)
    level.learn(np.ones((3, 5)), unknown, ALL, SPREAD, 427)
    assert np.isnan(level.shifted(unknown, ALL, 434).mean).all()
    assert np.isfinite(level.shifted(said(np.array([1, 2, 3])), ALL, 434).mean).all()
