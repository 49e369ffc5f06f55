"""How days and instants are written, in English whatever the machine's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from avon_analytics.figures.dates import MONTHS
from avon_analytics.report.words.numbers import MISSING, is_missing
from avon_analytics.report.words.text import NOT_KNOWN


def as_date(value: object) -> date | None:
    """A date from a date, a timestamp or an ISO text."""
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else pd.Timestamp(str(value)).date()


def month(value: object) -> str:
    """``Mar 2025``, in English whatever the machine's language."""
    on = as_date(value)
    return NOT_KNOWN if on is None else f"{MONTHS[on.month - 1]} {on.year}"


def day(value: object) -> str:
    on = as_date(value)
    return MISSING if on is None else f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def utc(instant: str) -> str:
    """An instant in ISO 8601 as ``30 Nov 2025, 17:04 UTC``."""
    at = datetime.fromisoformat(instant).astimezone(UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


@dataclass(frozen=True)
class Clock:
    """Instants in the store's time zone."""

    time_zone: str

    def local(self, at: datetime | None) -> datetime | None:
        if at is None or is_missing(at):
            return None
        return at.astimezone(ZoneInfo(self.time_zone))

    def day(self, at: datetime | None) -> str:
        return day(self.local(at))

    def span(self, first: datetime | None, last: datetime | None) -> str:
        """``3 Sep 2024 to 14 Nov 2025``, one day alone, or ``none``."""
        if self.local(first) is None and self.local(last) is None:
            return "none"
        return " to ".join(dict.fromkeys((self.day(first), self.day(last))))

    def instant(self, at: datetime) -> str:
        """Local time with its zone, and UTC beside it where that differs."""
        local, utc = self.local(at), at.astimezone(ZoneInfo("UTC"))
        if local is None:
            return MISSING
        shown = f"{day(local)}, {local:%H:%M} {local.tzname()}"
        if local.utcoffset() == utc.utcoffset():
            return shown
        other_day = "" if local.date() == utc.date() else f"{day(utc)}, "
        return f"{shown} ({other_day}{utc:%H:%M} UTC)"
