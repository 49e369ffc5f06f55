"""A share by period between the limits that chance keeps: signals of change."""

from __future__ import annotations

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.axes import period_axis, reach_of, share_axis
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.panels import NEWEST, Foremost, whole_or_panels
from avon_analytics.report.charts.style import colours
from avon_analytics.report.tables.rows import Row, newest_rows
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label

_SHAPES = {"higher": "triangle-up", "lower": "triangle-down"}
_COLOURS = {"concern": "no-show", "improvement": "attended"}


def signals(
    signals: pd.DataFrame, *, title: str, width: int = 720, newest: int = NEWEST
) -> spec.Spec | None:
    """A share by period between its limits, drawn as steps; signals are triangles that point where
    they lie, and their rule stands beside them. A baseline that is not all is shaded."""
    known = signals.dropna(subset=["share"])
    if known.empty:
        return None
    begins, ends = known["period_on"].min(), known["period_on"].max()
    signals = signals[signals["period_on"].between(begins, ends)]
    reach = reach_of(known, "lower", "upper")

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        return _limits(part, title, reach, across, newest)

    return whole_or_panels(signals, Foremost.of(signals, "n"), draw, width, 240)


def _limits(
    frame: pd.DataFrame, title: str, reach: tuple[float, float], width: int, newest: int
) -> spec.Spec | None:
    rows, every = newest_rows(frame, newest), every_of(frame)
    data = pd.DataFrame(
        {
            "period": label(row["period_on"], every),
            **{name: number(row.get(name)) for name in ("share", "center", "lower", "upper")},
            "is_base": bool(row["is_in_baseline"]),
            "side": row["signal"] if isinstance(row["signal"], str) else None,
            "rule": row["rule"] if isinstance(row["rule"], str) else None,
            "word": _word(row),
        }
        for row in rows
    )
    if data["share"].isna().all():
        return None
    x = period_axis(rows, width, every)
    y = share_axis("y", "share", title, *reach)
    layers: list[spec.Spec] = []
    if not data["is_base"].all() and data["is_base"].any():
        shade = spec.chart(data[data["is_base"]]).mark(
            "rect", color=light("line"), opacity=0.45, aria=False
        )
        layers.append(shade.encode(x=x))
    base = spec.chart(data).encode(x=x)
    for name, dash in (("lower", [5, 4]), ("upper", [5, 4]), ("center", [1, 0])):
        line = base.mark(
            "line",
            interpolate="step",
            color=light("muted"),
            strokeDash=dash,
            strokeWidth=1.2,
            aria=False,
        )
        layers.append(line.encode(y=share_axis("y", name, title, *reach)))
    path = base.mark("line", color=light("accent"), strokeWidth=1.2, aria=False).encode(y=y)
    dots = base.where("datum.side == null && datum.share != null").mark(
        "circle", size=30, color=light("accent"), opacity=1, aria=False
    )
    layers += [path, dots.encode(y=y)]
    found = data.dropna(subset=["side"])
    if len(found):
        words = list(dict.fromkeys(zip(found["word"], found["word"].map(_colour), strict=True)))
        shapes = [_SHAPES[word.partition(": ")[0]] for word, _ in words]
        scale = {"domain": [word for word, _ in words], "range": shapes}
        shape = spec.field("word:N", scale=scale, legend={"orient": "top", "title": None})
        marks = spec.chart(found).mark("point", size=110, filled=True, opacity=1, aria=False)
        layers.append(marks.encode(x=x, y=y, shape=shape, color=colours("word", words, True)))
        layers += [_rules(found, x, y, side) for side in _SHAPES if (found["side"] == side).any()]
    return spec.layer(*layers).having(height=160)


def _word(row: Row) -> str | None:
    """What the legend says of a signal."""
    if not isinstance(row["signal"], str):
        return None
    meaning = row.get("meaning")
    return f"{row['signal']}: {meaning}" if isinstance(meaning, str) else str(row["signal"])


def _colour(word: str) -> str:
    return _COLOURS.get(word.partition(": ")[2], "cancelled")


def _rules(found: pd.DataFrame, x: spec.Field, y: spec.Field, side: str) -> spec.Spec:
    """The rule in words beside the first signal of each run of one rule."""
    here = found[found["side"] == side]
    begins = (here["rule"] != here["rule"].shift()) | (here.index.to_series().diff() != 1)
    up = side == "higher"
    words = spec.chart(here[begins]).mark(
        "text", dy=-12 if up else 14, color=light("ink"), fontSize=11, aria=False
    )
    return words.encode(x=x, y=y, text="rule:N")
