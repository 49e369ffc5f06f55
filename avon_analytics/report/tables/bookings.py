"""What had become of bookings after so many days: a row a day, a column a cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.figures import Column, Kind
from avon_analytics.report.tables.rows import Row, rows_of
from avon_analytics.report.tables.table import FigureTable
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import is_missing, plural


def table_by_days(frame: pd.DataFrame, groups: list[str], most: int | None) -> FigureTable:
    """What had become of bookings after so many days: a row a day, a column a cause."""
    causes = list(frame["cause"].unique())
    columns = [
        Column(str(one), Kind.SHARE, f"had ended as {one}", heading=heading(str(one)),
               has_interval=True)
        for one in causes
    ]  # fmt: skip
    last = frame["day"].max() if len(frame) else 0
    drawn, n_rows = _first_groups(frame, groups, most)
    parts: dict[tuple[Any, ...], dict[str, list[Row]]] = {}
    read = (*groups, "cause", "day", *(name for name in _REACHED.values() if name in frame))
    for row in rows_of(_that_tell(drawn, groups)[[*read]]):
        of_group = tuple(None if is_missing(row[name]) else row[name] for name in groups)
        parts.setdefault(of_group, {}).setdefault(str(row["cause"]), []).append(row)
    rows: list[Row] = []
    for of_group, curves in parts.items():
        furthest = max(row["day"] for curve in curves.values() for row in curve)
        for day in days_shown(furthest):
            reached: dict[str, Any] = {str(cause): 0.0 for cause in causes}
            for cause, curve in curves.items():
                if so_far := [row for row in curve if row["day"] <= day]:
                    reached |= _reached(cause, so_far)
            called = dict(zip(groups, of_group, strict=True))
            rows.append({**called, "within": plural(day, "day"), **reached})
    return FigureTable(
        keys=[*groups, "within"],
        columns=columns,
        rows=rows,
        n_more=n_rows - len(rows),
        notes=(f"Every day up to day {last} is in CSV, JSON and the DataFrame.",),
    )


def _first_groups(
    frame: pd.DataFrame, groups: list[str], most: int | None
) -> tuple[pd.DataFrame, int]:
    """The rows of the first groups, which make up so many lines, and how many lines all make."""
    if not groups or frame.empty:
        return frame, len(days_shown(frame["day"].max())) if len(frame) else 0
    parts = frame.groupby(groups, sort=False, dropna=False)
    n_lines = parts["day"].max().map(lambda furthest: len(days_shown(furthest))).cumsum()
    if most is None:
        return frame, int(n_lines.iloc[-1])
    n_groups = np.searchsorted(n_lines, most) + 1
    return frame[parts.ngroup() < n_groups], int(n_lines.iloc[-1])


def _that_tell(frame: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Of each curve the last rows, known and blank, until each of the days that may be shown."""
    curves = frame[[*groups, "cause"]].assign(
        until=np.searchsorted(AFTER_DAYS, frame["day"]),
        is_known=frame["cumulative_incidence"].notna(),
    )
    return frame[~curves.duplicated(keep="last")]


_REACHED = {
    "": "cumulative_incidence",
    "_low": "cumulative_incidence_low",
    "_high": "cumulative_incidence_high",
}


def _reached(cause: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The newest estimate of a cause; blanked days say nothing, so the last known one stands."""
    known = [row for row in rows if not is_missing(row.get("cumulative_incidence"))]
    if not known:
        return dict.fromkeys((cause + end for end in _REACHED), None)
    return {cause + end: known[-1].get(name) for end, name in _REACHED.items()}


AFTER_DAYS = (1, 7, 14, 30, 60, 90)


def days_shown(furthest: int) -> list[int]:
    """The days at which a table says how bookings had ended; the last of few is one of them."""
    days = [day for day in AFTER_DAYS if day <= furthest]
    is_last = furthest >= AFTER_DAYS[-1] or furthest in days or furthest < 0
    return days if is_last else [*days, furthest]
