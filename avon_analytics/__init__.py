"""Defensible appointment figures from an archive of Avon Health webhook deliveries.

>>> import avon_analytics as avon
>>> store = avon.open("avon.duckdb")                       # doctest: +SKIP
>>> store.load("archive/", secrets=Path("secrets.toml"))   # doctest: +SKIP
>>> visits = store.appointments(start="2025-01-01")        # doctest: +SKIP
>>> by_month = visits.outcomes(every="month")              # doctest: +SKIP
>>> avon.plot.outcomes(by_month)                           # doctest: +SKIP

Public are ``open``, the names of ``__all__``, and what is public in them and in
``avon_analytics.spark``: ``dir(avon_analytics)`` lists them. All other modules are the inside of
the package, and change without notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avon_analytics.version import VERSION as __version__

if TYPE_CHECKING:
    from avon_analytics import errors
    from avon_analytics.api import Store
    from avon_analytics.api import open as open
    from avon_analytics.appointments.behind.trace import Trace
    from avon_analytics.appointments.quality import Quality
    from avon_analytics.explorer.cohort import Cohort
    from avon_analytics.explorer.widgets import Explorer
    from avon_analytics.intake.after.evidence import Evidence
    from avon_analytics.intake.after.forget_receipt import Forgotten
    from avon_analytics.intake.after.quarantine import Export
    from avon_analytics.intake.after.replay import Replay
    from avon_analytics.intake.read.signature import Verified
    from avon_analytics.intake.read.signature import verify_delivery as verify
    from avon_analytics.intake.write.receipt import Receipt
    from avon_analytics.quarantine import Quarantine
    from avon_analytics.report import plot
    from avon_analytics.report.html.show import ShownFigure, show
    from avon_analytics.samples import write_sample
    from avon_analytics.table_files import export

# ``open`` is public, too; it stays out, for ``import *`` would put it over Python's own.
__all__ = [
    "Cohort",
    "Evidence",
    "Explorer",
    "Export",
    "Forgotten",
    "Quality",
    "Quarantine",
    "Receipt",
    "Replay",
    "ShownFigure",
    "Store",
    "Trace",
    "Verified",
    "__version__",
    "errors",
    "export",
    "plot",
    "show",
    "verify",
    "write_sample",
]

_HOMES = {
    "Cohort": "avon_analytics.explorer.cohort",
    "Explorer": "avon_analytics.explorer.widgets",
    "Quality": "avon_analytics.appointments.quality",
    "Evidence": "avon_analytics.intake.after.evidence",
    "Export": "avon_analytics.intake.after.quarantine",
    "Forgotten": "avon_analytics.intake.after.forget_receipt",
    "Receipt": "avon_analytics.intake.write.receipt",
    "Replay": "avon_analytics.intake.after.replay",
    "Quarantine": "avon_analytics.quarantine",
    "ShownFigure": "avon_analytics.report.html.show",
    "Store": "avon_analytics.api",
    "Trace": "avon_analytics.appointments.behind.trace",
    "Verified": "avon_analytics.intake.read.signature",
    "export": "avon_analytics.table_files",
    "open": "avon_analytics.api",
    "show": "avon_analytics.report.html.show",
    "write_sample": "avon_analytics.samples",
}
_OTHERWISE = {"verify": ("avon_analytics.intake.read.signature", "verify_delivery")}
_MODULES = {"errors": "avon_analytics.errors", "plot": "avon_analytics.report.plot"}


def __getattr__(name: str) -> Any:
    # The engine is imported by the first use, so that --help does not wait for it.
    from importlib import import_module

    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _OTHERWISE:
        module, inside = _OTHERWISE[name]
        return getattr(import_module(module), inside)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "open"])
