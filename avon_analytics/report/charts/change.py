"""Change and chance: a share with its limits over time, groups in a funnel, and what to expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from avon_analytics.report.charts import spec
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.parts import (
    NEWEST,
    Foremost,
    axis_keys,
    colours,
    count_axis,
    finish,
    key_axis,
    panels,
    period_axis,
    share_axis,
    sized,
)
from avon_analytics.report.tables.rows import Row, group_name, groupings, rows_of, window
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.text import told_apart

_SHAPES = {"higher": "triangle-up", "lower": "triangle-down"}
_COLOURS = {"concern": "no-show", "improvement": "attended"}
_NAMED = 8  # groups whose names stand beside their points


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
    reach = _reach(known, "lower", "upper")

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        return _limits(part, title, reach, across, newest)

    if groupings(signals):
        chart = panels(Foremost.of(signals, "n"), draw, width)
        return finish(chart, width)
    return finish(sized(draw(signals, width), width, 240), width)


def _reach(known: pd.DataFrame, lower: str, upper: str) -> tuple[float, float]:
    """The highest and the lowest that is drawn of shares and their limits."""
    highest, lowest = known[["share", upper]].max().max(), known[["share", lower]].min().min()
    return float(highest), float(lowest)


def _limits(
    frame: pd.DataFrame, title: str, reach: tuple[float, float], width: int, newest: int
) -> spec.Spec | None:
    rows, every = window(frame, newest), every_of(frame)
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


def outliers(
    outliers: pd.DataFrame, *, title: str, width: int = 720, counted: str = "slots"
) -> spec.Spec | None:
    """Groups by their size and share, between the limits that chance keeps: a funnel.

    Inner lines are 95 % limits, outer ones 99.8 %; signals are triangles with their names.
    """
    columns = groupings(outliers)
    known = outliers.dropna(subset=["share", "lower_998"]).sort_values("n", kind="stable")
    if known.empty:
        return None
    whole = float(known["count"].sum() / known["n"].sum())
    rows = rows_of(known)
    data = known[["n", "share", "lower_95", "upper_95", "lower_998", "upper_998"]].astype("float64")
    data = data.reset_index(drop=True).assign(
        side=[row["signal"] if isinstance(row["signal"], str) else "as others" for row in rows],
        name=told_apart([group_name(row, columns) for row in rows], 26),
        whole=whole,
    )
    reach = _reach(data, "lower_998", "upper_998")
    y = share_axis("y", "share", title, *reach)
    largest, smallest = float(data["n"].max()), float(data["n"].min())
    start = 0.85 * smallest if smallest > largest / 2 else 0.0
    x = count_axis("x", counted, largest, width).scale(domain=[start, largest * 1.12], nice=False)
    base = spec.chart(data).encode(x=x)
    present = [side for side in _SIDES if (data["side"] == side).any()]
    scale = {"domain": present, "range": [_SIDES[side][0] for side in present]}
    points = base.mark("point", filled=True, opacity=1, size=70, aria=False).encode(
        y=y,
        shape=spec.field("side:N", scale=scale, legend=None),
        color=colours("side", [(side, _SIDES[side][1]) for side in present], len(present) > 1),
    )
    limits = spec.chart(_across_sizes(data)).encode(x=x)
    layers = [*_limits_by_size(limits, title, reach), points]
    named = data[data["side"] != "as others"].nlargest(_NAMED, "n")
    # Of those far to the right the name stands before them, not beyond the edge.
    is_right = named["n"] - start > 0.6 * (largest - start)
    for align, dx, part in (("left", 9, named[~is_right]), ("right", -9, named[is_right])):
        if len(part):
            words = spec.chart(part).mark(
                "text", align=align, dx=dx, color=light("ink"), fontSize=11, aria=False
            )
            layers.append(words.encode(x=x, y=y, text="name:N"))
    return finish(sized(spec.layer(*layers), width, 300), width)


_SIDES = {
    "higher": ("triangle-up", "no-show"),
    "lower": ("triangle-down", "attended"),
    "as others": ("circle", "not-due"),
}


def _across_sizes(data: pd.DataFrame) -> pd.DataFrame:
    """Where limits are drawn: at each group's size; of one size alone, a little to both sides."""
    if data["n"].nunique() > 1:
        return data
    newest = data.tail(1)
    return pd.concat([newest.assign(n=newest["n"] * times) for times in (0.9, 1.1)])


