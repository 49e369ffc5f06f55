"""What shares of earlier slots get wrong: by how much more, or less, came lately than they say.

Shares are those of a year and of everybody. A host whose patients miss more visits than others', a
season or a new policy moves each slot's logit of an outcome. By how much is followed from period to
period: first of all groups together, then of each group beside all.
"""

from __future__ import annotations

import numpy as np

from avon_analytics.appointments.distributions import Floats, Ints
from avon_analytics.appointments.forecast import OUTCOMES, Sums

# How far shares may be off at first, and move in a week, on the logit scale (standard deviations);
# that they are never off is held for as likely as all the others together.
_APART = np.array([0.0, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0])
_MOVES = np.array([0.0, 0.0, 0.03, 0.1, 0.0, 0.03, 0.1, 0.0, 0.03, 0.1, 0.0, 0.03, 0.1])
_PRIOR = np.log([0.5, *[0.5 / 12] * 12])
_FORGET = 0.98  # a week later what spoke for one of these counts so much less
_RAKED = 20


class Level:
    """Shifts of logits, learnt from what came beside what shares had said.

    Each is a random walk whose steps nobody knows; several sizes are followed at once, each with
    the weight that what came gives it (a Kalman filter for each).
    """

    def __init__(self, n_groups: int) -> None:
        self._whole = _Walks(1)
        self._groups = _Walks(n_groups) if n_groups > 1 else None

    def shifted(self, found: Sums, group: Ints, day: int) -> Sums:
        """What is expected of groups in one period, by what is known of shifts on a day."""
        if not len(group):
            return found
        whole = _added_up(found)
        shift, doubt = self._whole.now(np.zeros(1, dtype=np.int64), day)
        together = _with(whole, shift, doubt)
        if self._groups is None:
            return together
        own, own_doubt = self._groups.now(group, day)
        each = _with(found, shift + own, doubt + own_doubt)
        return Sums(each.n, _raked(each.mean, together.mean[0], found.n), each.chance, each.unsure)

    def shifted_each(self, found: Sums, group: Ints, days: Ints) -> Sums:
        """The same of sums of several periods, each of which begins on one of ``days``."""
        parts = {day: np.flatnonzero(days == day) for day in np.unique(days)}
        of = [self.shifted(found[lines], group[lines], int(day)) for day, lines in parts.items()]
        return Sums.joined(of)[np.argsort(np.concatenate([[], *parts.values()]), kind="stable")]

    def learn(self, came: Floats, found: Sums, group: Ints, spread: Floats, day: int) -> None:
        """Take in what came of a period, beside what the shares alone had said of it."""
        if not len(group):
            return
        whole = _added_up(found)
        nobody = np.zeros(1, dtype=np.int64)
        before, _ = self._whole.now(nobody, day)
        self._whole.learn(came.sum(axis=0, keepdims=True), whole, nobody, 0 * before, spread, day)
        if self._groups is not None:
            shift, _ = self._whole.now(nobody, day)
            self._groups.learn(came, found, group, np.repeat(shift, len(group), 0), spread, day)


class _Walks:
    """Shifts of several groups, an axis for the sizes of steps: (size, group, outcome)."""

    def __init__(self, n_groups: int) -> None:
        shape = (len(_APART), n_groups, len(OUTCOMES))
        self._mean = np.zeros(shape)
        self._variance = np.broadcast_to(np.square(_APART)[:, None, None], shape).copy()
        self._logs = np.zeros((len(_APART), len(OUTCOMES)))
        self._day = np.full(n_groups, -1)
        self._last = -1

    def _weights(self) -> Floats:
        """The weight of each size of steps, for each outcome."""
        logs = self._logs + _PRIOR[:, None]
        weights = np.exp(logs - logs.max(axis=0))
        return np.asarray(weights / weights.sum(axis=0))

    def _moved(self, group: Ints, day: int) -> Floats:
        """The variances on a day, by the steps made since one was last learnt of."""
        since = np.where(self._day[group] < 0, 0, np.maximum(day - self._day[group], 0)) / 7
        steps = np.square(_MOVES)[:, None, None] * since[:, None]
        return np.asarray(self._variance[:, group] + steps)

    def now(self, group: Ints, day: int) -> tuple[Floats, Floats]:
        """The shift of each group and outcome on a day, and its variance."""
        weights, mean = self._weights()[:, None], self._mean[:, group]
        shift = np.asarray((weights * mean).sum(axis=0))
        doubt = (weights * (self._moved(group, day) + np.square(mean - shift))).sum(axis=0)
        return shift, np.asarray(doubt)

    def learn(
        self, came: Floats, found: Sums, group: Ints, usual: Floats, spread: Floats, day: int
    ) -> None:
        """Take in what came of a period, where logits are known to be shifted by ``usual``."""
        mean, variance = self._mean[:, group], self._moved(group, day)
        expected, chance = _at(found, usual + mean)
        doubt = found.unsure * np.square(_ratio(chance, found.chance))
        noise = chance + doubt + spread * np.square(chance)
        known = np.isfinite(chance) & (found.chance > 0.1)
        total = np.where(known, np.square(chance) * variance + noise, 1)
        away = np.where(known, came - expected, 0)
        gain = np.where(known, variance * chance / total, 0)
        self._mean[:, group] = mean + gain * away
        self._variance[:, group] = variance * (1 - np.where(known, gain * chance, 0))
        if day > self._last >= 0:
            self._logs *= _FORGET ** ((day - self._last) / 7)
        self._last = day
        self._logs -= 0.5 * (np.log(total) + np.square(away) / total).sum(axis=1)
        self._day[group] = day


def _at(found: Sums, shift: Floats) -> tuple[Floats, Floats]:
    """The mean of sums whose slots' logits are all shifted, and its derivative, chance."""
    n = found.n[:, None]
    share = np.clip(_ratio(found.mean, n), 1e-9, 1 - 1e-9)
    steep = _ratio(found.chance, n * share * (1 - share))
    odds = np.exp(np.clip(np.log(share / (1 - share)) + steep * shift, -30, 30))
    moved = odds / (1 + odds)
    return np.where(found.chance > 0, n * moved, found.mean), n * moved * (1 - moved) * steep


def _with(found: Sums, shift: Floats, doubt: Floats) -> Sums:
    """The sums with their logits shifted, and unsure of by how much; outcomes add up to all."""
    mean, chance = _at(found, shift)
    unsure = found.unsure * np.square(_ratio(chance, found.chance)) + doubt * np.square(chance)
    mean = mean * _ratio(found.n[:, None], mean.sum(axis=1, keepdims=True))
    return Sums(found.n, np.where(np.isnan(found.mean), np.nan, mean), chance, unsure)


def _added_up(found: Sums) -> Sums:
    return Sums(
        found.n.sum(keepdims=True),
        found.mean.sum(axis=0, keepdims=True),
        found.chance.sum(axis=0, keepdims=True),
        found.unsure.sum(axis=0, keepdims=True),
    )


def _raked(mean: Floats, of_all: Floats, n: Floats) -> Floats:
    """Groups that add up to what is expected of all, each to its number of slots."""
    for _ in range(_RAKED):
        mean = mean * _ratio(of_all, mean.sum(axis=0))
        mean = mean * _ratio(n[:, None], mean.sum(axis=1, keepdims=True))
    return mean


def _ratio(part: Floats, whole: Floats) -> Floats:
    """One divided by the other; 1 where that is 0."""
    one = np.ones(np.broadcast_shapes(np.shape(part), np.shape(whole)))
    return np.divide(part, whole, out=one, where=np.asarray(whole) != 0)
