"""The chart of a workbook, drawn by the spreadsheet from the cells of the figure's own sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from avon_analytics.figures import compare
from avon_analytics.report.charts.palette import light
from avon_analytics.report.words.numbers import number
from avon_analytics.report.workbook.book import HEAD_ROW
from avon_analytics.report.workbook.series import Drawn, Series, Source

_ERRORS = 18  # the first column of what error bars are drawn from, beside the chart


def draw_chart(book: Any, source: Source, title: str) -> None:
    """A sheet with the chart of a figure; none where there is nothing to draw."""
    if not source.rows or not source.measure.form:
        return
    sheet = book.add_worksheet("Chart")
    errors = _ErrorValues(book, sheet)
    drawn = Series(
        source.figure, source.name, source.columns, source.keys, source.rows, errors.write
    ).drawn()
    subtype = {"subtype": "straight"} if drawn.kind == "scatter" else {}
    chart = book.add_chart({"type": drawn.kind, **subtype})
    for one in drawn.series:
        chart.add_series(one)
    chart.show_hidden_data()
    chart.set_title({"name": f"{title}{drawn.note}", "name_font": {"size": 14}, "overlay": False})
    chart.set_legend({"position": "bottom", "none": len(drawn.series) == 1})
    _, first, _, last, _ = drawn.series[0]["values"]
    is_bars = drawn.kind == "bar"
    seen = range(first - HEAD_ROW - 1, last - HEAD_ROW) if is_bars else range(len(source.rows))
    _set_axes(chart, source, drawn, _top(source, seen))
    high = 160 + 24 * (last - first + 1) * len(drawn.series) if is_bars else 440
    chart.set_size({"width": 960, "height": high})
    sheet.hide_gridlines(2)
    sheet.print_area(0, 0, max(40, high // 20 + 1), 15)  # a row is 20 pixels high
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)
    sheet.insert_chart(0, 0, chart, {"description": title})


def _set_axes(chart: Any, source: Source, drawn: Drawn, top: float | None) -> None:
    form = "0%" if source.measure.form == "0.0%" else source.measure.form
    grid = {"visible": True, "line": {"color": light("line")}}
    values = {"num_format": form, "min": 0, "major_gridlines": grid}
    if source.figure.name != compare.FIGURE.name:  # else the legend names both
        values["name"] = source.measure.heading
    if top:
        values["max"] = top
    if drawn.kind == "bar":
        quiet = {"line": {"none": True}, "major_tick_mark": "none"}
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, **quiet})
        chart.set_x_axis({**values, **quiet, "label_position": "high"})
        return
    days = next((one.form for one in source.columns if one.name == "period_on"), "")
    periods = {"num_format": days, "num_font": {"size": 9}}
    if source.figure.name == "incidence":
        chart.set_x_axis({"name": "Days since the booking", "num_format": "0", "min": 0})
    else:
        chart.set_x_axis(periods if drawn.kind == "scatter" else {"text_axis": True, **periods})
    chart.set_y_axis(values)


def _top(source: Source, rows: range) -> float | None:
    """Where the axis of values ends, so that no interval is cut."""
    names = [source.measure.name]
    if source.figure.name == compare.FIGURE.name:
        names.append(compare.THERE.name)
    known = [number(source.rows[at].get(f"{name}_high")) for at in rows for name in names]
    highest = max((one for one in known if one is not None), default=None)
    if highest is None or source.figure.name == "incidence":
        return None
    return min(ceil(highest * 20) / 20, 1.0) if "%" in source.measure.form else ceil(highest)


@dataclass
class _ErrorValues:
    """What error bars are drawn from, in columns beside the chart."""

    book: Any
    sheet: Any
    n_columns: int = 0

    def write(self, word: str, values: Sequence[float]) -> str:
        """Write them below their heading, and say where they are."""
        grey = self.book.add_format({"font_color": light("muted"), "num_format": "0.0000"})
        column = _ERRORS + self.n_columns
        self.n_columns += 1
        self.sheet.write_string(0, column, word, grey)
        self.sheet.set_column(column, column, 20)
        for at, value in enumerate(values, start=1):
            self.sheet.write_number(at, column, value, grey)
        letter = chr(ord("A") + column)
        return f"=Chart!${letter}$2:${letter}${len(values) + 1}"
