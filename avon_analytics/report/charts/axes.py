"""Axes of shares, counts, periods and names, and the mark of periods that are not complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.spec import Field, Spec
from avon_analytics.report.charts.style import PHONE
from avon_analytics.report.tables.rows import Row, group_names, groupings, is_complete
from avon_analytics.report.words.numbers import count
from avon_analytics.report.words.periods import label, periods_between, short_label

ROOM = 46
"""Pixels left of an axis of numbers. The reader's font is not known, so none is measured."""
MOST_GROUPS = 15
WHOLE_NUMBERS: Mapping[str, Any] = {
    "format": ",d",
    "tickMinStep": 1,
    # Vega puts a tick at a half where an axis ends at 1 or 2: it stays without a number.
    "labelExpr": "datum.value == floor(datum.value) ? datum.label : ''",
}
"""An axis on which no number stands twice."""


def axis_keys(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """Names as keys of an axis: numbered, so that two of one text stay two."""
    names = group_names(rows, columns, 16 if width < PHONE else 34)
    return [f"{i:04d}{name}" for i, name in enumerate(names)]


def group_keys(rows: Sequence[Row], frame: pd.DataFrame, width: int) -> list[str]:
    """The names of groups as keys of an axis; of a figure without groups its one row is all."""
    columns = groupings(frame)
    return axis_keys(rows, columns, width) if columns else ["0000All"] * len(rows)


def text_width(text: str) -> float:
    """Pixels that a label takes in a wide font."""
    return 7.6 * len(text) + 10


def left_by(keys: Sequence[str], width: int) -> float:
    """What these names leave of the width."""
    return width - max(text_width(key) for key in keys)


def key_axis(keys: Sequence[str]) -> Field:
    """The names of groups, one below the other."""
    axis = {
        "labelExpr": "slice(datum.label, 4)",
        "labelLimit": 400,
        "labelPadding": 8,
        "ticks": False,
        "domain": False,
        "minExtent": max(text_width(key[4:]) for key in keys),
    }
    return spec.field("key:N", sort=None, title=None, axis=axis)


def share_axis(channel: str, field: str, title: str, highest: float, lowest: float = 0) -> Field:
    """An axis of shares as far as the highest interval reaches: from 0, or where ``lowest``, the
    least that is drawn, is more than half of that, from a little below it."""
    aside = {"minExtent": ROOM} if channel == "y" else {"labelSeparation": 10}
    start = _start(lowest, highest)
    span = highest - start
    digits = 0 if span >= 0.05 else 1 if span >= 0.005 else 2  # so that no two ticks agree
    axis = spec.field(f"{field}:Q", title=title).axis(format=f".{digits}%", tickCount=5, **aside)
    top = min(1, highest + 0.04 * span) if start else min(1, highest * 1.04 or 1)
    return axis.scale(domain=[start, top], nice=True)


def _start(lowest: float, highest: float) -> float:
    """Where an axis begins whose values begin at ``lowest``: at 0 unless that wastes half of it."""
    wastes = highest > lowest > highest / 2
    return max(0, lowest - 0.1 * (highest - lowest)) if wastes else 0


def count_axis(channel: str, title: str, highest: float, width: int) -> Field:
    """An axis of counts, without fractions."""
    aside = {"minExtent": text_width(count(highest))} if channel == "y" else {}
    return spec.field("n:Q", title=title).axis(
        tickCount=4 if width < PHONE else 6,
        labelSeparation=16,
        **WHOLE_NUMBERS,
        **aside,
    )


def period_axis(rows: Sequence[Row], width: int, every: str) -> Field:
    """Every period from first to last, one without a row included; years once each."""
    periods = periods_between(rows[0]["period_on"], rows[-1]["period_on"], every)
    band = (width - 60) / len(periods)
    needed = {"month": 34, "quarter": 30, "year": 40}.get(every, 58)
    if every == "month":
        step = next((n for n in (1, 2, 3, 6) if n * band >= needed), 12)
        ticks = [on for on in periods if (on.month - 1) % step == 0] or [periods[0]]
    else:
        ticks = periods[:: max(1, -int(-needed // band))]
    years = [on.year for on in ticks]
    first_of_year = {i for i, year in enumerate(years) if i == 0 or years[i - 1] != year}
    texts = {
        label(on, every): [short_label(on, every), str(on.year)]
        if i in first_of_year and every != "year"
        else [short_label(on, every)]
        for i, on in enumerate(ticks)
    }
    axis = {
        "values": list(texts),
        "labelExpr": f"({_literal(texts)})[datum.label]",
        "labelAngle": 0,
        "title": None,
        "ticks": False,
        "labelPadding": 6,
    }
    wide = min(0.25, max(0.08, 1 - 60 / band)) if len(periods) > 3 else max(0.08, 1 - 60 / band)
    domain = [label(on, every) for on in periods]
    scale = {"domain": domain, "paddingInner": wide, "paddingOuter": 0.1}
    return spec.field("period:O", sort=None, axis=axis, scale=scale)


def _literal(texts: Mapping[str, list[str]]) -> str:
    """A lookup in Vega's expression language; the texts are our own names of periods."""
    pairs = (f"'{key}':[{','.join(repr(part) for part in parts)}]" for key, parts in texts.items())
    return "{" + ",".join(pairs) + "}"


def incomplete(rows: Sequence[Row], width: int, every: str) -> list[Spec]:
    """A line above the periods that are not complete, and the words that say so."""
    periods: list[date] = [row["period_on"] for row in rows if not is_complete(row)]
    if not periods:
        return []
    x = period_axis(rows, width, every)
    data = pd.DataFrame({"period": [label(on, every) for on in periods]})
    line = (
        spec.chart(data)
        .mark("bar", color=light("muted"), aria=False)
        .encode(x=x, y=spec.value(-5), y2=spec.value(-4))
    )
    whole = periods_between(rows[0]["period_on"], rows[-1]["period_on"], every)
    near_start = periods[-1] < whole[len(whole) // 3]
    words = (
        spec.chart(data[:1] if near_start else data[-1:])
        .mark(
            "text",
            align="left" if near_start else "right",
            baseline="bottom",
            color=light("muted"),
            aria=False,
        )
        .encode(
            x=Field({**x, "bandPosition": 0 if near_start else 1}),
            y=spec.value(-8),
            text=spec.value("not complete"),
        )
    )
    return [line, words]


def reach_of(known: pd.DataFrame, lower: str, upper: str) -> tuple[float, float]:
    """The highest and the lowest that is drawn of shares and their limits."""
    highest, lowest = known[["share", upper]].max().max(), known[["share", lower]].min().min()
    return float(highest), float(lowest)
