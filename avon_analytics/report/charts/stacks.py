"""Bars stacked by what became of slots or hours: over time, or of groups one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import (
    MOST_GROUPS,
    count_axis,
    group_keys,
    incomplete,
    key_axis,
    left_by,
    period_axis,
)
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import NEWEST, Foremost, whole_or_panels
from avon_analytics.report.charts.style import (
    Words,
    and_more,
    below,
    colours,
    finish,
    present,
    sized,
)
from avon_analytics.report.tables.rows import groupings, is_complete, largest, newest_rows, rows_of
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label


@dataclass(frozen=True)
class Stack:
    """What is stacked: ``parts`` by their columns, in their order, and the column of them all.

    title: what the axis of numbers is called.
    """

    total: str
    title: str
    parts: Words


OUTCOMES = Stack(
    "n_slots",
    "slots",
    {
        "n_attended": ("attended", "attended"),
        "n_no_show": ("no-show", "no-show"),
        "n_cancelled": ("cancelled", "cancelled"),
        "n_rescheduled": ("rescheduled", "rescheduled"),
        "n_unresolved": ("unresolved", "unresolved"),
        "n_not_due": ("not due", "not-due"),
    },
)
HOURS = Stack(
    "planned_hours",
    "planned hours",
    {
        "attended_hours": ("attended", "attended"),
        "no_show_hours": ("no-show", "no-show"),
        "late_cancelled_hours": ("cancelled late", "cancelled"),
        "late_rescheduled_hours": ("moved late", "rescheduled"),
        "released_in_time_hours": ("released in time", "not-due"),
        "unresolved_hours": ("unresolved", "unresolved"),
    },
)
WHO = Stack(
    "n_cancelled",
    "cancelled slots",
    {
        "n_by_patient": ("by patient", "cancelled"),
        "n_by_provider": ("by provider", "unresolved"),
        "n_by_unknown": ("by unknown", "not-due"),
    },
)


def stacked_over_time(
    frame: pd.DataFrame,
    stack: Stack,
    *,
    width: int = 720,
    newest: int = NEWEST,
    legend: bool = True,
) -> spec.Spec | None:
    """A bar for each period; those of periods that are not complete are pale."""
    foremost = Foremost.of(frame, stack.total)
    drawn = foremost.rows if foremost else frame
    words = present(rows_of(drawn), stack.parts)
    shown = newest_rows(drawn, newest)
    if not words or not shown:
        return None
    highest = max(number(row.get(stack.total)) or 0 for row in shown)
    bars = _Bars(stack, highest, newest, words if legend else None)
    return whole_or_panels(frame, foremost, bars.draw, width, 240)


@dataclass(frozen=True)
class _Bars:
    """How the bars of each panel are drawn, as high as those of the others."""

    stack: Stack
    highest: float
    newest: int
    legend: Sequence[tuple[str, str]] | None

    def draw(self, frame: pd.DataFrame, width: int) -> spec.Spec | None:
        rows, every = newest_rows(frame, self.newest), every_of(frame)
        parts = [
            {
                "period": label(row["period_on"], every),
                "word": word,
                "order": order,
                "n": number(row.get(column)) or 0,
                "opacity": 1 if is_complete(row) else 0.4,
            }
            for row in rows
            for order, (column, (word, _)) in enumerate(self.stack.parts.items())
        ]
        drawn = [part for part in parts if part["n"]]
        if not drawn:
            return None
        y = count_axis("y", self.stack.title, self.highest, width)
        if groupings(frame):
            y = y.scale(domainMax=self.highest)
        words = self.legend or self.stack.parts.values()
        bars = (
            spec.chart(pd.DataFrame(drawn))
            .mark("bar", stroke=light("paper"), strokeWidth=0.6, aria=False)
            .encode(
                x=period_axis(rows, width, every),
                y=y,
                color=colours("word", words, self.legend is not None),
                opacity=spec.field("opacity:Q", scale=None, legend=None),
                order=spec.field("order:Q"),
            )
        )
        paper = bars.where("datum.opacity < 1").mark("bar", color=light("paper"), aria=False)
        paper = paper.encode(color=spec.value(light("paper")), opacity=spec.value(1))
        return spec.layer(paper, bars, *incomplete(rows, width, every)).having(height=150)


def stacked_by_group(
    frame: pd.DataFrame,
    stack: Stack,
    *,
    width: int = 720,
    most: int = MOST_GROUPS,
    legend: bool = True,
) -> spec.Spec | None:
    """A bar for each group, sideways, the largest groups only."""
    rows = [row for row in rows_of(frame) if number(row.get(stack.total))]
    if not rows:
        return None
    shown, others = largest(rows, stack.total, most)
    keys = group_keys(shown, frame, width)
    parts = [
        {"key": key, "word": word, "order": order, "n": number(row.get(column)) or 0}
        for key, row in zip(keys, shown, strict=True)
        for order, (column, (word, _)) in enumerate(stack.parts.items())
    ]
    highest = max(number(row.get(stack.total)) or 0 for row in shown)
    bars = (
        spec.chart(pd.DataFrame([part for part in parts if part["n"]]))
        .mark("bar", stroke=light("paper"), strokeWidth=0.6, aria=False)
        .encode(
            y=key_axis(keys),
            x=count_axis("x", stack.title, highest, width),
            color=colours("word", present(shown, stack.parts), legend),
            order=spec.field("order:Q"),
        )
    )
    chart = sized(below(bars, and_more(others)), width, 26 * len(shown))
    return finish(chart, left_by(keys, width))
