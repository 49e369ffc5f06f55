"""Small counts of tables that stand beside each other: none gives away what is blank in another.

All of them divide the slots of one cohort. What is blank in the whole is blank in each of its
parts, and a table of parts is closed as if all that the whole could show were known
(``small_counts``). So a change that the whole allows is a change of any one row of each table, and
one that a row allows can be taken back in its companion: tables that divide the slots by different
things share nothing but the whole. Tables that divide them by the same are one table with the
columns of both; the whole is one row with all that is counted of it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avon_analytics.appointments.calculated.figure import with_remainders
from avon_analytics.appointments.rows.groupings import OF_CANCELLATIONS
from avon_analytics.appointments.statistics.small_counts import blanked, with_blanks
from avon_analytics.figures import cancellations, lead_times, outcomes
from avon_analytics.figures.declared import Cells, Figure, Kind

_OUTCOMES = outcomes.BASES["completed"].cells
_CANCELLATIONS = cancellations.FIGURE.cells or Cells()
WHO = OF_CANCELLATIONS["cancelled_by"].labels
BANDS = OF_CANCELLATIONS["notice_band"].labels
OF_WHO = (
    *("cancelled_by", "n_cancelled", "n_late", "late_share", "late_share_n"),
    *("late_share_low", "late_share_high", "median_notice_hours"),
)
OF_NOTICE = ("notice_band", "n_cancelled", *(f"n_by_{who}" for who in WHO), "median_notice_hours")
_NO_BAND = "without notice"
_BAND_ENDS = {0.0: 1, 2.0: 2, 24.0: 3, 168.0: 4}  # hours of notice: how many bands are below
# Cells of `cancellations` that `outcomes` counts, too.
_IN_OUTCOMES = {
    "n_due": "attended_share_n",
    "n_held": "no_show_share_n",
    **{f"n_by_{who}": f"n_cancelled_by_{who}" for who in WHO},
}


def _in_outcomes(name: str) -> str:
    name = _CANCELLATIONS.same.get(name, name)
    return _IN_OUTCOMES.get(name, name)


BOTH = Cells(
    sums=(
        *_OUTCOMES.sums,
        *(
            (_in_outcomes(total), tuple(map(_in_outcomes, parts)))
            for total, parts in _CANCELLATIONS.sums
            if total != "n_cancelled" or "n_by_patient" not in parts
        ),
    ),
    based_on={
        share: tuple(map(_in_outcomes, cells))
        for table in (_OUTCOMES, _CANCELLATIONS)
        for share, cells in table.based_on.items()
    },
)
"""The cells of ``outcomes`` and ``cancellations`` of the same rows."""


@dataclass(frozen=True)
class Pair:
    """``outcomes`` and ``cancellations`` of the same rows."""

    outcomes: pd.DataFrame
    cancellations: pd.DataFrame


def parts_blanked(
    parts: pd.DataFrame, blank_in_whole: Iterable[str], min_count: int
) -> pd.DataFrame:
    """``outcomes`` by something, beside the whole in which these cells are blank."""
    names = _names(_OUTCOMES, _counts(outcomes.FIGURE, _OUTCOMES))
    blank = _blank(parts, names, _OUTCOMES, min_count, blank_in_whole)
    return _shown(parts, outcomes.FIGURE, _OUTCOMES, blank, min_count)


def lead_times_blanked(
    whole: pd.DataFrame, parts: pd.DataFrame, min_count: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``lead_times`` of the whole cohort and by the period of the booking."""
    figure, cells = lead_times.FIGURE, lead_times.FIGURE.cells or Cells()
    names, always = _names(cells, _counts(figure, cells)), set[str]()
    shown = []
    for rows in (whole, parts):
        known = with_remainders(rows, cells)
        blank = _blank(known, names, cells, min_count, always)
        always = {name for name in names if blank[name].any()}
        shown.append(_shown(known, figure, cells, blank, min_count)[rows.columns])
    return shown[0], shown[1]


def pair_blanked(
    pair: Pair, keys: Sequence[str], blank_in_whole: Iterable[str], min_count: int
) -> Pair:
    """Both figures by the same ``keys``, beside the whole in which these cells are blank."""
    blank = _blank(_wide(pair, keys), _names(BOTH), BOTH, min_count, blank_in_whole)
    return _pair_shown(pair, keys, blank, min_count)


