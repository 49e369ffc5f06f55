"""Dates and windows of dates in English words, whatever the machine's language."""

from __future__ import annotations

from datetime import date, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def window_in_words(start: date | None, end: date | None) -> str:
    """A half-open window: ``Oct 2025``, ``Jul to Sep 2025``, ``3 to 9 Mar 2025``, ``all dates``."""
    if start is None and end is None:
        return "all dates"
    if start is None or end is None:
        return f"before {_day(end)}" if end else f"from {_day(start)}" if start else ""
    last = end - timedelta(days=1)
    first, until = (_day(on).split() for on in (start, last))
    if start.day == end.day == 1:  # whole months, or whole years
        of = 2 if start.month == end.month == 1 else 1
        first, until = first[of:], until[of:]
    last_words = " ".join(until)
    while first and first[-1:] == until[-1:]:  # what both share is said once, at the end
        first, until = first[:-1], until[:-1]
    return f"{' '.join(first)} to {last_words}" if first else last_words


def _day(on: date) -> str:
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"
