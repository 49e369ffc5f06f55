"""A made-up clinic's figures, of any length, with the columns that the cohort's methods return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from math import sqrt
from typing import Any

import pandas as pd
import pytest

from avon_analytics.report.page.content import Coverage, Figures, Provenance, ReportContent

Row = dict[str, Any]
AS_OF = datetime(2026, 3, 20, 16, 0, tzinfo=UTC)


def with_share(row: Row, name: str, part: float, whole: float) -> Row:
    """``row`` with a share and its companions: Wilson's interval, missing over nothing."""
    row |= {name: None, f"{name}_n": whole, f"{name}_low": None, f"{name}_high": None}
    if whole:
        p, z = part / whole, 1.96
        centre = (p + z * z / 2 / whole) / (1 + z * z / whole)
        half = z / (1 + z * z / whole) * sqrt(p * (1 - p) / whole + z * z / 4 / whole / whole)
        row |= {name: p, f"{name}_low": centre - half, f"{name}_high": centre + half}
    return row


def outcome_row(*counts: int, **groups: Any) -> Row:
    """Attended, no-show, cancelled, rescheduled, unresolved, not due."""
    attended, no_show, cancelled, rescheduled, unresolved, not_due = counts
    due = attended + no_show + cancelled + unresolved
    row: Row = {
        **groups,
        "n_slots": sum(counts),
        "n_not_due": not_due,
        "n_attended": attended,
        "n_no_show": no_show,
        "n_cancelled": cancelled,
        "n_cancelled_by_patient": cancelled // 2,
        "n_cancelled_by_provider": cancelled // 4,
        "n_cancelled_by_unknown": cancelled - cancelled // 2 - cancelled // 4,
        "n_rescheduled": rescheduled,
        "n_unresolved": unresolved,
    }
    with_share(row, "no_show_share", no_show, attended + no_show)
    with_share(row, "attended_share", attended, due)
    return with_share(row, "cancelled_share", cancelled, due) | {"is_mature": not not_due}


