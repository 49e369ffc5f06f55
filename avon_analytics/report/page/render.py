"""The outcome report: one HTML file that needs nothing else, for a person who runs a clinic."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from avon_analytics.report.charts.palette import variables
from avon_analytics.report.html.table import Table
from avon_analytics.report.html.templates import rendered, source
from avon_analytics.report.page import provenance as verified
from avon_analytics.report.page import tables
from avon_analytics.report.page.caveats import caveats
from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.page.hours import hours_findings
from avon_analytics.report.page.pictures import pictures
from avon_analytics.report.page.summary import summary
from avon_analytics.report.page.what_changed import what_changed, who_stands_out
from avon_analytics.report.tables.rows import groupings, rows_of
from avon_analytics.report.words.dates import Clock
from avon_analytics.report.words.headings import within
from avon_analytics.report.words.numbers import count, plural
from avon_analytics.report.words.text import plain
from avon_analytics.version import VERSION

if TYPE_CHECKING:
    import pandas as pd


def render(content: ReportContent, *, brief: bool = False) -> str:
    """The whole page. The same content gives the same bytes, under 500 KB at any size.

    brief: the summary, the outcomes, what changed and the caveats' headlines, on a sheet of paper.
    """
    style = variables() + source("style.css")
    return rendered(
        "brief.html" if brief else "page.html",
        content=content,
        is_brief=brief,
        clock=Clock(content.time_zone),
        zones=zones,
        patients=patients,
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
    return "" if outcomes is None else " · ".join(map(within, groupings(outcomes)))


def _csp_digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _verified(by_signature: pd.DataFrame) -> int:
    rows = rows_of(by_signature)
    return sum(int(row["n_events"]) for row in rows if row["signature"] == "verified")


def _tables(content: ReportContent) -> dict[str, Table | None]:
    figures, provenance = content.figures, content.provenance
    groups = figures.outcomes_by_group
    return {
        "outcomes": tables.outcomes_by_period(figures, content.every),
        "stages": tables.stages(figures.funnel),
        "stage_ends": tables.stage_ends(figures.funnel),
        "cancellations": tables.cancellations_by_period(figures, content.every),
        "who": tables.who_cancelled(figures.cancellations_by_who),
        "notice": tables.notice_given(figures.cancellations_by_notice),
        "hours": tables.hours_by_period(figures, content.every),
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


def zones(visits: Sequence[str], of_store: str) -> str:
    """``America/New_York``, of several the zone of most visits; without visits the store's."""
    if not visits:
        return plain(of_store, 60)
    most, more = plain(visits[0], 60), len(visits) - 1
    return f"{most} for most visits, and {plural(more, 'other')}" if more else most


def patients(n_patients: float | None, n_appointments: float | None) -> str:
    """How many patients; where the archive names none of those who were to come, in words."""
    return "none named" if n_patients == 0 and n_appointments else count(n_patients)
