"""A share of a figure beside what it rests on: its denominator and interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from avon_analytics.figures import Column, Kind
from avon_analytics.report.words.numbers import amount, count, is_missing, number, points


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
