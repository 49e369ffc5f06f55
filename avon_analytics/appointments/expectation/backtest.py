"""The figure ``backtest``: what would have been expected of complete periods, and what came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import finished
from avon_analytics.appointments.expectation.expected import put_expected, rows_of
from avon_analytics.appointments.expectation.landmarks import Landmarks
from avon_analytics.appointments.expectation.learning import Learning
from avon_analytics.appointments.expectation.look_back import (
    FEWEST_WEEKS,
    Backtested,
    Clock,
    look_back,
    opened_before,
    plain_forecast,
)
from avon_analytics.appointments.rows.counted import Counted
from avon_analytics.appointments.rows.scope import PERIODS, choice
from avon_analytics.appointments.statistics.arrays import Floats
from avon_analytics.appointments.statistics.forecast import OUTCOMES
from avon_analytics.errors import UsageError
from avon_analytics.figures import outcomes
from avon_analytics.figures.backtest import FIGURE
from avon_analytics.figures.expected import KNOWN
from avon_analytics.figures.words import By, DateLike

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows


def backtest(
    cohort: CohortRows,
    *,
    by: By,
    every: str,
    min_count: int | None,
    days_ahead: int,
    closed: Iterable[DateLike] | None,
    history_from: DateLike | None,
) -> pd.DataFrame:
    """See ``Cohort.backtest``."""
    if cohort._scope.on != "start":
        raise UsageError("backtest: the window must be one of starts (on='start')")
    choice("period", every, PERIODS)
    with cohort._engine.reading():
        counted = cohort._count(outcomes.FIGURE, by, every, min_count=min_count, with_rows=False)
        return _backtest(counted, Landmarks.of(cohort, closed, history_from), every, days_ahead)


def _backtest(counted: Counted, landmarks: Landmarks, every: str, days_ahead: int) -> pd.DataFrame:
    clock, (periods,) = Clock.of(landmarks), landmarks.cohort._complete_periods(every)
    instants = clock.before(periods, days_ahead)
    seen = opened_before(landmarks, counted.keys, every, instants, with_days=True)
    never = datetime(1970, 1, 1, tzinfo=UTC)
    reference = max(instants.values(), default=never)
    learning = Learning(landmarks, reference, seen.most_days, instants.values())
    found, *_ = look_back(seen, instants, every, learning, reference, clock)
    rows = rows_of(seen.groups, found.group, found.period, every)
    rows["n_open"] = found.sums.n.astype(np.int64)
    for place, end in enumerate(OUTCOMES):
        rows[f"n_{end}"] = found.came[:, place].astype(np.int64)
    put_expected(rows, found.sums.mean, found.low, found.high)
    data = finished(
        FIGURE,
        replace(counted, rows=rows),
        {"days_ahead": days_ahead, **landmarks.options},
    )
    data.attrs["days_ahead"] = days_ahead
    plain = plain_forecast(seen, found, instants, every, clock, landmarks.closed)
    data.attrs |= _goodness(found, plain)
    n_known = int(np.isfinite(found.sums.mean[:, 0]).sum())
    messages = [] if instants else ["there is no complete period"]
    if n_known < len(rows):
        messages.append(
            f"of {len(rows) - n_known} of {len(rows)} rows nothing is said: there were fewer than "
            f"{FEWEST_WEEKS} complete weeks to learn from"
        )
    data.attrs["messages"] = messages
    return data


def _goodness(found: Backtested, plain: Floats) -> dict[str, Any]:
    """How many intervals held what came, and how large the errors were."""
    known = np.isfinite(found.sums.mean[:, 0])
    names = list(enumerate(KNOWN))
    is_within = (found.low <= found.came) & (found.came <= found.high)
    counts = known[:, None] & (found.sums.mean > 0)
    counts[:, len(KNOWN) :] = False
    both = known & np.isfinite(plain[:, 0])
    error = np.abs(found.came - found.sums.mean)[both]
    plain_error = np.abs(found.came - plain)[both]

    def mean(numbers: Any) -> float | None:
        return float(np.mean(numbers)) if np.size(numbers) else None

    def skill(place: int) -> float | None:
        worse = plain_error[:, place].sum()
        return 1 - float(error[:, place].sum() / worse) if worse > 0 else None

    return {
        "n_intervals": int(counts.sum()),
        "coverage": {
            **{end: mean(is_within[counts[:, place], place]) for place, end in names},
            "all": mean(is_within[counts]),
        },
        "mean_error": {end: mean(error[:, place]) for place, end in names},
        "mean_error_of_plain": {end: mean(plain_error[:, place]) for place, end in names},
        "skill": {end: skill(place) for place, end in names},
    }
