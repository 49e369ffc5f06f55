"""Cancelled slots by what the cancellation itself decides: who, how much notice, the reason."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import MOST_GROUPS, axis_keys, key_axis, text_width
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.stacks import WHO
from avon_analytics.report.charts.style import and_more, below, colours, finish, present, sized
from avon_analytics.report.tables.rows import largest, rows_of
from avon_analytics.report.words.numbers import count, number, percent


def cancellations_by(
    cancellations: pd.DataFrame,
    columns: Sequence[str],
    *,
    width: int = 720,
    legend: bool = True,
    most: int = MOST_GROUPS,
) -> spec.Spec | None:
    """Cancelled slots by group, each bar divided by who cancelled, with its share of all.

    Groups without a cancelled slot are passed over, and those whose count is blank.
    """
    rows = [row for row in rows_of(cancellations) if number(row.get("n_cancelled"))]
    if not rows:
        return None
    shown, others = largest(rows, "n_cancelled", most)
    counts = [number(row["n_cancelled"]) or 0 for row in shown]
    is_whole = not cancellations["n_cancelled"].isna().any()
    total = sum(number(row["n_cancelled"]) or 0 for row in rows)
    texts = [f"{count(n)} · {percent(n / total)}" if is_whole else count(n) for n in counts]
    names = axis_keys(shown, columns, width) if columns else ["0000All"]
    # The longest bar leaves room for the longest text behind it.
    length = width - max(text_width(name) for name in names)
    longest = max(counts) * length / max(length - max(text_width(text) for text in texts), 60)
    x = spec.field("n:Q", axis=None).scale(domainMin=0, domainMax=longest)
    parts = [
        {"key": key, "word": word, "order": order, "n": number(row.get(name))}
        for key, row in zip(names, shown, strict=True)
        for order, (name, (word, _)) in enumerate(WHO.parts.items())
        if number(row.get(name))
    ]
    is_divided = "cancelled_by" not in columns and bool(parts)
    bars = (
        spec.chart(pd.DataFrame(parts if is_divided else {"key": names, "n": counts}))
        .mark(
            "bar",
            color=light("cancelled"),
            stroke=light("paper"),
            strokeWidth=0.6,
            height=16,
            aria=False,
        )
        .encode(y=key_axis(names), x=x)
    )
    if is_divided:
        bars = bars.encode(
            color=colours("word", present(shown, WHO.parts), legend), order=spec.field("order:Q")
        )
    data = pd.DataFrame({"key": names, "n": counts, "label": texts})
    labels = (
        spec.chart(data)
        .mark("text", align="left", dx=6, color=light("ink"), aria=False)
        .encode(y=key_axis(names), x=x, text="label")
    )
    chart = below(spec.layer(bars, labels), and_more(others))
    return finish(sized(chart, width, 28 * len(shown)), width)
