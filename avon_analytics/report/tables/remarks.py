"""What is to be said of a figure besides its numbers: what it was asked, and what it found out.

Terminal, notebook, workbook and charts say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from avon_analytics.figures import compare
from avon_analytics.figures.declared import Option, Takes
from avon_analytics.report.tables.names import cohorts
from avon_analytics.report.tables.titles import KNOWN
from avon_analytics.report.words.dates import day
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import amount, number, percent, plural
from avon_analytics.report.words.text import capital, lower_first, plain


def remarks(frame: pd.DataFrame) -> tuple[str, ...]:
    """What to read beside the numbers, as sentences."""
    return (*findings(frame), *(text for _, text in doubts(frame.attrs)))


def findings(frame: pd.DataFrame) -> tuple[str, ...]:
    """What it was asked, and what it found out besides."""
    return (*_asked(frame.attrs), *_compared(frame), *_results(frame))


def doubts(attrs: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """What was not verified, and what is blank: each with its topic."""
    if n := number(attrs.get("n_unverified_events")):
        yield "Not verified", f"{plural(n, 'event')} behind it without a verified signature."
    if (few := number(attrs.get("min_count")) or 0) > 1:
        sentence = f"Counts from 1 to {few - 1:.0f} are blank, and what would reveal them."
        yield "Blank cells", sentence


def _asked(attrs: Mapping[Any, Any]) -> Iterator[str]:
    """The options that decide what a number means."""
    given = attrs.get("options", {})
    for option in KNOWN[str(attrs.get("compared", attrs["figure"]))].options:
        value = given.get(option.name, attrs.get(option.name))
        is_usual = value is None or value == [] or value == option.default
        if option.says and value is not None and not (is_usual and option.takes is not Takes.WHOLE):
            yield option.says.format(_value(option, value))


def _value(option: Option, value: Any) -> str:
    if option.takes is Takes.WHOLE:
        return plural(value, option.of.removesuffix("s"))
    if option.takes is Takes.DATE:
        return ", ".join(map(day, value if isinstance(value, list | tuple) else [value]))
    return plain(value)


def _compared(frame: pd.DataFrame) -> Iterator[str]:
    if frame.attrs["figure"] != compare.FIGURE.name:
        return
    yield "Differences are in percentage points: {} minus {}.".format(*cohorts(frame))
    if frame.attrs.get("by"):
        yield "Q-values allow for how many groups are compared; p-values do not."


def _results(frame: pd.DataFrame) -> Iterator[str]:
    attrs = frame.attrs
    by_chance = attrs.get("expected_false_alarms", {})
    if "signal" in frame and by_chance:
        n = int(frame["signal"].notna().sum())
        usual = by_chance["rows" if "period_on" in frame else "groups"]
        yield f"{plural(n, 'signal')}, where chance alone would bring {usual:.2g}."
    if (inside := attrs.get("coverage", {}).get("all")) is not None:
        of = plural(attrs["n_intervals"], "interval")
        yield f"{percent(inside)} of {of} of 80 % held what came."
    if skill := {end: one for end, one in attrs.get("skill", {}).items() if one is not None}:
        scores = ", ".join(
            f"{lower_first(heading(end))} {amount(one, 2)}" for end, one in skill.items()
        )
        yield f"Skill (1: no error; 0: no better than weeks before): {scores}."
    for message in attrs.get("messages", ()):
        yield f"{capital(plain(message, 400))}."
