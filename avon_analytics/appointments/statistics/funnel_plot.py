"""Which groups differ from all others together by more than chance: the funnel plot.

Exact: given how many there are among all, the count of one group is hypergeometric if its share is
no other than that of the others. Or, where groups differ anyway, with limits that allow for it
(Spiegelhalter, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.statistics.arrays import Flags, Floats, Ints
from avon_analytics.appointments.statistics.distributions import (
    Counts,
    benjamini_hochberg,
    hypergeometrics,
    normal_quantile,
    normal_tail,
)

LIMITS = (0.025, 0.975, 0.001, 0.999)  # two-sided 95 % and 99.8 %
P_SIGNAL, Q_SIGNAL = 0.002, 0.05
_TRIMMED = 0.1  # at each end, before the spread of groups is measured
_SEED = 2005
_MOST_REPEATS = 2000
_MOST_DRAWN = 400_000


@dataclass(frozen=True, slots=True)
class FunnelPlot:
    """One number per group; NaN where a group has no n, or no others to be compared with.

    ``limits`` has four columns: lower and upper 95 %, lower and upper 99.8 %. ``phi`` is by how
    much groups vary beyond chance (NaN without groups), ``tau2`` the variance between them.
    """

    share: Floats
    center: Floats
    limits: Floats
    p: Floats
    q: Floats
    is_signal: Flags
    phi: float
    tau2: float
    false_alarms: float


def funnel_plot(count: npt.ArrayLike, n: npt.ArrayLike, *, overdispersion: bool) -> FunnelPlot:
    """Compare the share of each group with that of all others together."""
    counts, among = np.asarray(count, dtype=np.int64), np.asarray(n, dtype=np.int64)
    others = among.sum() - among
    is_compared = (among > 0) & (others > 0)
    share = counts / np.where(among > 0, among, np.nan)
    center = np.where(is_compared, counts.sum() - counts, np.nan) / np.where(others > 0, others, 1)
    kept = np.flatnonzero(is_compared)
    p = np.full(len(counts), np.nan)
    limits = np.full((len(counts), len(LIMITS)), np.nan)
    spread = _Spread(counts[kept], among[kept], center[kept])
    if overdispersion:
        p[kept], limits[kept] = spread.p(), spread.limits()
        expected = _alarms_of_spread(spread)
    else:
        sizes = among[kept].tolist()
        exact = list(hypergeometrics(sizes, int(counts.sum()), int(among.sum())))
        for place, group in zip(kept, exact, strict=True):
            p[place] = group.p_value(int(counts[place]))
            limits[place] = group.quantiles(LIMITS) / among[place]
        expected = _exact_alarms(exact, among[kept], int(counts.sum()))
    q = benjamini_hochberg(p)
    return FunnelPlot(
        share=share,
        center=center,
        limits=limits,
        p=p,
        q=q,
        is_signal=_is_signal(p, q),
        phi=spread.phi,
        tau2=spread.tau2 if overdispersion else 0.0,
        false_alarms=expected,
    )


def _is_signal(p: Floats, q: Floats) -> Flags:
    with np.errstate(invalid="ignore"):
        return (p < P_SIGNAL) & (q < Q_SIGNAL)


class _Spread:
    """Groups on the scale of angles, arcsin √share, on which chance is as large for every share.

    Counts may have further axes before that of the groups: made-up repetitions.
    """

    def __init__(self, counts: Ints, among: Ints, center: Floats) -> None:
        self.among = among
        self.center = center
        self.variance = 1 / (4 * among)
        self.away = np.arcsin(np.sqrt(counts / among)) - np.arcsin(np.sqrt(center))
        z = self.away / np.sqrt(self.variance)
        size = len(among)
        phi = np.full(z.shape[:-1], np.nan)
        tau2 = np.zeros(z.shape[:-1])
        if size:
            low, high = np.quantile(z, [_TRIMMED, 1 - _TRIMMED], axis=-1, keepdims=True)
            phi = np.square(np.clip(z, low, high)).mean(axis=-1)
        if size > 1:
            weights = 1 / self.variance
            scale = weights.sum() - np.square(weights).sum() / weights.sum()
            tau2 = np.maximum(0, (size * phi - (size - 1)) / scale)
        self._phi, self._tau2 = phi, tau2

    @property
    def phi(self) -> float:
        return float(self._phi)

    @property
    def tau2(self) -> float:
        return float(self._tau2)

    def p(self) -> Floats:
        return normal_tail(self.away / np.sqrt(self.variance + self._tau2[..., None]))

    def limits(self) -> Floats:
        """For each group the limits of its share, a column each, as in ``LIMITS``."""
        z = np.array([normal_quantile(share) for share in LIMITS])
        angle = np.arcsin(np.sqrt(self.center))[:, None]
        angle = angle + z * np.sqrt(self.variance + self._tau2)[:, None]
        return np.asarray(np.square(np.sin(np.clip(angle, 0, np.pi / 2))))


def _exact_alarms(groups: list[Counts], among: Ints, total: int) -> float:
    """How many groups would be signals by chance.

    Exact where every p-value under the bound has a q-value under its own; else, with more than 25
    groups, counts are drawn again and again, all of them together as many as there are.
    """
    tables = [group.p_values for group in groups]
    if len(groups) * P_SIGNAL <= Q_SIGNAL + 1e-12:
        pairs = zip(groups, tables, strict=True)
        return float(sum(group.weights[table < P_SIGNAL].sum() for group, table in pairs))
    repeats = min(_MOST_REPEATS, max(1, _MOST_DRAWN // len(groups)))
    rng = np.random.default_rng(_SEED)
    drawn = rng.multivariate_hypergeometric(among, total, size=repeats, method="marginals")
    p = np.column_stack(
        [
            _looked_up(table, drawn[:, place] - group.first)
            for place, (group, table) in enumerate(zip(groups, tables, strict=True))
        ]
    )
    return float(_is_signal(p, benjamini_hochberg(p)).sum() / repeats)


def _looked_up(table: Floats, places: Ints) -> Floats:
    inside = (places >= 0) & (places < len(table))
    return np.where(inside, table[np.clip(places, 0, len(table) - 1)], 0.0)


def _alarms_of_spread(found: _Spread) -> float:
    """How many groups would be signals if they varied by chance and as much as they do, no more."""
    size = len(found.among)
    if not size:
        return 0.0
    repeats = min(_MOST_REPEATS, max(1, _MOST_DRAWN // size))
    rng = np.random.default_rng(_SEED)
    angle = np.arcsin(np.sqrt(found.center))
    angle = angle + np.sqrt(found.tau2) * rng.standard_normal((repeats, size))
    counts = rng.binomial(found.among, np.square(np.sin(np.clip(angle, 0, np.pi / 2))))
    p = _Spread(counts, found.among, found.center).p()
    return float(_is_signal(p, benjamini_hochberg(p)).sum() / repeats)
