"""The outcome report: one HTML file that needs nothing else, for a person who runs a clinic."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from avon_analytics.report import charts, tables, wording
from avon_analytics.report.caveats import caveats
from avon_analytics.report.content import Figures, ReportContent
from avon_analytics.report.palette import variables
from avon_analytics.report.rows import groupings, is_mature, monthly, rows_of
from avon_analytics.report.summary import summary
from avon_analytics.report.svg import svg

if TYPE_CHECKING:
    import pandas as pd

WIDE, NARROW = 960, 330
NARROW_MONTHS = 12
PACKAGE = "avon-analytics"


@dataclass(frozen=True)
class Picture:
    """One chart in two widths; the style sheet shows the one that fits."""

    wide: str
    narrow: str
    caption: str
    legend: list[tuple[str, str]]
    """Words and the names of their colours, for what the chart really holds."""


def render(content: ReportContent) -> str:
    """The whole page. The same content gives the same bytes, under 500 KB at any size."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plain=wording.plain, count=wording.count, hours=wording.hours, svg=Markup
    )
    source = environment.loader.get_source(environment, "style.css")[0]  # type: ignore[union-attr]
    style = variables() + source
    page = environment.get_template("page.html")
    return page.render(
        content=content,
        clock=wording.Clock(content.time_zone),
        style=Markup(style),
        style_digest=_csp_digest(style),
        summary=summary(content),
        caveats=caveats(content),
        pictures=_pictures(content.figures),
        tables=_tables(content),
        verified=_verified(content.provenance.events_by_signature),
        archive_digest=tables.combined_digest(content.provenance.archive_files),
        version=version(PACKAGE),
    )


def _csp_digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _verified(by_signature: pd.DataFrame) -> int:
    rows = rows_of(by_signature)
    return sum(int(row["n_events"]) for row in rows if row["signature"] == "verified")


def _tables(content: ReportContent) -> dict[str, tables.Table | None]:
    figures, provenance = content.figures, content.provenance
    groups = figures.outcomes_by_group
    return {
        "outcomes": tables.outcomes_by_month(figures.outcomes_by_month, figures.outcomes),
        "stages": tables.stages(figures.funnel),
        "stage_ends": tables.stage_ends(figures.funnel),
        "cancellations": tables.cancellations_by_month(
            figures.cancellations_by_month, figures.cancellations
        ),
        "who": tables.who_cancelled(figures.cancellations_by_who),
        "notice": tables.notice_given(figures.cancellations_by_notice),
        "groups": None if groups is None else tables.outcomes_by_group(groups, figures.outcomes),
        "signatures": tables.listing(
            provenance.events_by_signature,
            "Events by what their signature proved",
            {"signature": "text", "n_events": "count"},
        ),
        "secrets": tables.listing(
            provenance.events_by_secret,
            "Verified events by the secret that matched",
            {"secret": "text", "n_events": "count"},
        ),
        "quarantine": tables.listing(
            provenance.quarantined_by_code,
            "Lines in quarantine by reason",
            {"code": "text", "n_lines": "count"},
        ),
        "drift": tables.listing(
            provenance.drift,
            "What this version does not know",
            {"path": "text", "kind": "text", "json_type": "text", "n_seen": "count"},
        ),
        "files": tables.archive_files(provenance.archive_files),
    }


def _pictures(figures: Figures) -> dict[str, Picture | None]:
    months = figures.outcomes_by_month
    overall = _overall(figures.outcomes)
    of_all = "" if overall is None else f" The dashed line is the whole period, {overall}."
    incomplete = any(not is_mature(row) for row in monthly(months))
    hollow = "; hollow points are months that are not complete yet" if incomplete else ""
    groups = figures.outcomes_by_group
    return {
        "outcomes": _picture(
            lambda width, newest: charts.outcomes_by_month(
                months, width=width, newest=newest, legend=False
            ),
            f"Stacked bars: slots by outcome, {_span(months)}",
            "Pale bars are months that are not complete yet." if incomplete else "",
            _legend(months, charts.OUTCOMES),
        ),
        "no_show": _picture(
            lambda width, newest: charts.no_show_by_month(
                months, overall=_overall_value(figures.outcomes), width=width, newest=newest
            ),
            f"Points with intervals: no-show share, {_span(months)}.{of_all}",
            f"Upright lines are 95 % intervals{hollow}.{of_all}",
        ),
        "funnel": _picture(
            lambda width, _: charts.funnel(figures.funnel, width=width, legend=False),
            "Stacked bars: appointments that were "
            + ", ".join(
                f"{wording.plain(row.get('stage'))}, {wording.count(row.get('n_reached'))}"
                for row in rows_of(figures.funnel)
            ),
            "Each bar holds the appointments that reached a stage, by what came next.",
            _legend(figures.funnel, charts.FUNNEL_ENDS, always=("went on, or completed",)),
        ),
        "who": _picture(
            lambda width, _: charts.cancellations_by(
                figures.cancellations_by_who, "cancelled_by", width=_half(width)
            ),
            "Bars: cancelled slots by who cancelled",
        ),
        "notice": _picture(
            lambda width, _: charts.cancellations_by(
                figures.cancellations_by_notice, "notice_band", width=_half(width)
            ),
            "Bars: cancelled slots by notice given",
        ),
        "groups": None
        if groups is None
        else _picture(
            lambda width, _: charts.no_show_by_group(groups, width=width),
            "Points with intervals: no-show share by "
            + ", ".join(wording.heading(name).lower() for name in groupings(groups)),
            "Lines are 95 % intervals.",
        ),
    }


def _picture(
    draw: Callable[[int, int], Any],
    label: str,
    caption: str = "",
    legend: list[tuple[str, str]] | None = None,
) -> Picture | None:
    wide, narrow = draw(WIDE, charts.NEWEST_MONTHS), draw(NARROW, NARROW_MONTHS)
    if wide is None or narrow is None:
        return None
    return Picture(svg(wide, label), svg(narrow, label), caption, legend or [])


def _half(width: int) -> int:
    """The width of one picture of a pair; a narrow page sets them one below the other."""
    return width // 2 if width == WIDE else width


def _legend(
    frame: pd.DataFrame, words: dict[str, tuple[str, str]], always: Iterable[str] = ()
) -> list[tuple[str, str]]:
    rows = rows_of(frame)
    return [
        (word, colour)
        for column, (word, colour) in words.items()
        if word in always or any(wording.number(row.get(column)) for row in rows)
    ]


def _span(frame: pd.DataFrame) -> str:
    rows = monthly(frame)
    if not rows:
        return "no months"
    return f"{wording.month(rows[0]['period_on'])} to {wording.month(rows[-1]['period_on'])}"


def _overall_value(outcomes: pd.DataFrame) -> float | None:
    rows = rows_of(outcomes)
    return wording.share(rows[0], "no_show_share").value if rows else None


def _overall(outcomes: pd.DataFrame) -> str | None:
    value = _overall_value(outcomes)
    return None if value is None else wording.percent(value)
