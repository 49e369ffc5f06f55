"""The p′-chart: limits of a worked example, rules by points typed out, false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from avon_analytics.appointments.statistics.p_prime import (
    RULES,
    Chart,
    false_alarms,
    limits_at,
    p_prime,
)

pytestmark = pytest.mark.any_engine

# Montgomery, Introduction to Statistical Quality Control (5th ed. 2005), table 6-1: cans of frozen
# orange juice that leak, 30 samples of 50.
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22]
CANS += [8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def chart(count: list[int], n: list[int] | int) -> Chart:
    return p_prime(count, n, np.ones(len(count), dtype=bool))


def named(found: Chart) -> dict[int, tuple[str, int]]:
    """The signals by place: the rule in words and the side."""
    return {
        int(place): (RULES[found.rule[place] - 1], int(found.side[place]))
        for place in np.flatnonzero(found.rule)
    }


def test_the_worked_example_of_montgomery() -> None:
    """The book has a centre of 0.2313 and, without Laney's σz, limits of 0.0524 and 0.4102."""
    found = chart(CANS, 50)
    assert found.center[0] == pytest.approx(0.2313, abs=5e-5)
    # σz by the plain words of Laney (2002): the mean moving range of z over 1.128.
    z = (np.array(CANS) / 50 - 347 / 1500) / np.sqrt(347 / 1500 * 1153 / 1500 / 50)
    sigma_z = np.abs(np.diff(z)).mean() / 1.128
    assert sigma_z == pytest.approx(1.66, abs=0.005)
    assert found.spread == pytest.approx(sigma_z)
    half = (found.upper[0] - found.center[0]) / sigma_z
    assert found.center[0] - half == pytest.approx(0.0524, abs=5e-5)
    assert found.center[0] + half == pytest.approx(0.4102, abs=5e-5)
    assert found.lower[0] == 0  # 0.2313 - 1.66 × 0.1789 is below 0
    # The book's two samples beyond its limits, 15 and 23, are within the wider ones.
    assert named(found) == {}
    np.testing.assert_array_equal(limits_at(found, 50), (0, found.upper[0]))


def test_limits_are_never_narrower_than_chance() -> None:
    """Shares that differ less than chance would make them: Laney's σz is 0, here 1."""
    found = chart([20] * 20, 100)
    assert found.spread == 1
    assert found.upper[0] == pytest.approx(0.2 + 3 * 0.04)


def steady(count: list[int], among: int = 100, level: float = 0.2) -> Chart:
    """A chart whose baseline is twenty earlier periods at this level, left and right in turn, so
    that σ is that of chance alone: the points come after one exactly on the centre."""
    before = [round(level * among) + step for step in (-1, 1) * 10] + [round(level * among)]
    counts = [*before, *count]
    is_baseline = np.arange(len(counts)) < len(before)
    found = p_prime(counts, among, is_baseline)
    assert found.spread == 1
    assert found.center[0] == level
    size = len(before)
    assert not found.rule[:size].any()
    return Chart(
        **{
            name: getattr(found, name)[size:]
            if name not in ("has_rules", "spread")
            else getattr(found, name)
            for name in Chart.__dataclass_fields__
        }
    )


