"""The funnel: how far appointments came, and where the others of each stage went."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import count_axis, text_width
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import Foremost, whole_or_panels
from avon_analytics.report.charts.style import PHONE, Words, colours
from avon_analytics.report.tables.rows import rows_of
from avon_analytics.report.words.numbers import count, number, percent
from avon_analytics.report.words.text import plain

FUNNEL_ENDS: Words = {
    "n_next": ("went on, or completed", "attended"),
    "n_no_show": ("no-show", "no-show"),
    "n_cancelled": ("cancelled", "cancelled"),
    "n_rescheduled": ("rescheduled", "rescheduled"),
    "n_unresolved": ("unresolved", "unresolved"),
    "n_open": ("open", "not-due"),
}


def funnel(
    funnel: pd.DataFrame, *, width: int = 720, legend: bool = True, what: str = "appointments"
) -> spec.Spec | None:
    """How many reached each stage, and where the others of it went; a panel for each group."""
    present = [
        pair
        for column, pair in FUNNEL_ENDS.items()
        if column == "n_next" or (column in funnel and (funnel[column] > 0).any())
    ]
    shown = present if legend else None

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        return _stages(part, across, shown, what)

    foremost = Foremost.of(funnel, "n_reached")
    return whole_or_panels(funnel, foremost, draw, width, 62 * len(funnel), beside=100)


def _stages(
    funnel: pd.DataFrame, width: int, legend: list[tuple[str, str]] | None, what: str
) -> spec.Spec | None:
    rows = rows_of(funnel)
    reached = [number(row.get("n_reached")) for row in rows]
    of_booked = "" if width < PHONE else " of booked"
    parts = []
    for index, (row, n) in enumerate(zip(rows, reached, strict=True)):
        following = reached[index + 1] if index + 1 < len(rows) else n
        lines = [plain(row.get("stage"), 20).capitalize(), count(n)]
        if index:
            lines.append(percent(row.get("first_share")) + of_booked)
        counts = {**row, "n_next": following}
        parts += [
            {"stage": "|".join(lines), "end": word, "order": order, "n": number(counts.get(column))}
            for order, (column, (word, _)) in enumerate(FUNNEL_ENDS.items())
        ]
    drawn = [part for part in parts if part["n"]]
    if not drawn:
        return None
    highest = max(n or 0 for n in reached)
    return (
        spec.chart(pd.DataFrame(drawn))
        .mark("bar", stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            y=spec.field("stage:N", sort=None, title=None)
            .axis(
                labelExpr="split(datum.label, '|')",
                labelBaseline="line-top",
                labelOffset=-20,
                labelPadding=8,
                ticks=False,
                domain=False,
                minExtent=text_width("Completed" if width < PHONE else "80.0 % of booked"),
            )
            .scale(paddingInner=0.35),
            x=count_axis("x", what, highest, width),
            color=colours("end", legend or FUNNEL_ENDS.values(), legend is not None),
            order=spec.field("order:Q"),
        )
        .having(height=62 * len({part["stage"] for part in drawn}))
    )