def _limits_by_size(base: spec.Spec, title: str, reach: tuple[float, float]) -> Iterator[spec.Spec]:
    """The limits that chance keeps, wider for smaller groups, and the share of all groups."""
    for size, dash in (("95", [2, 4]), ("998", [6, 3])):
        for end in ("lower", "upper"):
            yield base.mark(
                "line",
                interpolate="monotone",
                color=light("muted"),
                strokeDash=dash,
                strokeWidth=1.2,
                aria=False,
            ).encode(y=share_axis("y", f"{end}_{size}", title, *reach))
    across = base.mark("rule", color=light("muted"), aria=False)
    whole = share_axis("y", "whole", title, *reach)
    yield across.encode(x=spec.value(0), x2=spec.value("width"), y=whole)


def expected(
    figure: pd.DataFrame, end: str, *, title: str, width: int = 720, newest: int = NEWEST
) -> spec.Spec | None:
    """The expected number of one outcome: bars are 80 % intervals, ticks what is expected, points
    what came (of a backtest); what an interval did not hold is a triangle."""
    known = figure.dropna(subset=[f"expected_{end}"])
    if known.empty:
        return None
    if "period_on" not in figure:
        rows = rows_of(known)[:25]
        keys = axis_keys(rows, groupings(figure), width) or ["0000all"]
        data = _numbers(rows, end).assign(key=keys)
        height = 26 * len(rows) + 30
        return finish(sized(_bars(data, key_axis(keys), title, width), width, height), width)

    def draw(part: pd.DataFrame, across: int) -> spec.Spec | None:
        rows, every = window(part, newest), every_of(part)
        data = _numbers(rows, end).assign(period=[label(row["period_on"], every) for row in rows])
        if data["expected"].isna().all():
            return None
        return _bars(data, period_axis(rows, across, every), title, across).having(height=160)

    if groupings(figure):
        chart = panels(Foremost.of(known, "n_open"), draw, width)
        return finish(chart, width)
    return finish(sized(draw(known, width), width, 240), width)


def _numbers(rows: Sequence[Row], end: str) -> pd.DataFrame:
    names = {
        "expected": f"expected_{end}",
        "low": f"expected_{end}_low",
        "high": f"expected_{end}_high",
        "came": f"n_{end}",
    }
    data = pd.DataFrame(
        {name: number(row.get(column)) for name, column in names.items()} for row in rows
    ).astype("float64")
    beyond = (data["came"] > data["high"]).map({True: "above the interval", False: "what came"})
    return data.assign(kind=beyond.mask(data["came"] < data["low"], "below the interval"))


def _bars(data: pd.DataFrame, along: spec.Field, title: str, width: int) -> spec.Spec:
    """Intervals along one axis, counts along the other."""
    is_upright = along["field"] == "period"
    highest = float(data[["high", "came"]].max().max())

    def numbers(field: str) -> spec.Field:
        axis = count_axis("y" if is_upright else "x", title, highest, width).of(f"{field}:Q")
        return axis.scale(domain=[0, highest * 1.05 or 1], nice=True)

    one, two = ("y", "y2") if is_upright else ("x", "x2")
    base = spec.chart(data).encode(**{"x" if is_upright else "y": along})
    bars = base.mark("bar", color=light("accent"), opacity=0.28, aria=False)
    ticks = base.mark("tick", color=light("accent"), thickness=2, aria=False)
    layers: list[spec.Spec] = [
        bars.encode(**{one: numbers("low"), two: "high:Q"}),
        ticks.encode(**{one: numbers("expected")}),
    ]
    if data["came"].notna().any():
        kinds = {
            "what came": ("circle", "ink"),
            "above the interval": ("triangle-up", "no-show"),
            "below the interval": ("triangle-down", "cancelled"),
        }
        present = [kind for kind in kinds if (data["kind"] == kind).any()]
        scale = {"domain": present, "range": [kinds[kind][0] for kind in present]}
        points = base.where("datum.came != null").mark(
            "point", filled=True, opacity=1, size=60, aria=False
        )
        layers.append(
            points.encode(
                **{one: numbers("came")},
                shape=spec.field("kind:N", scale=scale, legend=None),
                color=colours("kind", [(kind, kinds[kind][1]) for kind in present], True),
            )
        )
    return spec.layer(*layers)
