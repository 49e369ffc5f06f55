"""What the charts share: axes of periods and names, the mark of incomplete periods, the style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from avon_analytics.report.palette import light
from avon_analytics.report.periods import calendar, label, short
from avon_analytics.report.rows import Row, group_name, groupings, is_complete, rows_of
from avon_analytics.report.wording import count, number, plain

if TYPE_CHECKING:
    import altair as alt

Chart: TypeAlias = "alt.Chart | alt.LayerChart | alt.VConcatChart"
Words = Mapping[str, tuple[str, str]]
"""A column or value, the word for it and the name of its colour."""

FONT = "system-ui, sans-serif"
PHONE = 400
"""Narrower than this, labels are shorter and ticks fewer."""
ROOM = 46
"""Pixels left of an axis of numbers. The reader's font is not known, so none is measured."""
MOST_PANELS = 12


def axis_keys(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """Names as keys of an axis: numbered, so that two names cut to the same text stay two."""
    limit = 16 if width < PHONE else 34
    return [f"{i:04d}{plain(group_name(row, columns), limit)}" for i, row in enumerate(rows)]


def room(text: str) -> float:
    """Pixels that a label takes in a wide font."""
    return 7.6 * len(text) + 10


def key_axis(keys: Sequence[str]) -> alt.Y:
    """The names of groups, one below the other."""
    import altair as alt

    axis = alt.Axis(
        labelExpr="slice(datum.label, 4)",
        labelLimit=400,
        labelPadding=8,
        ticks=False,
        domain=False,
        minExtent=max(room(key[4:]) for key in keys),
    )
    return alt.Y("key:N", sort=None, title=None, axis=axis)


def share_axis(channel: Any, field: str, title: str, highest: float) -> Any:
    """An axis of shares from 0, as far as the highest interval reaches."""
    aside = {"minExtent": ROOM} if channel.__name__ == "Y" else {}
    digits = 0 if highest >= 0.05 else 1 if highest >= 0.005 else 2  # so that no two ticks agree
    axis = channel(f"{field}:Q", title=title).axis(format=f".{digits}%", tickCount=5, **aside)
    return axis.scale(domain=[0, min(1, highest * 1.04 or 1)], nice=True)


def count_axis(channel: Any, title: str, highest: float, width: int) -> Any:
    """An axis of counts, without fractions."""
    aside = {"minExtent": room(count(highest))} if channel.__name__ == "Y" else {}
    return channel("n:Q", title=title).axis(
        tickCount=4 if width < PHONE else 6,
        format=",d",
        tickMinStep=1,
        labelSeparation=16,
        **aside,
    )


def period_axis(rows: Sequence[Row], width: int, every: str) -> alt.X:
    """Every period from first to last, one without a row included; years once each."""
    import altair as alt

    periods = calendar(rows[0]["period_on"], rows[-1]["period_on"], every)
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
        label(on, every): [short(on, every), str(on.year)]
        if i in first_of_year and every != "year"
        else [short(on, every)]
        for i, on in enumerate(ticks)
    }
    axis = alt.Axis(
        values=list(texts),
        labelExpr=f"({_literal(texts)})[datum.label]",
        labelAngle=0,
        title=None,
        ticks=False,
        labelPadding=6,
    )
    wide = min(0.25, max(0.08, 1 - 60 / band)) if len(periods) > 3 else max(0.08, 1 - 60 / band)
    domain = [label(on, every) for on in periods]
    scale = alt.Scale(domain=domain, paddingInner=wide, paddingOuter=0.1)
    return alt.X("period:O", sort=None, axis=axis, scale=scale)


def _literal(texts: Mapping[str, list[str]]) -> str:
    """A lookup in Vega's expression language; the texts are our own names of periods."""
    pairs = (f"'{key}':[{','.join(repr(part) for part in parts)}]" for key, parts in texts.items())
    return "{" + ",".join(pairs) + "}"


