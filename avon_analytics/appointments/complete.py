"""Which calendar periods of a cohort are complete: over, all of them due, and wholly in sight."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from avon_analytics.appointments.scope import midnight, period_end

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Sight:
    """What decides whether a period is complete.

    first_event_at: the store's first appointment event; undue: the first days of periods that have
    slots which are not due.
    """

    start: date | None
    end: date | None
    first_event_at: datetime | None
    as_of: datetime | None
    grace_hours: float
    time_zone: str
    undue: Collection[date]


def complete_periods(every: str, sight: Sight) -> list[date]:
    """The first days of all complete periods, oldest first."""
    if sight.first_event_at is None or sight.as_of is None:
        return []
    zone = ZoneInfo(sight.time_zone)
    earliest = sight.first_event_at.astimezone(zone).date()
    if sight.start is not None:
        earliest = max(earliest, sight.start)
    first = period_start(earliest, every)
    if first < earliest:
        first = period_end(first, every)
    found: list[date] = []
    over = sight.as_of - timedelta(hours=sight.grace_hours)
    while True:
        end = period_end(first, every)
        if (sight.end is not None and end > sight.end) or midnight(end, sight.time_zone) > over:
            return found
        if first not in sight.undue:
            found.append(first)
        first = end


def period_start(day: date, every: str) -> date:
    """The first day of the period that holds a day."""
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[every]
    return date(day.year, (day.month - 1) // months * months + 1, 1)
