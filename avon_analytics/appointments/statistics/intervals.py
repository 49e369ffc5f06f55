"""The 95 % intervals of a share and of the difference of two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avon_analytics.appointments.statistics.arrays import Floats

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Share, lower and upper bound of the 95 % Wilson score interval, element by element.

    ``successes`` and ``trials`` are counts of one length. All three are NaN where there are no
    trials. The bounds lie in 0 to 1, and are exactly 0 and 1 at no and at all successes.
    """
    k = np.asarray(successes, dtype=np.float64)
    n = np.asarray(trials, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    share = k / n
    centre = (k + Z_95**2 / 2) / (n + Z_95**2)
    half = Z_95 / (n + Z_95**2) * np.sqrt(k * (n - k) / n + Z_95**2 / 4)
    low = np.where(k == 0, 0 * n, np.clip(centre - half, 0, 1))
    high = np.where(k == n, 1 + 0 * n, np.clip(centre + half, 0, 1))
    return share, low, high


def newcombe(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    other_successes: npt.ArrayLike,
    other_trials: npt.ArrayLike,
) -> tuple[Floats, Floats, Floats]:
    """Difference of two shares, lower and upper bound of its 95 % interval, element by element.

    The first share minus the other. The interval is Newcombe's (1998, method 10): it combines the
    two Wilson intervals, stays within -1 to 1 and needs no correction at 0 or all successes. The
    two samples must be independent. All three are NaN where either has no trials.
    """
    return difference(wilson(successes, trials), wilson(other_successes, other_trials))


def difference(
    share: tuple[Floats, Floats, Floats], other: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """The difference of two shares with their intervals; each is (share, low, high)."""
    (here, low, high), (there, other_low, other_high) = share, other
    by = here - there
    return (
        by,
        by - np.hypot(here - low, other_high - there),
        by + np.hypot(high - here, there - other_low),
    )
