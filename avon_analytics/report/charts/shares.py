"""A share with its intervals: a point for each period, or for each group."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import (
    MOST_GROUPS,
    group_keys,
    incomplete,
    key_axis,
    left_by,
    period_axis,
    share_axis,
)
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import NEWEST, Foremost, whole_or_panels
from avon_analytics.report.charts.style import and_more, below, finish, sized
from avon_analytics.report.tables.rows import is_complete, largest, newest_rows, rows_of
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.shares import share


def share_over_time(
    frame: pd.DataFrame,
    name: str,
    *,
    title: str,
    overall: float | None = None,
    width: int = 720,
    newest: int = NEWEST,
) -> spec.Spec | None:
    """A share by period with its 95 % interval; periods that are not complete are hollow."""
    foremost = Foremost.of(frame, f"{name}_n")
    shown = newest_rows(foremost.rows if foremost else frame, newest)
    known = [k for row in shown if (k := share(row, name)).value is not None]
    if not known:
        return None
    highest = max(float(k.high or k.value or 0) for k in known)
    points = _Points(name, title, overall, highest, newest)
    return whole_or_panels(frame, foremost, points.draw, width, 190)


@dataclass(frozen=True)
class _Points:
    """How the points of each panel are drawn, on an axis as high as those of the others."""

    name: str
    title: str
    overall: float | None
    highest: float
    newest: int

    def draw(self, frame: pd.DataFrame, width: int) -> spec.Spec | None:
        rows, every = newest_rows(frame, self.newest), every_of(frame)
        colour = _colour(self.name)
        drawn = [
            {
                "period": label(row["period_on"], every),
                "share": known.value,
                "low": known.low,
                "high": known.high,
                "fill": colour if is_complete(row) else light("paper"),
            }
            for row in rows
            if (known := share(row, self.name)).value is not None
        ]
        if not drawn:
            return None
        y = share_axis("y", "share", self.title, self.highest)
        points = spec.chart(pd.DataFrame(drawn)).encode(x=period_axis(rows, width, every))
        intervals = points.mark(
            "rule", stroke=colour, strokeWidth=2, strokeOpacity=0.6, aria=False
        ).encode(y=spec.field("low:Q", title=self.title), y2="high:Q")
        circles = points.mark(
            "circle", size=36, stroke=colour, strokeWidth=1.6, opacity=1, aria=False
        ).encode(y=y, fill=spec.field("fill:N", scale=None, legend=None))
        return spec.layer(
            *_overall_line("y", self.title, self.overall),
            intervals,
            circles,
            *incomplete(rows, width, every),
        ).having(height=130)


def _colour(share: str) -> str:
    return light("no-show" if share == "no_show_share" else "accent")


def _overall_line(channel: str, title: str, overall: float | None) -> list[spec.Spec]:
    """A dashed line at the share of all, where that is known."""
    if overall is None:
        return []
    line = spec.chart(pd.DataFrame({"overall": [overall]})).mark(
        "rule", stroke=light("muted"), strokeDash=[4, 3], aria=False
    )
    return [line.encode(**{channel: spec.field("overall:Q", title=title)})]


def share_by_group(
    frame: pd.DataFrame,
    name: str,
    *,
    title: str,
    overall: float | None = None,
    width: int = 720,
    most: int = MOST_GROUPS,
) -> spec.Spec | None:
    """A share of each group with its 95 % interval, in the frame's order, the largest only."""
    rows = [row for row in rows_of(frame) if number(row.get(name)) is not None]
    if not rows:
        return None
    shown, others = largest(rows, f"{name}_n", most)
    shares = [share(row, name) for row in shown]
    data = pd.DataFrame(shares, columns=["share", "n", "low", "high"])
    data["key"] = keys = group_keys(shown, frame, width)
    highest = max(float(known.high or known.value or 0) for known in shares)
    colour = _colour(name)
    base = spec.chart(data).encode(y=key_axis(keys))
    layers = [
        base.mark("rule", stroke=colour, strokeWidth=2, strokeOpacity=0.6, aria=False).encode(
            x=spec.field("low:Q", title=title), x2="high:Q"
        ),
        base.mark("circle", size=44, color=colour, opacity=1, aria=False).encode(
            x=share_axis("x", "share", title, highest)
        ),
    ]
    layers = [*_overall_line("x", title, overall), *layers]
    chart = below(spec.layer(*layers), and_more(others))
    return finish(sized(chart, width, 26 * len(shown)), left_by(keys, width))
