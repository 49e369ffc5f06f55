"""How each kind of column is written in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from avon_analytics.figures import Kind
from avon_analytics.report.tables.rows import is_complete
from avon_analytics.report.terminal.columns import COUNT, NEVER, SHARE
from avon_analytics.report.words.dates import as_date
from avon_analytics.report.words.letters import in_cells
from avon_analytics.report.words.numbers import (
    MISSING,
    amount,
    chance,
    count,
    is_missing,
    percent,
    points,
)
from avon_analytics.report.words.text import plain

LONGEST = 60
STARRED = "* not complete: not over, not all due, or only in part in the window"


def percent_in_text(value: object) -> str:
    return percent(value).replace("\u00a0", " ")


class Cells(NamedTuple):
    """How a kind of column is written, when it gives way, and whether it stands to the right."""

    write: Callable[[object], str] | None
    gives_way: int
    right: bool


CELLS: Mapping[Kind | None, Cells] = {
    Kind.COUNT: Cells(count, COUNT, True),
    Kind.SHARE: Cells(percent_in_text, SHARE, True),
    Kind.RATIO: Cells(percent_in_text, SHARE, True),
    Kind.DIFFERENCE: Cells(points, SHARE, True),
    Kind.CHANCE: Cells(chance, SHARE, True),
    Kind.HOURS: Cells(amount, COUNT, True),
    Kind.DAYS: Cells(amount, COUNT, True),
    Kind.MINUTES: Cells(amount, COUNT, True),
    Kind.NUMBER: Cells(amount, COUNT, True),
    Kind.WHOLE: Cells(count, NEVER, True),
    Kind.FLAG: Cells(None, NEVER, False),
    Kind.TEXT: Cells(None, NEVER, False),
    Kind.DATE: Cells(None, NEVER, False),
    None: Cells(None, NEVER, True),
}
"""By the kind of a column; None for a number that is no measure."""


def written(
    values: Iterable[object], write: Callable[[object], str] | None = None, most: int = LONGEST
) -> list[str]:
    """Each value in words, by ``write`` or as plain text of at most so many cells."""
    return [
        MISSING if is_missing(one) else write(one) if write else plain(one, most, in_cells)
        for one in values
    ]


def starred(row: Mapping[str, Any], every: str) -> str:
    """The name of a row's period, with a star where that is not complete."""
    name = period_name(row["period_on"], every)
    return name if is_complete(row) else f"{name} *"


def period_name(value: object, every: str) -> str:
    """``2025-03``, ``2025-Q1``, ``2025``, ``2025-03-03`` (a day, or the Monday of a week)."""
    on = as_date(value)
    if on is None:
        return MISSING
    if every == "quarter":
        return f"{on.year}-Q{(on.month + 2) // 3}"
    return {"year": f"{on:%Y}", "month": f"{on:%Y-%m}"}.get(every, on.isoformat())