# With n = 100 and a centre of 0.2, σ is 0.04: 2 σ end at 28 and 12, 3 σ at 32 and 8.
@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ([33, 20], {0: ("beyond a limit", 1)}),
        ([32, 20], {}),  # on the limit is not beyond it
        ([7], {0: ("beyond a limit", -1)}),
        # Two of three: flagged are those between 2 and 3 σ, the earlier one too.
        ([29, 21, 30], {0: ("two of three", 1), 2: ("two of three", 1)}),
        ([10, 11, 20], {}),  # the third is on the centre: no three on one side
        ([19, 10, 11], {1: ("two of three", -1), 2: ("two of three", -1)}),
        ([29, 19, 30], {}),  # one is on the other side
        ([29, 28, 27], {}),  # 28 is on 2 σ, not beyond it
        ([29, 33, 30], {0: ("two of three", 1), 1: ("beyond a limit", 1), 2: ("two of three", 1)}),
        # A shift is a signal from its seventh point on, while it lasts.
        ([21, 22, 21, 23, 21, 22], {}),
        ([21, 22, 21, 23, 21, 22, 21, 22, 19], {6: ("shift", 1), 7: ("shift", 1)}),
        ([21, 22, 21, 20, 21, 22, 21, 22], {}),  # a point on the centre breaks it
        # A trend: seven points, six steps, whatever side they are on.
        ([17, 18, 19, 20, 21, 22, 23, 24, 21], {6: ("trend", 1), 7: ("trend", 1)}),
        ([23, 22, 21, 19, 18, 17, 16], {6: ("trend", -1)}),
        ([17, 18, 19, 19, 21, 22, 23, 24], {}),  # two alike are no step
        # Both a trend (from the 20 before them on) and a shift: the trend names it, and two of
        # three after it; beyond a limit comes before all.
        ([21, 22, 23, 24, 25, 26, 27], {5: ("trend", 1), 6: ("trend", 1)}),
        ([21, 22, 23, 24, 25, 26, 33], {5: ("trend", 1), 6: ("beyond a limit", 1)}),
        ([22, 21, 23, 24, 25, 29, 30], {5: ("two of three", 1), 6: ("two of three", 1)}),
        ([22, 21, 23, 24, 25, 26, 29, 30], {6: ("two of three", 1), 7: ("trend", 1)}),
        ([21, 23, 22, 24, 22, 29, 30], {5: ("two of three", 1), 6: ("two of three", 1)}),
    ],
)
def test_rules(count: list[int], expected: dict[int, tuple[str, int]]) -> None:
    assert named(steady(count)) == expected


def test_a_period_without_n_is_no_point_and_breaks_every_run() -> None:
    n = [100] * 21 + [100, 100, 100, 0, 100, 100, 100, 100]
    before = [19, 21] * 10 + [20]
    for count in (
        [21, 22, 21, 0, 22, 21, 22, 21],
        [21, 22, 23, 0, 24, 25, 26, 27],
        [29, 21, 20, 0, 30, 20, 20, 20],
    ):
        found = p_prime([*before, *count], n, np.arange(29) < 21)
        assert named(found) == {}
        assert np.isnan(found.share[24])
        assert np.isnan(found.lower[24])
        assert found.center[24] == pytest.approx(0.2)


def test_a_gap_has_no_moving_range() -> None:
    """9 and 31 of 100 on either side of an empty period are no neighbours."""
    found = p_prime([9, 0, 31, 31], [100, 0, 100, 100], np.ones(4, dtype=bool))
    assert found.spread == 1  # the only range is 0
    both = p_prime([9, 31, 31], [100, 100, 100], np.ones(3, dtype=bool))
    center = 71 / 300
    z = 0.22 / np.sqrt(center * (1 - center) / 100)
    assert both.spread == pytest.approx(z / 2 / 1.128)


def test_a_period_that_is_not_complete_is_no_point_either() -> None:
    """It breaks runs, is no neighbour, and its counts are in no centre; but it is no period of the
    median, as one without slots is."""
    counts = [19, 21] * 10 + [20, 21, 22, 99, 23, 24, 25, 26]
    complete = np.array([place != 23 for place in range(28)])
    found = p_prime(counts, 100, complete & (np.arange(28) < 21), complete)
    assert named(found) == {}
    assert found.center[0] == 0.2
    assert np.isnan(found.share[23])
    first_13 = np.arange(28) < 13
    n, count = np.where(first_13, 25, 0), np.where(first_13, 5, 0)
    assert p_prime(count, n, first_13, first_13).has_rules
    assert not p_prime(count, n, first_13).has_rules


