"""The figure ``incidence``: by which day since the booking slots had ended, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from avon_analytics.appointments.aalen_johansen import aalen_johansen
from avon_analytics.appointments.figure import Ask, Counted, finished
from avon_analytics.appointments.small_counts import with_blanks
from avon_analytics.figures.declared import Cells, Column
from avon_analytics.figures.incidence import CAUSES, FIGURE

CURVE = ("cumulative_incidence", "cumulative_incidence_low", "cumulative_incidence_high")


def incidence(ask: Ask, *, by: str | Iterable[str]) -> pd.DataFrame:
    """See ``Cohort.incidence``."""
    counted = ask("incidence", by=by)
    rows = _in_order(counted)
    curves = [
        np.column_stack(aalen_johansen(curve.n_at_risk, curve.n_events, curve.n_events_of_any))
        for _, curve in rows.groupby("curve", sort=False)
    ]
    rows[list(CURVE)] = np.vstack(curves) if curves else np.empty((0, len(CURVE)))
    return finished(
        FIGURE,
        counted,
        rows,
        blank=_blank_small,
        ordered={"cause": CAUSES, "day": ()},
    )


def _in_order(counted: Counted) -> pd.DataFrame:
    """The rows of each curve together, from the first day to the last; ``curve`` numbers them."""
    rows = counted.rows
    names = [*(key.name for key in counted.keys), "cause"]
    rows["curve"] = rows.groupby(names, sort=False, dropna=False).ngroup()
    return rows.sort_values(["curve", "day"], kind="stable").reset_index(drop=True)


# Small counts. Events of a day are mostly few, so most of them are blank; the curve and the number
# at risk are shown on days by which enough has happened since they were last shown.


def _blank_small(rows: pd.DataFrame, columns: Mapping[str, Column], min_count: int) -> pd.DataFrame:
    events = rows.n_events.to_numpy(dtype=np.int64)
    small = (events > 0) & (events < min_count)
    at_risk, curve = np.zeros_like(small), np.zeros_like(small)
    for places in rows.groupby("curve", sort=False).indices.values():
        hidden = np.where(small[places], events[places], 0)
        curve[places] = ~_thinned(hidden, min_count)
    for places in _days_of_groups(rows):
        left = rows.n_left.to_numpy(dtype=np.int64)[places[:, 0]]
        told = np.where(small[places], 0, events[places]).sum(axis=1)
        # What left on a day is told by the number at risk on the next one.
        gone = np.concatenate([[0], (left - told)[:-1]])
        few = rows.n_at_risk.to_numpy(dtype=np.int64)[places[:, 0]] < min_count
        at_risk[places] = (few | ~_thinned(gone, min_count, ~few))[:, None]
    blanks = {"n_events": small, "n_at_risk": at_risk, "curve": curve}
    cells = Cells(rests={"cumulative_incidence": ("curve",)})
    return with_blanks(rows, columns, cells, blanks, min_count)


def _thinned(
    hidden: npt.NDArray[np.int64], min_count: int, may_show: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Where a running sum may be shown: what it hides since it was last shown is not small."""
    shown = np.zeros(len(hidden), dtype=bool)
    since = 0
    for day, count in enumerate(hidden.tolist()):
        since += count
        shown[day] = (since == 0 or since >= min_count) and (
            may_show is None or bool(may_show[day])
        )
        if shown[day]:
            since = 0
    return shown


def _days_of_groups(rows: pd.DataFrame) -> list[npt.NDArray[np.int64]]:
    """For each group, the places of its rows: a line per day, a column per cause."""
    curves = list(rows.groupby("curve", sort=False).indices.values())
    return [
        np.column_stack(curves[first : first + len(CAUSES)])
        for first in range(0, len(curves), len(CAUSES))
    ]
