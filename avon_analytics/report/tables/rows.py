"""A figure as plain rows: put in order, bounded, added up, and the periods worth comparing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from avon_analytics.figures import COLUMNS, Kind
from avon_analytics.figures.names import without_names
from avon_analytics.report.words.dates import as_date
from avon_analytics.report.words.numbers import is_missing, number
from avon_analytics.report.words.periods import before, every_of
from avon_analytics.report.words.text import WHOLE, plain, told_apart

Row = Mapping[str, Any]
QUANTILES = ("median_", "p90_")
"""How the names of columns begin that do not add up, whatever they are of."""
ADD_UP = (Kind.COUNT, Kind.HOURS, Kind.NUMBER)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as plain rows, names as text."""
    names = [str(name) for name in frame.columns]
    bare = frame.copy(deep=False)
    bare.attrs = {}  # pandas would copy them with each column
    columns = [values.tolist() for _, values in bare.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def by_period(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with ``period_on`` as a date, oldest first; a row without a period is left out."""
    rows = [{**row, "period_on": as_date(row.get("period_on"))} for row in rows_of(frame)]
    return sorted((row for row in rows if row["period_on"]), key=lambda row: row["period_on"])


def newest_rows(frame: pd.DataFrame, newest: int) -> list[dict[str, Any]]:
    """The rows of so many calendar periods, most of them behind the last complete one.

    Appointments are booked far ahead, and one start mistyped by a century is enough to stretch
    an axis: at most a quarter of the periods lies after the last complete one.
    """
    rows, every = by_period(frame), every_of(frame)
    if not rows:
        return []
    end: date = rows[-1]["period_on"]
    if complete := complete_periods(rows):
        end = min(end, before(max(complete), every, -(newest // 4)))
    start = before(end, every, newest - 1)
    return [row for row in rows if start <= row["period_on"] <= end]


def newest_part(frame: pd.DataFrame, newest: int) -> pd.DataFrame:
    """The frame with those periods alone."""
    kept = set(newest_periods(frame, newest))
    known = [on for on in frame["period_on"].dropna().unique() if as_date(on) in kept]
    return frame[frame["period_on"].isin(known)]


def newest_periods(frame: pd.DataFrame, newest: int) -> list[date]:
    """Those periods. Whether one is complete is the same for all groups."""
    columns = [name for name in ("period_on", "is_mature", "is_whole") if name in frame]
    apart = frame.drop_duplicates(columns)
    return list(dict.fromkeys(row["period_on"] for row in newest_rows(apart, newest)))


def split_newest(rows: list[dict[str, Any]], newest: int) -> tuple[list[Row], list[Row]]:
    """The older rows, and the newest ones."""
    cut = max(len(rows) - newest, 0)
    return list(rows[:cut]), list(rows[cut:])


def is_complete(row: Row) -> bool:
    """Whether a row's period is mature and whole; a figure that says neither has no doubt of it."""
    flags = [row[name] for name in ("is_mature", "is_whole") if name in row]
    return all(not is_missing(flag) and bool(flag) for flag in flags)


def incomplete_periods(outcomes: pd.DataFrame) -> list[date]:
    """The periods of an ``outcomes`` frame that are not complete, oldest first."""
    return [row["period_on"] for row in by_period(outcomes) if not is_complete(row)]


def complete_periods(rows: Iterable[Row]) -> dict[date, Row]:
    """The complete periods that hold at least one due slot, by their first day, oldest first."""
    return {row["period_on"]: row for row in rows if is_complete(row)}


def summed(rows: Sequence[Row]) -> dict[str, Any]:
    """Several rows as one: counts and hours added up, and their shares and ratios from the sums.

    What is missing in one row is missing in the sum; quantiles and intervals are no sums.
    """

    def total(name: str) -> float | None:
        values = [number(row.get(name)) for row in rows]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    names = list(rows[0]) if rows else []
    sums: dict[str, Any] = {name: total(name) for name in names if _adds_up(name)}
    for column in (COLUMNS[name] for name in names if name in COLUMNS and COLUMNS[name].counts):
        among = f"{column.name}_n" if column.has_n else column.among[0]
        n, part = total(among), total(column.counts)
        sums[column.name] = part / n if n and part is not None else None
    return sums


def _adds_up(name: str) -> bool:
    """Whether what is in a column of this name can be added up."""
    known = COLUMNS.get(name)
    if known is None or name.startswith(QUANTILES):
        return name.startswith("n_")
    return known.kind in ADD_UP


def groupings(frame: pd.DataFrame) -> list[str]:
    """The groupings of a figure: all columns before the first of its own, but for names of ids."""
    names = [str(name) for name in frame.columns]
    own = (i for i, name in enumerate(names) if name in COLUMNS or name == "period_on")
    return without_names(names[: next(own, len(names))])


def largest(rows: Sequence[Row], by: str, most: int) -> tuple[list[Row], list[Row]]:
    """The rows with the largest counts, still in their order, and the others."""
    ranked = sorted(range(len(rows)), key=lambda i: (-(number(rows[i].get(by)) or 0), i))
    kept = set(ranked[:most])
    shown = [row for i, row in enumerate(rows) if i in kept]
    return shown, [row for i, row in enumerate(rows) if i not in kept]


def group_name(row: Row, columns: Sequence[str], limit: int = 80) -> str:
    """What a row is called: its groups' values, side by side."""
    return " · ".join(plain(row.get(name), limit) for name in columns)


def group_names(rows: Iterable[Row], columns: Sequence[str], limit: int = 80) -> list[str]:
    """What rows are called, cut so that two which differ can be told apart."""
    return told_apart([group_name(row, columns, WHOLE) for row in rows], limit)
