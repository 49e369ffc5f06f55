"""What a director reads first: the last complete period, in figures and in words.

It compares no two periods: whether anything changed is for signals to say (``what_changed``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from avon_analytics.report.page.content import Figures, ReportContent
from avon_analytics.report.page.finding import Finding
from avon_analytics.report.page.what_changed import verdict, what_changed
from avon_analytics.report.tables.rows import Row, by_period, complete_periods, rows_of
from avon_analytics.report.words.numbers import count, duration, number, percent, plural
from avon_analytics.report.words.periods import label
from avon_analytics.report.words.shares import share

SHARES = {
    "Attended": "attended_share",
    "No-show": "no_show_share",
    "Cancelled": "cancelled_share",
    "Cancelled late": "late_share",
}
TREND = 13


class Headline(NamedTuple):
    label: str
    value: str
    behind: str
    trend: tuple[float, ...] = ()
    """The same of the newest complete periods, oldest first."""


@dataclass(frozen=True)
class Summary:
    period: str
    verdict: str
    headlines: list[Headline]
    findings: list[Finding]


def summary(content: ReportContent) -> Summary:
    """Headline numbers and findings of the last complete period, else of the whole cohort."""
    period, rows = _newest_periods(content)
    if not rows:
        return Summary("", "", [], [])
    row = rows[-1]
    headlines = [
        Headline(
            "Slots due", count(_n_due(row)), "a patient at a planned time", _trend(rows, _n_due)
        ),
        *(_of_share(label, name, rows) for label, name in SHARES.items()),
    ]
    findings = [
        Finding("Slots due", _what_happened(row)),
        _finding(row, "No-shows", "no_show_share", "n_no_show", "attended or missed"),
        _finding(row, "Cancellations", "cancelled_share", "n_cancelled", "due and not rescheduled"),
        _who_and_how_late(row, content.late),
        _stages(content.figures),
    ]
    return Summary(
        period, verdict(what_changed(content)), headlines, [each for each in findings if each]
    )


def _newest_periods(content: ReportContent) -> tuple[str, list[Row]]:
    """What the last complete period is called, and its row with those before it, oldest first.

    A row has the columns of ``outcomes`` and of ``cancellations``. Where no period is complete, the
    whole cohort is the only one; without slots there is none.
    """
    figures, every = content.figures, content.every
    outcomes = complete_periods(by_period(figures.outcomes_by_period))
    if outcomes:
        cancelled = {row["period_on"]: row for row in by_period(figures.cancellations_by_period)}
        words = f"{label(max(outcomes), every)}, the last complete {every}"
        if every == "week":
            words = f"The week of {words}"
        return words, [{**cancelled.get(on, {}), **row} for on, row in outcomes.items()]
    rows, whole = rows_of(figures.outcomes), rows_of(figures.cancellations)
    if not rows or number(rows[0].get("n_slots")) == 0:
        return "", []
    of_cancelled = whole[0] if whole else {}
    return f"The whole period, as no {every} is complete", [{**of_cancelled, **rows[0]}]


def _of_share(label: str, name: str, rows: list[Row]) -> Headline:
    now = share(rows[-1], name)
    trend = _trend(rows, lambda row: share(row, name).value)
    return Headline(label, percent(now.value), now.behind, trend)


def _trend(rows: list[Row], of: Callable[[Row], float | None]) -> tuple[float, ...]:
    """A number of the newest of these periods, where it is known."""
    return tuple(known for row in rows[-TREND:] if (known := of(row)) is not None)


def _n_due(row: Row) -> float | None:
    n, not_due = number(row.get("n_slots")), number(row.get("n_not_due"))
    return None if n is None or not_due is None else n - not_due


def _what_happened(row: Row) -> str:
    n = _n_due(row)
    return (
        f"Of {plural(n, 'slot')} that came due: {count(row.get('n_attended'))} attended, "
        f"{plural(number(row.get('n_no_show')), 'no-show')}, {count(row.get('n_cancelled'))} "
        f"cancelled and {count(row.get('n_rescheduled'))} rescheduled, with "
        f"{count(row.get('n_unresolved'))} unresolved, never closed in Avon."
    )


def _finding(row: Row, topic: str, name: str, counted: str, whole: str) -> Finding | None:
    now = share(row, name)
    if now.value is None:
        return None
    text = f"{percent(now.value)}: {count(row.get(counted))} of {count(now.n)} slots {whole}"
    text += f" (95\u00a0% interval {now.interval})." if now.interval else "."
    return Finding(topic, text)


def _who_and_how_late(row: Row, when_late: str) -> Finding | None:
    if "n_by_patient" not in row or not number(row.get("n_cancelled")):
        return None
    late = share(row, "late_share")
    text = (
        f"Patients cancelled {count(row.get('n_by_patient'))}, "
        f"providers or staff {count(row.get('n_by_provider'))}; "
        f"for {count(row.get('n_by_unknown'))} it is unknown."
    )
    if late.value is not None:
        text += f" {percent(late.value)} of the {count(late.n)} with known notice came {when_late}"
        notice = number(row.get("median_notice_hours"))
        text += f"; half gave {duration(notice)} or more." if notice is not None else "."
    return Finding("Who, and how late", text)


def _stages(figures: Figures) -> Finding | None:
    stages = {str(row.get("stage")): row for row in rows_of(figures.funnel)}
    booked = stages.get("booked", {})
    if not number(booked.get("n_reached")):
        return None
    reached = [
        f"{count(row.get('n_reached'))} {stage} ({percent(row.get('first_share'))})"
        for stage in ("started", "completed")
        if (row := stages.get(stage))
    ]
    text = f"Of {plural(number(booked['n_reached']), 'appointment')} booked in the whole period"
    return Finding("From booking to completion", f"{text}: {' and '.join(reached)}.")
