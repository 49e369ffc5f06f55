"""What the charts share: axes of months and names, the mark of incomplete months, the style."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from avon_analytics.report.palette import light
from avon_analytics.report.rows import Row, calendar, group_name, is_mature
from avon_analytics.report.wording import month, plain

if TYPE_CHECKING:
    import altair as alt

Chart: TypeAlias = "alt.Chart | alt.LayerChart"

FONT = "system-ui, sans-serif"
PHONE = 400
"""Narrower than this, labels are shorter and ticks fewer."""
ROOM = 46
"""Pixels left of an axis of numbers. The reader's font is not known, so none is measured."""


def axis_keys(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """Names as keys of an axis: numbered, so that two names cut to the same text stay two."""
    limit = 16 if width < PHONE else 34
    return [f"{i:03d}{plain(group_name(row, columns), limit)}" for i, row in enumerate(rows)]


def room(text: str) -> float:
    """Pixels that a label takes in a wide font."""
    return 7.4 * len(text) + 10


def key_axis(keys: Sequence[str]) -> alt.Y:
    import altair as alt

    axis = alt.Axis(
        labelExpr="slice(datum.label, 3)",
        labelLimit=400,
        labelPadding=8,
        ticks=False,
        domain=False,
        minExtent=max(room(key[3:]) for key in keys),
    )
    return alt.Y("key:N", sort=None, title=None, axis=axis)


def month_axis(rows: Sequence[Row], width: int) -> alt.X:
    """Every calendar month from first to last, a month without a row included; years once each."""
    import altair as alt

    months = calendar(rows[0]["period_on"], rows[-1]["period_on"])
    band = (width - 60) / len(months)
    step = next((n for n in (1, 2, 3, 6) if n * band >= 34), 12)
    ticks = [on for on in months if (on.month - 1) % step == 0] or [months[0]]
    new_year = "datum.index == 0 || indexof(datum.label, 'Jan') == 0"
    name = "slice(datum.label, 0, 3)"
    axis = alt.Axis(
        values=[month(on) for on in ticks],
        labelExpr=f"{new_year} ? [{name}, slice(datum.label, 4)] : {name}",
        labelAngle=0,
        title=None,
        ticks=False,
        labelPadding=6,
    )
    wide = min(0.25, max(0.08, 1 - 60 / band)) if len(months) > 3 else 1 - 60 / band
    scale = alt.Scale(domain=[month(on) for on in months], paddingInner=wide, paddingOuter=0.1)
    return alt.X("month:O", sort=None, axis=axis, scale=scale)


def incomplete(rows: Sequence[Row], width: int) -> list[Any]:
    """A line above the months that are not complete yet, and the words that say so."""
    import altair as alt

    months: list[date] = [row["period_on"] for row in rows if not is_mature(row)]
    if not months:
        return []
    x = month_axis(rows, width)
    data = pd.DataFrame({"month": [month(on) for on in months]})
    line = (
        alt.Chart(data)
        .mark_bar(color=light("muted"), aria=False)
        .encode(x=x, y=alt.value(-5), y2=alt.value(-4))
    )
    near_start = months[-1] < calendar(rows[0]["period_on"], rows[-1]["period_on"])[len(rows) // 3]
    words = (
        alt.Chart(data[:1] if near_start else data[-1:])
        .mark_text(
            align="left" if near_start else "right",
            baseline="bottom",
            color=light("muted"),
            aria=False,
        )
        .encode(
            x=x.bandPosition(0 if near_start else 1),
            y=alt.value(-8),
            text=alt.value("not complete"),
        )
    )
    return [line, words]


def colours(field: str, words: Any, legend: bool) -> alt.Color:
    import altair as alt

    pairs = list(words)
    scale = alt.Scale(
        domain=[word for word, _ in pairs], range=[light(colour) for _, colour in pairs]
    )
    shown = alt.Legend(orient="bottom", title=None, columns=6) if legend else None
    return alt.Color(f"{field}:N", scale=scale, legend=shown)


def and_more(others: Sequence[Row]) -> str:
    return f"and {len(others):,} more" if others else ""


def finish(chart: Any, width: int, height: int, below: str = "") -> Chart:
    """The house style: no frame, hair-line grid, text in the page's ink."""
    import altair as alt

    if below:
        chart = chart.properties(
            title=alt.TitleParams(
                below, orient="bottom", anchor="start", fontSize=12, color=light("muted")
            )
        )
    styled = chart.properties(
        width=width, height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    finished: Chart = (
        styled.configure(background="transparent", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=light("muted"),
            labelFontSize=12,
            titleColor=light("muted"),
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=light("line"),
            domainColor=light("muted"),
            tickColor=light("line"),
        )
        .configure_axisY(domain=False, ticks=False)
        .configure_axisX(grid=False)
        .configure_legend(labelColor=light("ink"), labelFontSize=12, symbolType="square")
        .configure_text(fontSize=12, font=FONT)
        .configure_title(fontWeight="normal")
    )
    return finished
