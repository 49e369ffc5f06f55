"""One function a chart: a figure's frame in, an Altair chart out.

The page draws each chart twice, wide and narrow; a notebook shows the same charts as they are.
A frame without anything to draw gives None.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from avon_analytics.report.chart_parts import (
    PHONE,
    ROOM,
    Chart,
    and_more,
    axis_keys,
    colours,
    finish,
    incomplete,
    key_axis,
    month_axis,
    room,
)
from avon_analytics.report.palette import light
from avon_analytics.report.rows import (
    groupings,
    is_mature,
    largest,
    rows_of,
    window,
)
from avon_analytics.report.wording import count, month, number, percent, plain, share

NEWEST_MONTHS = 60
MOST_GROUPS = 15
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

    rows = window(outcomes, newest)
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
    highest = max(number(row.get("n_slots")) or 0 for row in rows)
    bars = (
        alt.Chart(pd.DataFrame(drawn))
        .mark_bar(stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            x=month_axis(rows, width),
            y=alt.Y("n:Q", title="slots").axis(
                tickCount=5, format=",d", tickMinStep=1, minExtent=room(count(highest))
            ),
            color=colours("outcome", OUTCOMES.values(), legend),
            opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
            order=alt.Order("order:Q"),
        )
    )
    paper = bars.transform_filter("datum.opacity < 1").mark_bar(color=light("paper"), aria=False)
    paper = paper.encode(color=alt.value(light("paper")), opacity=alt.value(1))
    return finish(alt.layer(paper, bars, *incomplete(rows, width)), width, 240)


def no_show_by_month(
    outcomes: pd.DataFrame,
    *,
    overall: float | None = None,
    width: int = 680,
    newest: int = NEWEST_MONTHS,
) -> Chart | None:
    """No-show share by month with its 95 % interval; months not complete yet are hollow."""
    import altair as alt

    rows = window(outcomes, newest)
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
    highest = max(float(part["high"] or part["share"] or 0) for part in drawn)
    y = alt.Y("share:Q", title="no-show share").axis(format=".0%", tickCount=5, minExtent=ROOM)
    y = y.scale(domain=[0, min(1, highest * 1.04 or 1)], nice=True)
    points = alt.Chart(pd.DataFrame(drawn)).encode(x=month_axis(rows, width))
    layers: list[Any] = [
        points.mark_rule(
            stroke=light("no-show"), strokeWidth=2, strokeOpacity=0.6, aria=False
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
    return finish(alt.layer(*layers, *incomplete(rows, width)), width, 190)


def funnel(funnel: pd.DataFrame, *, width: int = 680, legend: bool = True) -> Chart | None:
    """How many appointments reached each stage, and where the others of it went."""
    import altair as alt

    rows = rows_of(funnel)
    reached = [number(row.get("n_reached")) for row in rows]
    of_booked = "" if width < PHONE else " of booked"
    parts = []
    for index, (row, n) in enumerate(zip(rows, reached, strict=True)):
        following = reached[index + 1] if index + 1 < len(rows) else n
        lines = [plain(row.get("stage"), 20).capitalize(), count(n)]
        if index:
            lines.append(percent(row.get("first_share")) + of_booked)
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
                minExtent=room("Completed" if width < PHONE else "80.0 % of booked"),
            )
            .scale(paddingInner=0.35),
            x=alt.X("n:Q", title="appointments").axis(
                tickCount=4 if width < PHONE else 6, format=",d", tickMinStep=1, labelSeparation=16
            ),
            color=colours("end", FUNNEL_ENDS.values(), legend),
            order=alt.Order("order:Q"),
        )
    )
    return finish(chart, width, 62 * len({part["stage"] for part in drawn}))


def cancellations_by(cancellations: pd.DataFrame, column: str, *, width: int = 680) -> Chart | None:
    """Cancelled slots by who cancelled or by how much notice they gave."""
    import altair as alt

    rows = [row for row in rows_of(cancellations) if number(row.get("n_cancelled"))]
    if not rows:
        return None
    shown, others = largest(rows, "n_cancelled", MOST_GROUPS)
    counts = [number(row["n_cancelled"]) or 0 for row in shown]
    total = sum(number(row["n_cancelled"]) or 0 for row in rows)
    texts = [f"{count(n)} · {percent(n / total)}" for n in counts]
    names = axis_keys(shown, [column], width)
    # The longest bar leaves room for the longest text behind it.
    length = width - max(room(name) for name in names)
    longest = max(counts) * length / max(length - max(room(text) for text in texts), 60)
    base = alt.Chart(pd.DataFrame({"key": names, "n": counts, "label": texts})).encode(
        y=key_axis(names),
        x=alt.X("n:Q", axis=None).scale(domainMin=0, domainMax=longest),
    )
    bars = base.mark_bar(color=light("cancelled"), height=16, aria=False)
    labels = base.mark_text(align="left", dx=6, color=light("ink"), aria=False).encode(text="label")
    return finish(alt.layer(bars, labels), width, 28 * len(shown), and_more(others))


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
    data["key"] = names = axis_keys(shown, columns, width)
    highest = max(known.high or known.value or 0 for known in shares)
    base = alt.Chart(data).encode(y=key_axis(names))
    x = alt.X("share:Q", title="no-show share").axis(format=".0%", tickCount=5)
    x = x.scale(domain=[0, min(1, highest * 1.04 or 1)], nice=True)
    intervals = base.mark_rule(
        stroke=light("no-show"), strokeWidth=2, strokeOpacity=0.6, aria=False
    ).encode(x=alt.X("low:Q", title="no-show share"), x2="high:Q")
    dots = base.mark_circle(size=44, color=light("no-show"), opacity=1, aria=False).encode(x=x)
    return finish(alt.layer(intervals, dots), width, 26 * len(shown), and_more(others))
