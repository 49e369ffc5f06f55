"""The scope of a question: which slots, by which date, as of when. Read once, checked once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any, Literal, TypeGuard, get_args

import duckdb

from avon_analytics import arguments
from avon_analytics.arguments import number, scalar
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.figures.words import PERIODS_ELSEWHERE, DateLike, NamedPeriodWord, PeriodWord
from avon_analytics.store.parsed import run

On = Literal["start", "booked"]

DATES: Mapping[str, str] = {"start": "start_on", "booked": "booked_on"}
PERIODS: tuple[str, ...] = get_args(PeriodWord)
NAMED_PERIODS: tuple[str, ...] = get_args(NamedPeriodWord)
Late = timedelta | float | Literal["same_day"]
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
_MOST_HOURS = 876_600  # a hundred years


@dataclass(frozen=True, slots=True)
class Scope:
    """Which slots a cohort holds: those of a half-open window of local dates, not on ``closed``."""

    start: date | None
    end: date | None
    on: str
    include_internal: bool
    closed: tuple[date, ...] = ()


def choice(kind: str, given: str, choices: Collection[str]) -> str:
    """One of the choices of a question, or UnknownGroup with all of them."""
    return arguments.choice(kind, given, choices, UnknownGroup, called=PERIODS_ELSEWHERE)


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
        day = "give a day such as '2025-01-31'"
        begins = "a day begins at local midnight; " if isinstance(value, datetime) else ""
        raise _no_date(value, what, f"{begins}{day}") from None
    return value


def _no_date(value: Any, what: str, expected: str) -> UsageError:
    """What is said of that which is no date: a day that no calendar has is named as such."""
    for day in _LIKE_A_DAY.findall(value if isinstance(value, str) else ""):
        try:
            date.fromisoformat(day)
        except ValueError:
            return UsageError(f"{what}: the calendar has no day {day}")
    return UsageError(f"{what}: {expected}")


_LIKE_A_DAY = re.compile(r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])")


def window(
    start: DateLike | None,
    end: DateLike | None,
    period: str | None,
    as_of: datetime | None,
    time_zone: str,
) -> tuple[date | None, date | None]:
    """The window of a question, from its bounds or by name.

    Raises UsageError for one that does not end after its start, and where both ways were taken.
    """
    first, last = as_date(start, "start"), as_date(end, "end")
    if period is not None:
        if first is not None or last is not None:
            raise UsageError("period: it stands in place of start and end; give either")
        return named_window(period, as_of, time_zone)
    if first is not None and last is not None and last <= first:
        raise UsageError(f"the window ends on {last}, which is not after its start, {first}")
    return first, last


_BEGUN: Mapping[str, str] = {
    name: every
    for every in ("week", "month", "quarter", "year")
    for name in (f"this-{every}", f"{every}-to-date")
    if name not in NAMED_PERIODS
}
"""What some call a period that has begun and is not over, and which period that is."""


def named_window(period: str, as_of: datetime | None, time_zone: str) -> tuple[date, date]:
    """Whole calendar periods before or after that of T, as a half-open window of local dates.

    Raises UnknownGroup for another name, UsageError where there is no T.
    """
    if not isinstance(period, str) or period not in {*NAMED_PERIODS, *_BEGUN}:
        choice("period", period, NAMED_PERIODS)
    if as_of is None:
        raise UsageError("period: a store without events has no instant to count from")
    try:
        today = local_day(as_of, time_zone)
        if period in _BEGUN:
            raise UnknownGroup(
                f"unknown period {period!r}: it is not over. Give its first day, "
                f"{period_start(today, _BEGUN[period])}, as start. "
                f"Choices: {', '.join(NAMED_PERIODS)}"
            )
        if period == "year-to-date":
            # On the first of January that is all of the year before.
            return date((today - timedelta(days=1)).year, 1, 1), today
        if period == "last-12-months":
            end = period_start(today, "month")
            return date(end.year - 1, end.month, 1), end
        which, _, every = period.partition("-")
        this = period_start(today, every)
        if which == "next":
            # A period that begins at T, as at the end of a date, is still to come.
            before = local_day(as_of - timedelta(microseconds=1), time_zone)
            following = period_end(period_start(before, every), every)
            return following, period_end(following, every)
        return period_start(this - timedelta(days=1), every), this
    except (OverflowError, ValueError):
        raise UsageError("period: this is outside the years 1 to 9999") from None


def as_instant(value: DateLike | None, time_zone: str) -> datetime | None:
    """An instant, or the end of a date's day in this time zone; None for none.

    Raises UsageError for what is neither and for an instant without an offset.
    """
    if value is None:
        return None
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
        raise _no_date(
            value,
            "as_of",
            "give a date such as '2025-01-31' or an instant with an offset "
            "such as '2025-01-31T12:00:00Z'",
        ) from None


def midnight(day: date, time_zone: str) -> datetime:
    """The instant at which a day begins in a time zone, as the engine knows it.

    Where clocks go back at midnight, that is the first of the two; where they go forward, when they
    do. Raises OverflowError outside the years 1 to 9999.
    """
    micros = _midnights(day.year, time_zone)[day.timetuple().tm_yday - 1]
    return _EPOCH + timedelta(microseconds=micros)


@lru_cache(10_000)
def _midnights(year: int, time_zone: str) -> tuple[int, ...]:
    """The microseconds at which the days of a year begin: one question, not one for each day."""
    with _engine().cursor() as cursor:
        found = run(cursor, _MIDNIGHTS, {"year": year, "zone": time_zone}).fetchall()
    return tuple(micros for (micros,) in found)


def local_day(instant: datetime, time_zone: str) -> date:
    """The day that an instant is in a time zone, as the engine knows it."""
    micros = (instant - _EPOCH) // timedelta(microseconds=1)
    query = "SELECT CAST(timezone($zone, make_timestamptz($micros)) AS DATE)"
    with _engine().cursor() as cursor:
        ((day,),) = run(cursor, query, {"micros": micros, "zone": time_zone}).fetchall()
    found: date = day
    return found


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The engine without a store: local dates go by its time zones."""
    return duckdb.connect()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHTS = """
WITH days AS (SELECT make_date($year, 1, 1) + CAST(unnest(range(366)) AS INTEGER) AS day),
found AS (SELECT day, timezone($zone, CAST(day AS TIMESTAMP)) AS instant FROM days),
near AS (SELECT *, instant - to_minutes(30 * unnest(range(5))) AS earlier FROM found)
SELECT epoch_us(coalesce(
    min(earlier) FILTER (WHERE CAST(timezone($zone, earlier) AS DATE) = day), min(instant)))
FROM near
GROUP BY day
ORDER BY day
"""


def is_same_day(late: Late) -> TypeGuard[Literal["same_day"]]:
    """Whether late is what comes from the local day of the start on."""
    return isinstance(late, str) and late == "same_day"


def hours(value: object, what: str, or_else: str = "or a timedelta") -> float:
    """A duration as a number of hours; a bare number is one already.

    or_else: what may stand in place of a number, for the error.

    Raises UsageError for what is neither, for one below 0 and for one above a hundred years.
    """
    value = scalar(value)
    if isinstance(value, timedelta):
        value /= timedelta(hours=1)
    expected = f"{what}: expected a number of hours from 0 to {_MOST_HOURS:,}, {or_else}"
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
