"""Two cohorts set beside each other: what tells them apart, in the words of a heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from avon_analytics.appointments.rows.cohort_rows import CohortRows
from avon_analytics.appointments.rows.groupings import Grouping
from avon_analytics.appointments.rows.names import names_of
from avon_analytics.appointments.slots.statuses import status_words
from avon_analytics.figures.dates import MONTHS, window_in_words
from avon_analytics.figures.names import CUSTOM

_MOST = 2
"""How many values of a condition are named."""


def told_apart(this: CohortRows, other: CohortRows) -> tuple[str, str]:
    """What each of two cohorts is called where only the other stands beside it.

    That is how they differ: ``Oct 2025`` and ``Jul to Sep 2025``, ``host Ann Bell`` and ``any
    host``. Two that differ in nothing that can be said so shortly are this cohort and the other.
    """
    ours, theirs = _traits(this), _traits(other)
    differing = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if not differing:
        return "this cohort", "the other cohort"
    first, second = (
        ", ".join(traits.get(name) or f"any {_words(name)}" for name in differing)
        for traits in (ours, theirs)
    )
    return first, second


def differing_definitions(this: CohortRows, other: CohortRows) -> list[str]:
    """In what two cohorts are not defined alike, whatever their windows and conditions."""
    ours, theirs = _defined_by(this), _defined_by(other)
    return [
        f"{name} ({ours[name]} and {theirs[name]})" for name in ours if ours[name] != theirs[name]
    ]


def _traits(cohort: CohortRows) -> dict[str, str]:
    """Whatever may tell a cohort from another, by what it is about."""
    defined = _defined_by(cohort)
    dated = {"start": "", "booked": "booked "}[str(defined.pop("on"))]
    window = window_in_words(cohort._scope.start, cohort._scope.end)
    store, as_of = defined.pop("store"), defined.pop("as_of")
    return {
        **_conditions(cohort),
        "window": f"{dated}{window}",
        "as_of": _instant(as_of) if cohort.as_of else as_of,
        **{name: f"{name} {value}" for name, value in defined.items()},
        "store": f"store {store}",
    }


def _conditions(cohort: CohortRows) -> dict[str, str]:
    groups = [grouping.name for grouping, _ in cohort._filters]
    names = names_of(cohort._staff_names, cohort._labels, groups)
    fields = cohort._labels.headings(groups)
    return {
        grouping.name: _condition(grouping, values, names.get(grouping.name, {}), fields)
        for grouping, values in cohort._filters
    }


def _condition(
    grouping: Grouping,
    values: tuple[Any, ...],
    called: Mapping[str, str],
    fields: Mapping[str, str],
) -> str:
    in_order = sorted(set(values), key=lambda value: _place(value, grouping.labels))
    names = [_value(value, called) for value in in_order]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return f"{fields.get(grouping.name) or _words(grouping.name)} " + " or ".join(
        [*names[:_MOST], *more]
    )


def _place(value: Any, labels: Sequence[str]) -> tuple[bool, int, str]:
    """Where a value stands among others: as figures put it, what is missing at the end."""
    nth = labels.index(value) if value in labels else value if isinstance(value, int) else 0
    return value is None, nth, str(value)


def _value(value: Any, called: Mapping[str, str]) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return called.get(value, str(value))


def _words(grouping: str) -> str:
    if grouping.startswith(CUSTOM):
        return grouping.removeprefix(CUSTOM)
    return grouping.replace("_", " ")


def _instant(iso: str) -> str:
    at = datetime.fromisoformat(iso).astimezone(UTC)
    return f"as of {at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def _defined_by(cohort: CohortRows) -> dict[str, str]:
    settings, built_in = cohort._settings, status_words()
    more = [f"{word}: {means}" for word, means in settings.words if built_in.get(word) != means]
    return {
        "store": str(cohort._engine.path),
        "as_of": "no events" if cohort.as_of is None else cohort.as_of.isoformat(),
        "on": cohort._scope.on,
        "grace": f"{settings.grace_hours:g} hours",
        "late": settings.late_in_words,
        "internal meetings": "included" if cohort._scope.include_internal else "left out",
        "status words": ", ".join(more) or "as built in",
        "time zone": cohort._engine.time_zone,
    }
