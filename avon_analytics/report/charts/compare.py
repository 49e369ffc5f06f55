"""How the shares of two cohorts differ: a point and an interval for each group, beside zero."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import MOST_GROUPS, key_axis, text_width
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.style import PHONE, and_more, below, colours, finish, sized
from avon_analytics.report.tables.rows import Row, group_name, rows_of
from avon_analytics.report.words.dates import as_date
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import number, percent
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.text import plain

FALSE_IN_ALL = 0.05
_WORDS = {True: ("q-value under 0.05", "accent"), False: ("may be chance", "muted")}


def differences(
    compared: pd.DataFrame, *, title: str, width: int = 720, most: int = MOST_GROUPS
) -> spec.Spec | None:
    """Differences of shares with their 95 % intervals, in the frame's order, the largest only.

    Those with a q-value under 0.05 are filled. Without groups and periods, a line for each share.
    """
    columns, every = keys_of(compared), every_of(compared)
    known = [row for row in rows_of(compared) if number(row.get("difference")) is not None]
    if not known:
        return None
    shown, others = _largest(known, most)
    keys = [f"{n:04d}{_name(row, columns, every, width)}" for n, row in enumerate(shown)]
    data = pd.DataFrame(
        {
            "key": key,
            "both": _both(row),
            "word": _WORDS[(number(row["q_value"]) or 0) < FALSE_IN_ALL][0],
            **{
                end: 100 * (number(row[f"difference{end}"]) or 0.0) for end in ("", "_low", "_high")
            },
        }
        for key, row in zip(keys, shown, strict=True)
    ).rename(columns={"": "difference"})
    axis = {"tickCount": 6 if width >= PHONE else 4, "format": "+,~r", "grid": True}
    # One zero has no sign.
    axis["labelExpr"] = "datum.value == 0 ? '0' : replace(datum.label, '-', '−')"
    # The two shares stand right of the lines, where there is room for them.
    aside = max(map(text_width, data["both"])) if width >= PHONE else 0
    reach = [0, {"expr": f"width - {aside:.0f}"}]
    x = spec.field("difference:Q", title=title, axis=axis).scale(nice=True, range=reach)
    base = spec.chart(data).encode(y=key_axis(keys))
    pairs = [_WORDS[it] for it in (True, False) if (data["word"] == _WORDS[it][0]).any()]
    colour = colours("word", pairs, True)
    none = spec.chart(pd.DataFrame({"difference": [0.0]}))
    layers: list[spec.Spec] = [
        none.mark("rule", stroke=light("ink"), strokeWidth=1, aria=False).encode(x=x),
        base.mark("rule", strokeWidth=2, strokeOpacity=0.6, aria=False).encode(
            x=spec.field("_low:Q"), x2="_high:Q", color=colour
        ),
        base.mark("circle", size=52, opacity=1, aria=False).encode(x=x, color=colour),
    ]
    if aside:
        both = base.mark("text", align="right", aria=False)
        layers.append(
            both.encode(x=spec.value("width"), text="both:N", color=spec.value(light("ink")))
        )
    chart = below(spec.layer(*layers), and_more(others))
    return finish(sized(chart, width, 26 * len(shown)), width - max(map(text_width, keys)))


def _both(row: Row) -> str:
    """The two shares themselves; nothing where one of them is blank."""
    shares = number(row.get("share")), number(row.get("other_share"))
    return "" if None in shares else " vs ".join(map(percent, shares))


def keys_of(compared: pd.DataFrame) -> list[str]:
    """The columns that say what is compared: groups, the period, a stage."""
    names = [str(name) for name in compared.columns]
    return [name for name in names[: names.index("measure")] if name != "step"]


def _largest(rows: Sequence[Row], most: int) -> tuple[list[Row], list[Row]]:
    """The rows that rest on most, still in their order, and the others."""

    def size(n: int) -> float:
        return min(number(rows[n]["share_n"]) or 0, number(rows[n]["other_share_n"]) or 0)

    kept = set(sorted(range(len(rows)), key=lambda n: (-size(n), n))[:most])
    return (
        [row for n, row in enumerate(rows) if n in kept],
        [row for n, row in enumerate(rows) if n not in kept],
    )


def _name(row: Row, columns: Sequence[str], every: str, width: int) -> str:
    limit = 16 if width < PHONE else 34
    if not columns:
        return plain(heading(str(row["measure"])), limit)
    parts = [
        label(on, every)
        if name == "period_on" and (on := as_date(row[name]))
        else group_name(row, [name])
        for name in columns
    ]
    return plain(" · ".join(parts), limit)
