"""Expectations held against what came, in made-up clinics whose truth is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from benchmarks import shapes

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

pytestmark = pytest.mark.any_engine

FIRST = datetime(2022, 1, 3, tzinfo=UTC)  # a Monday
_DAY = np.timedelta64(24, "h")
WEEK = timedelta(days=7)


def logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


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
    bookings = pd.DataFrame(
        {
            "booked": pd.to_datetime(booked, utc=True),
            "start": pd.to_datetime(start, utc=True),
            "ended": pd.to_datetime(ended, utc=True),
            "word": word,
            "host": host,
            "patient": [f"p{one}" for one in patient],
            "generated_from_type": ["booking" if own else None for own in is_self],
        }
    )
    tell(clinic, bookings)


def tell(clinic: Clinic, bookings: pd.DataFrame) -> None:
    """Of each booking that it was made, and how it ended."""
    n = len(bookings)
    told = pd.concat([bookings, bookings], ignore_index=True)
    told["id"] = [f"v{one}" for one in (*range(n), *range(n))]
    told["event_id"] = [f"wbhk_{one:07}" for one in range(2 * n)]
    told["event"] = ["appointment.created"] * n + [f"appointment.{one}" for one in bookings.word]
    told["occurred_at"] = pd.concat([bookings.booked, bookings.ended], ignore_index=True)
    told["received_at"] = told["occurred_at"]
    told["end_time"] = told["start"] + pd.Timedelta(minutes=30)
    told = told.rename(columns={"start": "start_time", "patient": "attendee"})
    clinic.tell_all(told.drop(columns=["booked", "ended", "word"]))


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
    is_no_worse_than_plain(rows)


def is_no_worse_than_plain(rows: pd.DataFrame, *ends: str) -> None:
    """No worse than the mean of the same weekdays in the 12 weeks before."""
    for end in ends or ("attended", "no_show", "cancelled"):
        assert rows.attrs["mean_error"][end] <= rows.attrs["mean_error_of_plain"][end]


def test_they_hold_where_visits_are_missed_that_were_booked_long_ahead(clinic: Clinic) -> None:
    """27 days of many hosts, as short as the published file: a fifth missed, steeply by lead."""
    bookings = shapes.missed(0.6, seed=1, n_hosts=40)
    assert 0.18 < (bookings.word == "no_show").mean() < 0.22
    same_day = bookings[bookings.booked.dt.date == bookings.start.dt.date]
    assert 0.03 < (same_day.word == "no_show").mean() < 0.07
    tell(clinic, bookings)
    visits = clinic.visits(as_of=shapes.as_of(bookings))
    rows = visits.backtest("host", every="day", days_ahead=1)
    found = held(rows)
    assert len(found) >= 1000
    assert 0.75 <= found.mean() <= 0.85
    is_no_worse_than_plain(rows, "attended", "no_show")


def test_they_hold_where_bookings_are_cancelled_long_before(clinic: Clinic) -> None:
    """Two years of three hosts, two weeks and a month ahead: more than a third cancelled, a sixth
    in groups that share their fate."""
    bookings = shapes.cancelled(0.5, seed=1, n_hosts=3)
    gone = bookings[bookings.word == "cancelled"]
    assert 0.35 < len(gone) / len(bookings) < 0.40
    assert pd.to_timedelta(gone.start - gone.ended).median() > pd.Timedelta(days=30)
    tell(clinic, bookings)
    visits = clinic.visits(as_of=shapes.as_of(bookings))
    looked = [visits.backtest("host", every="week", days_ahead=days) for days in (14, 30)]
    found = pd.concat([held(rows) for rows in looked])
    assert len(found) >= 1000
    assert 0.75 <= found.mean() <= 0.85
    for rows in looked:
        is_no_worse_than_plain(rows, "attended", "cancelled")


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
