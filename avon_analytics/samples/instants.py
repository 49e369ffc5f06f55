"""The clinic's calendar: its fixed dates, its local clocks and how each generation writes time.

Instants are integers, milliseconds since 1970 in UTC. No clock is read anywhere.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Vintage = Literal["A", "B", "C"]


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """The instant of a UTC date and time."""
    whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return int(whole.timestamp()) * SECOND


BEGIN = at(2024, 9, 3, 11, 30)  # the clinic's first booking
B_FROM = at(2025, 1, 20, 5)  # deliveries change from generation A to B …
C_FROM = at(2025, 5, 12, 4)  # … and to C
NEW_SECRET_FROM = at(2025, 3, 1, 9)
LAST_WORD = at(2025, 11, 14, 21, 59, 58) + 417  # the newest trusted event: the default T
CLOSED = LAST_WORD + 20 * MINUTE  # nothing is received after this
FUTURE = at(2031, 7, 7, 7, 7, 7)  # what one clock, set wrong, said

# Sundays on which clocks in the United States change, within the archive's time.
CLOCK_CHANGES = (date(2024, 11, 3), date(2025, 3, 9), date(2025, 11, 2))


def vintage_at(instant: int) -> Vintage:
    """The generation of Avon's payloads that was current at an instant."""
    if instant < B_FROM:
        return "A"
    return "B" if instant < C_FROM else "C"


@cache
def zone(name: str | None) -> ZoneInfo:
    """The time zone of this name; UTC where none is known."""
    return ZoneInfo(name or "UTC")


def local(instant: int, zone_name: str | None) -> datetime:
    """An instant on the wall clock of a time zone."""
    return datetime.fromtimestamp(instant / SECOND, zone(zone_name))


def from_local(day: date, hour: int, minute: int, zone_name: str | None) -> int:
    """The instant at which a wall clock shows this date and time."""
    wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone(zone_name))
    return round(wall.timestamp()) * SECOND


def local_day(instant: int, zone_name: str | None, days_later: int = 0) -> date:
    """The local calendar date, some days later if asked."""
    return local(instant, zone_name).date() + timedelta(days=days_later)


@cache
def _day_text(day_number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day_number)).isoformat()


@lru_cache(maxsize=8192)  # the versions of an object repeat most of their instants
def iso(instant: int) -> str:
    """The common ISO form, ``2024-02-22T20:09:46.206Z``."""
    days, rest = divmod(instant, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, milliseconds = divmod(rest, SECOND)
    return f"{_day_text(days)}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z"


def iso_like_live(instant: int, rng: Random) -> str:
    """One of the spellings that live records mix; all of them say the same instant."""
    spelling = rng.random()
    if spelling < 0.55:
        return iso(instant)
    if spelling < 0.58:
        offset = local(instant, "America/New_York")
        return offset.isoformat(timespec="milliseconds")
    plain = iso(instant)[:-5]
    milliseconds = instant % SECOND
    if milliseconds == 0:
        return f"{plain}Z" if spelling < 0.8 else f"{plain}+00:00"
    if milliseconds % 10 == 0 and spelling < 0.9:
        return f"{plain}.{milliseconds // 10:02}+00:00"
    return f"{plain}.{milliseconds:03}+00:00"


def seconds_text(instant: int) -> str:
    """An instant on a whole second, as the truth writes planned starts."""
    return f"{iso(instant)[:19]}Z"


def blurred(instant: int, rng: Random) -> int:
    """The instant with milliseconds as records have them: any, two digits, or none."""
    whole = instant - instant % SECOND
    kind = rng.random()
    if kind < 0.2:
        return whole
    if kind < 0.4:
        return whole + 10 * rng.randrange(100)
    return whole + rng.randrange(1000)
