"""What to keep in mind about these very data: each rule looks at the content and may speak up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta

import pandas as pd

from avon_analytics.report.page.content import Figures, ReportContent
from avon_analytics.report.page.finding import Finding
from avon_analytics.report.tables.rows import (
    Row,
    by_period,
    complete_periods,
    incomplete_periods,
    is_complete,
    rows_of,
)
from avon_analytics.report.words.dates import Clock
from avon_analytics.report.words.numbers import count, number, percent, plural
from avon_analytics.report.words.paths import shortened
from avon_analytics.report.words.periods import label
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain

UNRESOLVED_SHARE = 0.05
INFERRED_SHARE = 0.10
FEW = 30
SMALL_CELL = 11
QUIET_DAYS = 7


def caveats(content: ReportContent) -> list[Finding]:
    """Every caveat that applies, the weightiest first."""
    return [caveat for rule in RULES if (caveat := rule(content))]


def _nothing(content: ReportContent) -> Finding | None:
    rows = rows_of(content.figures.outcomes)
    if rows and number(rows[0].get("n_slots")) != 0:
        return None
    seen = content.coverage
    if seen.first_occurred_at is not None and seen.last_occurred_at is None:
        begins = Clock(content.time_zone).day(seen.first_occurred_at)
        return Finding("No slots", f"Nothing had occurred by then: the archive begins {begins}.")
    return Finding("No slots", "The archive holds no appointment slot in this scope.")


def _receipt(content: ReportContent) -> Finding | None:
    p = content.provenance
    if p.lines == p.blank + p.loaded + p.duplicate + p.quarantined:
        return None
    return Finding(
        "The receipt does not add up",
        f"{count(p.lines)} lines were read, but {count(p.blank)} blank, {count(p.loaded)} loaded, "
        f"{count(p.duplicate)} duplicate and {count(p.quarantined)} quarantined do not sum to "
        "them. Do not rely on this page before that is explained.",
    )


def _unverified(content: ReportContent) -> Finding | None:
    rows = rows_of(content.provenance.events_by_signature)
    others = {plain(row["signature"]): number(row["n_events"]) or 0 for row in rows}
    others.pop("verified", None)
    n = sum(others.values())
    if not n:
        return None
    words = ", ".join(f"{count(k)} {word}" for word, k in others.items() if k)
    return Finding(
        "Unverified events",
        f"{plural(n, 'event')} behind these figures could not be shown to come from Avon "
        f"unaltered ({words}).",
    )


def _quarantined(content: ReportContent) -> Finding | None:
    n, lines = content.provenance.quarantined, content.provenance.lines
    if not n:
        return None
    part = f" ({percent(n / lines)} of the lines)" if lines else ""
    return Finding(
        "Lines in quarantine",
        f"{plural(n, 'line')}{part} did not load and count in no figure. The reasons are listed "
        "under “What was verified”.",
    )


def _pending(content: ReportContent) -> Finding | None:
    rows = rows_of(content.provenance.archive_files)
    ends = [(str(row["file"]), n) for row in rows if (n := number(row.get("pending_bytes")))]
    if not ends:
        return None
    named = zip(shortened([path for path, _ in ends], 100), ends, strict=True)
    each = ", ".join(f"{plain(name)} ({plural(n, 'byte')})" for name, (_, n) in named)
    return Finding(
        "Deliveries that are not all there",
        f"{plural(len(ends), 'file ends', 'files end')} in the middle of a delivery, which counts "
        f"in no figure and no number of lines: {each}.",
    )


def _immature(content: ReportContent) -> Finding | None:
    periods = incomplete_periods(content.figures.outcomes_by_period)
    if not periods:
        return None
    names = ", ".join(label(on, content.every) for on in periods[:6])
    names += f" and {len(periods) - 6:,} more" if len(periods) > 6 else ""
    verb, them, these = ("is", "it", "this") if len(periods) == 1 else ("are", "them", "these")
    has_complete = bool(complete_periods(by_period(content.figures.outcomes_by_period)))
    is_of_all = f"is of the whole period, {these} included"
    return Finding(
        f"{content.every.capitalize()}s that are not complete",
        f"{names} {verb} not complete: some slots are not due yet or may still be closed, or the "
        "window or the beginning of the archive cuts a part off. The summary "
        f"{f'leaves {them} out' if has_complete else is_of_all}.",
    )


def _unresolved(content: ReportContent) -> Finding | None:
    row = _first(rows_of(content.figures.outcomes))
    due = (number(row.get("n_slots")) or 0) - (number(row.get("n_not_due")) or 0)
    n = number(row.get("n_unresolved")) or 0
    if not due or n / due <= UNRESOLVED_SHARE:
        return None
    low, high = (
        number(row.get(f"no_show_share_if_all_unresolved_{fate}"))
        for fate in ("attended", "missed")
    )
    bounds = (
        ""
        if low is None or high is None
        else f" Had all of them been attended, the no-show share would be {percent(low)}; had all "
        f"been missed, {percent(high)}."
    )
    return Finding(
        "Unresolved slots",
        f"{count(n)} of {count(due)} slots due ({percent(n / due)}) were never closed in Avon. "
        "Whether they were attended or missed is not known; every share here rests on the rest."
        f"{bounds}",
    )


def _unknown_who(content: ReportContent) -> Finding | None:
    row = _first(rows_of(content.figures.cancellations))
    n, cancelled = number(row.get("n_by_unknown")), number(row.get("n_cancelled"))
    if not n or not cancelled:
        return None
    return Finding(
        "Who cancelled is not always known",
        f"{count(n)} of {count(cancelled)} cancellations ({percent(n / cancelled)}) name neither "
        "a patient nor a provider. They are shown as unknown and counted for neither.",
    )


def _unknown_notice(content: ReportContent) -> Finding | None:
    row = _first(rows_of(content.figures.cancellations))
    n, cancelled = share(row, "late_share").n, number(row.get("n_cancelled"))
    if n is None or cancelled is None or n >= cancelled:
        return None
    return Finding(
        "Notice is not always known",
        f"{count(cancelled - n)} of {count(cancelled)} cancellations have no known notice and are "
        "left out of the late share.",
    )


def _inferred(content: ReportContent) -> Finding | None:
    parts = []
    for row in rows_of(content.figures.funnel):
        n, reached = number(row.get("n_inferred")), number(row.get("n_reached"))
        if n and reached and n / reached > INFERRED_SHARE:
            parts.append(f"{percent(n / reached)} of {plain(row.get('stage'))}")
    if not parts:
        return None
    return Finding(
        "Stages that are inferred",
        f"For {', '.join(parts)} no delivery reported the stage itself; it was read from a later "
        "status history, an actual time or a later stage.",
    )


def _no_denominator(content: ReportContent) -> Finding | None:
    rows = by_period(content.figures.outcomes_by_period)
    periods = [row for row in rows if is_complete(row) and not share(row, "no_show_share").n]
    if not periods:
        return None
    return Finding(
        f"{content.every.capitalize()}s without a no-show share",
        f"In {plural(len(periods), f'complete {content.every}')} no slot was attended or missed, "
        "so there is nothing to divide by; the share is shown as “–”.",
    )


def _few(content: ReportContent) -> Finding | None:
    rows = by_period(content.figures.outcomes_by_period)
    n = sum(0 < (share(row, "no_show_share").n or 0) < FEW for row in rows)
    if not n:
        return None
    return Finding(
        "Small numbers",
        f"In {plural(n, content.every)} the no-show share rests on fewer than {FEW} slots. Read "
        "such shares with their interval: they move by chance alone.",
    )


def _outside(content: ReportContent) -> Finding | None:
    clock, coverage = Clock(content.time_zone), content.coverage
    first, start = coverage.first_occurred_at, coverage.first_start_at
    if first is None or start is None or first - start < timedelta(days=1):
        return None
    return Finding(
        "The archive begins after its first slots",
        f"Its first event is of {clock.day(first)}, but its first slot was planned for "
        f"{clock.day(start)}. Of slots before that event it holds only what later events reported.",
    )


def _later_events(content: ReportContent) -> Finding | None:
    clock, last = Clock(content.time_zone), content.coverage.last_occurred_at
    if last is None or last <= content.as_of:
        return None
    return Finding(
        "Later events are left out",
        f"The archive goes on to {clock.instant(last)}. What is reported after the as-of instant "
        "counts in no figure.",
    )


def _quiet(content: ReportContent) -> Finding | None:
    clock, last = Clock(content.time_zone), content.coverage.last_occurred_at
    if last is None or content.as_of - last <= timedelta(days=QUIET_DAYS):
        return None
    return Finding(
        "A quiet end",
        f"The last event is of {clock.instant(last)}, long before the as-of instant. If "
        "deliveries were lost since, slots after it look unresolved.",
    )


def _drift(content: ReportContent) -> Finding | None:
    n = len(content.provenance.drift)
    if not n:
        return None
    return Finding(
        "Fields not known to this version",
        f"Avon sent {plural(n, 'field or event name', 'fields or event names')} that this version "
        "does not know. They were kept or listed, and count in no figure.",
    )


def _tables(figures: Figures) -> Iterator[pd.DataFrame]:
    """The figures that the page prints as tables; the incidence is drawn as a curve alone."""
    for one in fields(figures):
        table = getattr(figures, one.name)
        if one.name != "incidence" and isinstance(table, pd.DataFrame):
            yield table


def _has_small(table: pd.DataFrame) -> bool:
    names = [name for name in table.columns if name.startswith("n_") or name.endswith("_n")]
    counts = table[names]
    return bool(((counts > 0) & (counts < SMALL_CELL)).to_numpy().any())


def _small_cells(content: ReportContent) -> Finding | None:
    figures = content.figures
    if content.min_count:
        return Finding(
            "Small counts are blank",
            f"Counts from 1 to {content.min_count - 1} are shown as “–”, and so are others that "
            "would reveal them by subtraction, in any table or chart of the page. Nothing "
            "rests on a blank that is not blank itself; what would reveal one is left out.",
        )
    if not any(_has_small(table) for table in _tables(figures)):
        return None
    return Finding(
        "Before this page leaves the clinic",
        f"Some cells count fewer than {SMALL_CELL} slots. Together with other knowledge such "
        "cells can point to a person.",
    )


def _first(rows: list[dict[str, object]]) -> Row:
    return rows[0] if rows else {}


RULES: tuple[Callable[[ReportContent], Finding | None], ...] = (
    _nothing,
    _receipt,
    _unverified,
    _quarantined,
    _pending,
    _immature,
    _unresolved,
    _outside,
    _later_events,
    _quiet,
    _unknown_who,
    _unknown_notice,
    _inferred,
    _no_denominator,
    _few,
    _drift,
    _small_cells,
)
