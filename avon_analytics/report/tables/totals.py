"""All rows of a figure as one: what adds up, the shares of that, and what does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.statistics.intervals import wilson
from avon_analytics.figures import Column, Figure, Kind
from avon_analytics.report.tables.rows import ADD_UP, QUANTILES, Row, rows_of


def blanks_of_all(columns: Sequence[Column], totals: Sequence[Row]) -> Iterator[str]:
    """Why medians of all are blank, and intervals of what is expected."""
    if totals and any(one.name.startswith(QUANTILES) for one in columns):
        yield "Medians do not add up: that of all is the figure's without groups and periods."
    if totals and any(one.kind is Kind.NUMBER for one in columns):
        yield "Intervals do not add up: those of all are the figure's without groups and periods."


def totals(
    frame: pd.DataFrame, columns: Sequence[Column], figure: Figure, groups: Sequence[str]
) -> list[Row]:
    """All rows as one, or as one for each of what the figure itself divides by."""
    own = [name for name in figure.row_names if name in frame]
    parts = [part for _, part in frame.groupby(own, sort=False, dropna=False)] if own else [frame]
    if len(frame) <= len(parts):  # each stands for itself
        return []
    return [
        {**dict.fromkeys(groups), **one, **_sum(part, columns, figure)}
        for part in parts
        for one in (rows_of(part[own].head(1)) if own else [{}])
    ]


def _sum(frame: pd.DataFrame, columns: Sequence[Column], figure: Figure) -> dict[str, Any]:
    """Counts and hours added up, and shares of them; quantiles are no sums, and stay missing."""
    sums: dict[str, Any] = {}
    for column in columns:
        name = column.name
        if column.counts in figure.apart:
            continue
        if column.has_n and column.counts:
            part, among = total_of(frame, column.counts), total_of(frame, f"{name}_n")
            sums |= _share(name, part, among)
        elif column.kind is Kind.RATIO and column.among:
            part, among = total_of(frame, column.counts), total_of(frame, column.among[0])
            sums[name] = part / among if among and part is not None else None
        elif column.kind in ADD_UP and not name.startswith(QUANTILES):
            sums[name] = None if name in figure.apart else total_of(frame, name)
    return sums


def total_of(frame: pd.DataFrame, name: str) -> float | None:
    """What a column adds up to; missing where some of it is blank, as the rest is no total."""
    if name not in frame or frame[name].hasnans:
        return None
    return sum(map(float, frame[name].tolist()))


def _share(name: str, part: float | None, among: float | None) -> dict[str, Any]:
    if part is None or not among:
        return {f"{name}_n": among}
    share, low, high = wilson(np.array([part]), np.array([among]))
    return {
        name: float(share[0]),
        f"{name}_n": among,
        f"{name}_low": float(low[0]),
        f"{name}_high": float(high[0]),
    }
