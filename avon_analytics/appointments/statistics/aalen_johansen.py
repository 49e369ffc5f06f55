"""The cumulative incidence of competing events, after Aalen and Johansen (1978)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.statistics.arrays import Floats
from avon_analytics.appointments.statistics.intervals import Z_95


def aalen_johansen(
    at_risk: npt.ArrayLike, events: npt.ArrayLike, events_of_any: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Cumulative incidence of one cause, and its 95 % interval, at each instant of one group.

    All three are of one shape, with instants on the last axis in the order of time, so that groups
    with as many instants can be asked about at once: how many were at risk, how many had an event
    of this cause, and of any cause, at each instant at which somebody left. Who is censored at an
    instant is at risk at it. Causes that meet at an instant share its risk set, so the result does
    not depend on an order among them, and the incidences of all causes and the share that is left
    add up to 1.

    The interval comes from the variance after the delta method (Marubini and Valsecchi, 1995), on
    the scale log(-log), so that it lies within 0 to 1. It is NaN while the incidence is 0, and
    where it is 1: there is no such scale at these ends.
    """
    n = np.asarray(at_risk, dtype=np.float64)
    d = np.asarray(events, dtype=np.float64)
    d_any = np.asarray(events_of_any, dtype=np.float64)
    left_before = np.ones_like(n)
    left_before[..., 1:] = np.cumprod(1 - d_any / n, axis=-1)[..., :-1]
    incidence = np.minimum(np.cumsum(left_before * d / n, axis=-1), 1)
    variance = _variance(n, d, d_any, left_before, incidence)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log = np.log(incidence)
        spread = Z_95 * np.sqrt(variance) / np.abs(incidence * log)
        low, high = incidence ** np.exp(spread), incidence ** np.exp(-spread)
    is_inside = (incidence > 0) & (incidence < 1 - 1e-12)
    return incidence, np.where(is_inside, low, np.nan), np.where(is_inside, high, np.nan)


def _variance(
    n: Floats, d: Floats, d_any: Floats, left_before: Floats, incidence: Floats
) -> Floats:
    """The variance of the incidence at each instant, with the terms of all instants up to it.

    The sum over i of (F - F_i)² a_i + b_i - 2 (F - F_i) c_i, multiplied out into running sums.
    """
    stay = n - d_any
    # Where nobody stays no instant follows, and the term is multiplied by F - F = 0.
    a = np.divide(d_any, n * stay, out=np.zeros_like(n), where=stay > 0)
    b = left_before**2 * (n - d) * d / n**3
    c = left_before * d / n**2

    def up_to(terms: Floats) -> Floats:
        return np.cumsum(terms, axis=-1)

    total: Floats = (
        incidence**2 * up_to(a)
        - 2 * incidence * up_to(incidence * a)
        + up_to(incidence**2 * a)
        + up_to(b)
        - 2 * incidence * up_to(c)
        + 2 * up_to(incidence * c)
    )
    return np.clip(total, 0, None)
