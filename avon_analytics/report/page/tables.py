"""Figures as tables for the page: which columns, in which words, with what beside each share."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from avon_analytics.figures import COLUMNS
from avon_analytics.report.html.table import (
    Cell,
    Line,
    Table,
    TableColumn,
    cells_of,
    columns_of,
    setting_of,
)
from avon_analytics.report.page.content import Figures, ReportContent
from avon_analytics.report.page.provenance import provenance_tables
from avon_analytics.report.tables.bookings import days_shown
from avon_analytics.report.tables.rows import (
    Row,
    by_period,
    group_names,
    groupings,
    is_complete,
    largest,
    rows_of,
    split_newest,
    summed,
)
from avon_analytics.report.words.headings import heading, heading_in_sentence
from avon_analytics.report.words.numbers import number, percent, plural
from avon_analytics.report.words.periods import label, span
from avon_analytics.report.words.shares import share
from avon_analytics.report.words.text import plain

NEWEST = 36
MOST_GROUPS = 40
MOST_ROWS = 30


def _declared(*names: str) -> dict[str, str]:
    """These columns of figures, each with how its cells are set."""
    return {name: setting_of(COLUMNS[name].kind) for name in names}


OUTCOME_COLUMNS = _declared(
    "no_show_share",
    "attended_share",
    "cancelled_share",
    "n_slots",
    "n_attended",
    "n_no_show",
    "n_cancelled",
    "n_rescheduled",
    "n_unresolved",
    "n_not_due",
)
CANCELLATION_COLUMNS = _declared(
    "cancelled_share",
    "late_share",
    "n_due",
    "n_cancelled",
    "n_by_patient",
    "n_by_provider",
    "n_by_unknown",
    "n_late",
    "n_after_start",
    "median_notice_hours",
)
STAGE_COLUMNS = _declared(
    "first_share",
    "previous_share",
    "n_reached",
    "n_observed",
    "n_inferred",
    "median_hours_from_previous",
    "p90_hours_from_previous",
)
END_COLUMNS = _declared(
    "n_reached", "n_no_show", "n_cancelled", "n_rescheduled", "n_unresolved", "n_open"
)
HOUR_COLUMNS = _declared(
    "lost_ratio",
    "n_sessions",
    "planned_hours",
    "attended_hours",
    "no_show_hours",
    "late_cancelled_hours",
    "late_rescheduled_hours",
    "released_in_time_hours",
    "unresolved_hours",
    "won_back_hours",
    "lost_hours",
)
LEAD_COLUMNS = _declared("n_appointments", "n_with_lead", "median_lead_days", "p90_lead_days")


def page_tables(content: ReportContent) -> dict[str, Table | None]:
    """All tables of a full page by name; None for those without a figure."""
    figures = content.figures
    return {
        "outcomes": outcomes_by_period(figures, content.every),
        "stages": stages(figures.funnel),
        "stage_ends": stage_ends(figures.funnel),
        "cancellations": cancellations_by_period(figures, content.every),
        "who": who_cancelled(figures.cancellations_by_who),
        "notice": notice_given(figures.cancellations_by_notice),
        "hours": hours_by_period(figures, content.every),
        "groups": outcomes_by_group(figures.outcomes_by_group, figures.outcomes),
        "lead": no_show_by(figures.no_show_by_lead, figures.outcomes),
        "lead_times": lead_times(figures.lead_times_by_period, figures.lead_times, content.every),
        "incidence": incidence(figures.incidence),
        **provenance_tables(content.provenance),
    }


def outcomes_by_period(figures: Figures, every: str) -> Table:
    return _by_period(
        f"Outcomes of slots by {every}",
        every,
        figures.outcomes_by_period,
        figures.outcomes,
        OUTCOME_COLUMNS,
    )


def cancellations_by_period(figures: Figures, every: str) -> Table:
    return _by_period(
        f"Cancellations by {every}",
        every,
        figures.cancellations_by_period,
        figures.cancellations,
        CANCELLATION_COLUMNS,
    )


def hours_by_period(figures: Figures, every: str) -> Table | None:
    whole = figures.lost_time
    if whole is None or not whole["planned_hours"].fillna(0).gt(0).any():
        return None
    return _by_period(f"Hours by {every}", every, figures.lost_time_by_period, whole, HOUR_COLUMNS)


def _by_period(
    caption: str,
    every: str,
    frame: pd.DataFrame | None,
    total: pd.DataFrame,
    columns: Mapping[str, str],
) -> Table:
    """The newest periods one by one, the older ones as one row, then the whole cohort.

    Without a frame, the whole cohort alone.
    """
    rows = [] if frame is None else by_period(frame)
    older, newest = split_newest(rows, NEWEST)
    lines: list[Line] = []
    if older:
        years = span([row["period_on"] for row in older], every)
        lines.append(Line(years, cells_of(summed(older), columns), "sum"))
    lines += [
        Line(label(row["period_on"], every), cells_of(row, columns), *_mark(row)) for row in newest
    ]
    if rows or frame is None:
        lines += [Line("All", cells_of(row, columns), "total") for row in rows_of(total)[:1]]
    note = f"The first row adds up {plural(len(older), f'older {every}')}." if older else ""
    return Table(caption, every.capitalize(), columns_of(columns), lines, note)


def _mark(row: Row) -> tuple[str, str]:
    """How the line of a period is set, and what is said beside it."""
    return ("", "") if is_complete(row) else ("open", "not complete")


def outcomes_by_group(outcomes: pd.DataFrame | None, total: pd.DataFrame) -> Table | None:
    if outcomes is None:
        return None
    groups = groupings(outcomes)
    name = " · ".join(heading(group) for group in groups) or "Group"
    shown, others = largest(rows_of(outcomes), "n_slots", MOST_GROUPS)
    names = group_names(shown, groups)
    lines = [
        Line(called, cells_of(row, OUTCOME_COLUMNS))
        for called, row in zip(names, shown, strict=True)
    ]
    if others:
        more = summed(others)
        lines.append(Line(f"and {len(others):,} more", cells_of(more, OUTCOME_COLUMNS), "sum"))
    if shown:
        lines += [
            Line("All", cells_of(row, OUTCOME_COLUMNS), "total") for row in rows_of(total)[:1]
        ]
    caption = f"Outcomes of slots by {' · '.join(map(heading_in_sentence, groups)) or 'group'}"
    return Table(caption, name, columns_of(OUTCOME_COLUMNS), lines)


def no_show_by(outcomes: pd.DataFrame | None, total: pd.DataFrame) -> Table | None:
    """The no-show share by one grouping, with what it is made of."""
    if outcomes is None:
        return None
    (name,) = groupings(outcomes)
    columns = _declared("no_show_share", "n_attended", "n_no_show")
    lines = [Line(plain(row.get(name)), cells_of(row, columns)) for row in rows_of(outcomes)]
    if lines:
        lines += [Line("All", cells_of(row, columns), "total") for row in rows_of(total)[:1]]
    caption = f"No-show share by {heading_in_sentence(name)}"
    return Table(caption, heading(name), columns_of(columns), lines)


def lead_times(
    by_booking: pd.DataFrame | None, total: pd.DataFrame | None, every: str
) -> Table | None:
    """Days booked ahead by the period of booking, then all; quantiles of some have no sum.

    So where there are more periods than a table holds, the row of all is left out with the oldest.
    """
    if by_booking is None:
        return None
    rows = [row for row in by_period(by_booking) if number(row.get("n_with_lead"))]
    n_older = max(len(rows) - NEWEST, 0)
    rows = rows[n_older:]
    lines = [
        Line(label(row["period_on"], every), cells_of(row, LEAD_COLUMNS), *_mark(row))
        for row in rows
    ]
    if rows and total is not None and not n_older:
        lines += [Line("All", cells_of(row, LEAD_COLUMNS), "total") for row in rows_of(total)[:1]]
    caption = f"Days booked ahead by {every} of booking"
    note = ""
    if n_older:
        note = (
            f"The newest {NEWEST} {every}s are shown; {plural(n_older, f'older {every}')} "
            f"{'is' if n_older == 1 else 'are'} left out."
        )
    return Table(caption, "Booked in", columns_of(LEAD_COLUMNS), lines, note)


def incidence(incidence: pd.DataFrame | None) -> Table | None:
    """How many bookings had ended in each way after so many days."""
    if incidence is None:
        return None
    causes = list(dict.fromkeys(incidence["cause"]))
    lines = []
    for day in days_shown(incidence["day"].max()) if len(incidence) else ():
        until = incidence[incidence["day"] <= day].groupby("cause").tail(1)
        reached = {row["cause"]: row for row in rows_of(until)}
        cells = [_reached(reached.get(cause)) for cause in causes]
        lines.append(Line(plural(day, "day"), cells))
    columns = [TableColumn(heading(cause), "share") for cause in causes]
    return Table("How bookings had ended, by days since", "Within", columns, lines)


def _reached(row: Row | None) -> Cell:
    if row is None:
        return Cell(percent(0.0))
    known = share(row, "cumulative_incidence")
    return Cell(percent(known.value), known.interval)


def stages(funnel: pd.DataFrame) -> Table:
    return _by_stage(funnel, "Appointments by stage reached", STAGE_COLUMNS)


def stage_ends(funnel: pd.DataFrame) -> Table:
    caption = "Of those that stopped at a stage, where they went"
    return _by_stage(funnel.iloc[:-1], caption, END_COLUMNS)


def _by_stage(funnel: pd.DataFrame, caption: str, columns: Mapping[str, str]) -> Table:
    lines = [
        Line(plain(row.get("stage")).capitalize(), cells_of(row, columns))
        for row in rows_of(funnel)
    ]
    return Table(caption, "Stage", columns_of(columns), lines)


def who_cancelled(cancellations: pd.DataFrame) -> Table:
    columns = _declared("late_share", "median_notice_hours")
    return _of_cancelled(cancellations, "cancelled_by", "Cancelled slots by who", columns)


def notice_given(cancellations: pd.DataFrame) -> Table:
    columns = _declared("median_notice_hours")
    return _of_cancelled(cancellations, "notice_band", "Cancelled slots by notice", columns)


def _of_cancelled(
    cancellations: pd.DataFrame, by: str, caption: str, more_columns: Mapping[str, str]
) -> Table:
    """Cancelled slots by one thing that the cancellation itself decides.

    Due slots that were not cancelled have no such thing, so the only whole is all cancelled slots.
    """
    rows = [row for row in rows_of(cancellations) if number(row.get("n_cancelled")) != 0]
    counts = [number(row["n_cancelled"]) for row in rows]
    total = None if None in counts else sum(count or 0 for count in counts)
    shown, others = largest(rows, "n_cancelled", MOST_ROWS)
    columns = {"of_all_share": "share", **_declared("n_cancelled"), **more_columns}

    def line(name: str, row: Row, kind: str = "") -> Line:
        n = number(row.get("n_cancelled"))
        part = None if n is None or not total else n / total
        return Line(name, cells_of({**row, "of_all_share": part}, columns), kind)

    lines = [line(plain(row.get(by)), row) for row in shown]
    if others:
        more = summed(others)
        lines.append(line(f"and {len(others):,} more", more, "sum"))
    return Table(caption, heading(by), columns_of(columns), lines)
