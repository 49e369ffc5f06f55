"""What all figures share: running their SQL, and the shares, order and types of their columns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import pandas as pd

from avon_analytics.appointments.groupings import Grouping
from avon_analytics.appointments.intervals import wilson


@dataclass(frozen=True, slots=True)
class Counted:
    """What the SQL of a figure answered: a row per group and period, unordered."""

    rows: pd.DataFrame
    keys: tuple[Grouping, ...]
    every: str | None
    as_of: datetime | None
    n_unverified_events: int
    window_end: date | None
    grace_hours: float
    late_hours: float
    time_zone: str


class Ask(Protocol):
    """How a figure asks a cohort: run the SQL of this name over the rows of ``table``."""

    def __call__(
        self,
        figure: str,
        *,
        by: str | Iterable[str],
        every: str | None = None,
        table: str = "slots",
        plus: str | None = None,
        more: Mapping[str, Grouping] | None = None,
    ) -> Counted: ...


def with_share(rows: pd.DataFrame, name: str, count: pd.Series, among: pd.Series) -> None:
    """Add a share, its denominator and its 95 % Wilson interval; missing where among is 0."""
    share, low, high = wilson(count.to_numpy(), among.to_numpy())
    rows[name] = share
    rows[f"{name}_n"] = among.to_numpy()
    rows[f"{name}_low"] = low
    rows[f"{name}_high"] = high


def finished(
    counted: Counted, rows: pd.DataFrame, columns: Iterable[str], definition: str
) -> pd.DataFrame:
    """The figure: its columns in their order and types, its rows ordered, its attributes set.

    Rows are ordered by the groups, then the period; a missing value comes last.
    """
    keys = [key.name for key in counted.keys]
    if counted.every is not None:
        keys.append("period_on")
    wanted = [*keys, *columns]
    data = rows[wanted].astype({name: _dtype(name) for name in wanted if name not in keys})
    order = [*keys, *(["step"] if "step" in data else [])]
    if order:
        labels = {key.name: key.labels for key in counted.keys if key.labels}
        data = data.sort_values(
            order,
            key=lambda column: _ranks(column, labels.get(str(column.name))),
            na_position="last",
            kind="stable",
        )
    data = data.reset_index(drop=True)
    data.attrs = attributes(definition, counted.as_of, counted.n_unverified_events)
    data.attrs["every"] = counted.every
    return data


def attributes(
    definition: str, as_of: datetime | None, n_unverified_events: int
) -> dict[Hashable | None, Any]:
    """What comes with every DataFrame of a cohort, as plain values."""
    return {
        "definition": definition,
        "as_of": None if as_of is None else as_of.isoformat(),
        "n_unverified_events": n_unverified_events,
    }


def _ranks(column: pd.Series, labels: tuple[str, ...] | None) -> pd.Series:
    if labels is None:
        return column
    return column.map({label: rank for rank, label in enumerate(labels)}).astype("Float64")


def _dtype(name: str) -> str:
    if name.startswith("n_") or name == "step" or name.endswith("_share_n"):
        return "int64"
    if name == "stage":
        return "str"
    return "bool" if name.startswith("is_") else "float64"
