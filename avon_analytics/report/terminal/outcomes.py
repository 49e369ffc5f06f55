"""The compact table of outcomes that stands below a load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from avon_analytics.figures import Kind
from avon_analytics.figures.outcomes import FIGURE as OUTCOMES
from avon_analytics.report.tables.rows import by_period, split_newest, summed
from avon_analytics.report.terminal.cells import STARRED, percent_in_text, starred
from avon_analytics.report.terminal.columns import COUNT, NEVER, TextColumn, fitted
from avon_analytics.report.terminal.rich_table import not_shown, rich_table
from avon_analytics.report.words.numbers import MISSING, count
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.shares import share

if TYPE_CHECKING:
    from rich.console import Group


NEWEST = 24


def outcome_summary_table(
    outcomes_by_period: pd.DataFrame, *, title: str | None = None, width: int | None = None
) -> Group:
    """The outcomes of the newest periods; older ones are one row. Fits 80 columns."""
    every = every_of(outcomes_by_period)
    older, newest = split_newest(by_period(outcomes_by_period), NEWEST)
    rows = ([summed(older)] if older else []) + newest
    names = (["earlier"] if older else []) + [starred(row, every) for row in newest]
    columns = [TextColumn("period_on", every.capitalize(), names, NEVER, right=False)]
    columns += [
        TextColumn(one.name, one.title, [count(row.get(one.name)) for row in rows], COUNT)
        for one in OUTCOMES.in_tables
        if one.kind is Kind.COUNT
    ]
    columns.append(
        TextColumn("no_show_share", "No-show share", [_with_n(row) for row in rows], NEVER)
    )
    notes = [STARRED] if any(name.endswith("*") for name in names) else []
    columns, hidden = fitted(columns, width, 1)
    notes = [*(notes if rows else ["no slots"]), *not_shown(hidden)]
    return rich_table(columns, title=title, notes=notes, width=width, gap=1)


def _with_n(row: Any) -> str:
    known = share(row, "no_show_share")
    return MISSING if known.value is None else f"{percent_in_text(known.value)} of {count(known.n)}"
