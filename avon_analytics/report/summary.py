"""What a director reads first: the last complete period, in figures and in words.

Periods are compared by the difference of their shares in percentage points, with Newcombe's 95 %
interval of that difference, made from the two Wilson intervals that the figure brings. Where that
interval holds zero, the page says that no clear change is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from avon_analytics.appointments.intervals import Floats, difference
from avon_analytics.report.content import Figures, ReportContent
from avon_analytics.report.periods import A_YEAR_AGO, before, label
from avon_analytics.report.rows import Row, by_period, complete_periods, rows_of
from avon_analytics.report.wording import (
    Share,
    count,
    hours,
    lasting,
    number,
    percent,
    plural,
    points,
    share,
)

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
    changes: tuple[str, ...] = ()
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


class Change(NamedTuple):
    """A share against the same share of another period."""

    since: str
    then: Share
    difference: float
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        return None not in (self.low, self.high) and (self.low or 0) * (self.high or 0) > 0

    @property
    def brief(self) -> str:
        how = "up" if self.difference > 0 else "down"
        size = points(abs(self.difference)).removeprefix("+")
        return f"{how} {size} points on {self.since}"

    @property
    def short(self) -> str:
        return f"{points(self.difference)} pts on {self.since}"

    @property
    def verdict(self) -> str:
        if self.low is None or self.high is None:
            return "no interval"
        interval = f"interval {points(self.low)} to {points(self.high)}"
        if self.low <= 0 <= self.high:
            return f"{interval}: no clear change"
        return f"{interval}: a clear {'rise' if self.difference > 0 else 'fall'}"

    @property
    def long(self) -> str:
        how = "up" if self.difference > 0 else "down"
        size = points(abs(self.difference)).removeprefix("+")
        return (
            f"{how} {size} percentage points on {self.since} "
            f"({percent(self.then.value)} of {count(self.then.n)}; {self.verdict})"
        )


def change(now: Share, then: Share, since: str) -> Change | None:
    """The difference of two shares; None where either is missing."""
    if now.value is None or then.value is None:
        return None
    if None in (now.low, now.high, then.low, then.high):
        return Change(since, then, now.value - then.value, None, None)
    by, low, high = difference(_with_interval(now), _with_interval(then))
    return Change(since, then, float(by), float(low), float(high))


def _with_interval(one: Share) -> tuple[Floats, Floats, Floats]:
    value, low, high = (np.asarray(known, dtype=float) for known in (one.value, one.low, one.high))
    return value, low, high


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

    def earlier(self) -> list[date]:
        """The period before and the same one of last year, where they are complete."""
        if self.on == date.min:
            return []
        backs = dict.fromkeys((1, A_YEAR_AGO[self.every]))
        return [on for back in backs if (on := before(self.on, self.every, back)) in self.outcomes]

    def trend(self, of: Callable[[Row], float | None]) -> tuple[float, ...]:
        """A number of the newest complete periods, up to this one."""
        rows = [
            {**self.cancellations.get(on, {}), **row}
            for on, row in sorted(self.outcomes.items())
            if on <= self.on
        ]
        return tuple(known for row in rows[-TREND:] if (known := of(row)) is not None)

    def shares(self, name: str) -> tuple[Share, list[Change]]:
        figure = self.outcomes if name in self.outcomes[self.on] else self.cancellations
        now = share(figure.get(self.on, {}), name)
        changes = [
            change(now, share(figure.get(on, {}), name), label(on, self.every))
            for on in self.earlier()
        ]
        return now, [known for known in changes if known]


def _summary(content: ReportContent, story: _Story) -> Summary:
    row = story.outcomes[story.on]
    headlines = [_due(story)] + [
        Headline(
            label,
            percent(now.value),
            now.behind,
            tuple(each.short for each in changes),
            story.trend(lambda figures, name=name: share(figures, name).value),  # type: ignore[misc]
        )
        for label, name in SHARES.items()
        for now, changes in [story.shares(name)]
    ]
    findings = [
        Finding("Slots due", _what_happened(row)),
        _finding(story, "No-shows", "no_show_share", "n_no_show", "attended or missed"),
        _finding(
            story, "Cancellations", "cancelled_share", "n_cancelled", "due and not rescheduled"
        ),
        _who_and_how_late(story, content.late_hours),
        _stages(content.figures),
    ]
    return Summary(story.period, _verdict(story), headlines, [each for each in findings if each])


def _verdict(story: _Story) -> str:
    """What changed clearly, in one or two sentences."""
    if story.on == date.min:
        return ""
    since = " and ".join(label(on, story.every) for on in story.earlier())
    if not since:
        return f"There is no earlier complete {story.every} next to it to compare with."
    changes = [(words, each) for words, name in SHARES.items() for each in story.shares(name)[1]]
    clear: dict[str, list[str]] = {}
    for words, each in changes:
        if each.is_clear:
            clear.setdefault(words.lower(), []).append(each.brief)
    if not clear:
        return (
            f"No share changed clearly against {since}: "
            "the differences are within what chance alone brings."
        )
    verb = "This share" if len(clear) == 1 else "These shares"
    n_clear = sum(len(briefs) for briefs in clear.values())
    rest = "" if n_clear == len(changes) else " The other differences may be chance."
    told = "; ".join(f"{words} {' and '.join(briefs)}" for words, briefs in clear.items())
    return f"{verb} changed clearly: {told}.{rest}"


def _n_due(row: Row) -> float | None:
    n, not_due = number(row.get("n_slots")), number(row.get("n_not_due"))
    return None if n is None or not_due is None else n - not_due


def _due(story: _Story) -> Headline:
    n = _n_due(story.outcomes[story.on])
    changes = []
    for on in story.earlier():
        then = _n_due(story.outcomes[on])
        if n is not None and then is not None:
            changes.append(
                f"{'+' if n > then else ''}{count(n - then)} on {label(on, story.every)}"
            )
    trend = story.trend(_n_due)
    return Headline("Slots due", count(n), "a patient at a planned time", tuple(changes), trend)


def _what_happened(row: Row) -> str:
    n = _n_due(row)
    return (
        f"Of {plural(n, 'slot')} that came due, {count(row.get('n_attended'))} were attended, "
        f"{count(row.get('n_no_show'))} were no-shows, {count(row.get('n_cancelled'))} were "
        f"cancelled and {count(row.get('n_rescheduled'))} rescheduled, with "
        f"{count(row.get('n_unresolved'))} unresolved, never closed in Avon."
    )


def _finding(story: _Story, topic: str, name: str, counted: str, whole: str) -> Finding | None:
    now, changes = story.shares(name)
    if now.value is None:
        return None
    text = (
        f"{percent(now.value)}: {count(story.outcomes[story.on].get(counted))} of "
        f"{count(now.n)} slots {whole}"
    )
    text += f" (95\u00a0% interval {now.interval})." if now.interval else "."
    if changes:
        compared = ", and ".join(each.long for each in changes)
        text += f" {compared[:1].upper()}{compared[1:]}."
    return Finding(topic, text)


def _who_and_how_late(story: _Story, late_hours: float) -> Finding | None:
    row = story.cancellations.get(story.on, {})
    if not number(row.get("n_cancelled")):
        return None
    late = share(row, "late_share")
    text = (
        f"{count(row.get('n_by_patient'))} were cancelled by patients, "
        f"{count(row.get('n_by_provider'))} by providers or staff; "
        f"for {count(row.get('n_by_unknown'))} it is unknown."
    )
    if late.value is not None:
        text += (
            f" {percent(late.value)} of the {count(late.n)} with known notice came less than "
            f"{hours(late_hours)} before the start or after it"
        )
        notice = number(row.get("median_notice_hours"))
        text += f"; half gave {lasting(notice)} or more." if notice is not None else "."
    return Finding("Who, and how late", text)


def _stages(figures: Figures) -> Finding | None:
    stages = {str(row.get("stage")): row for row in rows_of(figures.funnel)}
    booked = stages.get("booked", {})
    if not number(booked.get("n_reached")):
        return None
    reached = [
        f"{count(row.get('n_reached'))} were {stage} ({percent(row.get('first_share'))})"
        for stage in ("started", "completed")
        if (row := stages.get(stage))
    ]
    text = f"Of {plural(number(booked['n_reached']), 'appointment')} booked in the whole period"
    return Finding("From booking to completion", f"{text}, {' and '.join(reached)}.")
