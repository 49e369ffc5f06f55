"""Figures of groups, one below the other: outcomes, a share with its interval, days ahead."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.over_time import HOURS, OUTCOMES
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.parts import (
    WHOLE_NUMBERS,
    Words,
    and_more,
    axis_keys,
    below,
    colours,
    count_axis,
    finish,
    key_axis,
    present,
    room,
    share_axis,
    sized,
)
from avon_analytics.report.tables.rows import Row, groupings, largest, rows_of
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.shares import share

MOST_GROUPS = 15


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
    data["key"] = keys = _keys(shown, frame, width)
    highest = max(float(known.high or known.value or 0) for known in shares)
    colour = light("no-show" if name == "no_show_share" else "accent")
    base = spec.chart(data).encode(y=key_axis(keys))
    layers = [
        base.mark("rule", stroke=colour, strokeWidth=2, strokeOpacity=0.6, aria=False).encode(
            x=spec.field("low:Q", title=title), x2="high:Q"
        ),
        base.mark("circle", size=44, color=colour, opacity=1, aria=False).encode(
            x=share_axis("x", "share", title, highest)
        ),
    ]
    if overall is not None:
        line = spec.chart(pd.DataFrame({"overall": [overall]}))
        layers.insert(
            0,
            line.mark("rule", stroke=light("muted"), strokeDash=[4, 3], aria=False).encode(
                x=spec.field("overall:Q", title=title)
            ),
        )
    chart = below(spec.layer(*layers), and_more(others))
    return finish(sized(chart, width, 26 * len(shown)), _beside(keys, width))


def outcomes_by_group(
    outcomes: pd.DataFrame, *, width: int = 720, most: int = MOST_GROUPS, legend: bool = True
) -> spec.Spec | None:
    """Slots by outcome of each group, stacked sideways, the largest groups only."""
    return _stacked(outcomes, OUTCOMES, "n_slots", "slots", width, most, legend)


def hours_by_group(
    lost_time: pd.DataFrame, *, width: int = 720, most: int = MOST_GROUPS, legend: bool = True
) -> spec.Spec | None:
    """Planned hours of each group by what became of them, likewise."""
    return _stacked(lost_time, HOURS, "planned_hours", "planned hours", width, most, legend)


def _stacked(
    frame: pd.DataFrame,
    words: Words,
    total: str,
    title: str,
    width: int,
    most: int,
    legend: bool,
) -> spec.Spec | None:
    rows = [row for row in rows_of(frame) if number(row.get(total))]
    if not rows:
        return None
    shown, others = largest(rows, total, most)
    keys = _keys(shown, frame, width)
    parts = [
        {"key": key, "word": word, "order": order, "n": number(row.get(column)) or 0}
        for key, row in zip(keys, shown, strict=True)
        for order, (column, (word, _)) in enumerate(words.items())
    ]
    highest = max(number(row.get(total)) or 0 for row in shown)
    bars = (
        spec.chart(pd.DataFrame([part for part in parts if part["n"]]))
        .mark("bar", stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            y=key_axis(keys),
            x=count_axis("x", title, highest, width),
            color=colours("word", present(shown, words), legend),
            order=spec.field("order:Q"),
        )
    )
    return finish(
        sized(below(bars, and_more(others)), width, 26 * len(shown)), _beside(keys, width)
    )


def lead_times_by_group(
    lead_times: pd.DataFrame, *, width: int = 720, most: int = MOST_GROUPS
) -> spec.Spec | None:
    """Days booked ahead of each group: the median, and a line up to nine in ten."""
    rows = [r for r in rows_of(lead_times) if number(r.get("median_lead_days")) is not None]
    if not rows:
        return None
    shown, others = largest(rows, "n_with_lead", most)
    keys = _keys(shown, lead_times, width)
    data = pd.DataFrame(
        {
            "key": keys,
            "median": [number(row["median_lead_days"]) for row in shown],
            "p90": [number(row.get("p90_lead_days")) for row in shown],
        }
    )
    base = spec.chart(data).encode(y=key_axis(keys))
    x = spec.field("median:Q", title="days booked ahead").axis(tickCount=6, **WHOLE_NUMBERS)
    layers = [
        base.mark(
            "rule", stroke=light("accent"), strokeWidth=2, strokeOpacity=0.5, aria=False
        ).encode(x=x.scale(domainMin=0), x2="p90:Q"),
        base.mark("tick", color=light("accent"), thickness=2, height=10, aria=False).encode(
            x="p90:Q"
        ),
        base.mark("circle", size=44, color=light("accent"), opacity=1, aria=False).encode(x=x),
    ]
    return finish(
        sized(below(spec.layer(*layers), and_more(others)), width, 26 * len(shown)),
        _beside(keys, width),
    )


def _keys(rows: Sequence[Row], frame: pd.DataFrame, width: int) -> list[str]:
    columns = groupings(frame)
    return axis_keys(rows, columns, width) if columns else ["0000All"] * len(rows)


def _beside(keys: Sequence[str], width: int) -> float:
    """What the names leave of the width."""
    return width - max(room(key) for key in keys)
