"""What all figures share: running their SQL, and the shares, order and types of their columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, Required, TypedDict, Unpack

import pandas as pd

from avon_analytics.appointments.completeness import Completeness
from avon_analytics.appointments.groupings import Grouping
from avon_analytics.appointments.intervals import wilson
from avon_analytics.appointments.names import Names, with_names
from avon_analytics.appointments.small_counts import blank_small
from avon_analytics.arguments import whole_number
from avon_analytics.figures.declared import Cells, Column, Figure, Kind

_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Counted:
    """What the SQL of a figure answered: a row per group and period, unordered."""

    rows: pd.DataFrame
    keys: tuple[Grouping, ...]
    every: str | None
    as_of: datetime | None
    n_unverified_events: int
    late: str
    """When something is late, in words."""
    min_count: int
    completeness: Completeness | None
    """Which periods are complete, for a figure that says so."""
    names: Names = field(default_factory=dict)
    """What the groups are called."""
    headings: Mapping[str, str] = field(default_factory=dict)
    """What custom fields among the groupings are called."""


Beside = Literal["every_slot", "follow_up", "session_hours"]
"""What a figure reads beside the cohort's rows: all slots, or what was computed of them."""


class AskOptions(TypedDict, total=False):
    """How a figure asks for the rows of ``table``.

    dated: the date that places a row in the window and in a period, in place of the cohort's.
    beside: further tables that it reads. bound: parameters of the figure's own.
    """

    by: Required[str | Iterable[str]]
    every: str | None
    table: str
    plus: str | None
    more: Mapping[str, Grouping] | None
    dated: str | None
    beside: Iterable[Beside]
    bound: Mapping[str, Any] | None


class Ask(Protocol):
    """How a figure asks a cohort: run the SQL of this name over rows."""

    def __call__(self, figure: str, **how: Unpack[AskOptions]) -> Counted: ...


def with_share(rows: pd.DataFrame, name: str, count: pd.Series, among: pd.Series) -> None:
    """Add a share, its denominator and its 95 % Wilson interval; missing where among is 0."""
    share, low, high = wilson(count.to_numpy(), among.to_numpy())
    rows[name] = share
    rows[f"{name}_n"] = among.to_numpy()
    rows[f"{name}_low"] = low
    rows[f"{name}_high"] = high


def shares_of(
    figure: Figure, rows: pd.DataFrame, basis: str | None = None
) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What each share of a figure counts, and among how many."""
    return {
        name: (
            rows[figure.spelled[name].counts],
            rows[list(figure.among(name, basis))].sum(axis=1),
        )
        for name in figure.shares
    }


def with_shares(figure: Figure, rows: pd.DataFrame, basis: str | None = None) -> None:
    """Add each share of a figure, its denominator and its interval."""
    for name, (part, among) in shares_of(figure, rows, basis).items():
        with_share(rows, name, part, among)


def ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """One amount of another; missing where that is 0."""
    return part.astype("float64") / whole.astype("float64").where(whole > 0)


def checked_days(days: int) -> int:
    """For how many days somebody is followed. Raises UsageError for what is no such number."""
    expected = f"days: expected a whole number of days from 1 to {_MOST_DAYS:,}, such as 30"
    return whole_number(days, 1, _MOST_DAYS, expected)


Blank = Callable[[pd.DataFrame, Mapping[str, Column], int], pd.DataFrame]
"""How a figure blanks small counts: its rows, its columns and the bound."""


def finished(
    figure: Figure,
    counted: Counted,
    rows: pd.DataFrame,
    *,
    cells: Cells | None = None,
    blank: Blank | None = None,
    ordered: Mapping[str, tuple[str, ...]] | None = None,
    options: Mapping[str, Any] | None = None,
    **filled_in: object,
) -> pd.DataFrame:
    """The figure: its columns in their order and types, its rows ordered, its attributes set.

    A column of names follows each grouping whose values are ids.

    Rows are ordered by the groups, then the period, then the columns of ``ordered`` (by the labels
    given there, if any); a missing value comes last. ``cells`` stands in place of the figure's own
    where an option decides how its counts hang together, ``blank`` blanks small counts in a way of
    its own. ``options`` are those that the figure was asked with, as plain values. ``filled_in`` is
    what the figure's definition leaves open.
    """
    if counted.completeness is not None:
        counted.completeness.mark(rows)
    keys = [key.name for key in counted.keys]
    if counted.every is not None:
        keys.append("period_on")
    labels = {key.name: key.labels for key in counted.keys}
    rows = in_order(rows, {name: labels.get(name, ()) for name in keys} | dict(ordered or {}))
    columns = figure.spelled
    is_blanked = counted.min_count > 1
    if is_blanked:
        if blank is None:
            rows = blank_small(rows, columns, cells or figure.cells or Cells(), counted.min_count)
        else:
            rows = blank(rows, columns, counted.min_count)
    dtypes = {
        name: "Int64" if is_blanked and column.kind is Kind.COUNT else column.dtype
        for name, column in columns.items()
    }
    data = with_names(rows[[*keys, *columns]].astype(dtypes), counted.names)
    definition = figure.definition.format(**filled_in)
    data.attrs = attributes(definition, counted.as_of, counted.n_unverified_events)
    data.attrs["figure"] = figure.name
    data.attrs["by"] = [key.name for key in counted.keys]
    data.attrs["every"] = counted.every
    data.attrs["options"] = dict(options or {})
    data.attrs["min_count"] = counted.min_count
    if counted.headings:
        data.attrs["headings"] = dict(counted.headings)
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


def in_order(rows: pd.DataFrame, order: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Rows ordered by these columns, by the labels given for one if any; missing comes last."""
    if order:
        rows = rows.sort_values(
            list(order),
            key=lambda column: _ranks(column, order[str(column.name)]),
            na_position="last",
            kind="stable",
        )
    return rows.reset_index(drop=True)


def _ranks(column: pd.Series, labels: tuple[str, ...]) -> pd.Series:
    if not labels:
        return column
    return column.map({label: rank for rank, label in enumerate(labels)}).astype("Float64")
