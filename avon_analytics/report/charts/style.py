"""How every chart looks: fonts, colours of words, size, a line of words below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.spec import Field, Spec
from avon_analytics.report.tables.rows import Row
from avon_analytics.report.words.numbers import number

Words = Mapping[str, tuple[str, str]]
"""A column or value, the word for it and the name of its colour."""
FONT = "system-ui, sans-serif"
PHONE = 400
"""Narrower than this, labels are shorter and ticks fewer."""


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
