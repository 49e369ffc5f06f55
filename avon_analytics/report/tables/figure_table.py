"""A figure as the table that a reader gets: its foremost columns, its rows, and what they sum to.

Terminal and notebook set it each in its own way. A DataFrame, CSV and JSON have all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.rows.groupings import OF_CANCELLATIONS
from avon_analytics.appointments.statistics.intervals import wilson
from avon_analytics.figures import FIGURES, Column, Figure, Kind, compare
from avon_analytics.report.page.tables import AFTER_DAYS, days_shown
from avon_analytics.report.tables.names import cohorts, named
from avon_analytics.report.tables.remarks import KNOWN, figure_of, remarks
from avon_analytics.report.tables.rows import Row, groupings, is_complete, rows_of
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.wording import (
    capital,
    count,
    heading,
    is_missing,
    number,
    plural,
    share_name,
)

ALL = "All"
OF_ALL = Column("of_all_share", Kind.RATIO, "of all cancelled here", heading="Of all cancelled")
_QUANTILES = ("median_", "p90_")
_ADD_UP = (Kind.COUNT, Kind.HOURS, Kind.NUMBER)


@dataclass(frozen=True)
class Tabled:
    """A figure as a reader gets it.

    keys: the columns that say what a row is of: groups, ``period_on``, a stage. columns: what is
    said of it, the foremost first; a share stands for its denominator and interval too. totals: all
    rows as one, or as one for each stage. n_further: how many columns are left to CSV and JSON.
    notes: what was left out, and what a mark means. gives_way: what goes where there
    is no room, in this order, with the columns that it is; unless given, the last of them first.
    n_more: how many rows come after these.
    """

    keys: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Sequence[Row] = ()
    every: str = "month"
    n_further: int = 0
    notes: Sequence[str] = field(default_factory=tuple)
    gives_way: Mapping[str, Collection[str]] = field(default_factory=dict)
    n_more: int = 0

    def is_open(self, row: Row) -> bool:
        """Whether a row is of a period that is not complete."""
        return "period_on" in self.keys and not is_complete(row)

    @property
    def on_more(self) -> tuple[str, ...]:
        """What is said of the rows that come after these."""
        if not self.n_more:
            return ()
        of_all = f" The row {ALL!r} counts them too." if self.totals else ""
        return (f"{plural(self.n_more, 'more row')} in the DataFrame.{of_all}",)

    @property
    def has_open(self) -> bool:
        """Whether there are such rows."""
        return any(map(self.is_open, self.rows))


def is_figure(frame: pd.DataFrame) -> bool:
    """Whether a frame is what a method of a cohort returned."""
    figure = KNOWN.get(str(frame.attrs.get("figure")))
    return figure is not None and any(name in figure.spelled for name in map(str, frame.columns))


def tabled(frame: pd.DataFrame, every: str | None = None, most: int | None = None) -> Tabled | None:
    """The table of a figure, or the first rows of it; None for a frame that is none."""
    if not is_figure(frame):
        return None
    known = _tabled(frame, every, most)
    n_rows = len(known.rows) + known.n_more
    rows = known.rows[:most]
    return replace(
        known, rows=rows, n_more=n_rows - len(rows), notes=(*known.notes, *remarks(frame))
    )


def _tabled(frame: pd.DataFrame, every: str | None, most: int | None) -> Tabled:
    figure, frame = as_read(frame)
    keys = groupings(frame) + ["period_on"] * ("period_on" in frame)
    if {"cause", "day", "cumulative_incidence"} <= set(frame):
        return _by_days(frame, keys, most)
    keys += [name for name in figure.row_names if name in frame and name != "step"]
    if figure.name == compare.FIGURE.name:
        return _compared(figure, frame, keys, every or every_of(frame))
    if is_of_cancelled(frame, keys):
        return _of_cancelled(frame, keys, every or every_of(frame))
    columns = [one for one in figure.in_tables if one.name in frame]
    groups = [name for name in keys if name not in figure.row_names]
    of_all = totals(frame, columns, figure, groups) if groups and figure.adds_up else []
    rows = rows_of(frame if most is None else frame.head(most))
    return Tabled(
        keys=keys,
        columns=columns,
        rows=rows,
        n_more=len(frame) - len(rows),
        totals=of_all,
        every=every or every_of(frame),
        n_further=_n_further(frame, keys, columns),
        notes=(*_of_window(frame, keys), *of_quantiles(columns, of_all)),
    )


def _compared(figure: Figure, frame: pd.DataFrame, keys: list[str], every: str) -> Tabled:
    """Two shares and how they differ, each under the name of its cohort."""
    keys = ["measure", *(name for name in keys if name != "measure")]
    if len(frame[[*compare.CALLED]].drop_duplicates()) > 1:  # several comparisons, in one frame
        keys = [*compare.CALLED, *keys]
    if keys == ["measure"]:  # of one comparison the q-value is the p-value
        frame = frame.drop(columns="q_value")
    columns = [one for one in figure.in_tables if one.name in frame]
    both = (compare.HERE.name, compare.THERE.name)
    return Tabled(
        keys=keys,
        columns=columns,
        rows=rows_of(frame),
        every=every,
        n_further=_n_further(frame, [*keys, *compare.CALLED], columns),
        gives_way={
            "P-value": ("p_value",),
            "intervals of either share": [f"{name}_low" for name in both],
            "denominators": [f"{name}_n" for name in both],
            "either share": both,
            "Q-value": ("q_value",),
        },
    )


def as_read(frame: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A figure and its frame with all names as a reader knows them.

    Of a comparison, a column of either cohort is headed by what the cohort is called, and groups
    are side by side: one share after the other.
    """
    figure, shown = figure_of(frame), named(frame)
    if figure is not compare.FIGURE:
        return figure, shown
    called = dict(zip((compare.HERE, compare.THERE), map(capital, cohorts(frame)), strict=True))
    columns = [replace(one, heading=called.get(one, one.heading)) for one in figure.columns]
    order = {share: nth for nth, share in enumerate(dict.fromkeys(shown["measure"]))}
    shown = shown.sort_values("measure", key=lambda shares: shares.map(order), kind="stable")
    measures = [share_name(str(share)) for share in shown["measure"]]
    return replace(figure, columns=tuple(columns)), shown.assign(measure=measures)


