"""Plain words and number formats, shared by the page and the terminal.

Every text from outside passes ``plain`` on its way to a reader: bounded in length and without
characters that steer a terminal, break XML or turn the reading direction. It does not escape:
the template and the SVG writer do.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from avon_analytics.figures import COLUMNS, Column, Kind
from avon_analytics.figures.dates import MONTHS
from avon_analytics.figures.names import CUSTOM
from avon_analytics.report.words.letters import Measure, beginning, ending

MISSING = "–"
NOT_KNOWN = "not known"

HEADINGS = {
    "period_on": "Month",
    "day_on": "Day",
    "host": "Host",
    "name": "Appointment",
    "group": "Group visit",
    "recurring": "Recurring",
    "self_booked": "Booked by the patient",
    "hour": "Hour",
    "lead_band": "Days booked ahead",
    "notice_band": "Notice",
    "cancelled_by": "Cancelled by",
    "medical_center": "Medical center",
    "no_show": "No-show",
    "of_all_share": "Of all cancelled",
    "sha256": "SHA-256",
    "n_lines": "Lines",
    "n_seen": "Seen",
    "json_type": "JSON type",
}
"""Headings of groups and of tables that are no figures; a figure's are those it declares."""

_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


def plain(value: object, limit: int = 80, measure: Measure = len) -> str:
    """A value as one short line of text; missing is said in words."""
    if is_missing(value):
        return NOT_KNOWN
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(_UNWANTED.sub(" ", str(value)[: 4 * limit]).split())
    if measure(text) <= limit:
        return text
    return beginning(text, limit - 1, measure).rstrip() + "…"


def cut(text: str, limit: int, measure: Measure = len) -> str:
    """A text of at most this length; an ending that tells two of one name apart stays."""
    if measure(text) > limit and (apart := re.search(r" \(…[^ ()]+\)$", text)):
        room = max(limit - measure(apart[0]), 2)
        return plain(text[: apart.start()], room, measure) + apart[0]
    return plain(text, limit, measure)


def told_apart(names: Sequence[str], limit: int, measure: Measure = len) -> list[str]:
    """Names cut to this length; where that makes two alike, they keep their ends as well."""
    short = {name: cut(name, limit, measure) for name in dict.fromkeys(names)}
    seen = Counter(short.values())
    start = limit // 2
    return [
        f"{beginning(name, start, measure).rstrip()}…{ending(name, limit - start - 1, measure)}"
        if seen[short[name]] > 1
        else short[name]
        for name in names
    ]


def heading(column: str) -> str:
    """A column's name in plain words."""
    if column in COLUMNS:
        return COLUMNS[column].title
    if column in HEADINGS:
        return HEADINGS[column]
    if column.startswith(CUSTOM):
        return plain(column.removeprefix(CUSTOM), 60)  # an id, or a label of the user's
    words = column.removeprefix("n_").removesuffix("_at").replace("_", " ").strip()
    return plain(words[:1].upper() + words[1:], 60)


def within(column: str) -> str:
    """A column's name within a sentence; what a field is called stays as it is written."""
    name = heading(column)
    return name if column.startswith(CUSTOM) else name[:1].lower() + name[1:]


def share_name(share: str) -> str:
    """What a share is of, where it stands among others: ``No-show``, ``Late``."""
    return heading(share).removesuffix(" share")


def capital(words: str) -> str:
    """The words as the beginning of a line."""
    return words[:1].upper() + words[1:]


def is_missing(value: object) -> bool:
    """None, NaN, NaT or NA."""
    return value is None or value is pd.NA or value is pd.NaT or value != value


def number(value: object) -> float | None:
    """A number, or None where it is missing."""
    return None if is_missing(value) else float(value)  # type: ignore[arg-type]


def count(value: object) -> str:
    known = number(value)
    return MISSING if known is None else f"{known:,.0f}".replace("-", "−")