@dataclass(frozen=True)
class Whole:
    """The whole cohort in one row each, its cancelled slots by who and by notice, and what is
    blank of it, by the names of ``BOTH``.
    """

    pair: Pair
    by_who: pd.DataFrame
    by_notice: pd.DataFrame
    blank: frozenset[str]


def whole_blanked(
    pair: Pair,
    by_who: pd.DataFrame,
    by_notice: pd.DataFrame,
    late_hours: float | None,
    min_count: int,
) -> Whole:
    """The whole; ``late_hours`` is under how much notice it is late, None for the same day.

    ``by_who`` has the columns ``OF_WHO`` and ``by_notice`` has ``OF_NOTICE``, both only rows with
    a cancelled slot.
    """
    row = _wide(pair, []).iloc[:1]
    if row.empty:
        return Whole(pair, by_who, by_notice, frozenset())
    cells = _of_whole(late_hours)
    row = row.assign(**_cells_of(by_who, "cancelled_by"), **_cells_of(by_notice, "notice_band"))
    names = _names(cells)
    blank = _blank(row, names, cells, min_count, ())
    return Whole(
        _pair_shown(pair, [], blank, min_count),
        _rows_shown(by_who, "cancelled_by", blank, min_count),
        _rows_shown(by_notice, "notice_band", blank, min_count),
        frozenset(name for name in _names(BOTH) if blank[name][0]),
    )


def _of_whole(late_hours: float | None) -> Cells:
    """The cells of the whole, and of its cancelled slots by who and by notice, in one row."""
    bands = (*BANDS, _NO_BAND)
    n_late = None if late_hours is None else _BAND_ENDS.get(late_hours)
    sums = [
        *BOTH.sums,
        ("n_cancelled", bands),
        ("late_share_n", BANDS),
        *((band, tuple(f"{band} {who}" for who in WHO)) for band in bands),
    ]
    for who in WHO:
        name = f"n_cancelled_by_{who}"
        sums += [
            (name, tuple(f"{band} {who}" for band in bands)),
            (name, (f"{who} late_share_n", f"{_NO_BAND} {who}")),
            (f"{who} late_share_n", (f"{who} n_late", f"{who} in time")),
            (f"{who} late_share_n", tuple(f"{band} {who}" for band in BANDS)),
        ]
        if n_late:
            sums.append((f"{who} n_late", tuple(f"{band} {who}" for band in BANDS[:n_late])))
    for cell in ("n_late", "late_share_n"):
        sums.append((cell, tuple(f"{who} {cell}" for who in WHO)))
    if n_late:
        sums.append(("n_late", BANDS[:n_late]))
    # Where one cell has two names, a sum of one part says so.
    sums += [("n_after_start", BANDS[:1]), ("n_without_notice", (_NO_BAND,))]
    shares = {f"{who} late_share": (f"{who} n_late", f"{who} late_share_n") for who in WHO}
    return Cells(sums=tuple(sums), based_on={**BOTH.based_on, **shares})


def _cells_of(rows: pd.DataFrame, by: str) -> dict[str, int]:
    """The cells that the whole's row has of one of the two tables."""
    cells = {}
    keys = [_NO_BAND if pd.isna(key) else str(key) for key in rows[by]]
    at = {key: row for key, (_, row) in zip(keys, rows.iterrows(), strict=True)}
    for key in (*BANDS, _NO_BAND) if by == "notice_band" else WHO:
        row = at.get(key)
        if by == "notice_band":
            cells[key] = _number(row, "n_cancelled")
            cells |= {f"{key} {who}": _number(row, f"n_by_{who}") for who in WHO}
        else:
            known, late = _number(row, "late_share_n"), _number(row, "n_late")
            cells |= {f"{key} late_share_n": known, f"{key} n_late": late}
            cells[f"{key} in time"] = known - late
    return cells


def _number(row: pd.Series | None, name: str) -> int:
    return 0 if row is None else int(row[name])


_Blank = Mapping[str, np.ndarray]


