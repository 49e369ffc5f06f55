"""The page's charts: each drawn wide and narrow, with the words that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from avon_analytics.report import charts
from avon_analytics.report.charts.spec import Spec
from avon_analytics.report.charts.style import present
from avon_analytics.report.charts.svg import svg
from avon_analytics.report.page.content import Figures, ReportContent
from avon_analytics.report.tables.rows import (
    by_period,
    groupings,
    incomplete_periods,
    newest_rows,
    rows_of,
)
from avon_analytics.report.words.headings import heading, heading_in_sentence
from avon_analytics.report.words.numbers import count, percent
from avon_analytics.report.words.periods import span
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain

WIDE, NARROW = 960, 330
NARROW_PERIODS = 12

Legend = list[tuple[str, str]]
"""Words and the names of their colours."""


@dataclass(frozen=True)
class Picture:
    """One chart in two widths; the style sheet shows the one that fits."""

    wide: str
    narrow: str
    caption: str = ""
    legend: Legend = field(default_factory=list)
    wide_span: str = ""
    """The periods drawn, where they are not all; the same for ``narrow_span``."""
    narrow_span: str = ""


def pictures(content: ReportContent, *, brief: bool = False) -> dict[str, Picture | None]:
    """All charts by name, or that of a brief page; None where there is nothing to draw."""
    figures, every = content.figures, content.every
    if brief:
        return {"outcomes": _outcomes(figures, every)}
    return {
        "outcomes": _outcomes(figures, every),
        "no_show": _no_show(figures, every),
        "funnel": _funnel(figures.funnel),
        "who": _cancellations(figures.cancellations_by_who, "cancelled_by", "who cancelled"),
        "notice": _cancellations(figures.cancellations_by_notice, "notice_band", "notice given"),
        "groups": _groups(figures.outcomes_by_group, figures.outcomes),
        "lead": _groups(figures.no_show_by_lead, figures.outcomes, wide=WIDE // 2),
        "hours": _hours(figures.lost_time_by_period, every),
        "lead_times": _lead_times(figures.lead_times_by_period, every),
        "week": _week(figures.no_show_by_hour),
        "incidence": _incidence(figures.incidence),
        "outliers": _outliers(figures.outliers),
        **{
            name: _signals(frame, name, content.signals_every)
            for name, frame in figures.signals.items()
        },
    }


def _signals(frame: pd.DataFrame, name: str, every: str) -> Picture | None:
    words = heading(name).lower()
    return _by_period(
        frame,
        every,
        lambda width, newest: charts.signals(frame, title=words, width=width, newest=newest),
        f"Line between limits: {words} by {every}",
        "The straight line is what is usual, dashed lines are the limits that chance keeps. "
        "Triangles stand out, with the rule by which they do.",
    )


def _outliers(outliers: pd.DataFrame | None) -> Picture | None:
    if outliers is None:
        return None
    names = ", ".join(heading_in_sentence(name) for name in groupings(outliers))
    return _picture(
        lambda width: charts.outliers(
            outliers, title="no-show share", width=width, counted="slots attended or missed"
        ),
        f"Funnel: no-show share by {names} and number of slots",
        "Dotted lines are the limits within which chance keeps 95 % of groups of a size, dashed "
        "ones 99.8 %.",
    )


def _outcomes(figures: Figures, every: str) -> Picture | None:
    frame = figures.outcomes_by_period
    words = f"Pale bars are {every}s that are not complete."
    words = words if incomplete_periods(frame) else ""
    if frame[list(charts.OUTCOMES.parts)].isna().any(axis=None):
        words = f"{words} Counts that are blank in the table are not drawn.".strip()
    return _by_period(
        frame,
        every,
        lambda width, newest: charts.stacked_over_time(
            frame, charts.OUTCOMES, width=width, newest=newest, legend=False
        ),
        "Stacked bars: slots by outcome",
        words,
        present(rows_of(frame), charts.OUTCOMES.parts),
    )


def _no_show(figures: Figures, every: str) -> Picture | None:
    frame, overall = figures.outcomes_by_period, _overall(figures.outcomes)
    caption = "Upright lines are 95 % intervals"
    caption += (
        f"; hollow points are {every}s that are not complete." if incomplete_periods(frame) else "."
    )
    if overall is not None:
        caption += f" The dashed line is the whole period, {percent(overall)}."
    return _by_period(
        frame,
        every,
        lambda width, newest: charts.share_over_time(
            frame,
            "no_show_share",
            title="no-show share",
            overall=overall,
            width=width,
            newest=newest,
        ),
        "Points with intervals: no-show share",
        caption,
    )


def _overall(outcomes: pd.DataFrame) -> float | None:
    total = rows_of(outcomes)
    return share(total[0], "no_show_share").value if total else None


def _funnel(funnel: pd.DataFrame) -> Picture | None:
    rows = rows_of(funnel)
    reached = ", ".join(f"{plain(row.get('stage'))}, {count(row.get('n_reached'))}" for row in rows)
    went_on = charts.FUNNEL_ENDS["n_next"]
    return _picture(
        lambda width: charts.funnel(funnel, width=width, legend=False),
        f"Stacked bars: appointments that were {reached}",
        "Each bar holds the appointments that reached a stage, by what came next.",
        [went_on, *present(rows, charts.FUNNEL_ENDS)],
    )


def _cancellations(frame: pd.DataFrame, column: str, words: str) -> Picture | None:
    """Half as wide as the others: two of them stand side by side."""
    return _picture(
        lambda width: charts.cancellations_by(frame, [column], width=width, legend=False),
        f"Bars: cancelled slots by {words}",
        legend=present(rows_of(frame), charts.WHO.parts) if column != "cancelled_by" else None,
        wide=WIDE // 2,
    )


def _groups(
    outcomes: pd.DataFrame | None, total: pd.DataFrame, *, wide: int = WIDE
) -> Picture | None:
    if outcomes is None:
        return None
    names = ", ".join(heading_in_sentence(name) for name in groupings(outcomes))
    overall = _overall(total)
    caption = "Lines are 95 % intervals."
    if overall is not None:
        caption += f" The dashed line is all slots, {percent(overall)}."
    return _picture(
        lambda width: charts.share_by_group(
            outcomes,
            "no_show_share",
            title="no-show share",
            overall=overall,
            width=width,
        ),
        f"Points with intervals: no-show share by {names}",
        caption,
        wide=wide,
    )


def _hours(lost_time: pd.DataFrame | None, every: str) -> Picture | None:
    if lost_time is None:
        return None
    words = f"Pale bars are {every}s that are not complete."
    return _by_period(
        lost_time,
        every,
        lambda width, newest: charts.stacked_over_time(
            lost_time, charts.HOURS, width=width, newest=newest, legend=False
        ),
        "Stacked bars: planned hours by what became of them",
        words if incomplete_periods(lost_time) else "",
        present(rows_of(lost_time), charts.HOURS.parts),
    )


def _lead_times(lead_times: pd.DataFrame | None, every: str) -> Picture | None:
    if lead_times is None:
        return None
    return _picture(
        lambda width: charts.lead_times_over_time(
            lead_times, width=width, newest=NARROW_PERIODS if width == NARROW else charts.NEWEST
        ),
        f"Points with lines: days booked ahead, by {every} of booking",
        f"By {every} of booking: the point is the median, the end of the line 90 %.",
    )


def _week(outcomes: pd.DataFrame | None) -> Picture | None:
    if outcomes is None:
        return None
    return _picture(
        lambda width: charts.week(outcomes, "no_show_share", width=width),
        "Table of cells: no-show share by weekday and hour",
        "In per cent. Cells with a dot rest on fewer than ten slots, too few to tell.",
    )


def _incidence(incidence: pd.DataFrame | None) -> Picture | None:
    if incidence is None:
        return None
    return _picture(
        lambda width: charts.incidence(incidence, width=width, legend=False),
        "Curves: what became of bookings, by days since booking",
        "Of all bookings so many had ended in this way by that day. Bands are 95 % intervals.",
        present([dict.fromkeys(map(str, incidence["cause"]), 1)], charts.CAUSES),
    )


def _picture(
    draw: Callable[[int], Spec | None],
    label: str,
    caption: str = "",
    legend: Legend | None = None,
    wide: int = WIDE,
) -> Picture | None:
    in_wide, in_narrow = draw(wide), draw(NARROW)
    if in_wide is None or in_narrow is None:
        return None
    return Picture(svg(in_wide, label), svg(in_narrow, label), caption, legend or [])


def _by_period(
    frame: pd.DataFrame,
    every: str,
    draw: Callable[[int, int], Spec | None],
    label: str,
    caption: str,
    legend: Legend | None = None,
) -> Picture | None:
    wide, narrow = draw(WIDE, charts.NEWEST), draw(NARROW, NARROW_PERIODS)
    if wide is None or narrow is None:
        return None
    wide_span, narrow_span, whole = (
        span([row["period_on"] for row in rows], every)
        for rows in (
            newest_rows(frame, charts.NEWEST),
            newest_rows(frame, NARROW_PERIODS),
            by_period(frame),
        )
    )
    return Picture(
        svg(wide, f"{label}, {wide_span}"),
        svg(narrow, f"{label}, {narrow_span}"),
        caption,
        legend or [],
        wide_span if wide_span != whole else "",
        narrow_span if narrow_span != whole else "",
    )
