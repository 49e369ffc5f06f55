"""Charts of how slots ended, of shares, stages, days ahead and hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from avon_analytics.report import charts
from avon_analytics.report.plot.titles import (
    MOST_GROUPS,
    WIDTH,
    by_names,
    check_columns,
    chosen_share,
    periods_drawn,
    range_words,
    share_words,
    total,
    totals,
    with_title,
)
from avon_analytics.report.tables.rows import groupings
from avon_analytics.report.tables.titles import by_words
from avon_analytics.report.words.numbers import amount, count, percent, plural
from avon_analytics.report.words.text import lower_first

if TYPE_CHECKING:
    import altair as alt


@by_names
def outcomes(outcomes: pd.DataFrame, *, title: str | None = None, width: int = WIDTH) -> alt.Chart:
    """How slots ended, stacked: by period where the figure has periods, else by group.

    outcomes: ``cohort.outcomes(…)``. With both a grouping and ``every``, a panel for each of the
        twelve largest groups.

    >>> avon.plot.outcomes(visits.outcomes(every="month")).title.text
    ['Outcomes of slots by month']
    """
    check_columns(outcomes, "outcomes", "n_slots", *charts.OUTCOMES.parts)
    chart = (
        charts.stacked_over_time(outcomes, charts.OUTCOMES, width=width)
        if "period_on" in outcomes
        else charts.stacked_by_group(outcomes, charts.OUTCOMES, width=width, most=MOST_GROUPS)
    )
    n_all = total(outcomes, "n_slots")
    slots = "slots" if n_all is None else plural(n_all, "slot")
    counted = f"{slots}, one a patient and planned start{periods_drawn(outcomes)}"
    parts = [
        f"{word} {count(total(outcomes, n))}" for n, (word, _) in charts.OUTCOMES.parts.items()
    ]
    name = title or f"Outcomes of slots{by_words(outcomes)}"
    return with_title(chart, outcomes, name, counted, width, ", ".join(parts))


@by_names
def share(
    figure: pd.DataFrame,
    share: str | None = None,
    *,
    title: str | None = None,
    width: int = WIDTH,
) -> alt.Chart:
    """A share with its 95 % intervals: by period where the figure has periods, else by group.

    figure: any figure with shares, such as ``cohort.outcomes(by="host")`` or
        ``cohort.cancellations(every="month")``.
    share: which one, such as ``"cancelled_share"``; the figure's first unless given.

    Raises UnknownGroup, listing the figure's shares, for one that it does not have.

    >>> avon.plot.share(visits.outcomes(by="weekday"), "no_show_share").title.text
    ['No-show share by weekday']
    """
    name = chosen_share(figure, share)
    words, divided = share_words(figure, name)
    axis = lower_first(words)
    chart = (
        charts.share_over_time(figure, name, title=axis, width=width)
        if "period_on" in figure
        else charts.share_by_group(figure, name, title=axis, width=width, most=MOST_GROUPS)
    )
    counted = f"{divided}; lines are 95 % intervals{periods_drawn(figure)}"
    return with_title(
        chart,
        figure,
        title or f"{words}{by_words(figure)}",
        counted,
        width,
        range_words(figure, name),
    )


@by_names
def funnel(funnel: pd.DataFrame, *, title: str | None = None, width: int = WIDTH) -> alt.Chart:
    """How far appointments came, and where the others of each stage went.

    funnel: ``cohort.funnel(…)``. With a grouping, a panel for each of the twelve largest groups.

    >>> avon.plot.funnel(visits.funnel()).title.text
    ['From booking to completion']
    """
    check_columns(funnel, "funnel", "stage", "n_reached")
    what = "slots" if funnel.attrs.get("options", {}).get("unit") == "slot" else "appointments"
    counted = f"{what}, due or not, by the stage that they reached and what came next"
    facts = totals(funnel, "stage", "n_reached")
    chart = charts.funnel(funnel, width=width, what=what)
    name = title or f"From booking to completion{by_words(funnel)}"
    return with_title(chart, funnel, name, counted, width, facts)


@by_names
def cancellations(
    cancellations: pd.DataFrame, *, title: str | None = None, width: int = WIDTH
) -> alt.Chart:
    """Cancelled slots by who cancelled: over time, or by notice, reason or another grouping.

    cancellations: ``cohort.cancellations(by="notice_band")``, ``…(by="cancelled_by")`` or
        ``…(every="month")``. Bars are divided by who cancelled.

    >>> avon.plot.cancellations(visits.cancellations(by="notice_band")).title.text
    ['Cancelled slots by notice']
    """
    check_columns(cancellations, "cancellations", "n_cancelled", *charts.WHO.parts)
    columns = groupings(cancellations)
    chart = (
        charts.stacked_over_time(cancellations, charts.WHO, width=width)
        if "period_on" in cancellations
        else charts.cancellations_by(cancellations, columns, width=width, most=MOST_GROUPS)
    )
    n_all = total(cancellations, "n_cancelled")
    slots = "slots" if n_all is None else plural(n_all, "slot")
    counted = f"{slots} cancelled, of those due"
    counted += "" if columns == ["cancelled_by"] else ", divided by who cancelled"
    if n_all is not None and "period_on" not in cancellations:
        counted += "; per cent of all these"
    counted += periods_drawn(cancellations)
    parts = [
        f"{word} {count(total(cancellations, n))}" for n, (word, _) in charts.WHO.parts.items()
    ]
    name = title or f"Cancelled slots{by_words(cancellations)}"
    return with_title(chart, cancellations, name, counted, width, ", ".join(parts))


@by_names
def incidence(
    incidence: pd.DataFrame,
    *,
    days: int | None = None,
    title: str | None = None,
    width: int = WIDTH,
) -> alt.Chart:
    """What became of booked slots by days since booking, each cause with its 95 % band.

    incidence: ``cohort.incidence(…)``. days: where the axis ends; without it, where nearly all
    has happened. With a grouping, a panel for each of the twelve largest groups.

    >>> avon.plot.incidence(visits.incidence(), days=60).title.text
    ['What became of bookings, by days since']
    """
    check_columns(incidence, "incidence", "cause", "day", "n_events", "cumulative_incidence")
    facts = totals(incidence, "cause", "n_events")
    counted = "share of booked slots (Aalen–Johansen); bands are 95 % intervals"
    chart = charts.incidence(incidence, width=width, days=days)
    name = title or f"What became of bookings, by days since{by_words(incidence, ' for each ')}"
    return with_title(chart, incidence, name, counted, width, facts)


@by_names
def week(
    figure: pd.DataFrame,
    share: str | None = None,
    *,
    title: str | None = None,
    width: int = WIDTH,
) -> alt.Chart:
    """A share by weekday and hour of the planned start, in local time.

    figure: a figure by both, such as ``cohort.outcomes(by=["weekday", "hour"])``.
    share: which one; the figure's first unless given. Cells of fewer than ten hold a dot.

    Raises UnknownGroup, listing the figure's shares, for one that it does not have.

    >>> avon.plot.week(visits.outcomes(by=["weekday", "hour"])).title.text
    ['No-show share by weekday and hour']
    """
    check_columns(figure, "outcomes", "weekday", "hour", hint='by=["weekday", "hour"]')
    name = chosen_share(figure, share)
    words, divided = share_words(figure, name)
    counted = f"per cent: {divided}; a dot: fewer than ten, too few to tell"
    chart = charts.week(figure, name, width=width)
    title = title or f"{words} by weekday and hour"
    return with_title(chart, figure, title, counted, width, range_words(figure, name, charts.FEW))


@by_names
def lead_times(
    lead_times: pd.DataFrame, *, title: str | None = None, width: int = WIDTH
) -> alt.Chart:
    """How many days ahead appointments were booked: the median, and where nine in ten lie.

    lead_times: ``cohort.lead_times(…)``, by period of booking or by group. With both a grouping
        and ``every``, a panel for each of the twelve largest groups.

    >>> avon.plot.lead_times(visits.lead_times(by="weekday")).title.text
    ['Days booked ahead by weekday']
    """
    check_columns(lead_times, "lead_times", "median_lead_days", "p90_lead_days")
    chart = (
        charts.lead_times_over_time(lead_times, width=width)
        if "period_on" in lead_times
        else charts.lead_times_by_group(lead_times, width=width, most=MOST_GROUPS)
    )
    counted = (
        "days from booking to the first start: point, the median; nine in ten lie below the tick"
    )
    counted += periods_drawn(lead_times)
    known = lead_times["median_lead_days"].dropna()
    facts = (
        f"medians from {amount(known.min())} to {amount(known.max())} days" if len(known) else ""
    )
    name = title or f"Days booked ahead{by_words(lead_times)}"
    return with_title(chart, lead_times, name, counted, width, facts)


@by_names
def lost_time(
    lost_time: pd.DataFrame, *, title: str | None = None, width: int = WIDTH
) -> alt.Chart:
    """What became of the planned hours, stacked: by period where there are some, else by group.

    lost_time: ``cohort.lost_time(…)``. With both a grouping and ``every``, a panel for each of the
        twelve largest groups.

    >>> avon.plot.lost_time(visits.lost_time(by="weekday")).title.text
    ['What became of planned hours by weekday']
    """
    check_columns(lost_time, "lost_time", "planned_hours", "lost_hours", *charts.HOURS.parts)
    chart = (
        charts.stacked_over_time(lost_time, charts.HOURS, width=width)
        if "period_on" in lost_time
        else charts.stacked_by_group(lost_time, charts.HOURS, width=width, most=MOST_GROUPS)
    )
    lost, planned = (total(lost_time, name) for name in ("lost_hours", "planned_hours"))
    counted = "planned hours of sessions, one an appointment and planned start"
    if lost is not None and planned:
        counted += (
            f"; {amount(lost, 0)} of {amount(planned, 0)} were lost ({percent(lost / planned)})"
        )
    counted += periods_drawn(lost_time)
    facts = [
        f"{word} {amount(total(lost_time, name), 0)}"
        for name, (word, _) in charts.HOURS.parts.items()
    ]
    name = title or f"What became of planned hours{by_words(lost_time)}"
    return with_title(chart, lost_time, name, counted, width, ", ".join(facts))
