"""The columns of a figure's sheet: which, in which order, with what number format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from avon_analytics.figures import Column, Figure, Kind
from avon_analytics.report.tables.cancelled import OF_ALL, foremost, is_of_cancelled
from avon_analytics.report.tables.rows import Row
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import is_missing

_SHARES = (Kind.SHARE, Kind.RATIO)
_NUMBERS: Mapping[Kind, str] = {
    Kind.COUNT: "#,##0",
    Kind.WHOLE: "#,##0",
    Kind.CHANCE: '[<0.001]"< 0.001";0.000',
    Kind.DIFFERENCE: "+0.0;−0.0;0.0",
    **dict.fromkeys(_SHARES, "0.0%"),
}
_PERIODS = {"year": "yyyy", "month": "mmm yyyy", "quarter": "mmm yyyy"}
_FIRST = {"quarter": "Quarter from", "week": "Week from"}
_FLAGS = ("is_mature", "is_whole")


@dataclass(frozen=True)
class SheetColumn:
    """One column of the sheet: its heading, the number format of its cells, and what it is."""

    name: str
    heading: str
    form: str = ""
    is_key: bool = False
    is_further: bool = False
    """Whether it is folded away, behind the + above the headings."""
    times: int = 1
    """What its numbers are multiplied by, where the cell is in another unit than the figure."""


def key_column(name: str, rows: Sequence[Row], every: str) -> SheetColumn:
    """The column of a group, of the period, or of what else tells the rows apart."""
    if name == "period_on":
        title = _FIRST.get(every, every.capitalize())
        return SheetColumn(name, title, _PERIODS.get(every, "d mmm yyyy"), is_key=True)
    values = [row[name] for row in rows if not is_missing(row[name])]
    is_number = bool(values) and all(type(one) in (int, float) for one in values)
    return SheetColumn(name, heading(name), "0" if is_number else "", is_key=True)


def measure_columns(figure: Figure, shown: pd.DataFrame, keys: Sequence[str]) -> list[SheetColumn]:
    """What is said of each row: the foremost first, a share with what it rests on."""
    names, spelled = list(map(str, shown)), figure.spelled
    first = foremost(figure, keys)
    ordered = sorted(
        (one for one in spelled.values() if one.name in names and one.name not in keys),
        key=lambda one: _place(one, first),
    )
    has_periods = "period_on" in keys and set(_FLAGS) & set(names)
    flags = [SheetColumn("complete", "Complete")] if has_periods else []
    columns = [
        SheetColumn(
            one.name,
            one.title,
            _form(one, spelled),
            is_further=(one.base or one.name) not in first,
            times=100 if _is_in_points(one, spelled) else 1,
        )
        for one in ordered
        if one.name not in (*_FLAGS, "step")
    ]
    if is_of_cancelled(shown, keys):
        columns.insert(1, SheetColumn(OF_ALL.name, OF_ALL.title, _NUMBERS[OF_ALL.kind]))
    n = len([one for one in columns if not one.is_further])
    return [*columns[:n], *flags, *columns[n:]]


def _place(column: Column, first: Sequence[str]) -> int:
    """Where a column stands: what a share rests on follows it."""
    base = column.base or column.name
    return first.index(base) if base in first else len(first)


def _form(column: Column, spelled: Mapping[str, Column]) -> str:
    if column.kind is Kind.BOUND:
        return _form(spelled[column.base], spelled)
    if column.kind in (Kind.TEXT, Kind.FLAG, Kind.DATE):
        return ""
    return _NUMBERS.get(column.kind, "#,##0.0")


def _is_in_points(column: Column, spelled: Mapping[str, Column]) -> bool:
    """Whether it is a difference of shares, in percentage points."""
    return spelled[column.base or column.name].kind is Kind.DIFFERENCE
