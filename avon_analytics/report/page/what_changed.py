"""What changed, as a director reads it: signals of process control, and outlying groups.

Month against month is what these charts replace: two months always differ, and mostly by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from avon_analytics.report.page.content import ReportContent
from avon_analytics.report.tables.rows import Row, by_period, group_name, groupings, rows_of
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import count, number, percent, plural
from avon_analytics.report.words.periods import label
from avon_analytics.report.words.text import capital

SHARES: Mapping[str, str] = {
    # the share: which way is better
    "no_show_share": "lower",
    "cancelled_share": "lower",
    "late_share": "lower",
    "attended_share": "higher",
}
_MOST_TOLD = 3


class Changed(NamedTuple):
    """One share: its name, what is to be said of it, whether anything changed, and whether the
    rules could be applied."""

    share: str
    topic: str
    text: str
    is_signal: bool
    is_tested: bool = True


def what_changed(content: ReportContent) -> list[Changed]:
    """A sentence or two for each share that is charted."""
    signals = content.figures.signals
    return [
        _changed(name, signals[name], content.signals_every)
        for name in SHARES
        if name in signals and len(signals[name])
    ]


def verdict(changes: list[Changed]) -> str:
    """All of it in one sentence; empty where nothing is charted."""
    if not changes:
        return ""
    if not any(each.is_tested for each in changes):
        return "There is too little yet to tell change from chance."
    names = [each.topic.lower() for each in changes if each.is_signal]
    if not names:
        return "No share strayed from its usual range by more than chance brings."
    some = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"More than chance is seen in: {some} (see What changed)."


def _changed(name: str, frame: pd.DataFrame, every: str) -> Changed:
    rows = [row for row in by_period(frame) if number(row.get("n"))]
    topic = heading(name)
    found = [row for row in rows if isinstance(row.get("signal"), str)]
    usual = number(rows[-1].get("center")) if rows else None
    if usual is None:
        return Changed(name, topic, "Too few are known to tell.", False, False)
    begins = f"Usual is {percent(usual)}, over {plural(len(rows), f'complete {every}')}."
    if reasons := frame.attrs.get("messages"):
        return Changed(
            name, topic, f"{begins} Nothing is tested: {'; '.join(reasons)}.", False, False
        )
    alarms = _alarms(frame.attrs.get("expected_false_alarms", {}).get("rows"))
    if not found:
        rest = f"No {every} stands out: what differs between them is what chance brings."
        return Changed(name, topic, f"{begins} {rest}", False)
    newest = [_one(row, every) for row in reversed(found[-_MOST_TOLD:])]
    more = len(found) - len(newest)
    text = (
        f"{begins} {plural(len(found), every)} {'stands' if len(found) == 1 else 'stand'} out, "
        f"where chance alone would bring {alarms}: {'; '.join(newest)}"
        f"{f'; and {more:,} before' if more else ''}."
    )
    return Changed(name, topic, text, True)


def _one(row: Row, every: str) -> str:
    meaning = row.get("meaning")
    is_hardly = percent(row.get("share")) == percent(row.get("center"))
    side = f"a little {row['signal']}" if is_hardly else row["signal"]
    words = f"{label(row['period_on'], every)}, {side} at {percent(row.get('share'))}"
    words += f" of {count(row.get('n'))} ({row['rule']})"
    return f"{words}, {meaning_words(meaning)}" if isinstance(meaning, str) else words


def meaning_words(meaning: str) -> str:
    """An improvement or a concern, with its article."""
    return f"{'an' if meaning[:1] in 'aeiou' else 'a'} {meaning}"


def _alarms(expected: Any) -> str:
    known = number(expected)
    return "some" if known is None else f"{known:.2g}"


_OF_THINGS = [[name] for name in ("host", "appointment_type", "medical_center", "weekday", "hour")]
"""Groupings of which each group is one of what the heading says."""


def who_stands_out(outliers: pd.DataFrame | None) -> str:
    """Which groups differ from all others by more than chance, and how many would by chance."""
    if outliers is None or not len(outliers):
        return ""
    columns = groupings(outliers)
    kind = heading(columns[0]).lower() if columns in _OF_THINGS else "group"
    rows = rows_of(outliers)
    compared = [row for row in rows if number(row.get("p_value")) is not None]
    if not compared:
        return ""
    found = [row for row in compared if isinstance(row.get("signal"), str)]
    alarms = _alarms(outliers.attrs.get("expected_false_alarms", {}).get("groups"))
    name = heading(str(outliers.attrs.get("share", "no_show_share"))).lower()
    begins = (
        f"{capital(name)}: of {plural(len(compared), kind)}, each beside all the others together, "
    )
    if not found:
        return f"{begins}none stands out by more than chance brings."
    hosts = [
        f"{group_name(row, columns)}, {row['signal']} at {percent(row.get('share'))} of "
        f"{count(row.get('n'))} (the others {percent(row.get('center'))})"
        for row in found
    ]
    stand = "stands" if len(found) == 1 else "stand"
    return (
        f"{begins}{len(found):,} {stand} out, where chance alone would bring {alarms}: "
        f"{'; '.join(hosts)}. They may see other patients: case mix is not removed."
    )