def incomplete(rows: Sequence[Row], width: int, every: str) -> list[Any]:
    """A line above the periods that are not complete, and the words that say so."""
    import altair as alt

    periods: list[date] = [row["period_on"] for row in rows if not is_complete(row)]
    if not periods:
        return []
    x = period_axis(rows, width, every)
    data = pd.DataFrame({"period": [label(on, every) for on in periods]})
    line = (
        alt.Chart(data)
        .mark_bar(color=light("muted"), aria=False)
        .encode(x=x, y=alt.value(-5), y2=alt.value(-4))
    )
    whole = calendar(rows[0]["period_on"], rows[-1]["period_on"], every)
    near_start = periods[-1] < whole[len(whole) // 3]
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


def colours(field: str, words: Iterable[tuple[str, str]], legend: bool) -> alt.Color:
    """A colour for each word, with or without the legend."""
    import altair as alt

    pairs = list(dict.fromkeys(words))
    scale = alt.Scale(
        domain=[word for word, _ in pairs], range=[light(colour) for _, colour in pairs]
    )
    shown = alt.Legend(orient="top", title=None, columnPadding=20) if legend else None
    return alt.Color(f"{field}:N", scale=scale, legend=shown)


def held(rows: Iterable[Row], words: Words) -> list[tuple[str, str]]:
    """The words, with their colours, of what the rows really hold."""
    known = list(rows)
    return [pair for column, pair in words.items() if any(number(row.get(column)) for row in known)]


def and_more(others: Sequence[Row]) -> str:
    return f"and {len(others):,} more, with smaller counts" if others else ""


def below(chart: Any, words: str) -> Any:
    """The chart with a line of words below it."""
    import altair as alt

    if not words:
        return chart
    title = alt.TitleParams(
        words, orient="bottom", anchor="start", fontSize=12, offset=8, color=light("muted")
    )
    return chart.properties(title=title)


def sized(chart: Any, width: int, height: int) -> Any:
    """As wide as asked for, labels included, where it stands alone."""
    import altair as alt

    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return chart.properties(width=width, height=height, autosize=fit)


def panels(
    frame: pd.DataFrame, draw: Callable[[pd.DataFrame, int], Any], *, by: str, width: int
) -> Any:
    """One small chart for each of the largest groups, side by side, then below each other.

    ``draw`` gets one group's rows and a width and gives a chart without size; ``by`` is the count
    that tells which groups are largest.
    """
    import altair as alt

    columns = groupings(frame)
    parts = [part for _, part in frame.groupby(columns, dropna=False, sort=False)]
    ranked = sorted(range(len(parts)), key=lambda i: (-float(parts[i][by].sum()), i))
    kept = [parts[i] for i in sorted(ranked[:MOST_PANELS])]
    across = 1 if width < PHONE else 2 if len(kept) in (2, 4) or width < 640 else 3
    each = width // across - (100 if by == "n_reached" else 72)
    drawn = []
    for part in kept:
        chart = draw(part, each)
        if chart is None:
            continue
        name = group_name(rows_of(part.head(1))[0], columns, 40 if each > 240 else 26)
        title = alt.TitleParams(name, anchor="start", fontSize=12, fontWeight="bold", offset=16)
        drawn.append(chart.properties(width=each, title=title))
    if not drawn:
        return None
    rows = [alt.hconcat(*drawn[i : i + across]) for i in range(0, len(drawn), across)]
    more = len(parts) - len(kept)
    return below(alt.vconcat(*rows), f"and {more:,} more, with smaller counts" if more else "")


def nothing(width: int) -> Any:
    """A chart of nothing, that says so."""
    import altair as alt

    data = pd.DataFrame({"text": ["There is nothing to draw."]})
    words = alt.Chart(data).mark_text(
        align="left", baseline="top", color=light("muted"), fontStyle="italic", aria=False
    )
    words = words.encode(text="text", x=alt.value(0), y=alt.value(0))
    return words.properties(width=width, height=20)


def finish(chart: Any, width: float) -> Chart:
    """The house style: no frame, hair-line grid, ink; ``width`` is what a legend may take."""
    finished: Chart = (
        chart.configure(background="transparent", font=FONT, padding=4)
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
        .configure_legend(
            labelColor=light("ink"),
            labelFontSize=12,
            symbolType="square",
            symbolOpacity=1,
            columns=min(6, max(2, int(width // 115))),
        )
        .configure_text(fontSize=12, font=FONT)
        .configure_title(fontWeight="normal", color=light("ink"))
    )
    return finished
