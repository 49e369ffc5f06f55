"""What the report is made of: plain values and figures, filled in by whoever holds the store.

Nothing here reads a store, a file or a clock. Every frame has the columns of the figure it is
named after; a frame without rows is normal, and a missing value is a missing figure, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd


def _no_rows(*columns: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})


@dataclass(frozen=True)
class Coverage:
    """What the archive spans. Instants are UTC; missing where the archive has none."""

    first_occurred_at: datetime | None = None
    last_occurred_at: datetime | None = None
    first_start_at: datetime | None = None
    last_start_at: datetime | None = None
    n_files: int = 0
    n_events: int = 0
    n_patients: int | None = 0
    n_appointments: int | None = 0
    """Both are missing where they are small."""


@dataclass(frozen=True)
class Provenance:
    """Where every line of the archive ended, and what could be verified.

    ``lines = blank + loaded + duplicate + quarantined``; the page says so where it does not hold.
    """

    lines: int = 0
    blank: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    policies: tuple[str, ...] = ()
    """Every verification policy that a load used: require, record, skip."""
    quarantined_by_code: pd.DataFrame = field(default_factory=lambda: _no_rows("code", "n_lines"))
    events_by_signature: pd.DataFrame = field(
        default_factory=lambda: _no_rows("signature", "n_events")
    )
    events_by_secret: pd.DataFrame = field(default_factory=lambda: _no_rows("secret", "n_events"))
    """Names of the secrets that matched, never the secrets."""
    archive_files: pd.DataFrame = field(
        default_factory=lambda: _no_rows(
            "file", "sha256", "lines", "loaded", "duplicate", "quarantined", "pending_bytes"
        )
    )
    drift: pd.DataFrame = field(
        default_factory=lambda: _no_rows("kind", "path", "json_type", "n_seen")
    )


@dataclass(frozen=True)
class Figures:
    """The figures shown, each as its cohort method returns it, all of one cohort.

    ``period_on`` may be dates or timestamps. ``outcomes`` and ``cancellations`` are the figures
    of the whole cohort (one row). ``outcomes_by_group`` is ``outcomes(by=[…])`` without periods:
    every column before its counts is taken as a grouping.
    """

    outcomes: pd.DataFrame
    outcomes_by_period: pd.DataFrame
    funnel: pd.DataFrame
    cancellations: pd.DataFrame
    cancellations_by_period: pd.DataFrame
    cancellations_by_who: pd.DataFrame
    """By ``cancelled_by``; rows without a cancellation are passed over."""
    cancellations_by_notice: pd.DataFrame
    """By ``notice_band``; rows without a cancellation are passed over."""
    outcomes_by_group: pd.DataFrame | None = None
    lead_times: pd.DataFrame | None = None
    """Of the whole cohort (one row), and by the month of booking; without them, no section."""
    lead_times_by_period: pd.DataFrame | None = None
    no_show_by_lead: pd.DataFrame | None = None
    """``outcomes`` by ``lead_band``."""
    no_show_by_hour: pd.DataFrame | None = None
    """``outcomes`` by ``weekday`` and ``hour``."""
    incidence: pd.DataFrame | None = None
    signals: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """``signals`` of the whole cohort for each share that is charted, by its name."""
    lost_time: pd.DataFrame | None = None
    """Of the whole cohort (one row); without it, no section."""
    lost_time_by_period: pd.DataFrame | None = None
    """The same by period; without it only the whole is shown."""
    refills: pd.DataFrame | None = None
    outliers: pd.DataFrame | None = None
    """``outliers`` by the groups of ``outcomes_by_group``."""


@dataclass(frozen=True)
class Division:
    """What the figures of a page are divided by."""

    by: str | None
    """The grouping of ``outcomes_by_group``; None for none."""
    every: str
    """The length of the periods: day, week, month, quarter or year."""
    signals_every: str
    """That of the periods of ``signals``."""


@dataclass(frozen=True)
class ReportContent:
    """All that the page shows. The same content gives the same bytes."""

    title: str
    as_of: datetime
    """The instant T of every figure, aware, in UTC."""
    figures: Figures
    coverage: Coverage = field(default_factory=Coverage)
    provenance: Provenance = field(default_factory=Provenance)
    time_zone: str = "UTC"
    """The store's time zone, an IANA name; instants are shown in it."""
    visit_zones: tuple[str, ...] = ()
    """The time zones of the visits, that of most first; empty where none is known."""
    grace_hours: float = 24.0
    late: str = "less than 24 hours before the start, or after it"
    """When a cancellation is late."""
    every: str = "month"
    """The length of the periods: day, week, month, quarter or year."""
    signals_every: str = "month"
    """The length of the periods of ``figures.signals``."""
    min_count: int = 0
    """Counts from 1 to just below it are blank, and others that would reveal them."""
    on: str = "start"
    """Which date places a slot in a period: ``start`` or ``booked``."""
    files_beside: str = ""
    """The name of the list of archive files that is written beside the page; empty for none."""
    scope: tuple[str, ...] = ()
    """What narrows the cohort, in plain words, one phrase each; empty for everything."""
