"""The outcome report: one HTML file that needs nothing else, for a person who runs a clinic."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from avon_analytics.report.charts.palette import variables
from avon_analytics.report.html.templates import rendered, source
from avon_analytics.report.page.caveats import caveats
from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.page.hours import hours_findings
from avon_analytics.report.page.pictures import pictures
from avon_analytics.report.page.provenance import combined_digest
from avon_analytics.report.page.summary import summary
from avon_analytics.report.page.tables import page_tables
from avon_analytics.report.page.what_changed import what_changed, who_stands_out
from avon_analytics.report.tables.rows import groupings, rows_of
from avon_analytics.report.words.dates import Clock
from avon_analytics.report.words.headings import heading_in_sentence
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
        tables={} if brief else page_tables(content),
        verified=_verified(content.provenance.events_by_signature),
        archive_digest=combined_digest(content.provenance.archive_files),
        version=VERSION,
        by_group=_by_group(content.figures.outcomes_by_group),
    )


def _by_group(outcomes: pd.DataFrame | None) -> str:
    return "" if outcomes is None else " · ".join(map(heading_in_sentence, groupings(outcomes)))


def _csp_digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _verified(by_signature: pd.DataFrame) -> int:
    rows = rows_of(by_signature)
    return sum(int(row["n_events"]) for row in rows if row["signature"] == "verified")


def zones(visits: Sequence[str], of_store: str) -> str:
    """``America/New_York``, of several the zone of most visits; without visits the store's."""
    if not visits:
        return plain(of_store, 60)
    most, more = plain(visits[0], 60), len(visits) - 1
    return f"{most} for most visits, and {plural(more, 'other')}" if more else most


def patients(n_patients: float | None, n_appointments: float | None) -> str:
    """How many patients; where the archive names none of those who were to come, in words."""
    return "none named" if n_patients == 0 and n_appointments else count(n_patients)
