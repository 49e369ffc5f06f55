"""The outcome report: one HTML file that needs nothing else, for a person who runs a clinic."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from avon_analytics.report.charts.palette import variables
from avon_analytics.report.charts.svg import spark
from avon_analytics.report.page import provenance as verified
from avon_analytics.report.page import tables
from avon_analytics.report.page.caveats import caveats
from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.page.hours import hours_by_period, hours_findings
from avon_analytics.report.page.pictures import pictures
from avon_analytics.report.page.summary import summary
from avon_analytics.report.page.what_changed import what_changed, who_stands_out
from avon_analytics.report.tables.rows import groupings, rows_of
from avon_analytics.report.words import wording
from avon_analytics.version import VERSION

if TYPE_CHECKING:
    import pandas as pd


def render(content: ReportContent, *, brief: bool = False) -> str:
    """The whole page. The same content gives the same bytes, under 500 KB at any size.

    brief: the summary, the outcomes, what changed and the caveats' headlines, on a sheet of paper.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("avon_analytics.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plain=wording.plain, count=wording.count, hours=wording.hours, spark=spark
    )
    source = environment.loader.get_source(environment, "style.css")[0]  # type: ignore[union-attr]
    style = variables() + source
    page = environment.get_template("brief.html" if brief else "page.html")
    return page.render(
        content=content,
        is_brief=brief,
        clock=wording.Clock(content.time_zone),
        zones=wording.zones,
        patients=wording.patients,
        style=style,
        style_digest=_csp_digest(style),
        summary=summary(content),
        changed=what_changed(content),
        hours=hours_findings(content),
        stands_out=who_stands_out(content.figures.outliers),
        caveats=caveats(content),
        pictures=pictures(content, brief=brief),
        tables={} if brief else _tables(content),
        verified=_verified(content.provenance.events_by_signature),
        archive_digest=verified.combined_digest(content.provenance.archive_files),
        version=VERSION,
        by_group=_by_group(content.figures.outcomes_by_group),
    )


def _by_group(outcomes: pd.DataFrame | None) -> str:
    return "" if outcomes is None else " · ".join(map(wording.within, groupings(outcomes)))


def _csp_digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _verified(by_signature: pd.DataFrame) -> int:
    rows = rows_of(by_signature)
    return sum(int(row["n_events"]) for row in rows if row["signature"] == "verified")


def _tables(content: ReportContent) -> dict[str, tables.Table | None]:
    figures, provenance = content.figures, content.provenance
    groups = figures.outcomes_by_group
    return {
        "outcomes": tables.outcomes_by_period(figures, content.every),
        "stages": tables.stages(figures.funnel),
        "stage_ends": tables.stage_ends(figures.funnel),
        "cancellations": tables.cancellations_by_period(figures, content.every),
        "who": tables.who_cancelled(figures.cancellations_by_who),
        "notice": tables.notice_given(figures.cancellations_by_notice),
        "hours": hours_by_period(content),
        "groups": None if groups is None else tables.outcomes_by_group(groups, figures.outcomes),
        "lead": None
        if figures.no_show_by_lead is None
        else tables.no_show_by(figures.no_show_by_lead, figures.outcomes),
        "lead_times": None
        if figures.lead_times_by_period is None
        else tables.lead_times(figures.lead_times_by_period, figures.lead_times, content.every),
        "incidence": None if figures.incidence is None else tables.incidence(figures.incidence),
        "signatures": verified.explained(
            provenance.events_by_signature,
            "Events by what their signature proved",
            "signature",
            "n_events",
        ),
        "secrets": verified.listing(
            provenance.events_by_secret,
            "Verified events by the secret that matched",
            {"secret": "text", "n_events": "count"},
        ),
        "quarantine": verified.explained(
            provenance.quarantined_by_code, "Lines in quarantine by reason", "code", "n_lines"
        ),
        "drift": verified.listing(
            verified.drift_in_words(provenance.drift),
            "What this version does not know",
            {"path": "text", "kind": "text", "json_type": "text", "n_seen": "count"},
        ),
        "files": verified.archive_files(provenance.archive_files),
    }
