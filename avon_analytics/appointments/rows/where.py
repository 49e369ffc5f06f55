"""What groupings must be: values of the right kind, which occur somewhere in the store.

A value that occurs nowhere, whatever T, is a slip: it would give an empty figure without a word.
Fixed labels, weekdays, hours, flags and None are always allowed. Of ids the nearest are named, with
what they are called; of free texts only how many values there are. A label is no value, for two ids
may bear the same: where one is given, the error says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import partial
from typing import Any

from avon_analytics.appointments.rows.engine import Engine
from avon_analytics.appointments.rows.groupings import Grouping, groupings
from avon_analytics.appointments.rows.names import staff_names
from avon_analytics.appointments.rows.population import Filters, checked_values
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.errors import UsageError
from avon_analytics.figures.declared import Customs
from avon_analytics.figures.names import unique_names
from avon_analytics.labels import Labels
from avon_analytics.suggestions import LONGEST, repeated

_PLACES: Mapping[str, str] = {
    "host": "SELECT host AS value FROM appointments_versions",
    "appointment_type": "SELECT appointment_type AS value FROM appointments_versions",
    "name": "SELECT name AS value FROM appointments_versions",
    "interaction_type": "SELECT interaction_type AS value FROM appointments_versions",
    "patient_state": "SELECT state AS value FROM patient_addresses_versions",
    "medical_center": "SELECT medical_center AS value FROM patient_medical_centers_versions",
    "reason": "SELECT reason AS value FROM appointment_status_history_versions",
}
"""Where the values of a grouping occur."""
_CUSTOM = """
SELECT get_json_object(value, '$') AS value FROM appointment_custom_data_versions WHERE key = $key
UNION ALL
SELECT get_json_object(value, '$') FROM patient_custom_data_versions WHERE key = $key
"""
_FREE_TEXT = {"name", "reason"}
_NEAREST = 3
_WHENEVER = datetime(9999, 1, 1, tzinfo=UTC)


def filters(
    engine: Engine,
    where: Mapping[str, Any],
    labels: Labels,
    more: Mapping[str, Grouping] | None = None,
) -> Filters:
    """The conditions of a cohort. Raises UsageError for a value that cannot be or is nowhere.

    labels: what ids are called. more: groupings to choose from beside the general ones.
    """
    with engine.reading():
        customs = partial(known_custom_keys, engine)
        named = groupings(where, customs, more, fields=labels.fields)
        found = tuple((one, checked_values(one, where[one.name])) for one in named)
        for grouping, wanted in found:
            _need_somewhere(engine, grouping, wanted, labels.values.get(grouping.name, {}))
    return found


def known_custom_keys(engine: Engine, of: Customs = "any") -> tuple[str, ...]:
    """The custom fields that the tables know of: any, those of appointments, or none."""
    if of == "none":
        return ()
    known = engine.frame(sql("custom_keys"), {})
    return tuple(known["key"] if of == "any" else known.loc[known.is_of_appointments, "key"])


def _need_somewhere(
    engine: Engine, grouping: Grouping, wanted: Sequence[Any], labels: Mapping[str, str]
) -> None:
    place = _CUSTOM if grouping.custom_key is not None else _PLACES.get(grouping.name)
    texts = {f"text_{nth}": value for nth, value in enumerate(wanted) if value is not None}
    if place is None or not texts:
        return
    bound = {} if grouping.custom_key is None else {"key": grouping.custom_key}
    among = ", ".join(f"${name}" for name in texts)
    query = f"SELECT DISTINCT value FROM ({place}) AS field_values WHERE value IN ({among})"
    known = set(engine.frame(query, {**bound, **texts})["value"])
    missing = [value for value in texts.values() if value not in known]
    if missing:
        given = missing[0]
        shown = unique_names(labels)
        bearers = [value for value in labels if given in (labels[value], shown[value])]
        if bearers:
            raise UsageError(
                f"where: {given!r} is what the labels call "
                f"{' and '.join(map(repr, sorted(bearers)))}; give the value itself"
            )
        values = f"SELECT DISTINCT value FROM ({place}) AS field_values WHERE value IS NOT NULL"
        is_free = grouping.custom_key is not None or grouping.name in _FREE_TEXT
        if is_free:
            counted = f"SELECT count(*) AS n FROM ({values}) AS every_value"
            hint = _how_many(int(engine.frame(counted, bound)["n"].iloc[0]))
        else:
            names = staff_names(engine, _WHENEVER) if grouping.name == "host" else shown
            hint = _nearest(given, list(engine.frame(values, bound)["value"]), names)
        raise UsageError(f"where: {_named(grouping, given, is_free)} {hint}")


def _named(grouping: Grouping, value: str, is_free: bool) -> str:
    if is_free:
        return f"a value given for {grouping.name} occurs nowhere in the store,"
    return f"{grouping.name} {repeated(value)} occurs nowhere in the store."


def _how_many(n: int) -> str:
    return f"which has {n:,} {'value' if n == 1 else 'values'} of it"


def _nearest(given: str, known: Sequence[str], names: Mapping[str, str]) -> str:
    if not known:
        return "It has no value of it"

    word = given[:LONGEST].lower()

    def likeness(value: str) -> float:
        spellings = [value, *([names[value], *names[value].split()] if value in names else [])]
        return max(SequenceMatcher(None, word, one.lower()).ratio() for one in spellings)

    best = sorted(known, key=lambda value: (-likeness(value), value))[:_NEAREST]
    nearest = [f"{value!r} ({names[value]})" if value in names else repr(value) for value in best]
    return f"Nearest: {', '.join(nearest)}"
