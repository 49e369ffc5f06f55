"""What a figure is called: its own name, its share, and what it is divided by."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from avon_analytics.figures import FIGURES, Figure, compare
from avon_analytics.report.tables.names import cohorts
from avon_analytics.report.tables.rows import groupings
from avon_analytics.report.words.headings import heading, heading_in_sentence
from avon_analytics.report.words.periods import every_of
from avon_analytics.report.words.text import lower_first

KNOWN: Mapping[str, Figure] = {**FIGURES, compare.FIGURE.name: compare.FIGURE}
"""Every figure by name, a comparison too."""


def figure_of(frame: pd.DataFrame) -> Figure:
    """The figure that a frame is of."""
    return KNOWN[str(frame.attrs["figure"])]


def title_of(frame: pd.DataFrame) -> str:
    """A figure's name; of one about a single share with that share, of a comparison with both."""
    title, share = figure_of(frame).title, frame.attrs.get("share")
    if frame.attrs["figure"] == compare.FIGURE.name:
        return f"{title}: {' and '.join(cohorts(frame))}"
    return title if share is None else f"{title}: {lower_first(heading(str(share)))}"


def by_words(frame: pd.DataFrame, word: str = " by ") -> str:
    names = [
        "who cancelled" if name == "cancelled_by" else heading_in_sentence(name)
        for name in groupings(frame)
    ]
    if "period_on" in frame:
        names.append(every_of(frame))
    return f"{word}{' and '.join(names)}" if names else ""


def is_figure(frame: pd.DataFrame) -> bool:
    """Whether a frame is what a method of a cohort returned."""
    figure = KNOWN.get(str(frame.attrs.get("figure")))
    return figure is not None and any(name in figure.spelled for name in map(str, frame.columns))


def row_names_of(figure: Figure, frame: pd.DataFrame) -> list[str]:
    """What a row is of besides its groups; of a comparison with that of the compared figure."""
    compared = KNOWN.get(str(frame.attrs.get("compared")))
    names = [*figure.row_names, *(compared.row_names if compared else ())]
    return [name for name in names if name in frame and name != "step"]
