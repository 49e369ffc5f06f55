"""What stands above a chart of ``avon.plot``: what is counted and divided, and as of when."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from textwrap import wrap
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pandas as pd

from avon_analytics.arguments import choice
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.figures import COLUMNS
from avon_analytics.report import charts
from avon_analytics.report.charts.palette import light
from avon_analytics.report.charts.spec import Spec
from avon_analytics.report.charts.style import style
from avon_analytics.report.tables.names import named
from avon_analytics.report.tables.remarks import doubts
from avon_analytics.report.tables.rows import groupings, newest_periods
from avon_analytics.report.words.dates import utc
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import count, percent
from avon_analytics.report.words.periods import every_of, span
from avon_analytics.report.words.text import lower_first, plain

if TYPE_CHECKING:
    import altair as alt


WIDTH = 760
MOST_GROUPS = 25


def check_columns(frame: pd.DataFrame, figure: str, *columns: str, hint: str = "…") -> None:
    draws = f"this chart draws what cohort.{figure}({hint}) returns"
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"{draws}, a DataFrame")
    lacking = [name for name in columns if name not in frame]
    if lacking:
        raise UsageError(f"{draws}; the frame has no column {', '.join(lacking)}")


def chosen_share(figure: pd.DataFrame, wanted: str | None) -> str:
    of_figure = str(figure.attrs.get("figure")) if isinstance(figure, pd.DataFrame) else ""
    if of_figure in ("compare", "signals", "outliers"):
        raise UsageError(f"a frame of {of_figure} is drawn by avon.plot.{of_figure}(…)")
    known = [
        name
        for name in (map(str, figure.columns) if isinstance(figure, pd.DataFrame) else ())
        if name.endswith("_share") and f"{name}_n" in figure
    ]
    if not known:
        raise UsageError(
            "this chart draws a figure with shares, such as cohort.outcomes(…): "
            "the frame has no column that ends in _share"
        )
    return known[0] if wanted is None else choice("share", wanted, known, UnknownGroup)


def share_words(figure: pd.DataFrame, name: str | None = None) -> tuple[str, str]:
    """The name of a share, or of the one that a figure is about, and what is divided by what."""
    name = name or str(figure.attrs.get("share", "no_show_share"))
    declared = COLUMNS.get(name)
    if declared is None:
        return heading(name), f"{heading(name).lower()} with its denominator"
    is_of_booked = figure.attrs.get("options", {}).get("basis") == "booked"
    if name == "no_show_share" and is_of_booked:
        return heading(name), "no-shows ÷ due slots that were not rescheduled"
    return heading(name), f"{declared.means} ÷ {declared.of}"


def periods_drawn(frame: pd.DataFrame) -> str:
    """Which periods a chart draws, where they are not all."""
    if "period_on" not in frame:
        return ""
    every = every_of(frame)
    newest = charts.NEWEST_IN_PANELS if groupings(frame) else charts.NEWEST
    kept = newest_periods(frame, newest)
    n = frame["period_on"].nunique()
    return f"; drawn: {span(kept, every)}, {len(kept)} of {n} {every}s" if len(kept) < n else ""


def total(frame: pd.DataFrame, name: str) -> float | None:
    """All of a count; None where some of it is blank, as the rest is no total."""
    counts = frame[name]
    return None if counts.isna().any() else float(counts.sum())


def totals(frame: pd.DataFrame, by: str, name: str) -> str:
    parts = frame[name].groupby(frame[by], sort=False)
    blank = parts.count() < parts.size()
    known = parts.sum().astype("float64").mask(blank)
    return ", ".join(f"{plain(key)} {count(n)}" for key, n in known.items())


def range_words(figure: pd.DataFrame, name: str, few: int = 1) -> str:
    known = figure.loc[figure[f"{name}_n"] >= few, name].dropna()
    if known.empty:
        return ""
    return f"from {percent(known.min())} to {percent(known.max())}"


def with_title(
    chart: Spec | None, frame: pd.DataFrame, title: str, counted: str, width: int, facts: str
) -> alt.Chart:
    """The chart with what it shows and as of when; one that says so where nothing can be drawn."""
    from avon_analytics.report.plot.altair_chart import shown

    lines = [plain(counted, 300)]
    if chart is None:
        chart = charts.nothing(width).having(config=style(width))
    elif below := chart.get("title"):
        lines.append(below["text"])  # a chart has one title: what stood below moves up
    lines += [lower_first(sentence).rstrip(".") for _, sentence in doubts(frame.attrs)]
    if as_of := frame.attrs.get("as_of"):
        lines.append(f"as of {utc(as_of)}")
    described = ". ".join([plain(title, 120), *lines, *([facts] if facts else [])]) + "."
    across = max(width // 7, 30)  # letters of the widest faces that stand in for a missing one
    lines = [part for line in lines for part in wrap(line, across)]
    heading_lines = {
        "text": wrap(plain(title, 120), width // 10),
        "subtitle": lines,
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 15,
        "fontWeight": 600,
        "color": light("ink"),
        "subtitleColor": light("muted"),
        "subtitleFontSize": 12,
        "subtitlePadding": 5,
        "offset": 18,
    }
    paper = {**chart["config"], "background": light("paper"), "padding": 12}
    finished: alt.Chart = shown(
        chart.having(title=heading_lines, description=described, config=paper)
    )
    return finished


_Asked = ParamSpec("_Asked")
_Drawn = TypeVar("_Drawn")


def by_names(draw: Callable[_Asked, _Drawn]) -> Callable[_Asked, _Drawn]:
    """A drawing of a figure whose groups are called as a reader knows them."""

    @wraps(draw)
    def drawn(*args: _Asked.args, **options: _Asked.kwargs) -> _Drawn:
        known = [named(one) if isinstance(one, pd.DataFrame) else one for one in args]
        return draw(*known, **options)  # type: ignore[arg-type]

    return drawn