def _rows_shown(rows: pd.DataFrame, by: str, blank: _Blank, min_count: int) -> pd.DataFrame:
    """Cancelled slots by who or by notice, with what is blank of the whole blank in them."""
    shown, based_on = rows.copy(), _CANCELLATIONS.based_on
    keys = [_NO_BAND if pd.isna(key) else str(key) for key in rows[by]]

    def hidden(name: str) -> pd.Series:
        cells = [_cell_of_whole(by, key, name) for key in keys]
        return pd.Series([bool(blank[cell][0]) for cell in cells], rows.index, dtype=bool)

    for name, column in cancellations.FIGURE.spelled.items():
        if name in rows and column.kind is Kind.COUNT:
            shown[name] = rows[name].astype("Int64").mask(hidden(name))
        elif name in rows:
            for other in based_on.get(column.base if column.kind is Kind.BOUND else name, ()):
                shown[name] = shown[name].mask(hidden(other))
    shown.attrs = {**rows.attrs, "min_count": min_count}
    return shown


def _cell_of_whole(by: str, key: str, name: str) -> str:
    """What the whole's row calls a cell of one of the two tables."""
    if by == "cancelled_by":
        return f"n_cancelled_by_{key}" if name == "n_cancelled" else f"{key} {name}"
    return f"{key} {name.removeprefix('n_by_')}" if name.startswith("n_by_") else key


def _wide(pair: Pair, keys: Sequence[str]) -> pd.DataFrame:
    """All cells of both by the names of ``BOTH``, a row for each of ``outcomes``."""
    cancelled = with_remainders(pair.cancellations, _CANCELLATIONS)
    cancelled = cancelled[
        [*keys, *(name for name in cancelled if _in_outcomes(str(name)) not in pair.outcomes)]
    ]
    if keys:
        wide = pair.outcomes.merge(cancelled, on=list(keys), how="left")
    else:
        wide = pair.outcomes.join(cancelled)
    names = [name for name in _names(BOTH) if name in wide]
    return wide.assign(**{name: wide[name].fillna(0).astype("int64") for name in names})


def _pair_shown(pair: Pair, keys: Sequence[str], blank: _Blank, min_count: int) -> Pair:
    shown = _shown(pair.outcomes, outcomes.FIGURE, _OUTCOMES, blank, min_count)
    places = {tuple(row): n for n, row in enumerate(_keys(pair.outcomes, keys))}
    at = [places[tuple(row)] for row in _keys(pair.cancellations, keys)]
    own = _names(_CANCELLATIONS, _counts(cancellations.FIGURE, _CANCELLATIONS))
    masks = {name: blank[_in_outcomes(name)][at] for name in own}
    known = with_remainders(pair.cancellations, _CANCELLATIONS)
    shown_by_who = _shown(known, cancellations.FIGURE, _CANCELLATIONS, masks, min_count)
    return Pair(shown, shown_by_who[pair.cancellations.columns])


def _keys(rows: pd.DataFrame, keys: Sequence[str]) -> list[tuple[str, ...]]:
    if not keys:
        return [()] * len(rows)
    return [tuple(map(str, row)) for row in rows[list(keys)].itertuples(index=False)]


def _blank(
    rows: pd.DataFrame,
    names: Sequence[str],
    cells: Cells,
    min_count: int,
    blank_in_whole: Iterable[str],
) -> _Blank:
    values = rows[list(names)].to_numpy(dtype=np.int64).reshape(len(rows), len(names))
    shown = {*outcomes.FIGURE.names, *lead_times.FIGURE.names}
    shown |= {_in_outcomes(name) for name in cancellations.FIGURE.names}
    unseen = {name for name in names if name not in shown and not _is_of_whole(name)}
    wanted = set(blank_in_whole) & set(names)
    found = blanked(values, names, cells, min_count, unseen=unseen, always=wanted)
    return dict(zip(names, found.T, strict=True))


def _is_of_whole(name: str) -> bool:
    return " " in name and not name.endswith("in time")


def _shown(
    rows: pd.DataFrame, figure: Figure, cells: Cells, blank: _Blank, min_count: int
) -> pd.DataFrame:
    shown = with_blanks(rows, figure.spelled, cells, blank, min_count)
    shown.attrs = {**rows.attrs, "min_count": min_count}
    return shown


def _counts(figure: Figure, cells: Cells) -> list[str]:
    spelled = figure.spelled.items()
    return [name for name, one in spelled if one.kind is Kind.COUNT and name not in cells.same]


def _names(cells: Cells, more: Iterable[str] = ()) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys([*more, *(name for total, parts in cells.sums for name in (total, *parts))])
    )
