"""Planned hours, as a director reads them: how many came to nothing, and what was filled again.

A figure without hours is no figure of zero hours: where sessions have no end, the page says so.
"""

from __future__ import annotations

from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.page.finding import Finding
from avon_analytics.report.tables.rows import Row, by_period, complete_periods, rows_of
from avon_analytics.report.words.numbers import amount, count, duration, number, percent, plural
from avon_analytics.report.words.periods import label

_LOST = {
    "no_show_hours": "missed",
    "late_cancelled_hours": "cancelled late",
    "late_rescheduled_hours": "moved late",
}


def hours_findings(content: ReportContent) -> list[Finding]:
    """What became of the hours: of the last complete period, and of the whole."""
    figures, every = content.figures, content.every
    if figures.lost_time is None:
        return []
    whole = next(iter(rows_of(figures.lost_time)), {})
    if not number(whole.get("n_sessions")):
        return []
    if not number(whole.get("planned_hours")):
        return [Finding("Hours", _no_hours(whole))]
    findings = []
    periods = figures.lost_time_by_period
    complete = complete_periods(by_period(periods)) if periods is not None else {}
    if complete:
        on = max(complete)
        title = f"{'The week of ' if every == 'week' else ''}{label(on, every)}"
        findings.append(Finding(title, _lost(complete[on])))
    findings.append(Finding("The whole period", f"{_lost(whole)}{_left_out(whole)}"))
    refills = figures.refills
    if refills is not None and (given := next(iter(rows_of(refills)), None)):
        findings.append(Finding("Filled again", _refilled(given)))
    return findings


def _no_hours(row: Row) -> str:
    n = number(row.get("n_without_length"))
    if n is None:
        return "How many hours were planned is blank, for they rest on small counts."
    return (
        f"No session has usable hours: of {plural(number(row.get('n_sessions')), 'session')} "
        f"{count(n)} report no end, or one that is not within 24 hours after the start. So nothing "
        "can be said of time; the counts above stand."
    )


def _left_out(row: Row) -> str:
    n = number(row.get("n_without_length"))
    if not n:
        return ""
    are = "has no usable end and is" if n == 1 else "have no usable end and are"
    return (
        f" {count(n)} of {plural(number(row.get('n_sessions')), 'session')} {are} in none of these."
    )


def _lost(row: Row) -> str:
    planned, lost = number(row.get("planned_hours")), number(row.get("lost_hours"))
    if planned is None or lost is None:
        return "Blank, for it rests on small counts."
    if not planned:
        return "No hours were planned."
    text = (
        f"Of {amount(planned)} planned hours {amount(lost)} were lost "
        f"({percent(row.get('lost_ratio'))})"
    )
    parts = {words: number(row.get(name)) for name, words in _LOST.items()}
    if None in parts.values():
        return f"{text}."
    amounts = [f"{amount(hours)} {words}" for words, hours in parts.items() if hours]
    if amounts:
        text += f": {', '.join(amounts[:-1])}{' and ' * (len(amounts) > 1)}{amounts[-1]}"
    shared = sum(hours or 0 for hours in parts.values()) - lost
    if shared >= 0.05:
        text += f", less {amount(shared)} in which others were seen or that two sessions shared"
    return f"{text}."


def _refilled(row: Row) -> str:
    n, hours = number(row.get("n_released")), number(row.get("released_hours"))
    if n == 0:
        return "No session was given back before its start."
    if n is None or hours is None:
        return "Blank, for it rests on small counts."
    text = (
        f"{plural(n, 'session')} of {amount(hours)} hours {'was' if n == 1 else 'were'} cancelled "
        "or moved away before the start."
    )
    filled = number(row.get("refilled_hours"))
    if filled is None:
        return text
    text += (
        f" Other visits were planned into {amount(filled)} of these hours afterwards "
        f"({percent(row.get('refilled_ratio'))})"
    )
    again = number(row.get("attended_again_hours"))
    text += f", and somebody came to {amount(again)}." if again is not None else "."
    until = number(row.get("median_hours_to_refill"))
    if until is not None:
        text += f" Half of the sessions filled again were so within {duration(until)}."
    return text
