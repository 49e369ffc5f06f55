"""Differences between the shares of two cohorts, each with an interval."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import in_order
from avon_analytics.appointments.calculated.told_apart import differing_definitions, told_apart
from avon_analytics.appointments.rows.cohort_rows import CohortRows
from avon_analytics.appointments.rows.groupings import GROUPINGS, OF_CANCELLATIONS
from avon_analytics.appointments.rows.names import with_names
from avon_analytics.appointments.rows.scope import choice
from avon_analytics.appointments.statistics.arrays import Floats
from avon_analytics.appointments.statistics.distributions import benjamini_hochberg, hypergeometric
from avon_analytics.appointments.statistics.intervals import newcombe
from avon_analytics.arguments import names
from avon_analytics.errors import DefinitionsDiffer, SharedSlots, UsageError
from avon_analytics.figures import FIGURES, Column, Kind
from avon_analytics.figures.compare import CALLED, COLUMNS, FIGURE, HERE, THERE
from avon_analytics.figures.names import is_named, name_column, without_names

COMPARED = tuple(name for name, figure in FIGURES.items() if figure.shares)
_ROW = "row of the whole"  # ties the only rows of two figures without groups to each other


def compare(
    this: CohortRows,
    other: CohortRows,
    figure: str,
    by: str | Iterable[str],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """See ``Cohort.compare``."""
    if not isinstance(other, CohortRows):
        raise UsageError("compare: expected a cohort, such as store.appointments(…)")
    choice("figure", figure, COMPARED)
    _warn(this, other)
    by = names(by, "by")
    ours, theirs = (getattr(cohort, figure)(by, **options) for cohort in (this, other))
    declared = FIGURES[figure]
    groups = without_names([name for name in ours if name not in declared.spelled])
    called = {key: _names_of_values(ours, theirs, key) for key in groups if is_named(key)}
    keys = [*groups, *declared.row_names]
    measures = declared.shares
    if "period_on" in ours:
        cut = {first for frame in (ours, theirs) for first in _not_complete(frame)}
        ours, theirs = (frame[~frame.period_on.isin(cut)] for frame in (ours, theirs))
    parts = [_differences(ours, theirs, keys, measure) for measure in measures]
    data = pd.concat(parts, ignore_index=True)
    for name, values in zip(CALLED, told_apart(this, other), strict=True):
        data[name] = pd.Series(values, data.index, dtype=COLUMNS[name].dtype)
    labels = {
        key: (GROUPINGS.get(key) or OF_CANCELLATIONS.get(key) or GROUPINGS["host"]).labels
        for key in keys
    }
    data = with_names(in_order(data, {**labels, "measure": tuple(measures)}), called)
    data.attrs = {
        **ours.attrs,
        "figure": FIGURE.name,
        "compared": figure,
        "definition": FIGURE.definition.format(figure=ours.attrs["definition"]),
        "other_as_of": theirs.attrs["as_of"],
    }
    return data


def _names_of_values(ours: pd.DataFrame, theirs: pd.DataFrame, group: str) -> dict[str, str]:
    """What the values of a grouping are called: as here, else as in the other."""
    called: dict[str, str] = {}
    for frame in (theirs, ours):
        known = frame.dropna(subset=name_column(group))
        called |= dict(zip(known[group], known[name_column(group)], strict=True))
    return called


def _not_complete(figure: pd.DataFrame) -> pd.Series:
    """The periods of a figure that are not over, not all due, or not wholly in its window."""
    return figure.period_on[~(figure.is_mature & figure.is_whole)]


def _differences(
    ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str], measure: str
) -> pd.DataFrame:
    """One row per group that either of the two has."""
    left, right = (
        frame[[*keys, *_spelled(replace(column, name=measure))]].set_axis(
            [*keys, *_spelled(column)], axis=1
        )
        for frame, column in ((ours, HERE), (theirs, THERE))
    )
    ties = [*keys, _ROW]
    both = left.assign(**{_ROW: 0}).merge(right.assign(**{_ROW: 0}), how="outer", on=ties)
    counted = [
        both[column].to_numpy("float64", na_value=np.nan)
        for name in ("share", "other_share")
        for column in (name, f"{name}_n")
    ]
    share, among, other_share, other_among = counted
    counts = (share * among).round(), among, (other_share * other_among).round(), other_among
    difference, low, high = newcombe(*counts)
    p_values = _p_values(*counts)
    both = both.assign(
        measure=measure,
        difference=difference,
        difference_low=low,
        difference_high=high,
        p_value=p_values,
        q_value=benjamini_hochberg(p_values),
    )
    # Of a group that only one of the two has, the other's count is missing.
    dtypes = {
        name: "Int64" if column.kind is Kind.COUNT else column.dtype
        for name, column in COLUMNS.items()
        if name not in CALLED
    }
    return both[[*keys, *dtypes]].astype(dtypes)


def _p_values(count: Floats, n: Floats, other: Floats, m: Floats) -> Floats:
    """How often chance alone would part two shares of all so far: exact, two-sided, mid-P."""
    found = np.full(len(count), np.nan)
    for place in np.flatnonzero((n > 0) & (m > 0) & ~np.isnan(count + other)):
        a, among, b, others = (int(counts[place]) for counts in (count, n, other, m))
        found[place] = hypergeometric(among, a + b, among + others).p_value(a)
    return found


def _spelled(column: Column) -> list[str]:
    return [one.name for one in column.spelled()]


def _warn(this: CohortRows, other: CohortRows) -> None:
    """Say what makes a comparison doubtful."""
    level = 4  # whoever called Cohort.compare
    if differing := differing_definitions(this, other):
        warnings.warn(
            f"the two cohorts are not defined alike: {'; '.join(differing)}. Their difference "
            "may come from that.",
            DefinitionsDiffer,
            stacklevel=level,
        )
    elif shared := _n_shared(this, other):
        warnings.warn(
            f"{shared:,} slots are in both cohorts, so the two are not independent and the "
            "interval of their difference does not hold.",
            SharedSlots,
            stacklevel=level,
        )


def _n_shared(this: CohortRows, other: CohortRows) -> int:
    """How many slots are in both of two cohorts that are defined alike."""
    if this._engine != other._engine:
        return 0
    starts = [scope.start for scope in (this._scope, other._scope) if scope.start is not None]
    ends = [scope.end for scope in (this._scope, other._scope) if scope.end is not None]
    scope = replace(this._scope, start=max(starts, default=None), end=min(ends, default=None))
    both = replace(this, _scope=scope, _filters=(*this._filters, *other._filters))
    return both._size("slots")
