"""Groups by size and share between the limits that chance keeps: a funnel plot."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import count_axis, reach_of, share_axis
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.style import colours, finish, sized
from avon_analytics.report.tables.rows import group_names, groupings, rows_of

_NAMED = 8  # groups whose names stand beside their points


def outliers(
    outliers: pd.DataFrame, *, title: str, width: int = 720, counted: str = "slots"
) -> spec.Spec | None:
    """Groups by their size and share, between the limits that chance keeps: a funnel.

    Inner lines are 95 % limits, outer ones 99.8 %; signals are triangles with their names.
    """
    columns = groupings(outliers)
    known = outliers.dropna(subset=["share", "lower_998"]).sort_values("n", kind="stable")
    if known.empty:
        return None
    whole = float(known["count"].sum() / known["n"].sum())
    rows = rows_of(known)
    data = known[["n", "share", "lower_95", "upper_95", "lower_998", "upper_998"]].astype("float64")
    data = data.reset_index(drop=True).assign(
        side=[row["signal"] if isinstance(row["signal"], str) else "as others" for row in rows],
        name=group_names(rows, columns, 26),
        whole=whole,
    )
    reach = reach_of(data, "lower_998", "upper_998")
    y = share_axis("y", "share", title, *reach)
    largest, smallest = float(data["n"].max()), float(data["n"].min())
    start = 0.85 * smallest if smallest > largest / 2 else 0.0
    x = count_axis("x", counted, largest, width).scale(domain=[start, largest * 1.12], nice=False)
    base = spec.chart(data).encode(x=x)
    present = [side for side in _SIDES if (data["side"] == side).any()]
    scale = {"domain": present, "range": [_SIDES[side][0] for side in present]}
    points = base.mark("point", filled=True, opacity=1, size=70, aria=False).encode(
        y=y,
        shape=spec.field("side:N", scale=scale, legend=None),
        color=colours("side", [(side, _SIDES[side][1]) for side in present], len(present) > 1),
    )
    limits = spec.chart(_across_sizes(data)).encode(x=x)
    layers = [*_limits_by_size(limits, title, reach), points]
    named = data[data["side"] != "as others"].nlargest(_NAMED, "n")
    # Of those far to the right the name stands before them, not beyond the edge.
    is_right = named["n"] - start > 0.6 * (largest - start)
    for align, dx, part in (("left", 9, named[~is_right]), ("right", -9, named[is_right])):
        if len(part):
            words = spec.chart(part).mark(
                "text", align=align, dx=dx, color=light("ink"), fontSize=11, aria=False
            )
            layers.append(words.encode(x=x, y=y, text="name:N"))
    return finish(sized(spec.layer(*layers), width, 300), width)


_SIDES = {
    "higher": ("triangle-up", "no-show"),
    "lower": ("triangle-down", "attended"),
    "as others": ("circle", "not-due"),
}


def _across_sizes(data: pd.DataFrame) -> pd.DataFrame:
    """Where limits are drawn: at each group's size; of one size alone, a little to both sides."""
    if data["n"].nunique() > 1:
        return data
    newest = data.tail(1)
    return pd.concat([newest.assign(n=newest["n"] * times) for times in (0.9, 1.1)])


def _limits_by_size(base: spec.Spec, title: str, reach: tuple[float, float]) -> Iterator[spec.Spec]:
    """The limits that chance keeps, wider for smaller groups, and the share of all groups."""
    for size, dash in (("95", [2, 4]), ("998", [6, 3])):
        for end in ("lower", "upper"):
            yield base.mark(
                "line",
                interpolate="monotone",
                color=light("muted"),
                strokeDash=dash,
                strokeWidth=1.2,
                aria=False,
            ).encode(y=share_axis("y", f"{end}_{size}", title, *reach))
    across = base.mark("rule", color=light("muted"), aria=False)
    whole = share_axis("y", "whole", title, *reach)
    yield across.encode(x=spec.value(0), x2=spec.value("width"), y=whole)
