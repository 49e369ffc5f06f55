"""Days booked ahead: the median, and a line up to nine in ten; over time, or of groups."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import (
    MOST_GROUPS,
    WHOLE_NUMBERS,
    group_keys,
    incomplete,
    key_axis,
    left_by,
    period_axis,
)
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import NEWEST, Foremost, whole_or_panels
from avon_analytics.report.charts.style import and_more, below, finish, sized
from avon_analytics.report.tables.rows import is_complete, largest, newest_rows, rows_of
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label


def lead_times_over_time(
    lead_times: pd.DataFrame, *, width: int = 720, newest: int = NEWEST
) -> spec.Spec | None:
    """Days booked ahead by booking period: the median, and a line up to nine in ten.

    Periods that are not complete are hollow. Panels of groups have one axis of days.
    """
    foremost = Foremost.of(lead_times, "n_with_lead")
    scale: dict[str, float] = {}
    if foremost is not None:
        far = pd.to_numeric(foremost.rows["p90_lead_days"]).dropna()
        near = pd.to_numeric(foremost.rows["median_lead_days"]).dropna()
        if near.empty:
            return None
        scale = {"domainMin": min(0.0, near.min()), "domainMax": max(far.max(), 1.0)}

    def draw(frame: pd.DataFrame, width: int) -> spec.Spec | None:
        return _by_period(frame, width, newest, scale)

    return whole_or_panels(lead_times, foremost, draw, width, 190)


def _by_period(
    lead_times: pd.DataFrame, width: int, newest: int, scale: dict[str, float]
) -> spec.Spec | None:
    rows, every = newest_rows(lead_times, newest), every_of(lead_times)
    data = pd.DataFrame(
        {
            "period": label(row["period_on"], every),
            "median": number(row.get("median_lead_days")),
            "p90": number(row.get("p90_lead_days")),
            "fill": light("accent") if is_complete(row) else light("paper"),
        }
        for row in rows
        if number(row.get("median_lead_days")) is not None
    )
    if data.empty:
        return None
    base = spec.chart(data).encode(x=period_axis(rows, width, every))
    y = spec.field("median:Q", title="days booked ahead").axis(tickCount=5, **WHOLE_NUMBERS)
    if scale:
        y = y.scale(**scale)
    reach = base.mark(
        "rule", stroke=light("accent"), strokeWidth=2, strokeOpacity=0.5, aria=False
    ).encode(y=y, y2="p90:Q")
    far = base.mark(
        "tick", color=light("accent"), thickness=2, width=10, orient="horizontal", aria=False
    ).encode(y="p90:Q")
    middle = base.mark(
        "circle", size=40, stroke=light("accent"), strokeWidth=1.6, opacity=1, aria=False
    ).encode(y=y, fill=spec.field("fill:N", scale=None, legend=None))
    marked = spec.layer(reach, far, middle, *incomplete(rows, width, every))
    return marked.having(height=130) if scale else marked


def lead_times_by_group(
    lead_times: pd.DataFrame, *, width: int = 720, most: int = MOST_GROUPS
) -> spec.Spec | None:
    """Days booked ahead of each group: the median, and a line up to nine in ten."""
    rows = [r for r in rows_of(lead_times) if number(r.get("median_lead_days")) is not None]
    if not rows:
        return None
    shown, others = largest(rows, "n_with_lead", most)
    keys = group_keys(shown, lead_times, width)
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
        left_by(keys, width),
    )