def cancellation_row(due: int, cancelled: int, notice: float = 30.5, **groups: Any) -> Row:
    patient, provider = cancelled // 2, cancelled // 4
    row: Row = {**groups, "n_due": due, "n_cancelled": cancelled}
    with_share(row, "cancelled_share", cancelled, due)
    row |= {
        "n_by_patient": patient,
        "n_by_provider": provider,
        "n_by_unknown": cancelled - patient - provider,
    }
    with_share(row, "patient_cancelled_share", patient, due - cancelled + patient)
    with_share(row, "provider_cancelled_share", provider, due - cancelled + provider)
    row["n_late"] = cancelled // 3
    with_share(row, "late_share", cancelled // 3, cancelled)
    return row | {"n_after_start": cancelled // 9, "median_notice_hours": notice}


def months_back(n: int) -> list[date]:
    """``n`` months that end with March 2026, oldest first."""
    last = 2026 * 12 + 2
    return [date((last - i) // 12, (last - i) % 12 + 1, 1) for i in range(n - 1, -1, -1)]


def figures(n_months: int, scale: int = 1) -> Figures:
    """Months whose counts follow a fixed pattern; the newest is not complete."""
    months = months_back(n_months)
    counts = [
        (
            (260 + 7 * (i % 11) + i) * scale,
            (30 + 3 * (i % 7)) * scale,
            (48 + 5 * (i % 5)) * scale,
            (20 + i % 6) * scale,
            (4 + i % 3) * scale,
            0 if i < n_months - 1 else 120 * scale,
        )
        for i in range(n_months)
    ]
    outcomes = [outcome_row(*c, period_on=on) for on, c in zip(months, counts, strict=True)]
    whole = tuple(sum(column) for column in zip(*counts, strict=True)) if counts else ()
    cancelled = [
        cancellation_row(sum(c[:3]) + c[4], c[2], period_on=on)
        for on, c in zip(months, counts, strict=True)
    ]
    total = outcome_row(*whole) if whole else None
    n = whole[2] if whole else 0
    who = {"patient": n // 2, "provider": n // 4, "unknown": n - n // 2 - n // 4, None: 0}
    bands = {
        "after start": (n // 9, -1.5),
        "under 2 hours": (n // 10, 0.8),
        "2-24 hours": (n // 5, 11.2),
        "1-7 days": (n // 3, 70.0),
        "over 7 days": (n // 4, 250.4),
    }
    return Figures(
        outcomes=frame([total] if total else [], outcome_row(*[0] * 6)),
        outcomes_by_period=frame(outcomes, outcome_row(*[0] * 6, period_on=None)),
        funnel=funnel(sum(whole[:3]) + whole[4] + whole[5]) if whole else funnel(0).head(0),
        cancellations=frame(
            [cancellation_row(total["cancelled_share_n"], n)] if total else [],
            cancellation_row(0, 0),
        ),
        cancellations_by_period=frame(cancelled, cancellation_row(0, 0, period_on=None)),
        cancellations_by_who=frame(
            [cancellation_row(k or 99, k, cancelled_by=w) for w, k in who.items() if n],
            cancellation_row(0, 0, cancelled_by=None),
        ),
        cancellations_by_notice=frame(
            [cancellation_row(k, k, hours, notice_band=b) for b, (k, hours) in bands.items() if n],
            cancellation_row(0, 0, notice_band=None),
        ),
    )


def frame(rows: list[Row], example: Row) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(example))


def funnel(booked: int) -> pd.DataFrame:
    started, completed = booked * 8 // 10, booked * 78 // 100
    rows: list[Row] = []
    ends = {1: (booked - started, 0.0), 2: (started - completed, 0.5), 3: (0, 0.0)}
    for step, (stage, n) in enumerate(
        [("booked", booked), ("started", started), ("completed", completed)], start=1
    ):
        gone = ends[step][0]
        row: Row = {"step": step, "stage": stage, "n_reached": n}
        row |= {"n_observed": n - n // 8, "n_inferred": n // 8}
        with_share(row, "first_share", n, booked)
        previous = {1: 0, 2: booked, 3: started}[step]
        with_share(row, "previous_share", n, previous)
        row |= {
            "median_hours_from_previous": None if step == 1 else 200.5 / step**4,
            "p90_hours_from_previous": None if step == 1 else 900.0 / step**5,
            "n_cancelled": gone // 2 if step == 1 else 0,
            "n_no_show": gone // 4 if step == 1 else 0,
            "n_rescheduled": 0,
            "n_unresolved": gone // 20 if step == 1 else gone,
            "n_open": gone - gone // 2 - gone // 4 - gone // 20 if step == 1 else 0,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def provenance(n_files: int = 3) -> Provenance:
    files = pd.DataFrame(
        {
            "file": [f"exports/2025/deliveries-{i:05d}.jsonl.gz" for i in range(n_files)],
            "sha256": [f"{i:064x}" for i in range(n_files)],
            "lines": 1000,
            "loaded": 900,
            "duplicate": 80,
            "quarantined": 15,
        }
    )
    return Provenance(
        lines=1000 * n_files,
        blank=5 * n_files,
        loaded=900 * n_files,
        duplicate=80 * n_files,
        quarantined=15 * n_files,
        policies=("require",),
        quarantined_by_code=pd.DataFrame(
            {
                "code": ["signature_mismatch", "not_json", "contract"],
                "n_lines": [10 * n_files, 4 * n_files, n_files],
            }
        ),
        events_by_signature=pd.DataFrame({"signature": ["verified"], "n_events": [900 * n_files]}),
        events_by_secret=pd.DataFrame(
            {"secret": ["current", "until 2025"], "n_events": [600 * n_files, 300 * n_files]}
        ),
        archive_files=files,
        drift=pd.DataFrame(
            {
                "kind": ["field", "event"],
                "path": ["appointment.telehealth_vendor", "invoice.paid"],
                "json_type": ["string", "object"],
                "n_seen": [412, 7],
            }
        ),
    )


def make_content(n_months: int = 14, n_files: int = 3, scale: int = 1) -> ReportContent:
    start = months_back(max(n_months, 1))[0]
    return ReportContent(
        title="Willow Street Family Practice",
        as_of=AS_OF,
        time_zone="America/New_York",
        figures=figures(n_months, scale),
        coverage=Coverage(
            first_occurred_at=datetime(start.year, start.month, 3, 9, tzinfo=UTC),
            last_occurred_at=AS_OF,
            first_start_at=datetime(start.year, start.month, 4, 14, tzinfo=UTC),
            last_start_at=datetime(2026, 5, 28, 18, tzinfo=UTC),
            n_files=n_files,
            n_events=900 * n_files,
            n_patients=1234 * scale,
            n_appointments=5120 * scale,
        ),
        provenance=provenance(n_files),
    )


def by_host(names: list[Any]) -> pd.DataFrame:
    rows = [
        outcome_row(120 + 9 * (i % 8), 8 + 4 * (i % 5), 20 + i % 4, 6, 2, 3 * (i % 2), host=name)
        for i, name in enumerate(names)
    ]
    return frame(rows, outcome_row(*[0] * 6, host=None))


def with_groups(content: ReportContent, groups: pd.DataFrame) -> ReportContent:
    return replace(content, figures=replace(content.figures, outcomes_by_group=groups))


class MadeUp:
    """The builders of this file, for the tests beside it."""

    months_back = staticmethod(months_back)
    content = staticmethod(make_content)
    figures = staticmethod(figures)
    provenance = staticmethod(provenance)
    by_host = staticmethod(by_host)
    with_groups = staticmethod(with_groups)
    outcome_row = staticmethod(outcome_row)
    cancellation_row = staticmethod(cancellation_row)
    frame = staticmethod(frame)


@pytest.fixture(scope="session")
def clinic() -> MadeUp:
    return MadeUp()


@pytest.fixture(scope="session")
def page_of() -> Callable[[ReportContent], str]:
    """``render``, each content once a session: drawing takes a second or two."""
    from avon_analytics.report.page.render import render

    pages: dict[int, tuple[ReportContent, str]] = {}

    def page(content: ReportContent) -> str:
        if id(content) not in pages:
            pages[id(content)] = (content, render(content))
        return pages[id(content)][1]

    return page
