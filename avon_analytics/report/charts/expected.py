"""How many of an outcome to expect in each period or group, and what came."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import axis_keys, count_axis, key_axis, period_axis
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import NEWEST, Foremost, whole_or_panels
from avon_analytics.report.charts.style import colours, finish, sized
from avon_analytics.report.tables.rows import Row, groupings, newest_rows, rows_of
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label


def expected(
    figure: pd.DataFrame, end: str, *, title: str, width: int = 720, newest: int = NEWEST
) -> spec.Spec | None:
    """The expected number of one outcome: bars are 80 % intervals, ticks what is expected, points
    what came (of a backtest); what an interval did not hold is a triangle."""
    known = figure.dropna(subset=[f"expected_{end}"])
    if known.empty:
        return None
    if "period_on" not in figure:
        rows = rows_of(known)[:25]
        keys = axis_keys(rows, groupings(figure), width) or ["0000all"]
        data = _numbers(rows, end).assign(key=keys)
        height = 26 * len(rows) + 30
        return finish(sized(_bars(data, key_axis(keys), title, width), width, height), width)

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        rows, every = newest_rows(part, newest), every_of(part)
        data = _numbers(rows, end).assign(period=[label(row["period_on"], every) for row in rows])
        if data["expected"].isna().all():
            return None
        return _bars(data, period_axis(rows, across, every), title, across).having(height=160)

    return whole_or_panels(known, Foremost.of(known, "n_open"), draw, width, 240)


def _numbers(rows: Sequence[Row], end: str) -> pd.DataFrame:
    names = {
        "expected": f"expected_{end}",
        "low": f"expected_{end}_low",
        "high": f"expected_{end}_high",
        "came": f"n_{end}",
    }
    data = pd.DataFrame(
        {name: number(row.get(column)) for name, column in names.items()} for row in rows
    ).astype("float64")
    beyond = (data["came"] > data["high"]).map({True: "above the interval", False: "what came"})
    return data.assign(kind=beyond.mask(data["came"] < data["low"], "below the interval"))


def _bars(data: pd.DataFrame, along: spec.Field, title: str, width: int) -> spec.Spec:
    """Intervals along one axis, counts along the other."""
    is_upright = along["field"] == "period"
    highest = float(data[["high", "came"]].max().max())

    def numbers(field: str) -> spec.Field:
        axis = count_axis("y" if is_upright else "x", title, highest, width).of(f"{field}:Q")
        return axis.scale(domain=[0, highest * 1.05 or 1], nice=True)

    one, two = ("y", "y2") if is_upright else ("x", "x2")
    base = spec.chart(data).encode(**{"x" if is_upright else "y": along})
    bars = base.mark("bar", color=light("accent"), opacity=0.28, aria=False)
    ticks = base.mark("tick", color=light("accent"), thickness=2, aria=False)
    layers: list[spec.Spec] = [
        bars.encode(**{one: numbers("low"), two: "high:Q"}),
        ticks.encode(**{one: numbers("expected")}),
    ]
    if data["came"].notna().any():
        kinds = {
            "what came": ("circle", "ink"),
            "above the interval": ("triangle-up", "no-show"),
            "below the interval": ("triangle-down", "cancelled"),
        }
        present = [kind for kind in kinds if (data["kind"] == kind).any()]
        scale = {"domain": present, "range": [kinds[kind][0] for kind in present]}
        points = base.where("datum.came != null").mark(
            "point", filled=True, opacity=1, size=60, aria=False
        )
        layers.append(
            points.encode(
                **{one: numbers("came")},
                shape=spec.field("kind:N", scale=scale, legend=None),
                color=colours("kind", [(kind, kinds[kind][1]) for kind in present], True),
            )
        )
    return spec.layer(*layers)
