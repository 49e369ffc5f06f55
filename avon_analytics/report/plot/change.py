"""The charts of ``avon.plot`` that tell change from chance, look ahead, or compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from avon_analytics.arguments import choice
from avon_analytics.errors import UnknownGroup
from avon_analytics.figures import FIGURES
from avon_analytics.figures.expected import KNOWN
from avon_analytics.report import charts
from avon_analytics.report.plot.titles import (
    MOST_GROUPS,
    WIDTH,
    by_names,
    check_columns,
    periods_drawn,
    share_words,
    with_title,
)
from avon_analytics.report.tables.names import cohorts
from avon_analytics.report.tables.titles import by_words
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import amount, plural, points
from avon_analytics.report.words.text import lower_first

if TYPE_CHECKING:
    import altair as alt


@by_names
def signals(signals: pd.DataFrame, *, title: str | None = None, width: int = WIDTH) -> alt.Chart:
    """A share by period between its limits: what changed, and what is chance.

    signals: ``cohort.signals(…)``. Limits are drawn as steps, signals as triangles that point where
        they lie, with their rule in words; a baseline that is not all is shaded. With a grouping, a
        panel for each of the twelve largest groups.

    >>> avon.plot.signals(visits.signals(every="month")).title.text
    ['No-show share: change or chance by month']
    """
    check_columns(signals, "signals", "share", "center", "lower", "upper", "signal", "rule")
    words, divided = share_words(signals)
    axis = lower_first(words)
    chart = charts.signals(signals, title=axis, width=width)
    counted = f"{divided}; line, centre; dashed, limits{_by_chance(signals, 'rows')}"
    counted += "".join(f"; {message}" for message in signals.attrs.get("messages", ()))
    counted += periods_drawn(signals)
    rules = ", ".join(dict.fromkeys(signals["rule"].dropna()))
    name = title or f"{words}: change or chance{by_words(signals)}"
    return with_title(chart, signals, name, counted, width, f"signals: {rules}" if rules else "")


@by_names
def outliers(outliers: pd.DataFrame, *, title: str | None = None, width: int = WIDTH) -> alt.Chart:
    """Groups by size and share between the limits that chance keeps: a funnel plot.

    outliers: ``cohort.outliers(…)``. Dotted lines are 95 % limits, dashed ones 99.8 %; signals are
        triangles with their names. Case mix is not removed.

    >>> avon.plot.outliers(visits.outliers(by="weekday")).title.text
    ['No-show share by weekday, each beside all others']
    """
    check_columns(outliers, "outliers", "n", "count", "share", "lower_998", "upper_998", "signal")
    words, divided = share_words(outliers)
    axis = lower_first(words)
    among = divided.rpartition(" ÷ ")[2]
    chart = charts.outliers(outliers, title=axis, width=width, counted=among)
    counted = f"{divided}; dotted, 95 % limits; dashed, 99.8 % limits; case mix is not removed"
    counted += _by_chance(outliers, "groups")
    name = title or f"{words}{by_words(outliers)}, each beside all others"
    return with_title(chart, outliers, name, counted, width, "")


@by_names
def expected(
    figure: pd.DataFrame,
    outcome: str = "no_show",
    *,
    title: str | None = None,
    width: int = WIDTH,
) -> alt.Chart:
    """How many of an outcome to expect, with 80 % intervals, and what came, once it came.

    figure: ``cohort.expected(…)``, or ``cohort.backtest(…)``, which has what came. outcome:
        attended, no_show, cancelled or rescheduled.

    >>> ahead = store.appointments(start="2025-11-15")
    >>> avon.plot.expected(ahead.expected(every="month")).title.text
    ['No-shows to expect by month']
    """
    choice("outcome", outcome, KNOWN, UnknownGroup)
    check_columns(figure, "expected", "n_open", f"expected_{outcome}")
    word = outcome.replace("_", "-")
    chart = charts.expected(figure, outcome, title=f"slots {word}", width=width)
    counted = "of slots that were open then" if f"n_{outcome}" in figure else "of slots open now"
    counted += f"; bars, 80 % intervals; ticks, expected{periods_drawn(figure)}"
    known = figure[f"expected_{outcome}"].dropna()
    facts = f"expected in all {amount(known.sum())}" if len(known) else ""
    name = title or f"Slots to expect to be {word}{by_words(figure)}"
    if outcome == "no_show":
        name = title or f"No-shows to expect{by_words(figure)}"
    return with_title(chart, figure, name, counted, width, facts)


@by_names
def compare(
    compared: pd.DataFrame,
    measure: str | None = None,
    *,
    title: str | None = None,
    width: int = WIDTH,
) -> alt.Chart:
    """How the shares of two cohorts differ, each difference with its 95 % interval.

    compared: ``cohort.compare(…)``, by group and by period: a line for each; without either, one
        for each share. Where a q-value is under 0.05, chance is unlikely to be all of it.
    measure: which share, such as ``"cancelled_share"``; the first unless given.

    Raises UnknownGroup, listing the shares, for one that was not compared.

    >>> early = store.appointments(end="2025-07-01")
    >>> late = store.appointments(start="2025-07-01")
    >>> avon.plot.compare(late.compare(early)).title.text
    ['Shares: from 1 Jul 2025 and before 1 Jul 2025']
    """
    check_columns(compared, "compare", "measure", "share", "other_share", "difference", "q_value")
    of_figure = FIGURES.get(str(compared.attrs.get("compared")))
    declared = () if of_figure is None else of_figure.shares
    known = list(dict.fromkeys([*declared, *compared["measure"].dropna()]))
    has_rows = bool(charts.keys_of(compared))
    if measure is not None:
        choice("measure", measure, known, UnknownGroup)
    elif has_rows and known:
        measure = str(known[0])
    rows = compared if measure is None else compared[compared["measure"] == measure]
    words = "Shares" if measure is None else heading(measure)
    this, other = cohorts(compared)
    axis = f"percentage points, {this} minus {other}"
    chart = charts.differences(rows, title=axis, width=width, most=MOST_GROUPS)
    divided = "" if measure is None else share_words(compared, measure)[1]
    counted = f"{divided}; " if divided else ""
    counted += f"right of 0: {this} is higher; lines are 95 % intervals"
    among = rows["difference"].dropna()
    facts = f"from {points(among.min())} to {points(among.max())} points" if len(among) else ""
    name = title or f"{words}: {this} and {other}{by_words(compared)}"
    return with_title(chart, compared, name, counted, width, facts)


def _by_chance(frame: pd.DataFrame, of: str) -> str:
    """How many signals there are, and how many of these rows or groups would be some by chance."""
    alarms = frame.attrs.get("expected_false_alarms", {}).get(of)
    if alarms is None:
        return ""
    n_signals = int(frame["signal"].notna().sum())
    return f"; {plural(n_signals, 'signal')}, {alarms:.2g} to expect by chance"
