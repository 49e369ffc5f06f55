"""What a director reads first: the last complete period, in figures and in words.

It compares no two periods: whether anything changed is for signals to say (``what_changed``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from avon_analytics.report.page.content import Figures, ReportContent
from avon_analytics.report.page.what_changed import verdict, what_changed
from avon_analytics.report.tables.rows import Row, by_period, complete_periods, rows_of
from avon_analytics.report.words.numbers import count, lasting, number, percent, plural
from avon_analytics.report.words.periods import label
from avon_analytics.report.words.shares import Share, share

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


class Finding(NamedTuple):
    topic: str
    text: str


@dataclass(frozen=True)
class Summary:
    period: str
    verdict: str
    headlines: list[Headline]
    findings: list[Finding]


def summary(content: ReportContent) -> Summary:
    """Headline numbers and findings of the last complete period, else of the whole cohort."""
    figures, every = content.figures, content.every
    outcomes = complete_periods(by_period(figures.outcomes_by_period))
    if outcomes:
        on = max(outcomes)
        cancelled: dict[date, Row] = {
            row["period_on"]: row for row in by_period(figures.cancellations_by_period)
        }
        words = f"{label(on, every)}, the last complete {every}"
        if every == "week":
            words = f"The week of {words}"
        return _summary(content, _Story(words, on, every, outcomes, cancelled))
    rows, whole = rows_of(figures.outcomes), rows_of(figures.cancellations)
    if not rows or number(rows[0].get("n_slots")) == 0:
        return Summary("", "", [], [])
    nowhere = date.min
    story = _Story(
        f"The whole period, as no {every} is complete",
        nowhere,
        every,
        {nowhere: rows[0]},
        {nowhere: whole[0] if whole else {}},
    )
    return _summary(content, story)


@dataclass(frozen=True)
class _Story:
    """One period among its others: the figures of both methods, by the first days."""

    period: str
    on: date
    every: str
    outcomes: dict[date, Row]
    cancellations: dict[date, Row]

    def trend(self, of: Callable[[Row], float | None]) -> tuple[float, ...]:
        """A number of the newest complete periods, up to this one."""
        rows = [
            {**self.cancellations.get(on, {}), **row}
            for on, row in sorted(self.outcomes.items())
            if on <= self.on
        ]
        return tuple(known for row in rows[-TREND:] if (known := of(row)) is not None)

    def share(self, name: str) -> Share:
        figure = self.outcomes if name in self.outcomes[self.on] else self.cancellations
        return share(figure.get(self.on, {}), name)


def _summary(content: ReportContent, story: _Story) -> Summary:
    row = story.outcomes[story.on]
    headlines = [_due(story)] + [
        Headline(
            label,
            percent(now.value),
            now.behind,
            story.trend(lambda figures, name=name: share(figures, name).value),  # type: ignore[misc]
        )
        for label, name in SHARES.items()
        for now in [story.share(name)]
    ]
    findings = [
        Finding("Slots due", _what_happened(row)),
        _finding(story, "No-shows", "no_show_share", "n_no_show", "attended or missed"),
        _finding(
            story, "Cancellations", "cancelled_share", "n_cancelled", "due and not rescheduled"
        ),
        _who_and_how_late(story, content.late),
        _stages(content.figures),
    ]
    return Summary(
        story.period, verdict(what_changed(content)), headlines, [each for each in findings if each]
    )


def _n_due(row: Row) -> float | None:
    n, not_due = number(row.get("n_slots")), number(row.get("n_not_due"))
    return None if n is None or not_due is None else n - not_due


def _due(story: _Story) -> Headline:
    n = _n_due(story.outcomes[story.on])
    return Headline("Slots due", count(n), "a patient at a planned time", story.trend(_n_due))


def _what_happened(row: Row) -> str:
    n = _n_due(row)
    return (
        f"Of {plural(n, 'slot')} that came due: {count(row.get('n_attended'))} attended, "
        f"{plural(number(row.get('n_no_show')), 'no-show')}, {count(row.get('n_cancelled'))} "
        f"cancelled and {count(row.get('n_rescheduled'))} rescheduled, with "
        f"{count(row.get('n_unresolved'))} unresolved, never closed in Avon."
    )


def _finding(story: _Story, topic: str, name: str, counted: str, whole: str) -> Finding | None:
    now = story.share(name)
    if now.value is None:
        return None
    text = (
        f"{percent(now.value)}: {count(story.outcomes[story.on].get(counted))} of "
        f"{count(now.n)} slots {whole}"
    )
    text += f" (95\u00a0% interval {now.interval})." if now.interval else "."
    return Finding(topic, text)


def _who_and_how_late(story: _Story, when_late: str) -> Finding | None:
    row = story.cancellations.get(story.on, {})
    if not number(row.get("n_cancelled")):
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
        text += f"; half gave {lasting(notice)} or more." if notice is not None else "."
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