def _n_further(frame: pd.DataFrame, keys: Sequence[str], columns: Sequence[Column]) -> int:
    """How many columns of a figure its table has no room for; those of a share count with it."""
    shown = {one.name for column in columns for one in column.spelled()} | set(keys)
    bounds = {f"{one.name}_{end}" for one in columns for end in ("low", "high")}
    flags = {"is_mature", "is_whole", "step"}  # a mark, and an order
    return len([name for name in map(str, frame.columns) if name not in shown | bounds | flags])


def _of_window(frame: pd.DataFrame, keys: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of a figure without periods whose window is not complete."""
    flags = frame[[name for name in ("is_mature", "is_whole") if name in frame]]
    if "period_on" in keys or all(map(is_complete, rows_of(flags.drop_duplicates()))):
        return ()
    return ("Not complete: part of the window is not due yet, or lies outside the archive.",)


def of_quantiles(columns: Sequence[Column], totals: Sequence[Row]) -> tuple[str, ...]:
    """Why medians of all are blank."""
    if not totals or not any(one.name.startswith(_QUANTILES) for one in columns):
        return ()
    return ("Medians do not add up: that of all is the figure's without groups and periods.",)


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
            part, among = _total(frame, column.counts), _total(frame, f"{name}_n")
            sums |= _share(name, part, among)
        elif column.kind is Kind.RATIO and column.among:
            part, among = _total(frame, column.counts), _total(frame, column.among[0])
            sums[name] = part / among if among and part is not None else None
        elif column.kind in _ADD_UP and not name.startswith(_QUANTILES):
            sums[name] = None if name in figure.apart else _total(frame, name)
    return sums


def _total(frame: pd.DataFrame, name: str) -> float | None:
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


def _of_cancelled(frame: pd.DataFrame, keys: list[str], every: str) -> Tabled:
    """Cancelled slots by what a cancellation decides, each row beside all of these.

    A slot that was not cancelled has no such thing, and of the others all are cancelled: shares of
    due slots would be 0 or 100 %.
    """
    figure = FIGURES["cancellations"]
    rows, total = of_cancelled(frame)
    kept = cancelled_alone(frame)
    measures = [figure.spelled[name] for name in foremost(figure, keys) if name in frame]
    columns = [*measures[:1], OF_ALL, *measures[1:]]
    of_all = totals(kept, measures, figure, keys)
    return Tabled(
        keys=keys,
        columns=columns,
        rows=rows,
        totals=[{**one, OF_ALL.name: 1.0 if total else None} for one in of_all],
        every=every,
        n_further=_n_further(frame, keys, measures),
        notes=(*_of_window(kept, keys), *left_out(frame), *of_quantiles(measures, of_all)),
    )


def foremost(figure: Figure, keys: Sequence[str]) -> list[str]:
    """The columns of a figure's table, the foremost first, where it is divided by these."""
    if not set(keys) & set(OF_CANCELLATIONS):
        return [one.name for one in figure.in_tables]
    names = ["n_cancelled", "late_share", "n_after_start", "median_notice_hours"]
    if "cancelled_by" not in keys:
        names[1:1] = ["n_by_patient", "n_by_provider", "n_by_unknown"]
    settled = ("late_share", "n_after_start") if "notice_band" in keys else ()
    return [name for name in names if name not in settled]


def is_of_cancelled(frame: pd.DataFrame, keys: Sequence[str]) -> bool:
    """Whether a figure is divided by what a cancellation decides."""
    return bool(set(keys) & set(OF_CANCELLATIONS)) and "n_cancelled" in frame


def cancelled_alone(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of cancelled slots, and those of which that is blank."""
    return frame[frame["n_cancelled"].isna() | (frame["n_cancelled"] != 0)]


def of_cancelled(frame: pd.DataFrame) -> tuple[list[dict[str, Any]], float | None]:
    """The rows of cancelled slots, each with its part of all of these, and how many these are."""
    kept = cancelled_alone(frame)
    rows, total = rows_of(kept), _total(kept, "n_cancelled")
    for row in rows:
        n = number(row["n_cancelled"])
        row[OF_ALL.name] = n / total if total and n is not None else None
    return rows, total


def left_out(frame: pd.DataFrame) -> tuple[str, ...]:
    """How many due slots the rows of cancelled slots leave out."""
    due, shown = (_total(one, "n_due") for one in (frame, cancelled_alone(frame)))
    if due is None or shown is None or due == shown:
        return ()
    return (f"{count(due - shown)} due slots that were not cancelled are left out.",)


def _by_days(frame: pd.DataFrame, groups: list[str], most: int | None) -> Tabled:
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
    return Tabled(
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
