"""Figures over time: outcomes, who cancelled, a share with its interval, days booked ahead."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.parts import (
    NEWEST,
    WHOLE_NUMBERS,
    Foremost,
    Words,
    colours,
    count_axis,
    finish,
    incomplete,
    panels,
    period_axis,
    present,
    share_axis,
    sized,
)
from avon_analytics.report.tables.rows import groupings, is_complete, rows_of, window
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.shares import share

OUTCOMES: Words = {
    # column: (word, colour), in the order they are stacked
    "n_attended": ("attended", "attended"),
    "n_no_show": ("no-show", "no-show"),
    "n_cancelled": ("cancelled", "cancelled"),
    "n_rescheduled": ("rescheduled", "rescheduled"),
    "n_unresolved": ("unresolved", "unresolved"),
    "n_not_due": ("not due", "not-due"),
}
HOURS: Words = {
    "attended_hours": ("attended", "attended"),
    "no_show_hours": ("no-show", "no-show"),
    "late_cancelled_hours": ("cancelled late", "cancelled"),
    "late_rescheduled_hours": ("moved late", "rescheduled"),
    "released_in_time_hours": ("released in time", "not-due"),
    "unresolved_hours": ("unresolved", "unresolved"),
}
WHO: Words = {
    "n_by_patient": ("by patient", "cancelled"),
    "n_by_provider": ("by provider", "unresolved"),
    "n_by_unknown": ("by unknown", "not-due"),
}


def outcomes_over_time(
    outcomes: pd.DataFrame, *, width: int = 720, newest: int = NEWEST, legend: bool = True
) -> spec.Spec | None:
    """Slots by outcome and period, stacked; periods that are not complete are pale."""
    return _counts(outcomes, OUTCOMES, "n_slots", "slots", width, newest, legend)


def hours_over_time(
    lost_time: pd.DataFrame, *, width: int = 720, newest: int = NEWEST, legend: bool = True
) -> spec.Spec | None:
    """Planned hours by what became of them and period, stacked."""
    return _counts(lost_time, HOURS, "planned_hours", "planned hours", width, newest, legend)


def cancellations_over_time(
    cancellations: pd.DataFrame, *, width: int = 720, newest: int = NEWEST, legend: bool = True
) -> spec.Spec | None:
    """Cancelled slots by who cancelled and period, stacked."""
    return _counts(cancellations, WHO, "n_cancelled", "cancelled slots", width, newest, legend)


def share_over_time(
    frame: pd.DataFrame,
    name: str,
    *,
    title: str,
    overall: float | None = None,
    width: int = 720,
    newest: int = NEWEST,
) -> spec.Spec | None:
    """A share by period with its 95 % interval; periods that are not complete are hollow."""
    foremost = Foremost.of(frame, f"{name}_n") if groupings(frame) else None
    shown = window(foremost.rows if foremost else frame, newest)
    known = [k for row in shown if (k := share(row, name)).value is not None]
    if not known:
        return None
    highest = max(float(k.high or k.value or 0) for k in known)

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        return _shares(part, name, title, overall, highest, across, newest)

    if foremost:
        return finish(panels(foremost, draw, width), width)
    return finish(sized(draw(frame, width), width, 190), width)


def lead_times_over_time(
    lead_times: pd.DataFrame, *, width: int = 720, newest: int = NEWEST
) -> spec.Spec | None:
    """Days booked ahead by booking period: the median, and a line up to nine in ten.

    Periods that are not complete are hollow.
    """
    rows, every = window(lead_times, newest), every_of(lead_times)
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
    return finish(sized(marked, width, 190), width)


def _counts(
    frame: pd.DataFrame,
    words: Words,
    total: str,
    title: str,
    width: int,
    newest: int,
    legend: bool,
) -> spec.Spec | None:
    foremost = Foremost.of(frame, total) if groupings(frame) else None
    drawn = foremost.rows if foremost else frame
    shown_words = present(rows_of(drawn), words)
    shown = window(drawn, newest)
    if not shown_words or not shown:
        return None
    highest = max(number(row.get(total)) or 0 for row in shown)

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        return _stacks(part, words, title, highest, across, newest, shown_words if legend else None)

    if foremost:
        return finish(panels(foremost, draw, width), width)
    chart = draw(frame, width)
    return finish(sized(chart, width, 240), width)


def _stacks(
    frame: pd.DataFrame,
    words: Words,
    title: str,
    highest: float,
    width: int,
    newest: int,
    legend: list[tuple[str, str]] | None,
) -> spec.Spec | None:
    rows, every = window(frame, newest), every_of(frame)
    parts = [
        {
            "period": label(row["period_on"], every),
            "word": word,
            "order": order,
            "n": number(row.get(column)) or 0,
            "opacity": 1 if is_complete(row) else 0.4,
        }
        for row in rows
        for order, (column, (word, _)) in enumerate(words.items())
    ]
    drawn = [part for part in parts if part["n"]]
    if not drawn:
        return None
    y = count_axis("y", title, highest, width)
    if groupings(frame):
        y = y.scale(domainMax=highest)
    bars = (
        spec.chart(pd.DataFrame(drawn))
        .mark("bar", stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            x=period_axis(rows, width, every),
            y=y,
            color=colours("word", legend or words.values(), legend is not None),
            opacity=spec.field("opacity:Q", scale=None, legend=None),
            order=spec.field("order:Q"),
        )
    )
    paper = bars.where("datum.opacity < 1").mark("bar", color=light("paper"), aria=False)
    paper = paper.encode(color=spec.value(light("paper")), opacity=spec.value(1))
    return spec.layer(paper, bars, *incomplete(rows, width, every)).having(height=150)


def _shares(
    frame: pd.DataFrame,
    name: str,
    title: str,
    overall: float | None,
    highest: float,
    width: int,
    newest: int,
) -> spec.Spec | None:
    rows, every = window(frame, newest), every_of(frame)
    colour = light("no-show" if name == "no_show_share" else "accent")
    drawn = [
        {
            "period": label(row["period_on"], every),
            "share": known.value,
            "low": known.low,
            "high": known.high,
            "fill": colour if is_complete(row) else light("paper"),
        }
        for row in rows
        if (known := share(row, name)).value is not None
    ]
    if not drawn:
        return None
    y = share_axis("y", "share", title, highest)
    points = spec.chart(pd.DataFrame(drawn)).encode(x=period_axis(rows, width, every))
    layers: list[spec.Spec] = [
        points.mark("rule", stroke=colour, strokeWidth=2, strokeOpacity=0.6, aria=False).encode(
            y=spec.field("low:Q", title=title), y2="high:Q"
        ),
        points.mark(
            "circle", size=36, stroke=colour, strokeWidth=1.6, opacity=1, aria=False
        ).encode(y=y, fill=spec.field("fill:N", scale=None, legend=None)),
    ]
    if overall is not None:
        line = spec.chart(pd.DataFrame({"overall": [overall]}))
        layers.insert(
            0,
            line.mark("rule", stroke=light("muted"), strokeDash=[4, 3], aria=False).encode(
                y=spec.field("overall:Q", title=title)
            ),
        )
    return spec.layer(*layers, *incomplete(rows, width, every)).having(height=130)
