"""Columns of text set as one rich table, with its title and its notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from avon_analytics.report.terminal.columns import GAP, TOGETHER, TextColumn, headed

if TYPE_CHECKING:
    from rich.console import Group


def rich_table(
    columns: Sequence[TextColumn],
    *,
    title: str | None,
    notes: Sequence[str],
    width: int | None,
    gap: int = GAP,
    n_totals: int = 0,
) -> Group:
    """The columns side by side, the last ``n_totals`` rows in bold, and the notes below."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None,
        padding=(0, gap, 0, 0),
        pad_edge=False,
        header_style="bold",
    )
    for column, words in zip(columns, headed(columns, width, gap), strict=True):
        justify: Any = "right" if column.right else "left"
        table.add_column(
            Text(words), justify=justify, no_wrap=not column.folds, overflow="ellipsis"
        )
    lines = list(zip(*(column.cells for column in columns), strict=True))
    rows, totals = lines[: len(lines) - n_totals], lines[len(lines) - n_totals :]
    if rows and not any(one.folds or "\n" in "".join(one.cells) for one in columns):
        # A column in one cell, a line for each row: rich takes a quarter of the time.
        rows = [tuple("\n".join(cells) for cells in zip(*rows, strict=True))]
    for cells in rows:
        table.add_row(*map(Text, cells))
    for cells in totals:
        table.add_row(*map(Text, cells), style="bold")
    above = [Text(title, style="bold")] if title else []  # a title of the table wraps at its width
    return Group(*above, table, *(Text(note, style="dim") for note in notes))


def not_shown(hidden: Sequence[TextColumn]) -> list[str]:
    """Which columns there is no room for."""
    if not hidden:
        return []
    words = dict.fromkeys(TOGETHER.get(one.gives_way, one.heading) for one in hidden)
    return [f"Not shown for lack of width: {'; '.join(words)}"]
