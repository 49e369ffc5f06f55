"""The outcome report: DataFrames in, one self-contained HTML page or a terminal table out."""

from __future__ import annotations

from avon_analytics.report.content import Coverage, Figures, Provenance, ReportContent
from avon_analytics.report.page import render

__all__ = ["Coverage", "Figures", "Provenance", "ReportContent", "render"]
