"""One function a chart: a figure's frame in, an Altair chart out.

The page draws each chart twice, wide and narrow; a notebook shows the same charts as they are.
A frame without anything to draw gives None.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from avon_analytics.report.rows import (
    Row,
    calendar,
    group_name,
    groupings,
    is_mature,
    largest,
    monthly,
    rows_of,
)
from avon_analytics.report.palette import light
from avon_analytics.report.wording import count, month, number, percent, plain, share

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.Chart | alt.LayerChart

NEWEST_MONTHS = 60
MOST_GROUPS = 15
FONT = "system-ui, sans-serif"
ROOM = 46
"""Pixels left of an axis of numbers. The reader's font is not known, so none is measured."""

OUTCOMES = {
    # column: (word, colour), in the order they are stacked
    "n_attended": ("attended", "attended"),
    "n_no_show": ("no-show", "no-show"),
    "n_cancelled": ("cancelled", "cancelled"),
    "n_rescheduled": ("rescheduled", "rescheduled"),
    "n_unresolved": ("unresolved", "unresolved"),
    "n_not_due": ("not due", "not-due"),
}
FUNNEL_ENDS = {
    "n_next": ("went on, or completed", "attended"),
    "n_no_show": ("no-show", "no-show"),
    "n_cancelled": ("cancelled", "cancelled"),
    "n_rescheduled": ("rescheduled", "rescheduled"),
    "n_unresolved": ("unresolved", "unresolved"),
    "n_open": ("open", "not-due"),
}


def outcomes_by_month(
    outcomes: pd.DataFrame, *, width: int = 680, newest: int = NEWEST_MONTHS, legend: bool = True
) -> Chart | None:
    """Slots by outcome and month, stacked; months that are not complete yet are pale."""
    import altair as alt

    rows = monthly(outcomes)[-newest:]
    parts = [
        {
            "month": month(row["period_on"]),
            "outcome": word,
            "order": order,
            "n": number(row.get(column)) or 0,
            "opacity": 1 if is_mature(row) else 0.4,
        }
        for row in rows
        for order, (column, (word, _)) in enumerate(OUTCOMES.items())
    ]
    drawn = [part for part in parts if part["n"]]
    if not drawn:
        return None
    bars = (
        alt.Chart(pd.DataFrame(drawn))
        .mark_bar(stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            x=_month_axis(rows, width),
            y=alt.Y("n:Q", title="slots").axis(
                tickCount=5, format=",d", tickMinStep=1, minExtent=ROOM
            ),
            color=_colours("outcome", OUTCOMES.values(), legend),
            opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
            order=alt.Order("order:Q"),
        )
    )
    paper = bars.transform_filter("datum.opacity < 1").mark_bar(color=light("paper"), aria=False)
    paper = paper.encode(color=alt.value(light("paper")), opacity=alt.value(1))
    return _finish(alt.layer(paper, bars, *_incomplete(rows, width)), width, 240)


def no_show_by_month(
    outcomes: pd.DataFrame,
    *,
    overall: float | None = None,
    width: int = 680,
    newest: int = NEWEST_MONTHS,
) -> Chart | None:
    """No-show share by month with its 95 % interval; months not complete yet are hollow."""
    import altair as alt

    rows = monthly(outcomes)[-newest:]
    drawn = [
        {
            "month": month(row["period_on"]),
            "share": known.value,
            "low": known.low,
            "high": known.high,
            "fill": light("no-show") if is_mature(row) else light("paper"),
        }
        for row in rows
        if (known := share(row, "no_show_share")).value is not None
    ]
    if not drawn:
        return None
    highest = max(part["high"] or part["share"] or 0 for part in drawn)
    y = alt.Y("share:Q", title="no-show share").axis(
        format=".0%", tickCount=5, minExtent=ROOM
    )
    y = y.scale(domain=[0, min(1, highest * 1.04 or 1)], nice=True)
    points = alt.Chart(pd.DataFrame(drawn)).encode(x=_month_axis(rows, width))
    layers: list[Any] = [
        points.mark_rule(
            stroke=light("no-show"), strokeWidth=2, strokeOpacity=0.45, aria=False
        ).encode(y=alt.Y("low:Q", title="no-show share"), y2="high:Q"),
        points.mark_circle(
            size=36, stroke=light("no-show"), strokeWidth=1.6, opacity=1, aria=False
        ).encode(y=y, fill=alt.Fill("fill:N", scale=None, legend=None)),
    ]
    if overall is not None:
        line = alt.Chart(pd.DataFrame({"overall": [overall]}))
        layers.insert(
            0,
            line.mark_rule(stroke=light("muted"), strokeDash=[4, 3], aria=False).encode(
                y=alt.Y("overall:Q", title="no-show share")
            ),
        )
    return _finish(alt.layer(*layers, *_incomplete(rows, width)), width, 190)


