"""What the charts share: axes of periods and names, the mark of incomplete periods, the style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.spec import Field, Spec
from avon_analytics.report.tables.rows import (
    Row,
    group_name,
    groupings,
    is_complete,
    newest_part,
    rows_of,
)
from avon_analytics.report.words.numbers import count, number
from avon_analytics.report.words.periods import label, periods_between, short_label
from avon_analytics.report.words.text import told_apart

Words = Mapping[str, tuple[str, str]]
"""A column or value, the word for it and the name of its colour."""

FONT = "system-ui, sans-serif"
PHONE = 400
"""Narrower than this, labels are shorter and ticks fewer."""
ROOM = 46
"""Pixels left of an axis of numbers. The reader's font is not known, so none is measured."""
MOST_PANELS = 12
MOST_GROUPS = 15
WHOLE_NUMBERS: Mapping[str, Any] = {
    "format": ",d",
    "tickMinStep": 1,
    # Vega puts a tick at a half where an axis ends at 1 or 2: it stays without a number.
    "labelExpr": "datum.value == floor(datum.value) ? datum.label : ''",
}
"""An axis on which no number stands twice."""
NEWEST, NEWEST_IN_PANELS = 60, 30
"""How many periods a chart draws, and a panel, which is a third as wide."""


def axis_keys(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """Names as keys of an axis: numbered, so that two of one text stay two."""
    names = told_apart([group_name(row, columns) for row in rows], 16 if width < PHONE else 34)
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


def colours(field: str, words: Iterable[tuple[str, str]], legend: bool) -> Field:
    """A colour for each word, with or without the legend."""
    pairs = list(dict.fromkeys(words))
    scale = {"domain": [word for word, _ in pairs], "range": [light(colour) for _, colour in pairs]}
    shown = {"orient": "top", "title": None, "columnPadding": 20} if legend else None
    return spec.field(f"{field}:N", scale=scale, legend=shown)


def present(rows: Iterable[Row], words: Words) -> list[tuple[str, str]]:
    """The words, with their colours, of what the rows really hold."""
    known = list(rows)
    return [pair for column, pair in words.items() if any(number(row.get(column)) for row in known)]


def and_more(others: Sequence[Row]) -> str:
    return f"and {len(others):,} more, with smaller counts" if others else ""


def below(chart: Spec, words: str) -> Spec:
    """The chart with a line of words below it."""
    if not words:
        return chart
    title = {
        "text": words,
        "orient": "bottom",
        "anchor": "start",
        "fontSize": 12,
        "offset": 8,
        "color": light("muted"),
    }
    return chart.having(title=title)


def sized(chart: Spec | None, width: int, height: int) -> Spec | None:
    """As wide as asked for, labels included, where it stands alone."""
    if chart is None:
        return None
    fit = {"type": "fit-x", "contains": "padding"}
    return chart.having(width=width, height=height, autosize=fit)


def panels(
    foremost: Foremost,
    draw: Callable[[pd.DataFrame, int], Spec | None],
    width: int,
    beside: int = 72,
) -> Spec | None:
    """One small chart for each of the largest groups, side by side, then below each other.

    ``draw`` gets one group's rows and a width and gives a chart without size; ``beside`` is how
    many pixels its axes take.
    """
    columns = groupings(foremost.rows)
    kept = [part for _, part in foremost.rows.groupby(columns, dropna=False, sort=False)]
    across = 1 if width < PHONE else 2 if len(kept) in (2, 4) or width < 640 else 3
    each = width // across - beside
    names = [group_name(rows_of(part.head(1))[0], columns) for part in kept]
    drawn = []
    for name, part in zip(told_apart(names, 40 if each > 240 else 26), kept, strict=True):
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
    def of(cls, frame: pd.DataFrame, by: str) -> Foremost:
        """The foremost by a count of this name."""
        columns = groupings(frame)
        drawn = newest_part(frame, NEWEST_IN_PANELS) if "period_on" in frame else frame
        parts = drawn.groupby(columns, dropna=False, sort=False)
        in_all = parts if drawn is frame else frame.groupby(columns, dropna=False, sort=False)
        sizes = parts[by].sum().astype("float64").reset_index(drop=True)
        largest = sizes.sort_values(ascending=False, kind="stable").index[:MOST_PANELS]
        return cls(drawn[parts.ngroup().isin(largest)], in_all.ngroups)


def nothing(width: int) -> Spec:
    """A chart of nothing, that says so."""
    data = pd.DataFrame({"text": ["There is nothing to draw."]})
    words = spec.chart(data).mark(
        "text", align="left", baseline="top", color=light("muted"), fontStyle="italic", aria=False
    )
    words = words.encode(text="text", x=spec.value(0), y=spec.value(0))
    return words.having(width=width, height=20)


def finish(chart: Spec | None, width: float) -> Spec | None:
    """The chart in the house style; None for none."""
    return None if chart is None else chart.having(config=style(width))


def style(width: float) -> dict[str, Any]:
    """No frame, hair-line grid, ink; ``width`` is what a legend may take."""
    return {
        "background": "transparent",
        "font": FONT,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            "labelColor": light("muted"),
            "labelFontSize": 12,
            "labelLimit": 0,  # numbers and periods are short: to see that takes a tenth of drawing
            "titleColor": light("muted"),
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": light("line"),
            "domainColor": light("muted"),
            "tickColor": light("line"),
        },
        "axisY": {"domain": False, "ticks": False},
        "axisX": {"grid": False},
        "legend": {
            "labelColor": light("ink"),
            "labelFontSize": 12,
            "symbolType": "square",
            "symbolOpacity": 1,
            "columns": min(6, max(2, int(width // 115))),
        },
        "text": {"fontSize": 12, "font": FONT},
        "title": {"fontWeight": "normal", "color": light("ink")},
    }


def reach_of(known: pd.DataFrame, lower: str, upper: str) -> tuple[float, float]:
    """The highest and the lowest that is drawn of shares and their limits."""
    highest, lowest = known[["share", upper]].max().max(), known[["share", lower]].min().min()
    return float(highest), float(lowest)
