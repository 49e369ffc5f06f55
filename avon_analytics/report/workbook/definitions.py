"""What the sheet of definitions says of a figure: what it is, what to mind, its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from avon_analytics.figures import COLUMNS, Figure
from avon_analytics.report.tables.cancelled import OF_ALL
from avon_analytics.report.tables.remarks import doubts, findings
from avon_analytics.report.tables.rows import is_complete, rows_of
from avon_analytics.report.words.dates import utc
from avon_analytics.report.words.numbers import plural
from avon_analytics.report.words.periods import every_of, label
from avon_analytics.report.words.text import capital, plain
from avon_analytics.report.workbook.columns import SheetColumn


def about_figure(figure: Figure, shown: pd.DataFrame) -> list[tuple[str, str]]:
    attrs = shown.attrs
    lines = [
        ("Question", figure.question),
        ("Definition", in_words(attrs.get("definition"), starts=True)),
    ]
    lines += [("Source", figure.source)] if figure.source else []
    if attrs.get("as_of"):
        lines.append(("As of", f"{utc(str(attrs['as_of']))}: events up to then count"))
    if len(shown) and "period_on" in shown:
        known = shown["period_on"].dropna()
        if len(known):
            ends = [label(one, every_of(shown)) for one in (known.min(), known.max())]
            lines.append(("Periods", " to ".join(dict.fromkeys(ends))))
    return lines


def caveats_of(
    figure: Figure, shown: pd.DataFrame, left_out: Sequence[str]
) -> list[tuple[str, str]]:
    rows = rows_of(shown)
    caveats = []
    if figure.shares or any(one.has_interval for one in figure.columns):
        caveats.append(
            (
                "Intervals",
                "They tell how far chance alone may carry a share of so many. They know nothing of "
                "wrong or missing data.",
            )
        )
    n_open = sum(not is_complete(row) for row in rows)
    if n_open and "period_on" not in shown:
        caveats.append(
            ("Not complete", "Part of the window is not due yet, or lies outside the archive.")
        )
    elif n_open:
        caveats.append(
            (
                "Not complete",
                f"{plural(n_open, 'row')} in grey: the period is not over, not all due, or only in "
                "part in the window. Compare the others.",
            )
        )
    if "host" in shown:
        caveats.append(
            ("Hosts", "Their visits differ: a difference between them need not be theirs.")
        )
    caveats += doubts(shown.attrs)
    if shown.attrs.get("figure") == "incidence" and len(shown):
        caveats.append(
            ("Days", "Those between the days shown are folded away, behind the + beside the rows.")
        )
    caveats += [("Note", one) for one in (*left_out, *findings(shown))]
    return caveats or [("Nothing", "There is nothing in particular.")]


def meanings_of(figure: Figure, columns: Sequence[SheetColumn]) -> list[tuple[str, str]]:
    meanings = []
    for column in columns:
        known = figure.spelled.get(column.name)
        if known is not None:
            of = f", of {known.of}" if known.of else ""
            meanings.append((column.heading, in_words(f"{known.means}{of}".replace("`", ""))))
        elif column.name == OF_ALL.name:
            meanings.append((column.heading, OF_ALL.means))
        elif column.name == "complete":
            meanings.append(
                (column.heading, "the period is over, all of it due, and wholly counted")
            )
    return meanings


def in_words(text: object, *, starts: bool = False) -> str:
    """A text with the headings of columns in place of their names."""
    sentence = plain(text, 4000)
    for name in sorted({*re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", sentence)} & set(COLUMNS)):
        sentence = re.sub(rf"\b{name}\b", COLUMNS[name].title.lower(), sentence)
    return capital(sentence) if starts else sentence
