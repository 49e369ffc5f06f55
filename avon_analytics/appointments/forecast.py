"""What will become of booked slots: shares of earlier ones, and how far sums may stray from them.

A slot is of a *kind* (its lead, who booked, first visit or not) and so many whole days before its
start. Counts hold, for each kind and number of days, how earlier slots ended that were open so many
days before theirs; the last axis is that of ``OUTCOMES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.distributions import (
    Floats,
    Ints,
    beta_binomial_quantiles,
    negative_binomial_quantiles,
)

OUTCOMES = ("attended", "no_show", "cancelled", "rescheduled", "unresolved")
PRIOR_SLOTS = 20.0  # the weight of the whole's shares in those of a kind
INTERVAL = (0.1, 0.9)
# Before any period is known, how much whole periods vary on the logit scale: half-normal, of this
# standard deviation; as many values of it are weighed against what periods showed.
_PRIOR_SPREAD = 0.2
_SPREADS = np.linspace(0, 1.5, 151)
# So many intervals as they would be if errors were normal are weighed against those that were seen.
_PRIOR_INTERVALS = 50
SEEN_FROM = 10.0  # expected number from which an interval tells how wide it should have been
_WIDTHS = np.arange(1, 501) / 100


@dataclass(frozen=True, slots=True)
class Alike:
    """Slots that are alike, an element for each sum in which they count (``place``), kind and whole
    days before the start, in this order: how many they are."""

    place: Ints
    kind: Ints
    days: Ints
    n: Floats

    @classmethod
    def of(cls, place: Ints, kind: Ints, days: Ints, n: Floats) -> Alike:
        """Add up slots that are alike. Sums of fractions differ in their last digit with the order
        of what is added, counts do not."""
        size = [int(one.max(initial=0)) + 1 for one in (place, kind, days)]
        code = np.ravel_multi_index((place, kind, days), size)
        order = np.argsort(code)
        code = code[order]
        first = np.flatnonzero(_begins(code))
        place, kind, days = np.unravel_index(code[first], size)
        return cls(place, kind, days, np.add.reduceat(n[order], first) if len(first) else n)

    def __getitem__(self, lines: slice) -> Alike:
        return Alike(self.place[lines], self.kind[lines], self.days[lines], self.n[lines])


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of outcomes, a line for slots that are alike, and how far each may be off, as a
    standard deviation (``doubt``)."""

    share: Floats
    doubt: Floats

    @classmethod
    def joined(cls, parts: Sequence[Shares]) -> Shares:
        """The shares of several parts, one after the other."""
        none = np.zeros((0, len(OUTCOMES)))
        return cls(
            np.concatenate([none, *(part.share for part in parts)]),
            np.concatenate([none, *(part.doubt for part in parts)]),
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """Expected numbers of each outcome, a line per sum; what varies of them comes from chance
    (``chance``) and from not knowing the shares (``unsure``), both variances."""

    n: Floats
    mean: Floats
    chance: Floats
    unsure: Floats

    @classmethod
    def none(cls) -> Sums:
        """No sums."""
        empty = np.zeros((0, len(OUTCOMES)))
        return cls(np.zeros(0), empty, empty, empty)

    def __getitem__(self, lines: Ints | slice) -> Sums:
        return Sums(*(getattr(self, field.name)[lines] for field in fields(self)))


def shares(counts: Floats, kind: Ints, days: Ints) -> Shares:
    """Shares of these kinds and days from counts (kind, days, outcome), drawn towards the whole
    where counts are few.

    The prior of a kind is a Dirichlet distribution with the shares of all kinds together, as many
    days before the start, and the weight of 20 slots. Where no slot at all was open so many days
    before, the nearest number of days with any stands for the whole. Without any, shares are NaN.
    """
    of_all = counts.sum(axis=0)
    known = np.flatnonzero(of_all.sum(axis=-1) > 0)
    if not len(known):
        unknown = np.full((len(kind), len(OUTCOMES)), np.nan)
        return Shares(unknown, unknown)
    nearest = known[np.abs(np.arange(len(of_all))[:, None] - known).argmin(axis=1)]
    whole = of_all[nearest] / of_all[nearest].sum(axis=-1, keepdims=True)
    # Of all kinds and days first: there are far fewer of them than of slots that are not alike.
    weight = counts.sum(axis=-1, keepdims=True) + PRIOR_SLOTS
    share = (counts + PRIOR_SLOTS * whole) / weight
    doubt = np.sqrt(share * (1 - share) / (weight + 1))
    place = np.ravel_multi_index((kind, days), counts.shape[:2])
    of_place = [one.reshape(-1, len(OUTCOMES)).take(place, axis=0) for one in (share, doubt)]
    return Shares(*of_place)


def sums(n_sums: int, slots: Alike, of: Shares) -> Sums:
    """What to expect of slots, of whose outcomes these are the shares, a line each.

    Slots of one kind share what is not known of their shares, whatever their days: much the same
    earlier slots stand behind them.
    """
    many = slots.n[:, None]
    mean, doubt = many * of.share, many * of.doubt
    first = _begins(slots.place) | _begins(slots.kind)
    by_kind = np.add.reduceat(doubt, np.flatnonzero(first)) if len(first) else doubt
    return Sums(
        n=_added(n_sums, slots.place, many)[:, 0],
        mean=_added(n_sums, slots.place, mean),
        chance=_added(n_sums, slots.place, mean * (1 - of.share)),
        unsure=_added(n_sums, slots.place[first], np.square(by_kind)),
    )


def _added(size: int, place: Ints, values: Floats) -> Floats:
    """What stands at each place, added up; places are in order."""
    found = np.zeros((size, values.shape[1]))
    first = np.flatnonzero(_begins(place))
    if len(first):
        found[place[first]] = np.add.reduceat(values, first)
    return found


def _begins(numbers: Ints) -> npt.NDArray[np.bool_]:
    """Where a number differs from the one before it."""
    begins = np.ones(len(numbers), dtype=bool)
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    return begins


class PeriodSpread:
    """How much whole periods vary beyond chance, learnt from earlier ones, for each outcome.

    A period that moves each slot's logit by ε moves a sum by ε times the variance of chance. ε is
    normal; its variance is the mean of a posterior, so that a few periods neither prove that there
    is no such spread nor that there is much.
    """

    def __init__(self) -> None:
        prior = -0.5 * np.square(_SPREADS / _PRIOR_SPREAD)
        self._logs = np.repeat(prior[:, None], len(OUTCOMES), axis=1)

    def learn(self, came: Floats, expected: Sums) -> None:
        """Take in what came (a line per sum, a column per outcome) beside what was expected."""
        squares = np.square(_SPREADS)[:, None, None]
        chance = expected.chance
        variance = chance + expected.unsure + squares * np.square(chance)
        known = np.isfinite(chance) & (chance > 1e-9)
        variance = np.where(known, variance, 1)
        away = np.where(known, came - expected.mean, 0)
        self._logs -= 0.5 * (np.log(variance) + np.square(away) / variance).sum(axis=1)

    @property
    def variance(self) -> Floats:
        """The variance of ε for each outcome."""
        weights = np.exp(self._logs - self._logs.max(axis=0))
        return np.asarray(
            (weights * np.square(_SPREADS)[:, None]).sum(axis=0) / weights.sum(axis=0)
        )


class Width:
    """How wide intervals must be drawn to hold what they say, learnt from earlier ones: for each
    outcome two factors on the distance of the ends from what was expected, below and above it.

    Where bookings come and go in blocks a few periods stray far and most hardly, so that intervals
    of the right variance hold too much; where shares drift they hold too little. With these factors
    20 % of those seen would not have held what came, half of them on either side as far as that can
    be: where what came is often the most that can come, nothing lies above. Fifty imagined ones
    of a normal error are among them.
    """

    def __init__(self) -> None:
        steps = (np.arange(1000) + 0.5) / 1000
        widest = NormalDist().inv_cdf(INTERVAL[1])
        prior = [NormalDist().inv_cdf(0.5 + step / 2) / widest for step in steps]
        self._counts = np.zeros((2, len(_WIDTHS), len(OUTCOMES)))
        for side in self._counts:
            np.add.at(side, _place_of(np.array(prior)), _PRIOR_INTERVALS / 2000)
        self._factors: tuple[Floats, Floats] | None = None

    def learn(self, came: Floats, mean: Floats, low: Floats, high: Floats) -> None:
        """Take in what came beside intervals as wide as they are by themselves."""
        above = came > mean
        reach = np.where(above, high - mean, mean - low)
        line, outcome = np.nonzero((mean >= SEEN_FROM) & (reach > 0))
        if not len(line):
            return
        self._factors = None
        away = np.abs(came - mean)[line, outcome] / reach[line, outcome]
        side = above[line, outcome].astype(np.int64)
        np.add.at(self._counts, (side, _place_of(away), outcome), 1)

    @property
    def factors(self) -> tuple[Floats, Floats]:
        """The factors of each outcome, below and above."""
        if self._factors is None:
            self._factors = self._worked_out()
        return self._factors

    def _worked_out(self) -> tuple[Floats, Floats]:
        n = self._counts.sum(axis=(0, 1))
        outside = self._counts.sum(axis=1, keepdims=True) - np.cumsum(self._counts, axis=1)
        allowed = (1 - (INTERVAL[1] - INTERVAL[0])) * n
        above, n_above = _first_within(outside[1], allowed / 2)
        below, n_below = _first_within(outside[0], allowed - n_above)
        above, _ = _first_within(outside[1], allowed - n_below)
        return below, above


def _first_within(outside: Floats, allowed: Floats) -> tuple[Floats, Floats]:
    """The smallest factor beyond which no more than so many lie, and how many do."""
    place = (outside > allowed).sum(axis=0)
    return _WIDTHS[place], outside[place, np.arange(len(place))]


def _place_of(factors: Floats) -> Ints:
    return np.minimum(np.searchsorted(_WIDTHS, factors), len(_WIDTHS) - 1)


def drawn(
    mean: Floats, low: Floats, high: Floats, most: Floats, factors: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Intervals with their ends so many times as far from the mean, within 0 and ``most``."""
    below, above = factors
    return (
        np.maximum(mean - below * (mean - low), 0),
        np.minimum(mean + above * (high - mean), most),
    )


def intervals(
    expected: Sums, spread: Floats, pickup: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """The ends of 80 % intervals, a line per sum and a column per outcome.

    Chance, doubt about the shares and the ``spread`` of whole periods add up to a variance; the
    ends are interpolated quantiles of the beta-binomial distribution with it. Slots that differ in
    their shares vary less than those of one share: then quantiles are drawn towards the mean.
    ``pickup`` is the mean and the variance of what is still to be booked; then the number of slots
    is open, and the distribution negative binomial.
    """
    mean = expected.mean
    variance = expected.chance + expected.unsure + spread * np.square(expected.chance)
    if pickup is not None:
        mean, variance = mean + pickup[0], variance + pickup[1]
    n = np.broadcast_to(expected.n[:, None], mean.shape)
    flat = mean.reshape(-1), variance.reshape(-1)
    if pickup is not None:
        quantiles = negative_binomial_quantiles(*flat, INTERVAL)
        usual, most = mean, np.full(mean.shape, np.inf)
    else:
        quantiles = beta_binomial_quantiles(n.reshape(-1), *flat, INTERVAL)
        usual, most = mean * (1 - np.divide(mean, n, out=np.ones_like(mean), where=n > 0)), n
    narrower = np.sqrt(np.divide(variance, usual, out=np.ones_like(mean), where=usual > 0))
    ends = mean[..., None] + np.minimum(1, narrower)[..., None] * (
        quantiles.reshape(*mean.shape, 2) - mean[..., None]
    )
    low, high = np.maximum(ends[..., 0], 0), np.minimum(ends[..., 1], most)
    return np.where(np.isnan(mean), np.nan, low), np.where(np.isnan(mean), np.nan, high)
