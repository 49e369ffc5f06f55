"""What sums to expect: shares drawn towards the whole, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from avon_analytics.appointments.statistics.forecast import (
    OF_DAYS,
    OF_LIKE,
    OUTCOMES,
    Alike,
    PeriodSpread,
    Shares,
    Sums,
    Width,
    drawn,
    intervals,
    shares,
    sums,
)

pytestmark = pytest.mark.any_engine


def counts(*rows: list[int]) -> np.ndarray:
    """Kinds with one number of days each."""
    return np.array(rows, dtype=float)[:, None, :]


def of_all(table: np.ndarray) -> Shares:
    """The shares of each kind, for each number of days."""
    kind, days = np.indices(table.shape[:2])
    found = shares(table, kind.ravel(), days.ravel())
    return Shares(found.share_of, found.doubt_of, found.place.reshape(table.shape[:2]))


def test_few_slots_are_drawn_towards_the_whole() -> None:
    """80 and 20: the whole is 60 attended, 20 missed, 20 cancelled of 100."""
    found = of_all(counts([50, 10, 20, 0, 0], [10, 10, 0, 0, 0], [0, 0, 0, 0, 0]))
    assert found.share[0, 0].tolist() == pytest.approx([0.62, 0.14, 0.24, 0, 0])
    # (10 + 20 × 0.6) / 40, (10 + 20 × 0.2) / 40, (0 + 20 × 0.2) / 40
    assert found.share[1, 0].tolist() == pytest.approx([0.55, 0.35, 0.1, 0, 0])
    # Nobody known: the whole itself.
    assert found.share[2, 0].tolist() == pytest.approx([0.6, 0.2, 0.2, 0, 0])
    # They rest on 80, 20 and no slots, and on 20 of the whole.
    variance = [0.62 * 0.38 / 101, 0.55 * 0.45 / 41, 0.6 * 0.4 / 21]
    assert np.square(found.doubt[:, 0, 0]).tolist() == pytest.approx(variance)


def test_days_on_which_nobody_was_open_take_the_nearest() -> None:
    table = np.zeros((2, 6, 5))
    table[0, 1] = [10, 0, 0, 0, 0]
    table[1, 4] = [0, 10, 0, 0, 0]
    found = of_all(table).share
    assert found[0, 0].tolist() == found[1, 2].tolist() == [1, 0, 0, 0, 0]
    assert found[1, 5].tolist() == found[0, 3].tolist() == [0, 1, 0, 0, 0]


def test_without_history_nothing_is_guessed() -> None:
    assert np.isnan(of_all(np.zeros((2, 3, 5))).share).all()


def of_kinds(*n: int, known: np.ndarray) -> Sums:
    """One sum of so many slots of each kind."""
    slots = Alike.of(np.repeat(np.arange(len(n)) << OF_DAYS, n))
    return sums(slots, shares(known, slots.kind, slots.days))


def test_a_sum_adds_up_means_and_variances() -> None:
    known = counts([50, 10, 20, 0, 0], [10, 10, 0, 0, 0])
    expected = of_kinds(4, 10, known=known)
    assert expected.n.tolist() == [14]
    assert expected.mean[0].tolist() == pytest.approx([7.98, 4.06, 1.96, 0, 0])
    attended = 4 * 0.62 * 0.38 + 10 * 0.55 * 0.45
    assert expected.chance[0, 0] == pytest.approx(attended)
    # Each slot of a kind shares its doubt: the variance of a Dirichlet share times n².
    doubt = 16 * 0.62 * 0.38 / 101 + 100 * 0.55 * 0.45 / 41
    assert expected.unsure[0, 0] == pytest.approx(doubt)


def test_slots_that_are_alike_are_one_line_in_order() -> None:
    place, kind, days = np.array([0, 0, 1]), np.array([0, 3, 2]), np.array([1, 0, 5])
    code = place << OF_LIKE | kind << OF_DAYS | days
    slots = Alike.of(np.repeat(code, [8, 2, 5]))
    assert slots.code.tolist() == code.tolist()
    assert slots.kind.tolist() == [0, 3, 2]
    assert slots.days.tolist() == [1, 0, 5]
    assert slots.n.tolist() == [8, 2, 5]


def test_slots_of_a_kind_share_their_doubt_whatever_their_days() -> None:
    """4 and 6 slots of one kind, a day apart, doubt as 10 slots do; other sums are other sums."""
    table = np.zeros((2, 2, 5))
    table[0, :] = [50, 10, 20, 0, 0]
    table[1, :] = [50, 10, 20, 0, 0]
    kind = np.array([0, 0, 0, 1])
    place, days = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    slots = Alike.of(np.repeat(place << OF_LIKE | kind << OF_DAYS | days, [4, 6, 4, 6]))
    split = sums(slots, shares(table, slots.kind, slots.days))
    share = split.mean[0, 0] / 10
    assert split.unsure[0, 0] == pytest.approx(100 * share * (1 - share) / 101)
    assert split.unsure[1, 0] == pytest.approx((16 + 36) * share * (1 - share) / 101)
    assert split.n.tolist() == [10, 10]


def periods(n: np.ndarray, share: float) -> Sums:
    """Sums of slots whose share of each outcome is known."""
    each = np.repeat((n * share)[:, None], 5, axis=1).astype(float)
    return Sums(n.astype(float), each, each * (1 - share), np.zeros_like(each))


@pytest.mark.parametrize("truth", [0.0, 0.2, 0.4])
def test_the_spread_of_periods_is_found_where_there_is_one(truth: float) -> None:
    rng = np.random.default_rng(4)
    n = rng.integers(150, 350, 150)
    share = 1 / (1 + np.exp(1.4 - truth * rng.standard_normal(150)))
    came = rng.binomial(n, share).astype(float)
    found = PeriodSpread()
    expected = periods(n, came.sum() / n.sum())
    for lines in np.split(np.arange(150), 10):  # a few at a time, or all at once
        found.learn(np.repeat(came[lines, None], 5, axis=1), expected[lines])
    assert np.sqrt(found.variance) == pytest.approx([truth] * 5, abs=0.06)


def test_without_periods_the_spread_is_that_of_the_prior() -> None:
    found = PeriodSpread()
    assert found.variance == pytest.approx([0.04] * 5, rel=0.03)
    unknown = periods(np.array([10]), np.nan)
    found.learn(np.ones((1, 5)), unknown)
    assert found.variance == pytest.approx([0.04] * 5, rel=0.03)


def interval(n: float, mean: float, variance: float) -> tuple[float, float]:
    one = np.full((1, 5), float(mean))
    low, high = intervals(
        Sums(np.array([float(n)]), one, np.full((1, 5), float(variance)), 0 * one), np.zeros(5)
    )
    return float(low[0, 0]), float(high[0, 0])


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
    wide_low, wide_high = interval(100, 50, 25)
    assert high - low < 0.65 * (wide_high - wide_low)


def test_the_spread_of_periods_widens() -> None:
    """Of 500 at 0.2 chance is 80; a spread of 0.2 adds 0.04 × 80²."""
    one = periods(np.array([500]), 0.2)
    low, high = intervals(one, np.full(5, 0.04))
    rng = np.random.default_rng(10)
    share = 1 / (1 + np.exp(np.log(4) - 0.2 * rng.standard_normal(20_000)))
    came = rng.binomial(500, share)
    assert ((low[0, 0] <= came) & (came <= high[0, 0])).mean() == pytest.approx(0.8, abs=0.03)


def test_ends_of_intervals() -> None:
    assert interval(0, 0.0, 0.0) == (0, 0)
    assert interval(5, 0.0, 0.0) == (0, 0)
    assert interval(5, 5.0, 0.0) == (5, 5)
    assert np.isnan(interval(5, np.nan, np.nan)).all()
    low, high = interval(3, 1.5, 4.0)
    assert 0 <= low < high <= 3


def seen(width: Width, away: np.ndarray, mean: float = 50) -> None:
    """Intervals from 10 below to 10 above what was expected, and by how much it strayed."""
    one = np.full((len(away), 5), mean)
    width.learn(one + away[:, None], one, one - 10, one + 10)


def test_without_earlier_intervals_they_stay_as_they_are() -> None:
    below, above = Width().factors
    assert below == pytest.approx([1] * 5, abs=0.03)
    assert above == pytest.approx([1] * 5, abs=0.03)
    few = Width()
    seen(few, np.full(500, 30.0), mean=9)  # of expected numbers that are too small to tell
    assert few.factors[0].tolist() == below.tolist()


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_they_are_drawn_as_wide_as_they_should_have_been(scale: float) -> None:
    """Errors of a normal distribution whose middle 80 % lie within 10 times the scale."""
    width = Width()
    seen(width, scale * 10 / 1.2816 * np.random.default_rng(5).standard_normal(4000))
    for factors in width.factors:
        assert factors == pytest.approx([scale] * 5, rel=0.08)


def test_what_cannot_be_missed_above_may_be_missed_below() -> None:
    """In 70 of 100 all that can come comes, the end of the interval itself: so nothing lies above,
    and of the rest, 0 to 10 below in steps, 20 may lie outside."""
    width = Width()
    seen(width, np.concatenate([np.full(7000, 10.0), -np.linspace(0, 10, 3000)]))
    below, above = width.factors
    assert above == pytest.approx([1] * 5)
    assert below == pytest.approx([1 / 3] * 5, abs=0.02)
    one = np.array([[50.0] * 5])
    low, high = drawn(one, one - 10, one + 10, np.full((1, 1), 55.0), (below, above))
    assert low[0, 0] == pytest.approx(50 - 10 / 3, abs=0.2)
    assert high[0, 0] == 55


def test_what_is_still_to_be_booked_widens_and_has_no_end() -> None:
    one = periods(np.array([20]), 0.5)
    low, high = intervals(one, np.zeros(5), (np.full((1, 5), 10.0), np.full((1, 5), 55.0)))
    assert 8 < low[0, 0] < 12  # mean 20, variance 60
    assert 28 < high[0, 0] < 32


def test_all_outcomes_are_there() -> None:
    assert OUTCOMES == ("attended", "no_show", "cancelled", "rescheduled", "unresolved")