def funnel(funnel: pd.DataFrame, *, width: int = 680, legend: bool = True) -> Chart | None:
    """How many appointments reached each stage, and where the others of it went."""
    import altair as alt

    rows = rows_of(funnel)
    reached = [number(row.get("n_reached")) for row in rows]
    parts = []
    for index, (row, n) in enumerate(zip(rows, reached, strict=True)):
        following = reached[index + 1] if index + 1 < len(rows) else n
        lines = [plain(row.get("stage"), 20).capitalize(), count(n)]
        if index:
            lines.append(f"{percent(row.get('first_share'))} of booked")
        counts = {**row, "n_next": following}
        parts += [
            {"stage": "|".join(lines), "end": word, "order": order, "n": number(counts.get(column))}
            for order, (column, (word, _)) in enumerate(FUNNEL_ENDS.items())
        ]
    drawn = [part for part in parts if part["n"]]
    if not drawn:
        return None
    chart = (
        alt.Chart(pd.DataFrame(drawn))
        .mark_bar(stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            y=alt.Y("stage:N", sort=None, title=None)
            .axis(
                labelExpr="split(datum.label, '|')",
                labelBaseline="line-top",
                labelOffset=-20,
                labelPadding=8,
                ticks=False,
                domain=False,
                minExtent=_room("80.0 % of booked"),
            )
            .scale(paddingInner=0.35),
            x=alt.X("n:Q", title="appointments").axis(
                tickCount=4 if width < 400 else 6, format=",d", tickMinStep=1
            ),
            color=_colours("end", FUNNEL_ENDS.values(), legend),
            order=alt.Order("order:Q"),
        )
    )
    return _finish(chart, width, 62 * len({part["stage"] for part in drawn}))


def cancellations_by(
    cancellations: pd.DataFrame, column: str, *, width: int = 680
) -> Chart | None:
    """Cancelled slots by who cancelled or by how much notice they gave."""
    import altair as alt

    rows = [row for row in rows_of(cancellations) if number(row.get("n_cancelled"))]
    if not rows:
        return None
    shown, others = largest(rows, "n_cancelled", MOST_GROUPS)
    total = sum(number(row["n_cancelled"]) or 0 for row in rows)
    data = pd.DataFrame(
        {
            "key": (keys := _keys(shown, [column], width)),
            "n": [number(row["n_cancelled"]) for row in shown],
            "label": [
                f"{count(row['n_cancelled'])} · {percent(float(row['n_cancelled']) / total)}"
                for row in shown
            ],
        }
    )
    base = alt.Chart(data).encode(
        y=_key_axis(keys),
        x=alt.X("n:Q", axis=None).scale(domainMin=0, domainMax=float(data["n"].max()) * 1.35),
    )
    bars = base.mark_bar(color=light("cancelled"), height=16, aria=False)
    labels = base.mark_text(align="left", dx=6, color=light("ink"), aria=False).encode(text="label")
    return _finish(alt.layer(bars, labels), width, 28 * len(shown), _and_more(others))