def amount(value: object, digits: int = 1) -> str:
    """A duration or another measure, one decimal."""
    known = number(value)
    return MISSING if known is None else f"{known:,.{digits}f}".replace("-", "−")


def lasting(hours: float) -> str:
    """A time that passed: in hours, from three days on in days."""
    if abs(hours) < 72:
        return f"{amount(hours)} hours"
    return f"{count(hours / 24)} days"


def percent(value: object) -> str:
    known = number(value)
    return MISSING if known is None else f"{100 * known:.1f}\u00a0%"


def points(value: object) -> str:
    """A difference of shares in percentage points, with its sign: ``+3.2``, ``−0.4``, ``0.0``."""
    known = number(value)
    if known is None:
        return MISSING
    text = f"{100 * known:.1f}"
    return "0.0" if text in ("0.0", "-0.0") else f"{100 * known:+.1f}".replace("-", "−")


def chance(value: object) -> str:
    """A p-value or the like, to three decimals."""
    known = number(value)
    if known is None:
        return MISSING
    return "< 0.001" if known < 0.001 else f"{known:.3f}"


class Share(NamedTuple):
    """A share beside its denominator and interval."""

    value: float | None
    n: float | None
    low: float | None
    high: float | None

    @property
    def interval(self) -> str:
        if self.low is None or self.high is None:
            return ""
        between = " to " if self.low < 0 else "–"
        return f"{100 * self.low:.1f}{between}{100 * self.high:.1f}".replace("-", "−")

    @property
    def behind(self) -> str:
        """What a share rests on: its denominator and interval."""
        parts = [f"of {count(self.n)}"] if self.n is not None else []
        return ", ".join(parts + [self.interval] * bool(self.interval))


def share(row: Mapping[str, Any], name: str) -> Share:
    """The share called ``name`` in a row of a figure."""
    return Share(*(number(row.get(name + end)) for end in ("", "_n", "_low", "_high")))


def interval(row: Mapping[str, Any], column: Column) -> str:
    """The interval of a column in a row, in its own unit; empty where there is none."""
    if column.kind is Kind.SHARE:
        return share(row, column.name).interval
    low, high = (row.get(f"{column.name}_{end}") for end in ("low", "high"))
    if is_missing(low) or is_missing(high):
        return ""
    if column.kind is Kind.DIFFERENCE:
        return f"{points(low)} to {points(high)}"
    return f"{amount(low)}–{amount(high)}"


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


def plural(n: float | None, one: str, many: str | None = None) -> str:
    """``1 slot``, ``2,000 slots``."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def share_words(name: str, definition: str) -> tuple[str, str]:
    """A share's name, and what is counted and divided; ``definition`` is its figure's."""
    declared = COLUMNS.get(name)
    if declared is None:
        return heading(name), f"{heading(name).lower()} with its denominator"
    divided = f"{declared.means} ÷ {declared.of}"
    if name == "no_show_share" and "no-show / (attended + no-show + cancelled" in definition:
        divided = "no-shows ÷ due slots that were not rescheduled"
    return heading(name), divided


def utc(instant: str) -> str:
    """An instant in ISO 8601 as ``30 Nov 2025, 17:04 UTC``."""
    at = datetime.fromisoformat(instant).astimezone(UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


def zones(visits: Sequence[str], of_store: str) -> str:
    """``America/New_York``, of several the zone of most visits; without visits the store's."""
    if not visits:
        return plain(of_store, 60)
    most, more = plain(visits[0], 60), len(visits) - 1
    return f"{most} for most visits, and {plural(more, 'other')}" if more else most


def patients(n_patients: float | None, n_appointments: float | None) -> str:
    """How many patients; where the archive names none of those who were to come, in words."""
    return "none named" if n_patients == 0 and n_appointments else count(n_patients)


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


def hours(value: float) -> str:
    """A settable number of hours: ``24 hours``, ``1.5 hours``."""
    return f"{value:g} hour" + ("" if math.isclose(value, 1) else "s")
