"""How each kind of column is written in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from avon_analytics.figures import Kind
from avon_analytics.report.tables.rows import is_complete
from avon_analytics.report.terminal.columns import COUNT, NEVER, SHARE
from avon_analytics.report.words.dates import as_date
from avon_analytics.report.words.numbers import MISSING, amount, chance, count, percent, points

LONGEST = 60
STARRED = "* not complete: not over, not all due, or only in part in the window"


def percent_in_text(value: object) -> str:
    return percent(value).replace("\u00a0", " ")


WRITTEN: Mapping[Kind | None, tuple[Callable[[object], str] | None, int, bool]] = {
    Kind.COUNT: (count, COUNT, True),
    Kind.SHARE: (percent_in_text, SHARE, True),
    Kind.RATIO: (percent_in_text, SHARE, True),
    Kind.DIFFERENCE: (points, SHARE, True),
    Kind.CHANCE: (chance, SHARE, True),
    Kind.HOURS: (amount, COUNT, True),
    Kind.DAYS: (amount, COUNT, True),
    Kind.MINUTES: (amount, COUNT, True),
    Kind.NUMBER: (amount, COUNT, True),
    Kind.WHOLE: (count, NEVER, True),
    Kind.FLAG: (None, NEVER, False),
    Kind.TEXT: (None, NEVER, False),
    Kind.DATE: (None, NEVER, False),
    None: (None, NEVER, True),
}
"""How each kind of column is written, when it gives way, and whether it stands to the right."""


def starred(row: Mapping[str, Any], every: str) -> str:
    """The name of a row's period, with a star where that is not complete."""
    name = _period(as_date(row["period_on"]), every)
    return name if is_complete(row) else f"{name} *"


def _period(on: date | None, every: str) -> str:
    if on is None:
        return MISSING
    if every == "quarter":
        return f"{on.year}-Q{(on.month + 2) // 3}"
    return {"year": f"{on:%Y}", "month": f"{on:%Y-%m}"}.get(every, on.isoformat())
