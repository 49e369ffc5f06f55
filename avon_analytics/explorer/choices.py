"""What there is to choose from: figures, groupings, periods, windows, and values in the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.appointments.rows.scope import NAMED_PERIODS, PERIODS
from avon_analytics.appointments.rows.where import known_custom_keys
from avon_analytics.explorer.question import default
from avon_analytics.figures import FIGURES
from avon_analytics.figures.names import CUSTOM, name_column
from avon_analytics.report.words.headings import heading
from avon_analytics.report.words.numbers import is_missing
from avon_analytics.report.words.text import plain
from avon_analytics.table_files import plain as value_of

Choices = list[tuple[str, Any]]
"""What a reader finds, and what it stands for."""
NOTHING = ""
"""The value of what is not chosen: of None, widgets show nothing."""
NONE: Choices = [("None", NOTHING)]
ANYTHING: Choices = [("anything", NOTHING)]
DATES = "dates"
MOST_VALUES = 500
PLACED_BY: Choices = [("Planned start", "start"), ("Booking", "booked")]


def figures() -> Choices:
    """All figures by title."""
    return [(figure.title, name) for name, figure in FIGURES.items()]


def groupings_of(cohort: Cohort, figure: str) -> Choices:
    """By what a figure can be divided."""
    declared = FIGURES[figure]
    general = GROUPINGS if declared.general is None else declared.general
    customs = known_custom_keys(cohort._engine, declared.customs)
    names = [*general, *declared.groupings, *(CUSTOM + key for key in sorted(customs))]
    return [*_none(figure, "by"), *_headed(cohort, dict.fromkeys(names))]


def periods_of(figure: str) -> Choices:
    """By which periods a figure can be divided."""
    if not FIGURES[figure].has_periods:
        return NONE
    return [*_none(figure, "every"), *((one.capitalize(), one) for one in PERIODS)]


def windows() -> Choices:
    """Which windows there are: the cohort's own, those with a name, and two dates."""
    named = [(one.replace("-", " ").capitalize(), one) for one in NAMED_PERIODS]
    return [("As the cohort", NOTHING), *named, ("From … to …", DATES)]


def filters_of(cohort: Cohort) -> Choices:
    """By what a cohort can be narrowed."""
    customs = known_custom_keys(cohort._engine)
    return [*NONE, *_headed(cohort, [*GROUPINGS, *(CUSTOM + key for key in sorted(customs))])]


def values_of(cohort: Cohort, grouping: str) -> Choices:
    """The values of a grouping that the cohort has, each in a tuple; the most frequent of many."""
    outcomes = cohort.outcomes(by=grouping)
    kept = outcomes["n_slots"].fillna(0).nlargest(MOST_VALUES).index
    outcomes = outcomes.loc[outcomes.index.isin(kept)]
    called = (
        outcomes[name_column(grouping)] if name_column(grouping) in outcomes else outcomes[grouping]
    )
    found = list(zip(outcomes[grouping], called, strict=True))
    if name_column(grouping) in outcomes:  # by name, as a reader looks for them; then the nameless
        found.sort(key=lambda one: (is_missing(one[1]), str(one[1]).casefold()))
    return [
        (plain(value if is_missing(name) else name), (value_of(value),)) for value, name in found
    ]


def _none(figure: str, parameter: str) -> Choices:
    """None, unless the figure divides by something where nothing is said."""
    return [] if default(figure, parameter) else NONE


def _headed(cohort: Cohort, names: Iterable[str]) -> Choices:
    names = list(names)
    headings = cohort._labels.headings(names)
    return [(headings.get(name, heading(name)), name) for name in names]
