"""By what slots and appointments can be divided: a fixed list of names, each an SQL expression.

The expressions read columns that ``slots`` and ``lifecycle`` share, and are the only SQL that a
caller's word can choose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from avon_analytics import arguments
from avon_analytics.appointments.rows.scope import PERIODS
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.figures.declared import Figure
from avon_analytics.figures.names import CUSTOM, is_named, name_column
from avon_analytics.suggestions import nearest, repeated


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to divide a cohort. ``labels`` are all its values in order, where they are fixed."""

    name: str
    expression: str
    dtype: str = "str"
    labels: tuple[str, ...] = ()
    custom_key: str | None = None


def _bands(name: str, column: str, *bands: tuple[float | None, str]) -> Grouping:
    """Bands of a number: each ends before its bound, and the last one has none."""
    cases = " ".join(
        f"WHEN {column} < {bound} THEN '{label}'"
        if bound is not None
        else f"WHEN {column} IS NOT NULL THEN '{label}'"
        for bound, label in bands
    )
    return Grouping(name, f"CASE {cases} END", labels=tuple(label for _, label in bands))


def _weekday() -> Grouping:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    # Day 0 of the count, the 1st of January 1970, was a Thursday.
    number = "(((unix_date(start_on) + 3) % 7) + 7) % 7"
    cases = " ".join(f"WHEN {nth} THEN '{day}'" for nth, day in enumerate(days))
    return Grouping("weekday", f"CASE {number} {cases} END", labels=days)


def _by_name(*groupings: Grouping) -> Mapping[str, Grouping]:
    return {grouping.name: grouping for grouping in groupings}


GROUPINGS: Mapping[str, Grouping] = _by_name(
    Grouping("host", "host"),
    Grouping("appointment_type", "appointment_type"),
    Grouping("name", "name"),
    Grouping("interaction_type", "interaction_type"),
    Grouping("group", "described.group", "boolean"),
    Grouping("self_booked", "self_booked", "boolean"),
    Grouping("recurring", "recurring", "boolean"),
    _weekday(),
    Grouping("hour", "start_hour", "Int64"),
    _bands(
        "lead_band",
        "lead_days",
        (0, "booked afterwards"),
        (1, "same day"),
        (8, "1-7 days"),
        (31, "8-30 days"),
        (91, "31-90 days"),
        (None, "over 90 days"),
    ),
    Grouping("patient_state", "patient_state"),
    _bands(
        "patient_age_band",
        "patient_age",
        (18, "0-17"),
        (35, "18-34"),
        (50, "35-49"),
        (65, "50-64"),
        (80, "65-79"),
        (None, "80+"),
    ),
    Grouping("patient_visit", "patient_visit", labels=("first", "returning", "unknown")),
    Grouping("medical_center", "medical_center"),
)

_SAID_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("provider", "doctor", "clinician", "practitioner", "staff"), "host"),
    **dict.fromkeys(("clinic", "location", "site", "center", "centre"), "medical_center"),
    **dict.fromkeys(("type", "visit_type"), "appointment_type"),
    **dict.fromkeys(("lead", "lead_time", "lead_days", "days_ahead"), "lead_band"),
    **dict.fromkeys(("age", "age_band", "patient_age"), "patient_age_band"),
    **dict.fromkeys(("mode", "channel", "modality"), "interaction_type"),
    "state": "patient_state",
    "day_of_week": "weekday",
    "new_patient": "patient_visit",
}
"""What a grouping is called by others, and here."""

# What an outcome decides divides nothing but cancellations.
OF_CANCELLATIONS: Mapping[str, Grouping] = _by_name(
    _bands(
        "notice_band",
        "CASE WHEN outcome = 'cancelled' THEN notice_hours END",
        (0, "after start"),
        (2, "under 2 hours"),
        (24, "2-24 hours"),
        (168, "1-7 days"),
        (None, "over 7 days"),
    ),
    Grouping("cancelled_by", "cancelled_by", labels=("patient", "provider", "unknown")),
    Grouping("reason", "reason"),
)

OF_SLOTS: Mapping[str, Grouping] = {
    **_by_name(
        Grouping(
            "outcome",
            "outcome",
            labels=("attended", "no_show", "cancelled", "rescheduled", "unresolved", "open"),
        )
    ),
    **OF_CANCELLATIONS,
}
"""What else slots can be chosen by: what became of each."""

