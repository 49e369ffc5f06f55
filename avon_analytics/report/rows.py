"""A figure as plain rows: put in order, bounded, added up, and the months worth comparing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from avon_analytics.report.wording import as_date, is_missing, number, plain

Row = Mapping[str, Any]

_FIRST_COUNTS = ("period_on", "n_slots")


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as plain rows, names as text."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def monthly(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with ``period_on`` as a date, oldest first; a row without a month is left out."""
    rows = [{**row, "period_on": as_date(row.get("period_on"))} for row in rows_of(frame)]
    return sorted((row for row in rows if row["period_on"]), key=lambda row: row["period_on"])


def window(outcomes: pd.DataFrame, months: int) -> list[dict[str, Any]]:
    """The rows of so many calendar months, most of them behind the last complete one.

    Appointments are booked far ahead, and one start mistyped by a century is enough to stretch
    an axis: at most a quarter of the months lies after the last complete one.
    """
    rows = monthly(outcomes)
    if not rows:
        return []
    end: date = rows[-1]["period_on"]
    if complete := mature_months(rows):
        end = min(end, before(max(complete), -(months // 4)))
    start = before(end, months - 1)
    return [row for row in rows if start <= row["period_on"] <= end]


def split_newest(rows: list[dict[str, Any]], newest: int) -> tuple[list[Row], list[Row]]:
    """The older rows, and the newest ones."""
    cut = max(len(rows) - newest, 0)
    return list(rows[:cut]), list(rows[cut:])


def is_mature(row: Row) -> bool:
    flag = row.get("is_mature")
    return not is_missing(flag) and bool(flag)


def incomplete_months(outcomes: pd.DataFrame) -> list[date]:
    """The months of an ``outcomes`` frame that are not complete yet, oldest first."""
    return [row["period_on"] for row in monthly(outcomes) if not is_mature(row)]


def before(month: date, months: int = 1) -> date:
    """The first day of the month that many months earlier."""
    index = month.year * 12 + month.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def mature_months(rows: Iterable[Row]) -> dict[date, Row]:
    """The complete months that hold at least one due slot, by their first day, oldest first."""
    return {row["period_on"]: row for row in rows if is_mature(row)}


def calendar(first: date, last: date) -> list[date]:
    """Every month from the first to the last, both included."""
    n = (last.year - first.year) * 12 + last.month - first.month
    return [before(last, back) for back in range(n, -1, -1)]


def summed(rows: list[Row], shares: Mapping[str, str]) -> dict[str, Any]:
    """Several rows as one: counts added, and each share from the added counts.

    ``shares`` names the numerator of each share. A count that is missing in one row is missing in
    the sum; medians and intervals are not sums and stay missing.
    """

    def total(name: str) -> float | None:
        values = [number(row.get(name)) for row in rows]
        known = [value for value in values if value is not None]
        return sum(known) if rows and len(known) == len(values) else None

    names = [name for name in (rows[0] if rows else {}) if name.startswith("n_")]
    result: dict[str, Any] = {name: total(name) for name in names}
    for name, numerator in shares.items():
        n, part = total(f"{name}_n"), total(numerator)
        result[f"{name}_n"] = n
        result[name] = part / n if n and part is not None else None
    return result


def groupings(outcomes: pd.DataFrame) -> list[str]:
    """The grouping columns of an ``outcomes`` frame: all before its counts."""
    names = [str(name) for name in outcomes.columns]
    cut = next((i for i, name in enumerate(names) if name in _FIRST_COUNTS), len(names))
    return names[:cut]


def largest(rows: Sequence[Row], by: str, most: int) -> tuple[list[Row], list[Row]]:
    """The rows with the largest counts, still in their order, and the others."""
    ranked = sorted(range(len(rows)), key=lambda i: (-(number(rows[i].get(by)) or 0), i))
    kept = set(ranked[:most])
    shown = [row for i, row in enumerate(rows) if i in kept]
    return shown, [row for i, row in enumerate(rows) if i not in kept]


def group_name(row: Row, columns: Sequence[str], limit: int = 80) -> str:
    """What a row is called: its groups' values, side by side."""
    return " · ".join(plain(row.get(name), limit) for name in columns)
