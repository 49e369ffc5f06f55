"""One small chart for each of the largest groups, of the newest periods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.spec import Spec
from avon_analytics.report.charts.style import PHONE, below, finish, sized
from avon_analytics.report.tables.rows import group_names, groupings, newest_part, rows_of

MOST_PANELS = 12
NEWEST, NEWEST_IN_PANELS = 60, 30
"""How many periods a chart draws, and a panel, which is a third as wide."""


def whole_or_panels(
    frame: pd.DataFrame,
    foremost: Foremost | None,
    draw: Callable[[pd.DataFrame, int], Spec | None],
    width: int,
    height: int,
    beside: int = 72,
) -> Spec | None:
    """One chart of a figure, so high; where groups divide it, a panel for each of the foremost.

    ``draw`` gets rows and a width and gives a chart without size; ``beside`` is how many pixels
    the axes of a panel take.
    """
    if foremost is not None:
        return finish(_panels(foremost, draw, width, beside), width)
    return finish(sized(draw(frame, width), width, height), width)


def _panels(
    foremost: Foremost,
    draw: Callable[[pd.DataFrame, int], Spec | None],
    width: int,
    beside: int,
) -> Spec | None:
    """One small chart for each of the largest groups, side by side, then below each other."""
    columns = groupings(foremost.rows)
    kept = [part for _, part in foremost.rows.groupby(columns, dropna=False, sort=False)]
    across = 1 if width < PHONE else 2 if len(kept) in (2, 4) or width < 640 else 3
    each = width // across - beside
    firsts = [rows_of(part.head(1))[0] for part in kept]
    names = group_names(firsts, columns, 40 if each > 240 else 26)
    drawn = []
    for name, part in zip(names, kept, strict=True):
        chart = draw(part, each)
        if chart is None:
            continue
        title = {
            "text": name,
            "anchor": "start",
            "fontSize": 12,
            "fontWeight": "bold",
            "offset": 16,
        }
        drawn.append(chart.having(width=each, title=title))
    if not drawn:
        return None
    rows = [spec.side_by_side(drawn[i : i + across]) for i in range(0, len(drawn), across)]
    more = foremost.n_groups - len(kept)
    return below(
        spec.one_below_the_other(rows), f"and {more:,} more, with smaller counts" if more else ""
    )


@dataclass(frozen=True)
class Foremost:
    """What panels draw of a figure: its largest groups by a count, and of its periods the newest.

    n_groups: how many groups it has in all.
    """

    rows: pd.DataFrame
    n_groups: int

    @classmethod
    def of(cls, frame: pd.DataFrame, by: str) -> Foremost | None:
        """The foremost by a count of this name; None where no groups divide the figure."""
        columns = groupings(frame)
        if not columns:
            return None
        drawn = newest_part(frame, NEWEST_IN_PANELS) if "period_on" in frame else frame
        parts = drawn.groupby(columns, dropna=False, sort=False)
        in_all = parts if drawn is frame else frame.groupby(columns, dropna=False, sort=False)
        sizes = parts[by].sum().astype("float64").reset_index(drop=True)
        largest = sizes.sort_values(ascending=False, kind="stable").index[:MOST_PANELS]
        return cls(drawn[parts.ngroup().isin(largest)], in_all.ngroups)
