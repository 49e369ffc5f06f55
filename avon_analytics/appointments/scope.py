"""The scope of a question: which slots, by which date, as of when. Read once, checked once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Literal

import duckdb

from avon_analytics import arguments
from avon_analytics.arguments import number, scalar
from avon_analytics.errors import UnknownGroup, UsageError

On = Literal["start", "booked"]
DateLike = str | date | datetime

DATES: Mapping[str, str] = {"start": "start_on", "booked": "booked_on"}
PERIODS = ("day", "week", "month", "quarter", "year")
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
_MOST_HOURS = 876_600  # a hundred years


@dataclass(frozen=True, slots=True)
class Scope:
    """Which slots a cohort holds: those of a half-open window of local dates."""

    start: date | None
    end: date | None
    on: str
    include_internal: bool


def choice(kind: str, given: str, choices: Collection[str]) -> str:
    """One of the choices of a question, or UnknownGroup with all of them."""
    return arguments.choice(kind, given, choices, UnknownGroup)


def as_date(value: DateLike | None, what: str) -> date | None:
    """A bound of a window: a date, or a date-time at midnight without an offset; None for none.

    Raises UsageError for anything else, a missing value of pandas among it.
    """
    if value is None:
        return None
    try:
        value = scalar(value)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            if value.tzinfo is not None or value.time() != time():
                raise ValueError
            return value.date()
        if not isinstance(value, date):
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{what}: a window begins and ends at local midnight; give a date such as '2025-01-31'"
        ) from None
    return value


def as_instant(value: DateLike, time_zone: str) -> datetime:
    """An instant, or the end of a date's day in this time zone.

    Raises UsageError for what is neither and for an instant without an offset.
    """
    try:
        value = scalar(value)
        if isinstance(value, str):
            day = len(value.strip()) <= len("2025-01-31")
            value = date.fromisoformat(value) if day else datetime.fromisoformat(value)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError
            return value.astimezone(UTC)
        if not isinstance(value, date):
            raise ValueError
        return midnight(value + timedelta(days=1), time_zone)
    except OverflowError:
        raise UsageError("as_of: this is outside the years 1 to 9999 in UTC") from None
    except ValueError:
        raise UsageError(
            "as_of: give a date such as '2025-01-31' or an instant with an offset "
            "such as '2025-01-31T12:00:00Z'"
        ) from None


@lru_cache(100_000)
def midnight(day: date, time_zone: str) -> datetime:
    """The instant at which a day begins in a time zone, as the engine knows it.

    Where clocks go back at midnight, that is the first of the two; where they go forward, when they
    do. Raises OverflowError outside the years 1 to 9999.
    """
    with _engine().cursor() as cursor:
        ((micros,),) = cursor.execute(_MIDNIGHT, {"day": day, "zone": time_zone}).fetchall()
    return _EPOCH + timedelta(microseconds=micros)


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The engine without a store: its time zones are those by which local dates are told."""
    return duckdb.connect()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT = """
WITH found AS (SELECT timezone($zone, CAST($day AS TIMESTAMP)) AS instant),
near AS (SELECT instant - to_minutes(30 * unnest(range(5))) AS earlier FROM found)
SELECT coalesce(
    (SELECT min(epoch_us(earlier)) FROM near
        WHERE CAST(timezone($zone, earlier) AS DATE) = CAST($day AS DATE)),
    (SELECT epoch_us(instant) FROM found))
"""


def hours(value: timedelta | float, what: str) -> float:
    """A duration as a number of hours; a bare number is one already.

    Raises UsageError for what is neither, for one below 0 and for one above a hundred years.
    """
    value = scalar(value)
    if isinstance(value, timedelta):
        value /= timedelta(hours=1)
    expected = f"{what}: expected a number of hours from 0 to {_MOST_HOURS:,}, or a timedelta"
    return float(number(value, 0, _MOST_HOURS, expected))


def period_sql(on: str, every: str) -> str:
    """The first day of the period that holds a slot's date, as SQL."""
    return f"CAST(date_trunc('{choice('period', every, PERIODS)}', {DATES[on]}) AS DATE)"


def period_start(day: date, every: str) -> date:
    """The first day of the period that holds a day."""
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS_IN[every]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def period_end(first: date, every: str) -> date:
    """The day after a period's last one."""
    if every in ("day", "week"):
        return first + timedelta(days=1 if every == "day" else 7)
    months = first.year * 12 + first.month - 1 + _MONTHS_IN[every]
    return date(months // 12, months % 12 + 1, 1)