def test_too_few_periods_or_counts_have_limits_but_no_rules() -> None:
    few = chart([2] * 11 + [60], 100)
    assert not few.has_rules
    assert not few.rule.any()
    assert few.upper[0] > few.center[0]
    enough = chart([2] * 12 + [60], 100)
    assert enough.has_rules
    assert named(enough)[12] == ("beyond a limit", 1)
    # The median period expects 4.8, and then 5.
    counts = [5, 5, 5, 4, 5] * 4 + [25]
    rare = p_prime(counts, 80, np.arange(21) < 20)
    assert rare.center[0] == pytest.approx(0.06)
    assert not rare.has_rules
    assert p_prime([5] * 20 + [25], 80, np.arange(21) < 20).rule[-1] == 1
    # The same of those that did not come.
    assert not p_prime(80 - np.array(counts), 80, np.arange(21) < 20).has_rules


def test_a_small_period_is_not_beyond_a_limit() -> None:
    """n × centre of 3.8 is too few, 4 is enough."""
    before = [19, 21] * 10
    for small, expected in ((19, 0), (20, 1)):
        n = [100] * 20 + [small]
        found = p_prime([*before, small], n, np.arange(21) < 20)
        assert found.rule[-1] == expected


def test_nothing_and_everything() -> None:
    for count in (0, 30):
        found = chart([count] * 20, 30)
        assert not found.rule.any()
        assert set(found.lower) == set(found.upper) == {count / 30}
    empty = chart([0] * 20, 0)
    assert np.isnan(empty.center).all()
    assert not empty.rule.any()


def test_groups_are_charted_as_if_alone() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(0, 200, (6, 30))
    count = rng.binomial(n, 0.3)
    together = p_prime(count, n, np.ones(30, dtype=bool))
    for group in range(6):
        alone = chart(count[group].tolist(), n[group].tolist())
        for name in Chart.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(together, name)[group], getattr(alone, name))


# Expected: with 24 periods of 60 at 0.2, of a process that does not change.
def alarms_by_simulation(n: np.ndarray, share: float, repeats: int) -> tuple[float, float]:
    rng = np.random.default_rng(99)
    rows, groups = [], []
    for _ in range(repeats):
        found = p_prime(rng.binomial(n, share), n, np.ones(n.shape[-1], dtype=bool))
        rows.append((found.rule > 0).sum())
        groups.append((found.rule > 0).any(axis=-1).sum())
    return float(np.mean(rows)), float(np.mean(groups))


def test_expected_false_alarms_are_those_of_a_simulation() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(40, 80, (8, 24))
    everything = np.ones(24, dtype=bool)
    found = p_prime(rng.binomial(n, 0.2), n, everything)
    rows, groups = false_alarms([found], [n], [everything], [everything])
    second_rows, second_groups = alarms_by_simulation(n, 0.2, 2000)
    assert rows == pytest.approx(second_rows, rel=0.1)
    assert groups == pytest.approx(second_groups, rel=0.1)
    assert 0.5 < groups < 4  # of 8: four rules of 24 periods are not silent
    assert (rows, groups) == false_alarms(
        [found], [n], [everything], [everything]
    )  # the seed is fixed


def test_false_alarms_of_stretches_add_up_and_of_none_are_none() -> None:
    n = np.full((3, 20), 60)
    everything = np.ones(20, dtype=bool)
    found = p_prime(np.tile([12, 13, 11, 12], (3, 5)), n, everything)
    rows, groups = false_alarms([found], [n], [everything], [everything])
    twice_rows, twice_groups = false_alarms(
        [found] * 2, [n] * 2, [everything] * 2, [everything] * 2
    )
    assert twice_rows == pytest.approx(2 * rows, rel=0.15)
    assert groups < twice_groups < 2 * groups
    assert false_alarms([], [], [], []) == (0, 0)
    short = p_prime(np.full((3, 5), 12), n[:, :5], everything[:5])
    assert false_alarms([short], [n[:, :5]], [everything[:5]], [everything[:5]]) == (0, 0)
