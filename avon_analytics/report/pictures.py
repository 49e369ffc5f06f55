"""The page's charts: each drawn wide and narrow, with the words that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from avon_analytics.report import charts
from avon_analytics.report.chart_parts import Chart
from avon_analytics.report.content import Figures
from avon_analytics.report.rows import groupings, incomplete_months, monthly, rows_of, window
from avon_analytics.report.svg import svg
from avon_analytics.report.wording import count, heading, month, number, percent, plain, share

WIDE, NARROW = 960, 330
NARROW_MONTHS = 12

Legend = list[tuple[str, str]]
"""Words and the names of their colours."""


@dataclass(frozen=True)
class Picture:
    """One chart in two widths; the style sheet shows the one that fits."""

    wide: str
    narrow: str
    caption: str = ""
    legend: Legend = field(default_factory=list)
    wide_months: str = ""
    """The months drawn, where they are not all; the same for ``narrow_months``."""
    narrow_months: str = ""


def pictures(figures: Figures) -> dict[str, Picture | None]:
    """All charts by name; None where there is nothing to draw."""
    return {
        "outcomes": _outcomes(figures),
        "no_show": _no_show(figures),
        "funnel": _funnel(figures.funnel),
        "who": _cancellations(figures.cancellations_by_who, "cancelled_by", "who cancelled"),
        "notice": _cancellations(figures.cancellations_by_notice, "notice_band", "notice given"),
        "groups": None if figures.outcomes_by_group is None else _groups(figures.outcomes_by_group),
    }


def _outcomes(figures: Figures) -> Picture | None:
    frame = figures.outcomes_by_month
    return _by_month(
        frame,
        lambda width, newest: charts.outcomes_by_month(
            frame, width=width, newest=newest, legend=False
        ),
        "Stacked bars: slots by outcome",
        "Pale bars are months that are not complete yet." if incomplete_months(frame) else "",
        _legend(frame, charts.OUTCOMES),
    )


def _no_show(figures: Figures) -> Picture | None:
    frame, total = figures.outcomes_by_month, rows_of(figures.outcomes)
    overall = share(total[0], "no_show_share").value if total else None
    caption = "Upright lines are 95 % intervals"
    caption += "; hollow points are months not complete yet." if incomplete_months(frame) else "."
    if overall is not None:
        caption += f" The dashed line is the whole period, {percent(overall)}."
    return _by_month(
        frame,
        lambda width, newest: charts.no_show_by_month(
            frame, overall=overall, width=width, newest=newest
        ),
        "Points with intervals: no-show share",
        caption,
    )


def _funnel(funnel: pd.DataFrame) -> Picture | None:
    reached = ", ".join(
        f"{plain(row.get('stage'))}, {count(row.get('n_reached'))}" for row in rows_of(funnel)
    )
    went_on, ends = charts.FUNNEL_ENDS["n_next"], _legend(funnel, charts.FUNNEL_ENDS)
    return _picture(
        lambda width: charts.funnel(funnel, width=width, legend=False),
        f"Stacked bars: appointments that were {reached}",
        "Each bar holds the appointments that reached a stage, by what came next.",
        [went_on, *ends],
    )


def _cancellations(frame: pd.DataFrame, column: str, words: str) -> Picture | None:
    """Half as wide as the others: two of them stand side by side."""
    return _picture(
        lambda width: charts.cancellations_by(
            frame, column, width=width // 2 if width == WIDE else width
        ),
        f"Bars: cancelled slots by {words}",
    )


def _groups(outcomes: pd.DataFrame) -> Picture | None:
    names = ", ".join(heading(name).lower() for name in groupings(outcomes))
    return _picture(
        lambda width: charts.no_show_by_group(outcomes, width=width),
        f"Points with intervals: no-show share by {names}",
        "Lines are 95 % intervals.",
    )


def _picture(
    draw: Callable[[int], Chart | None], label: str, caption: str = "", legend: Legend | None = None
) -> Picture | None:
    wide, narrow = draw(WIDE), draw(NARROW)
    if wide is None or narrow is None:
        return None
    return Picture(svg(wide, label), svg(narrow, label), caption, legend or [])


def _by_month(
    frame: pd.DataFrame,
    draw: Callable[[int, int], Chart | None],
    label: str,
    caption: str,
    legend: Legend | None = None,
) -> Picture | None:
    wide, narrow = draw(WIDE, charts.NEWEST_MONTHS), draw(NARROW, NARROW_MONTHS)
    if wide is None or narrow is None:
        return None
    wide_months, narrow_months = (
        _span(window(frame, newest)) for newest in (charts.NEWEST_MONTHS, NARROW_MONTHS)
    )
    every = _span(monthly(frame))
    return Picture(
        svg(wide, f"{label}, {wide_months}"),
        svg(narrow, f"{label}, {narrow_months}"),
        caption,
        legend or [],
        wide_months if wide_months != every else "",
        narrow_months if narrow_months != every else "",
    )


def _span(rows: list[dict[str, Any]]) -> str:
    return f"{month(rows[0]['period_on'])} to {month(rows[-1]['period_on'])}"


def _legend(frame: pd.DataFrame, words: Mapping[str, tuple[str, str]]) -> Legend:
    """The words of what the chart really holds."""
    rows = rows_of(frame)
    return [pair for column, pair in words.items() if any(number(row.get(column)) for row in rows)]
