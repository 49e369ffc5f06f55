"""Expectations held against what came, in made-up clinics whose truth is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FIRST = datetime(2022, 1, 3, tzinfo=UTC)  # a Monday
_DAY = np.timedelta64(24, "h")
WEEK = timedelta(days=7)


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def clinic_of(clinic: Clinic, seed: int, spread: float, *, n_weeks: int, a_week: int) -> None:
    """Visits of three hosts: no-shows grow with the lead, cancellations come long before the start,
    and each week moves the logit of both by a normal number with this standard deviation."""
    rng = np.random.default_rng(seed)
    n = n_weeks * a_week
    week = np.repeat(np.arange(n_weeks), a_week)
    effect = spread * rng.standard_normal((2, n_weeks))
    start = (
        np.datetime64(FIRST.replace(tzinfo=None), "s")
        + (week * 7 + rng.integers(0, 5, n)) * _DAY
        + rng.integers(14 * 2, 22 * 2, n) * np.timedelta64(30, "m")
    )
    lead = np.minimum(rng.exponential(16, n), 60)
    booked = start - (lead * 86_400).astype(int) * np.timedelta64(1, "s")
    is_self = rng.uniform(size=n) < 0.3
    cancels = rng.uniform(size=n) < logistic(-1.2 + 0.02 * (lead - 16) + effect[0, week])
    misses = rng.uniform(size=n) < logistic(-1.1 + 0.04 * (lead - 16) - is_self + effect[1, week])
    ended = np.where(
        cancels,
        booked + ((start - booked) * rng.uniform(0.1, 1, n)).astype("timedelta64[s]"),
        start + np.timedelta64(1, "h"),
    )
    word = np.where(cancels, "cancelled", np.where(misses, "no_show", "completed"))
    host = rng.choice(["a", "b", "c"], n)
    patient = rng.integers(0, n // 3, n)
    told = pd.DataFrame(
        {
            "number": np.concatenate([np.arange(n), np.arange(n)]),
            "event": np.concatenate([np.repeat("created", n), word]),
            "occurred_at": pd.to_datetime(np.concatenate([booked, ended]), utc=True),
        }
    )
    told["event"] = "appointment." + told["event"]
    told["event_id"] = [f"wbhk_{one:07}" for one in range(2 * n)]
    told["id"] = [f"v{one}" for one in told["number"]]
    told["received_at"] = told["occurred_at"]
    told["start_time"] = pd.to_datetime(start[told["number"]], utc=True)
    told["end_time"] = told["start_time"] + pd.Timedelta(minutes=30)
    told["host"] = host[told["number"]]
    told["generated_from_type"] = np.where(is_self[told["number"]], "booking", None)
    told["attendee"] = [f"p{one}" for one in patient[told["number"]]]
    clinic.tell_all(told)


def held(rows: pd.DataFrame) -> pd.Series:
    """Of each interval with an expected number of 10 or more, whether it held what came."""
    parts = []
    for end in ("attended", "no_show", "cancelled"):
        big = rows[rows[f"expected_{end}"] >= 10]
        parts.append(
            big[f"n_{end}"].between(big[f"expected_{end}_low"], big[f"expected_{end}_high"])
        )
    return pd.concat(parts)


@pytest.mark.parametrize(("seed", "spread"), [(1, 0.0), (2, 0.2)])
def test_intervals_hold_what_they_say(clinic: Clinic, seed: int, spread: float) -> None:
    clinic_of(clinic, seed, spread, n_weeks=150, a_week=600)
    as_of = FIRST + pd.Timedelta(weeks=150, days=2)
    rows = clinic.visits(as_of=as_of).backtest("host", every="week", days_ahead=2)
    found = held(rows)
    assert len(found) >= 1000
    assert 0.75 <= found.mean() <= 0.85
    # No worse than the mean of the same weekdays in the 12 weeks before.
    for end in ("attended", "no_show", "cancelled"):
        assert rows.attrs["mean_error"][end] <= rows.attrs["mean_error_of_plain"][end]


def test_it_is_what_would_have_been_expected_then(clinic: Clinic) -> None:
    """Of each week the same numbers as from a store that ends so many days before it."""
    clinic_of(clinic, 3, 0.2, n_weeks=30, a_week=60)
    as_of = FIRST + pd.Timedelta(weeks=30, days=2)
    rows = clinic.visits(as_of=as_of).backtest("host", days_ahead=3)
    assert len(rows) == 3 * rows.period_on.nunique()
    for week in (8, 19, 29):
        first = FIRST + pd.Timedelta(weeks=week)
        then = clinic.visits(
            as_of=first - pd.Timedelta(days=3), start=first.date(), end=first.date() + WEEK
        ).expected("host", every="week")
        now = rows[rows.period_on == pd.Timestamp(first.date())]
        assert list(then.n_open) == list(now.n_open)
        for end in ("attended", "no_show", "cancelled", "unresolved"):
            assert list(then[f"expected_{end}"]) == pytest.approx(list(now[f"expected_{end}"]))
        for end in ("attended", "no_show"):
            name = f"expected_{end}_low"
            assert list(then[name]) == pytest.approx(list(now[name]), abs=0.3)
