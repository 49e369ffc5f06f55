"""What will become of booked slots: shares of earlier ones, and how far sums may stray from them.

A slot is of a *kind* (its lead, who booked, first visit or not) and so many whole days before its
start. ``counts`` hold, for each kind and number of days, how earlier slots ended that were open so
many days before theirs; the last axis is that of ``OUTCOMES``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avon_analytics.appointments.distributions import Floats, beta_binomial, negative_binomial

OUTCOMES = ("attended", "no_show", "cancelled", "rescheduled", "unresolved")
PRIOR_SLOTS = 20.0  # the weight of the whole's shares in those of a kind
INTERVAL = (0.1, 0.9)
# Before any period is known, how much whole periods vary on the logit scale: half-normal, of this
# standard deviation; as many values of it are weighed against what periods showed.
_PRIOR_SPREAD = 0.2
_SPREADS = np.linspace(0, 1.5, 301)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of outcomes for each kind and number of days, and how many slots they rest on."""

    share: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Sums:
    """Expected numbers of each outcome, a line per sum; what varies of them comes from chance
    (``chance``) and from not knowing the shares (``unsure``), both variances."""

    n: Floats
    mean: Floats
    chance: Floats
    unsure: Floats


def shares(counts: Floats) -> Shares:
    """Shares from counts (kind, days, outcome), drawn towards the whole where counts are few.

    The prior of a kind is a Dirichlet distribution with the shares of all kinds together, as many
    days before the start, and the weight of 20 slots. Where no slot at all was open so many days
    before, the nearest number of days with any stands for the whole.
    """
    of_all = counts.sum(axis=0)
    known = np.flatnonzero(of_all.sum(axis=-1) > 0)
    if not len(known):
        return Shares(np.full(counts.shape, np.nan), np.zeros(counts.shape[:-1]))
    days = np.arange(len(of_all))
    nearest = known[np.abs(days[:, None] - known).argmin(axis=1)]
    whole = of_all[nearest] / of_all[nearest].sum(axis=-1, keepdims=True)
    weight = counts.sum(axis=-1) + PRIOR_SLOTS
    return Shares((counts + PRIOR_SLOTS * whole) / weight[..., None], weight)


def sums(n: Floats, of: Shares) -> Sums:
    """What to expect of so many slots of each kind and number of days (sum, kind, days).

    Slots of one kind share what is not known of their shares, whatever their days: much the same
    earlier slots stand behind them.
    """
    is_used = np.asarray(n.sum(axis=0) > 0)
    share = np.where(is_used[..., None], of.share, 0.0)
    spread = share * (1 - share)
    unsure = np.sqrt(spread / (of.weight + 1)[..., None])
    return Sums(
        n=n.sum(axis=(1, 2)),
        mean=np.einsum("skd,kdo->so", n, share),
        chance=np.einsum("skd,kdo->so", n, spread),
        unsure=np.square(np.einsum("skd,kdo->sko", n, unsure)).sum(axis=1),
    )


def spread_of_periods(came: Floats, expected: Floats, chance: Floats, unsure: Floats) -> float:
    """How much whole periods vary beyond chance: the expected variance on the logit scale.

    Of one outcome, an element per sum of an earlier period. A period that moves each slot's logit
    by ε moves the sum by ε times the variance of chance. The answer is the mean of the posterior,
    so that a few periods neither prove that there is no such spread nor that there is much.
    """
    squares = np.square(_SPREADS)[:, None]
    variance = chance + unsure + squares * np.square(chance)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = -0.5 * (np.log(variance) + np.square(came - expected) / variance)
    logs = np.where(chance > 0, logs, 0.0).sum(axis=1) - 0.5 * (_SPREADS / _PRIOR_SPREAD) ** 2
    weights = np.exp(logs - logs.max())
    return float((weights * squares[:, 0]).sum() / weights.sum())


def interval(n: float, mean: float, variance: float) -> tuple[float, float]:
    """The 80 % interval of a sum of n slots: quantiles of a beta-binomial, interpolated.

    Slots that differ in their shares vary less than those of one share: then the binomial's
    quantiles are drawn towards the mean.
    """
    if not np.isfinite(mean):
        return np.nan, np.nan
    counts = beta_binomial(round(n), mean, variance)
    share = mean / n if n else 0.0
    binomial = n * share * (1 - share)
    narrower = min(1.0, np.sqrt(variance / binomial)) if binomial > 0 else 1.0
    low, high = mean + narrower * (counts.quantiles(INTERVAL) - mean)
    return max(float(low), 0.0), min(float(high), n)


def interval_with_pickup(mean: float, variance: float) -> tuple[float, float]:
    """The 80 % interval of a sum whose number of slots is not known yet."""
    low, high = negative_binomial(mean, variance).quantiles(INTERVAL)
    return float(low), float(high)
