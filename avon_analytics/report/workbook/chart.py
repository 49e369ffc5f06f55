"""The chart of a workbook, drawn by the spreadsheet from the cells of the figure's own sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Any

from avon_analytics.figures import Figure, compare
from avon_analytics.report.charts.palette import light
from avon_analytics.report.tables.rows import Row, is_complete
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import number
from avon_analytics.report.words.text import plain
from avon_analytics.report.workbook.book import HEAD_ROW
from avon_analytics.report.workbook.columns import SheetColumn

_MOST_BARS = 40
_ERRORS = 18  # the first column of what error bars are drawn from, beside the chart
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


@dataclass
class Drawing:
    """The chart of one figure; its rows stand in the sheet of this name, in this order."""

    book: Any
    figure: Figure
    name: str
    columns: Sequence[SheetColumn]
    keys: Sequence[str]
    rows: Sequence[Row]
    chart_sheet: Any = None
    n_errors: int = 0
    """How many columns stand beside the chart."""

    def draw(self, title: str) -> None:
        """A sheet with the chart of the figure, drawn from the cells of its table."""
        if not self.rows or not self._drawn().form:
            return
        self.chart_sheet = self.book.add_worksheet("Chart")
        series, kind, note = self._series()
        subtype = {"subtype": "straight"} if kind == "scatter" else {}
        chart = self.book.add_chart({"type": kind, **subtype})
        for one in series:
            chart.add_series(one)
        chart.show_hidden_data()
        chart.set_title({"name": f"{title}{note}", "name_font": {"size": 14}, "overlay": False})
        chart.set_legend({"position": "bottom", "none": len(series) == 1})
        measure = self._drawn()
        grid = {"visible": True, "line": {"color": light("line")}}
        values = {"num_format": "0%" if measure.form == "0.0%" else measure.form, "min": 0,
                  "major_gridlines": grid}  # fmt: skip
        if self.figure.name != compare.FIGURE.name:  # else the legend names both
            values["name"] = measure.heading
        _, first, _, last, _ = series[0]["values"]
        drawn = range(first - HEAD_ROW - 1, last - HEAD_ROW) if kind == "bar" else None
        if top := self._top(measure, drawn or range(len(self.rows))):
            values["max"] = top
        if kind == "bar":
            quiet = {"line": {"none": True}, "major_tick_mark": "none"}
            chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, **quiet})
            chart.set_x_axis({**values, **quiet, "label_position": "high"})
        else:
            by_day = {"name": "Days since the booking", "num_format": "0", "min": 0}
            days = next((one.form for one in self.columns if one.name == "period_on"), "")
            texts = {"text_axis": True, "num_format": days, "num_font": {"size": 9}}
            texts = {"num_format": days, "num_font": {"size": 9}} if kind == "scatter" else texts
            chart.set_x_axis(by_day if self.figure.name == "incidence" else texts)
            chart.set_y_axis(values)
        high = 440 if kind != "bar" else 160 + 24 * (last - first + 1) * len(series)
        chart.set_size({"width": 960, "height": high})
        sheet = self.chart_sheet
        sheet.hide_gridlines(2)
        sheet.print_area(0, 0, max(40, high // 20 + 1), 15)  # a row is 20 pixels high
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 1)
        sheet.insert_chart(0, 0, chart, {"description": title})

    def _top(self, measure: SheetColumn, rows: range) -> float | None:
        """Where the axis of values ends, so that no interval is cut."""
        names = [measure.name]
        if self.figure.name == compare.FIGURE.name:
            names.append(compare.THERE.name)
        known = [number(self.rows[at].get(f"{name}_high")) for at in rows for name in names]
        highest = max((one for one in known if one is not None), default=None)
        if highest is None or self.figure.name == "incidence":
            return None
        return min(ceil(highest * 20) / 20, 1.0) if "%" in measure.form else ceil(highest)

    def _drawn(self) -> SheetColumn:
        """The column that the chart is about: the foremost one."""
        wanted = _DRAWN.get(self.figure.name)
        measures = [one for one in self.columns if not one.is_key]
        return next((one for one in measures if one.name == wanted), measures[0])

    def _series(self) -> tuple[list[dict[str, Any]], str, str]:
        """What is drawn, the kind of chart, and what of the rows is left out, in words."""
        rows = range(len(self.rows))
        measure = self._drawn()
        if self.figure.name == compare.FIGURE.name:
            return self._both()
        if self.figure.name == "incidence":
            return self._curves("day", measure)
        if self.figure.name == "funnel" and len(self.keys) > 1 and "period_on" not in self.keys:
            return self._stages(measure)
        if "period_on" in self.keys and len(self.keys) > 1:
            return self._curves("period_on", measure)
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
            for column in ([one for one in self.columns if one.name in names] or [measure])
        ]
        came = [one for one in self.columns if one.name == _CAME.get(self.figure.name)]
        series += [self._one(one, shown, with_errors=False) for one in came]
        if names and not over_time:  # groups have no order that a line could follow
            series[0]["line"] = {"none": True}
        return series, "line" if over_time or names else "bar", note

    def _both(self) -> tuple[list[dict[str, Any]], str, str]:
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
        return series, "bar", f" ({', '.join(notes)})" if notes else ""

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
            bars = [self._beside(*pair) for pair in zip(words, ends, strict=True)]
            one[axis] = {"type": "custom", "minus_values": bars[0], "plus_values": bars[1],
                         "line": {"color": light("muted")}}  # fmt: skip
        return one

    def _beside(self, word: str, values: Sequence[float]) -> str:
        """Write what an error bar is drawn from beside the chart, and say where."""
        grey = self.book.add_format({"font_color": light("muted"), "num_format": "0.0000"})
        column = _ERRORS + self.n_errors
        self.n_errors += 1
        self.chart_sheet.write_string(0, column, word, grey)
        self.chart_sheet.set_column(column, column, 20)
        for at, value in enumerate(values, start=1):
            self.chart_sheet.write_number(at, column, value, grey)
        letter = chr(ord("A") + column)
        return f"=Chart!${letter}$2:${letter}${len(values) + 1}"

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

    def _curves(self, x: str, measure: SheetColumn) -> tuple[list[dict[str, Any]], str, str]:
        """A line for each group, or for each cause of the first group, over days or periods."""
        names = [one.name for one in self.columns]
        place, over = names.index(measure.name), names.index(x)
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
            return series, kind, f" ({', '.join(filter(None, (which, newest)))})"
        is_cut = sum(len(part) for _, part in drawn) < len(self.rows)
        note = newest or ("complete periods" if is_cut else "")
        return series, kind, f" ({note})" if note else ""

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
        name = next(counts, self._drawn().name)
        return sum(number(self.rows[at].get(name)) or 0 for at in rows)

    def _stages(self, measure: SheetColumn) -> tuple[list[dict[str, Any]], str, str]:
        """The stages of each group side by side, the largest groups only."""
        n = len({str(row["stage"]) for row in self.rows})
        groups = [range(at, at + n) for at in range(0, len(self.rows), n)]
        most = sorted(groups, key=lambda part: -self._size(part[:1]))[:_MOST_LINES]
        drawn = [part for part in groups if part in most]
        names = [name for name in self.keys if name != "stage"]
        series = []
        for nth, part in enumerate(drawn):
            again, hue = divmod(nth, len(_HUES))
            one = self._one(measure, part, with_errors=False)
            one["name"] = " · ".join(plain(self.rows[part[0]].get(name)) for name in names)
            paint = light(_HUES[hue])
            hatched = {"pattern": "wide_upward_diagonal", "fg_color": paint, "bg_color": "#ffffff"}
            one |= {"pattern": hatched} if again else {"fill": {"color": paint}}
            one["categories"] = [self.name, *_span(part, self.keys.index("stage"))]
            series.append(one)
        cut = f" (the {len(drawn)} largest of {len(groups)})" if len(drawn) < len(groups) else ""
        return series, "bar", cut


def _span(rows: Sequence[int], column: int) -> tuple[int, int, int, int]:
    return HEAD_ROW + 1 + rows[0], column, HEAD_ROW + 1 + rows[-1], column
