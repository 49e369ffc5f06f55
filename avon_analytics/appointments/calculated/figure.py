"""What is made of the counts of a figure: its shares, order, types and attributes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from avon_analytics.appointments.rows.counted import Counted, attributes
from avon_analytics.appointments.rows.names import with_names
from avon_analytics.appointments.rows.scope import choice
from avon_analytics.appointments.statistics.intervals import wilson
from avon_analytics.appointments.statistics.small_counts import blank_small
from avon_analytics.arguments import choice as known
from avon_analytics.arguments import flag, whole_number
from avon_analytics.figures.declared import Cells, Column, Figure, Kind, Option, Takes


def checked_options(figure: Figure, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a figure, those given and the rest as they are by default.

    Choices, whole numbers and flags are checked; what a figure with a calculation of its own takes
    besides, it checks itself. Raises UsageError, or UnknownGroup for an unknown choice.
    """
    for name in given:
        known("option", name, [one.name for one in figure.options])
    return {one.name: _checked(one, given.get(one.name, one.default)) for one in figure.options}


def _checked(option: Option, value: Any) -> Any:
    if value is None and option.default is None:
        return None
    if option.takes is Takes.CHOICE:
        return choice(option.name, value, option.choices)
    if option.takes is Takes.WHOLE:
        least = -math.inf if option.least is None else option.least
        most = math.inf if option.most is None else option.most
        return whole_number(value, least, most, option.expected)
    return flag(value, option.name) if option.takes is Takes.FLAG else value


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


def with_ratios(figure: Figure, rows: pd.DataFrame) -> None:
    """Add each ratio of a figure that its declaration says the parts of."""
    for column in figure.columns:
        if column.kind is Kind.RATIO and column.counts:
            rows[column.name] = ratio(rows[column.counts], rows[list(column.among)].sum(axis=1))


def with_remainders(rows: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """The rows with each cell that nobody counted: what the other parts of a sum leave of it."""
    left: dict[str, pd.Series] = {}
    for total, parts in cells.sums:
        known = {name: left.get(name, rows.get(name)) for name in (total, *parts)}
        missing = [name for name, cell in known.items() if cell is None]
        if len(missing) == 1 and missing[0] != total:
            counted = [rows[name] for name in parts if name != missing[0]]
            left[missing[0]] = rows[total] - sum(counted)
    return rows.assign(**left)


def of_counts(figure: Figure, counted: Counted, options: Mapping[str, Any]) -> pd.DataFrame:
    """The figure that is made of counts as it declares: shares, ratios and what it adds itself."""
    rows, basis = counted.rows, options.get("basis")
    with_shares(figure, rows, basis)
    with_ratios(figure, rows)
    if figure.made is not None:
        figure.made(rows, options)
    division = figure.bases.get(str(basis))
    return finished(
        figure,
        counted,
        options,
        cells=None if division is None else division.cells,
        late=counted.late,
        among="" if division is None else division.words,
    )


Blank = Callable[[pd.DataFrame, Mapping[str, Column], int], pd.DataFrame]
"""How a figure blanks small counts: its rows, its columns and the bound."""


def finished(
    figure: Figure,
    counted: Counted,
    options: Mapping[str, Any],
    *,
    cells: Cells | None = None,
    blank: Blank | None = None,
    ordered: Mapping[str, tuple[str, ...]] | None = None,
    is_in_order: bool = False,
    **words: str,
) -> pd.DataFrame:
    """The figure: its columns in their order and types, its rows ordered, its attributes set.

    ``options`` are those that the figure was asked with, as plain values. They fill in what its
    definition leaves open, ``words`` in place of or beside them. A column of names follows each
    grouping whose values are ids.

    Rows are ordered by the groups, then the period, then the columns of ``ordered`` (by the labels
    given there, if any), unless they are said to be in order; a missing value comes last. ``cells``
    stands in place of the figure's own where an option decides how its counts hang together,
    ``blank`` blanks small counts in a way of its own.
    """
    rows = counted.rows
    if counted.completeness is not None:
        counted.completeness.mark(rows)
    keys = [key.name for key in counted.keys]
    if counted.every is not None:
        keys.append("period_on")
    labels = {key.name: key.labels for key in counted.keys}
    if not is_in_order:
        rows = in_order(rows, {name: labels.get(name, ()) for name in keys} | dict(ordered or {}))
    columns = figure.spelled
    is_blanked = counted.min_count > 1
    if is_blanked:
        if blank is None:
            cells = cells or figure.cells or Cells()
            rows = blank_small(with_remainders(rows, cells), columns, cells, counted.min_count)
        else:
            rows = blank(rows, columns, counted.min_count)
    dtypes = {
        name: "Int64" if is_blanked and column.kind is Kind.COUNT else column.dtype
        for name, column in columns.items()
    }
    data = with_names(rows[[*keys, *columns]].astype(dtypes), counted.names)
    definition = figure.definition.format(**{**options, **words})
    data.attrs = attributes(definition, counted.as_of, counted.n_unverified_events)
    data.attrs["figure"] = figure.name
    data.attrs["by"] = [key.name for key in counted.keys]
    data.attrs["every"] = counted.every
    data.attrs["options"] = dict(options)
    data.attrs["min_count"] = counted.min_count
    if counted.headings:
        data.attrs["headings"] = dict(counted.headings)
    return data


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
    ranks = {label: rank for rank, label in enumerate(labels)}
    place, values = pd.factorize(column)
    of_values = pd.array([*map(ranks.get, values), None], dtype="Float64")
    return pd.Series(of_values[place], column.index)  # of what is missing, place -1
