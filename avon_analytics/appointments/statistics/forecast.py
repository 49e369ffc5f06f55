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

from avon_analytics.appointments.statistics.arrays import Flags, Floats, Ints
from avon_analytics.appointments.statistics.distributions import (
    beta_binomial_quantiles,
    negative_binomial_quantiles,
)

OUTCOMES = ("attended", "no_show", "cancelled", "rescheduled", "unresolved")
OF_DAYS = 22  # bits: more than there are days in a calendar
OF_LIKE = OF_DAYS + 7  # kinds have seven
PRIOR_SLOTS = 20.0  # the weight of the whole's shares in those of a kind
INTERVAL = (0.1, 0.9)
# Before any period is known, how much whole periods vary on the logit scale: half-normal, of this
# standard deviation; as many values of it are weighed against what periods showed.
_PRIOR_SPREAD = 0.2
_SPREADS = np.linspace(0, 1.5, 151)
_AT_ONCE = 8  # spreads that are tried at a time
# So many intervals as they would be if errors were normal are weighed against those that were seen.
_PRIOR_INTERVALS = 50
SEEN_FROM = 10.0  # expected number from which an interval tells how wide it should have been
_WIDTHS = np.arange(1, 501) / 100


@dataclass(frozen=True, slots=True)
class Alike:
    """Slots that are alike, an element for each sum in which they count (``place``), kind and whole
    days before the start, in this order: these as one number (``code``), and how many they are."""

    code: Ints
    n: Floats

    @classmethod
    def of(cls, codes: Ints) -> Alike:
        """Add up slots that are alike. Their codes are in order: the sum in which each counts, in
        ``OF_LIKE`` bits its kind and, the last ``OF_DAYS`` of these, its days."""
        first = np.flatnonzero(begins(codes))
        return cls(codes[first], np.diff(first, append=len(codes)).astype(np.float64))

    @property
    def kind(self) -> Ints:
        """Their kind."""
        return self.code >> OF_DAYS & (1 << OF_LIKE - OF_DAYS) - 1

    @property
    def days(self) -> Ints:
        """The whole days before their start."""
        return self.code & (1 << OF_DAYS) - 1


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of outcomes, and how far each may be off, as a standard deviation: a line for each
    kind and number of days (``share_of``, ``doubt_of``), and which of them stands for which slots
    (``place``), since there are far fewer lines than slots that are not alike."""

    share_of: Floats
    doubt_of: Floats
    place: Ints

    @property
    def share(self) -> Floats:
        """The shares, a line for slots that are alike."""
        return self.share_of[self.place]

    @property
    def doubt(self) -> Floats:
        """The doubts, a line for slots that are alike."""
        return self.doubt_of[self.place]


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

    @classmethod
    def joined(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of several parts, one after the other."""
        every = (cls.none(), *parts)
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in every]) for name in names))

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
        unknown = np.full((1, len(OUTCOMES)), np.nan)
        return Shares(unknown, unknown, 0 * kind)
    nearest = known[np.abs(np.arange(len(of_all))[:, None] - known).argmin(axis=1)]
    whole = of_all[nearest] / of_all[nearest].sum(axis=-1, keepdims=True)
    weight = counts.sum(axis=-1, keepdims=True) + PRIOR_SLOTS
    share = (counts + PRIOR_SLOTS * whole) / weight
    doubt = np.sqrt(share * (1 - share) / (weight + 1))
    share, doubt = (one.reshape(-1, len(OUTCOMES)) for one in (share, doubt))
    return Shares(share, doubt, kind * counts.shape[1] + days)


def sums(slots: Alike, of: Shares) -> Sums:
    """What to expect of slots, of whose outcomes these are the shares: a line for each sum.

    Slots of one kind share what is not known of their shares, whatever their days: much the same
    earlier slots stand behind them.
    """
    of_sums = np.flatnonzero(begins(slots.code >> OF_LIKE))
    of_kinds = np.flatnonzero(begins(slots.code >> OF_DAYS))
    sums_of_kinds = np.searchsorted(of_kinds, of_sums)
    mean, chance, unsure = (np.zeros((len(of_sums), len(OUTCOMES))) for _ in range(3))
    if not len(of_sums):
        return Sums.none()
    n = np.add.reduceat(slots.n, of_sums)
    # An outcome at a time: long arrays of all of them would leave the processor's own memory.
    for nth in range(len(OUTCOMES)):
        share = of.share_of[:, nth].take(of.place)
        doubt = of.doubt_of[:, nth].take(of.place)
        expected = slots.n * share
        mean[:, nth] = np.add.reduceat(expected, of_sums)
        chance[:, nth] = np.add.reduceat(expected * (1 - share), of_sums)
        by_kind = np.square(np.add.reduceat(slots.n * doubt, of_kinds))
        unsure[:, nth] = np.add.reduceat(by_kind, sums_of_kinds)
    return Sums(n, mean, chance, unsure)


def begins(numbers: Ints) -> Flags:
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
        known = np.isfinite(expected.chance) & (expected.chance > 1e-9)
        chance = _in_eights(np.where(known, expected.chance, 0), 0)
        sure = _in_eights(np.where(known, expected.chance + expected.unsure, 1), 1)
        away = _in_eights(np.where(known, came - expected.mean, 0), 0)
        chance, away = np.square(chance), np.square(away)
        # Few spreads at a time: what they are tried on stays in the processor's own memory.
        for start in range(0, len(_SPREADS), _AT_ONCE):
            tried = slice(start, start + _AT_ONCE)
            variance = np.square(_SPREADS[tried])[:, None, None, None] * chance
            variance += sure
            # One logarithm of eight variances; none is under 1e-9.
            logs = np.log(np.multiply.reduce(variance, axis=2)).sum(axis=2)
            logs += np.divide(away, variance, out=variance).sum(axis=(2, 3))
            self._logs[tried] -= 0.5 * logs

    @property
    def variance(self) -> Floats:
        """The variance of ε for each outcome."""
        weights = np.exp(self._logs - self._logs.max(axis=0))
        return np.asarray(
            (weights * np.square(_SPREADS)[:, None]).sum(axis=0) / weights.sum(axis=0)
        )


def _in_eights(values: Floats, none: float) -> Floats:
    """Columns as blocks of eight rows, filled up with what counts for nothing."""
    whole = np.full((values.shape[1], -(-len(values) // 8) * 8), float(none))
    whole[:, : len(values)] = values.T
    return whole.reshape(len(whole), 8, -1)


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