# What the release of a session decides divides nothing but refills.
OF_REFILLS: Mapping[str, Grouping] = _by_name(
    _bands(
        "notice_band",
        "session_notice_hours",
        (2, "under 2 hours"),
        (24, "2-24 hours"),
        (168, "1-7 days"),
        (None, "over 7 days"),
    ),
    Grouping("released_by", "session_outcome", labels=("cancelled", "rescheduled")),
)


_NOT_EVERYWHERE: Mapping[str, str] = {
    **dict.fromkeys(GROUPINGS, "does not divide this figure"),
    **dict.fromkeys(OF_REFILLS, "divides refills alone"),
    **dict.fromkeys(OF_CANCELLATIONS, "divides cancellations, and chooses rows of slots(…), alone"),
    "notice_band": "divides cancellations and refills, and chooses rows of slots(…), alone",
    "outcome": "chooses rows of slots(…) alone",
}
"""What is to be said of a grouping where it is none of the choices."""


def own_groupings(figure: Figure) -> Mapping[str, Grouping]:
    """What a figure declares to be divided by beside the general groupings."""
    of_table = OF_REFILLS if figure.name == "refills" else OF_CANCELLATIONS
    return {name: of_table[name] for name in figure.groupings}


def groupings(
    names: str | Iterable[str],
    custom_keys: Callable[[], Iterable[str]] = tuple,
    more: Mapping[str, Grouping] | None = None,
    general: Iterable[str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> tuple[Grouping, ...]:
    """The groupings of these names, each once, in order.

    custom_keys: asks for the custom fields there are; called where a name is none of the others.
    general: which of the general ones there are to choose from; all unless given.
    fields: what custom fields are called, by their keys.

    Raises UnknownGroup, listing the choices, for a name that is none of them, UsageError for two
    that need one column.
    """
    wanted = arguments.names(names, "by")
    choices = {name: GROUPINGS[name] for name in (GROUPINGS if general is None else general)}
    choices |= more or {}
    if not choices.keys() >= set(wanted):
        choices |= {custom.name: custom for custom in _customs(custom_keys())}
    for name in wanted:
        if name not in choices:
            raise _unknown(name, choices, fields or {})
        if is_named(name) and name_column(name) in wanted:
            raise UsageError(
                f"by: the names of {name} would share a column with {name_column(name)}: "
                "divide by one of them at a time"
            )
    return tuple(choices[name] for name in dict.fromkeys(wanted))


def _unknown(name: str, choices: Mapping[str, Grouping], fields: Mapping[str, str]) -> UnknownGroup:
    """What is said of a name that divides nothing here, with what it probably means."""
    known = f"Choices: {', '.join(choices)}"
    if name in _NOT_EVERYWHERE:
        return UnknownGroup(f"{name} {_NOT_EVERYWHERE[name]}. {known}")
    start = f"unknown grouping {repeated(name)}"
    parts = [part.strip() for part in name.split(",")]
    if len(parts) > 1 and set(parts) <= set(choices):
        each = " ".join(f"--by {part}" for part in parts)
        return UnknownGroup(f"{start}: each is named by itself, by={parts!r} ({each}). {known}")
    called = dict(_SAID_ELSEWHERE)
    called |= {label: CUSTOM + key for key, label in fields.items()}
    called |= {one.removeprefix(CUSTOM): one for one in choices if one.startswith(CUSTOM)}
    every = dict.fromkeys((*choices, *PERIODS, *_NOT_EVERYWHERE))
    meant = nearest(name.removeprefix(CUSTOM).removesuffix(name_column("")), every, called)
    if meant in PERIODS:
        return UnknownGroup(
            f"{start}: periods are asked for with every={meant!r} (--every {meant}). {known}"
        )
    if meant is not None and meant not in choices:
        return UnknownGroup(f"{start}. {meant} {_NOT_EVERYWHERE[meant]}. {known}")
    hint = f" Did you mean {meant!r}?" if meant is not None else ""
    return UnknownGroup(f"{start}.{hint} {known}")


def _customs(keys: Iterable[str]) -> Iterator[Grouping]:
    for nth, key in enumerate(sorted(keys)):
        yield Grouping(CUSTOM + key, f"custom_{nth}", custom_key=key)
