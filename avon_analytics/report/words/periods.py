"""Calendar periods: their neighbours, and what they are called. A period is its first day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from avon_analytics.figures.dates import MONTHS
from avon_analytics.report.words.dates import as_date, day, month
from avon_analytics.report.words.text import NOT_KNOWN

MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
DAYS_IN = {"day": 1, "week": 7}


def every_of(frame: pd.DataFrame) -> str:
    """The length of a figure's periods: as the figure says, else as their first days say."""
    if every := frame.attrs.get("every"):
        return str(every)
    dates = [as_date(value) for value in frame["period_on"]] if "period_on" in frame else []
    return "month" if all(on.day == 1 for on in dates if on) else "day"


def before(on: date, every: str = "month", n: int = 1) -> date:
    """The first day of the period that lies ``n`` periods earlier; later, if ``n`` is negative."""
    if every in DAYS_IN:
        return on - timedelta(days=n * DAYS_IN[every])
    index = on.year * 12 + on.month - 1 - n * MONTHS_IN[every]
    return date(index // 12, index % 12 + 1, 1)


def periods_between(first: date, last: date, every: str) -> list[date]:
    """Every period from the first to the last, both included."""
    if every in DAYS_IN:
        n = (last - first).days // DAYS_IN[every]
    else:
        n = (last.year - first.year) * 12 + last.month - first.month
        n //= MONTHS_IN[every]
    return [before(last, every, back) for back in range(n, -1, -1)]


def label(value: object, every: str = "month") -> str:
    """``Mar 2025``, ``Q1 2025``, ``2025``, ``3 Mar 2025`` (a day, or the Monday of a week)."""
    on = as_date(value)
    if on is None:
        return NOT_KNOWN
    if every == "month":
        return month(on)
    if every == "quarter":
        return f"Q{(on.month + 2) // 3} {on.year}"
    return str(on.year) if every == "year" else day(on)


def short_label(on: date, every: str) -> str:
    """A label's first part, for an axis: the year stands below it once."""
    if every == "month":
        return MONTHS[on.month - 1]
    if every == "quarter":
        return f"Q{(on.month + 2) // 3}"
    return str(on.year) if every == "year" else f"{on.day} {MONTHS[on.month - 1]}"


def span(periods: Iterable[date], every: str) -> str:
    """``Jan 2025 to Nov 2025``; a single period is its own name."""
    known = sorted(periods)
    ends = list(dict.fromkeys(label(on, every) for on in (known[0], known[-1])))
    return " to ".join(ends)