def no_show_by_group(outcomes: pd.DataFrame, *, width: int = 680) -> Chart | None:
    """No-show share of each group with its 95 % interval, the largest groups only."""
    import altair as alt

    columns = groupings(outcomes)
    rows = [row for row in rows_of(outcomes) if number(row.get("no_show_share")) is not None]
    if not rows:
        return None
    shown, others = largest(rows, "n_slots", MOST_GROUPS)
    shares = [share(row, "no_show_share") for row in shown]
    data = pd.DataFrame(shares, columns=["share", "n", "low", "high"])
    data["key"] = keys = _keys(shown, columns, width)
    highest = max(known.high or known.value or 0 for known in shares)
    base = alt.Chart(data).encode(y=_key_axis(keys))
    x = alt.X("share:Q", title="no-show share").axis(format=".0%", tickCount=5)
    x = x.scale(domain=[0, min(1, highest * 1.04 or 1)], nice=True)
    intervals = base.mark_rule(
        stroke=light("no-show"), strokeWidth=2, strokeOpacity=0.45, aria=False
    ).encode(x=alt.X("low:Q", title="no-show share"), x2="high:Q")
    dots = base.mark_circle(size=44, color=light("no-show"), opacity=1, aria=False).encode(x=x)
    return _finish(alt.layer(intervals, dots), width, 26 * len(shown), _and_more(others))


def _keys(rows: Sequence[Row], columns: Sequence[str], width: int) -> list[str]:
    """Names as keys of an axis: numbered, so that two names cut to the same text stay two."""
    limit = 16 if width < 400 else 34
    return [f"{i:03d}{plain(group_name(row, columns), limit)}" for i, row in enumerate(rows)]


def _room(text: str) -> float:
    """Pixels that a label takes in a wide font."""
    return 7.4 * len(text) + 10


def _key_axis(keys: Sequence[str]) -> alt.Y:
    import altair as alt

    axis = alt.Axis(
        labelExpr="slice(datum.label, 3)",
        labelLimit=400,
        labelPadding=8,
        ticks=False,
        domain=False,
        minExtent=max(_room(key[3:]) for key in keys),
    )
    return alt.Y("key:N", sort=None, title=None, axis=axis)


def _month_axis(rows: Sequence[Row], width: int) -> alt.X:
    """Every calendar month from first to last, a month without a row included; years once each."""
    import altair as alt

    months = calendar(rows[0]["period_on"], rows[-1]["period_on"])[-NEWEST_MONTHS:]
    band = (width - 60) / len(months)
    step = next((n for n in (1, 2, 3, 6) if n * band >= 27), 12)
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


def _incomplete(rows: Sequence[Row], width: int) -> list[Any]:
    """A line above the months that are not complete yet, and the words that say so."""
    import altair as alt

    months: list[date] = [row["period_on"] for row in rows if not is_mature(row)]
    if not months:
        return []
    x = _month_axis(rows, width)
    data = pd.DataFrame({"month": [month(on) for on in months]})
    line = (
        alt.Chart(data)
        .mark_bar(color=light("muted"), aria=False)
        .encode(x=x, y=alt.value(-5), y2=alt.value(-4))
    )
    near_start = months[-1] < calendar(rows[0]["period_on"], rows[-1]["period_on"])[len(rows) // 3]
    words = (
        alt.Chart(data[:1] if near_start else data[-1:])
        .mark_text(align="center", baseline="bottom", color=light("muted"), aria=False)
        .encode(x=x, y=alt.value(-8), text=alt.value("not complete"))
    )
    return [line, words]


def _colours(field: str, words: Any, legend: bool) -> alt.Color:
    import altair as alt

    pairs = list(words)
    scale = alt.Scale(
        domain=[word for word, _ in pairs], range=[light(colour) for _, colour in pairs]
    )
    shown = alt.Legend(orient="bottom", title=None, columns=6) if legend else None
    return alt.Color(f"{field}:N", scale=scale, legend=shown)


def _and_more(others: Sequence[Row]) -> str:
    return f"and {len(others):,} more" if others else ""


def _finish(chart: Any, width: int, height: int, below: str = "") -> Chart:
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
