"""What a workbook's chart draws: which rows and columns of the sheet of the figure, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from avon_analytics.figures import Figure, compare
from avon_analytics.report.charts.palette import light
from avon_analytics.report.tables.rows import Row, is_complete
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.text import plain
from avon_analytics.report.workbook.book import HEAD_ROW
from avon_analytics.report.workbook.columns import SheetColumn

_MOST_BARS = 40
_HUES = ("attended", "no-show", "cancelled", "rescheduled")
_MOST_LINES = 2 * len(_HUES)
"""Each hue once plain, once dashed (of bars: hatched); more hues are not told apart."""
_DRAWN = {
    "incidence": "cumulative_incidence",
    "funnel": "n_reached",
    "expected": "expected_no_show",
    "backtest": "expected_no_show",
}
"""What the chart of a figure is about, where that is not its foremost column."""
_LIMITED = {
    "signals": ("share", "center", "lower", "upper"),
    "outliers": ("share", "center", "lower_998", "upper_998"),
}
"""Figures about a share between limits, and what is drawn of it."""
_CAME = {"backtest": "n_no_show"}
"""What is drawn beside it: what came."""
_Line = tuple[tuple[str, ...], range]
"""What a line is called, and which rows it is drawn from."""


class Drawn(NamedTuple):
    """The series of a chart, its kind, and what of the rows it leaves out, in words."""

    series: list[dict[str, Any]]
    kind: str
    note: str


@dataclass(frozen=True)
class Source:
    """What a chart is drawn from: rows of a figure, in the sheet of this name, in this order."""

    figure: Figure
    name: str
    columns: Sequence[SheetColumn]
    keys: Sequence[str]
    rows: Sequence[Row]

    @property
    def measure(self) -> SheetColumn:
        """The column that the chart is about: the foremost one."""
        wanted = _DRAWN.get(self.figure.name)
        measures = [one for one in self.columns if not one.is_key]
        return next((one for one in measures if one.name == wanted), measures[0])


@dataclass(frozen=True)
class Series(Source):
    """The series of one chart.

    write_errors: writes what an error bar is drawn from, and says where.
    """

    write_errors: Callable[[str, Sequence[float]], str]

    def drawn(self) -> Drawn:
        """What is drawn: rows one by one, over time, or as a line for each group."""
        rows = range(len(self.rows))
        if self.figure.name == compare.FIGURE.name:
            return self._both()
        if self.figure.name == "incidence":
            return self._curves("day")
        if self.figure.name == "funnel" and len(self.keys) > 1 and "period_on" not in self.keys:
            return self._stages()
        if "period_on" in self.keys and len(self.keys) > 1:
            return self._curves("period_on")
        over_time = self.keys == ["period_on"]
        rows = self._complete(rows) if over_time else rows
        shown = rows[-_MOST_BARS:] if over_time else rows[:_MOST_BARS]
        n, of, what = len(shown), len(self.rows), "periods" if over_time else "rows"
        note = f" ({'newest' if over_time else 'first'} {n} of {of} {what})" if n < of else ""
        if len(rows) == n < of and over_time:
            note = " (complete periods)"
        names = _LIMITED.get(self.figure.name, ())
        series = [
            self._one(column, shown, with_errors=not names)
            for column in ([one for one in self.columns if one.name in names] or [self.measure])
        ]
        came = [one for one in self.columns if one.name == _CAME.get(self.figure.name)]
        series += [self._one(one, shown, with_errors=False) for one in came]
        if names and not over_time:  # groups have no order that a line could follow
            series[0]["line"] = {"none": True}
        return Drawn(series, "line" if over_time or names else "bar", note)

    def _both(self) -> Drawn:
        """Both shares of a comparison, for each group; without groups, all shares of either."""
        groups = [name for name in self.keys if name != compare.MEASURE.name]
        shares = [str(row[compare.MEASURE.name]) for row in self.rows]
        n = shares.count(shares[0]) if groups else len(shares)
        shown = range(min(n, _MOST_BARS))
        notes = [f"share: {shares[0].lower()}"] if groups else []
        notes += [f"first {len(shown)} of {n} rows"] if len(shown) < n else []
        both = [one for one in self.columns if one.name in (compare.HERE.name, compare.THERE.name)]
        series = [self._one(one, shown, with_errors=True) for one in both]
        for one, paint in zip(series, (light("accent"), light("not-due")), strict=True):
            one |= {"fill": {"color": paint}, "line": {"none": True}}
            if groups:
                one["categories"] = [self.name, HEAD_ROW + 1, 1, HEAD_ROW + n, len(self.keys) - 1]
        return Drawn(series, "bar", f" ({', '.join(notes)})" if notes else "")

    def _complete(self, rows: range) -> range:
        """The rows between the first and the last complete period; all where there is none."""
        known = [at for at in rows if is_complete(self.rows[at])]
        return range(known[0], known[-1] + 1) if known else rows

    def _one(self, column: SheetColumn, rows: range, *, with_errors: bool) -> dict[str, Any]:
        place = self.columns.index(column)
        first, last = (HEAD_ROW + 1 + at for at in (rows[0], rows[-1]))
        one: dict[str, Any] = {
            "name": [self.name, HEAD_ROW, place],
            "values": [self.name, first, place, last, place],
            "gap": 60,
        }
        if self.keys:
            one["categories"] = [self.name, first, 0, last, len(self.keys) - 1]
        if with_errors or column.name == "share":
            paint = light("accent")
            one |= {"fill": {"color": paint}, "line": {"color": paint, "width": 2}}
            one["marker"] = {"type": "circle", "size": 6, "fill": {"color": paint},
                             "border": {"color": paint}}  # fmt: skip
        elif column.name in _CAME.values():
            paint = light("ink")
            one |= {"fill": {"color": paint}, "line": {"none": True}}
            one["marker"] = {"type": "diamond", "size": 7, "fill": {"color": paint},
                             "border": {"color": paint}}  # fmt: skip
        elif column.name.startswith(("lower", "upper")):
            one["line"] = {"color": light("muted"), "dash_type": "dash", "width": 1.25}
        else:
            one["line"] = {"color": light("muted"), "width": 1.25}
        ends = [self._errors(column, rows, end) for end in ("low", "high")]
        if with_errors and all(ends):
            axis = "y_error_bars" if self.keys == ["period_on"] else "x_error_bars"
            words = ("Down to the lower end", "Up to the upper end")
            bars = [self.write_errors(*pair) for pair in zip(words, ends, strict=True)]
            one[axis] = {"type": "custom", "minus_values": bars[0], "plus_values": bars[1],
                         "line": {"color": light("muted")}}  # fmt: skip
        return one

    def _errors(self, column: SheetColumn, rows: range, end: str) -> list[float]:
        """How far an end of the interval is away, for each of these rows."""
        if f"{column.name}_{end}" not in self.rows[0]:
            return []
        pairs = [
            (number(self.rows[at].get(column.name)), number(self.rows[at][f"{column.name}_{end}"]))
            for at in rows
        ]
        return [
            0.0 if value is None or bound is None else round(abs(bound - value), 6)
            for value, bound in pairs
        ]

    def _curves(self, x: str) -> Drawn:
        """A line for each group, or for each cause of the first group, over days or periods."""
        names = [one.name for one in self.columns]
        place, over = names.index(self.measure.name), names.index(x)
        groups = [name for name in self.keys if name not in (x, "cause")]
        by = [*groups, "cause"] if x == "day" else groups

        def values_at(at: int, columns: Sequence[str]) -> tuple[str, ...]:
            return tuple(plain(self.rows[at].get(name)) for name in columns)

        lines = [
            (name, self._complete(range(part[0], part[-1] + 1)))
            for name, part in (
                (name, list(rows))
                for name, rows in groupby(range(len(self.rows)), key=lambda at: values_at(at, by))
            )
        ]
        first = values_at(0, groups)
        newest = ""
        if x == "day":
            drawn = [one for one in lines if one[0][:-1] == first]
        else:
            lines, newest = self._newest(lines)
            sizes = {name: self._size(part) for name, part in lines}
            most = sorted(sizes, key=lambda name: -sizes[name])[:_MOST_LINES]
            drawn = [one for one in lines if one[0] in most]
        series = []
        for nth, (name, part) in enumerate(drawn):
            words = heading(self.rows[part[0]]["cause"]) if x == "day" else " · ".join(name)
            again, hue = divmod(nth, len(_HUES))
            paint = {"color": light(_HUES[hue])}
            line = {**paint, "width": 2, **({"dash_type": "dash"} if again else {})}
            one: dict[str, Any] = {"name": words, "line": line}
            if x == "period_on":  # a line of one period is but a point
                mark = "diamond" if again else "circle"
                one["marker"] = {"type": mark, "size": 5 + 2 * again, "fill": paint,
                                 "border": paint}  # fmt: skip
            one["categories"] = [self.name, *_span(part, over)]
            one["values"] = [self.name, *_span(part, place)]
            series.append(one)
        # Lines over the same periods have these below them; an axis of dates would run on beyond.
        over_all = {tuple(self.rows[at].get(x) for at in part) for _, part in drawn}
        kind = "line" if x == "period_on" and len(over_all) == 1 else "scatter"
        if len(drawn) < len(lines):
            which = " · ".join(first) if x == "day" else f"the {len(drawn)} largest of {len(lines)}"
            return Drawn(series, kind, f" ({', '.join(filter(None, (which, newest)))})")
        is_cut = sum(len(part) for _, part in drawn) < len(self.rows)
        note = newest or ("complete periods" if is_cut else "")
        return Drawn(series, kind, f" ({note})" if note else "")

    def _newest(self, lines: Sequence[_Line]) -> tuple[list[_Line], str]:
        """Of lines over time the newest periods, as many as can be told apart."""
        periods = sorted({self.rows[at]["period_on"] for _, part in lines for at in part})
        if len(periods) <= _MOST_BARS:
            return list(lines), ""
        since = periods[-_MOST_BARS]
        newest = (
            (name, [at for at in part if self.rows[at]["period_on"] >= since])
            for name, part in lines
        )
        shown = [(name, range(part[0], part[-1] + 1)) for name, part in newest if part]
        return shown, f"newest {_MOST_BARS} of {len(periods)} periods"

    def _size(self, rows: range) -> float:
        """How much these rows count: their first count, added up."""
        counts = (one.name for one in self.columns if one.name.startswith("n_"))
        name = next(counts, self.measure.name)
        return sum(number(self.rows[at].get(name)) or 0 for at in rows)

    def _stages(self) -> Drawn:
        """The stages of each group side by side, the largest groups only."""
        n = len({str(row["stage"]) for row in self.rows})
        groups = [range(at, at + n) for at in range(0, len(self.rows), n)]
        most = sorted(groups, key=lambda part: -self._size(part[:1]))[:_MOST_LINES]
        drawn = [part for part in groups if part in most]
        names = [name for name in self.keys if name != "stage"]
        series = []
        for nth, part in enumerate(drawn):
            again, hue = divmod(nth, len(_HUES))
            one = self._one(self.measure, part, with_errors=False)
            one["name"] = " · ".join(plain(self.rows[part[0]].get(name)) for name in names)
            paint = light(_HUES[hue])
            hatched = {"pattern": "wide_upward_diagonal", "fg_color": paint, "bg_color": "#ffffff"}
            one |= {"pattern": hatched} if again else {"fill": {"color": paint}}
            one["categories"] = [self.name, *_span(part, self.keys.index("stage"))]
            series.append(one)
        cut = f" (the {len(drawn)} largest of {len(groups)})" if len(drawn) < len(groups) else ""
        return Drawn(series, "bar", cut)


def _span(rows: Sequence[int], column: int) -> tuple[int, int, int, int]:
    return HEAD_ROW + 1 + rows[0], column, HEAD_ROW + 1 + rows[-1], column
