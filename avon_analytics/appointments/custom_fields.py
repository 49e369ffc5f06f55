"""Custom fields, wide: one row per object, one column per field, with types read off the values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
import pandas as pd

from avon_analytics.appointments.rows.scope import as_instant, choice
from avon_analytics.appointments.slots.slots import usual_settings
from avon_analytics.arguments import mapping
from avon_analytics.contract.one_spelling import SpelledNumber, in_order, parse
from avon_analytics.errors import UsageError
from avon_analytics.figures.words import DateLike
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

# As JSON spells them, so that a code such as 00123 stays a text.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Where the versions of each type of object are, and which of them are such objects.
OBJECTS: Mapping[str, tuple[str, str]] = {
    "patient": ("people_versions", "NOT coalesce(caregiver_only, false)"),
    "appointment": ("appointments_versions", "true"),
    "provider": ("providers_versions", "true"),
    "support": ("supports_versions", "true"),
}


def custom_fields(
    database: Database,
    of: str = "patient",
    *,
    names: Mapping[str, str] | None = None,
    as_of: DateLike | None = None,
) -> pd.DataFrame:
    """See ``Store.custom_fields``."""
    choice("kind of object", of, tuple(OBJECTS))
    instant = usual_settings(database, as_instant(as_of, database.time_zone)).instant
    owner = f"{of}_id"
    with database.reading() as connection:
        entries = frame(connection, _query(of), {"as_of": instant})
    keys = sorted(entries["key"].dropna().unique())
    columns = _columns(owner, keys, mapping(names, "names", "{'cfld_1': 'Payer'}"))
    owners = pd.Index(entries["owner_id"].unique(), dtype="str", name=owner)
    fields = {}
    for key in keys:
        of_key = entries[entries["key"] == key]
        fields[columns[key]] = _typed(of_key["owner_id"], of_key["value"]).reindex(owners)
    return pd.DataFrame(fields, index=owners).reset_index()


def _query(object_type: str) -> str:
    """One row is one object known at T and the newest value of one of its fields, or no field."""
    versions, condition = OBJECTS[object_type]
    return f"""
        WITH owners AS (
            SELECT id
            FROM (
                SELECT *, row_number() OVER (
                    PARTITION BY id
                    ORDER BY occurred_at DESC, last_updated_at DESC NULLS LAST,
                        received_at DESC NULLS LAST, event_id DESC
                ) AS nth
                FROM {versions}
                WHERE occurred_at <= $as_of
            ) AS numbered
            WHERE nth = 1 AND {condition}
        ),
        newest AS (
            SELECT owner_id, key, value
            FROM (
                SELECT {object_type}_id AS owner_id, key, value, row_number() OVER (
                    PARTITION BY {object_type}_id, key
                    ORDER BY occurred_at DESC, event_id DESC, position DESC
                ) AS nth
                FROM {object_type}_custom_data_versions
                WHERE occurred_at <= $as_of AND key IS NOT NULL
            ) AS numbered
            WHERE nth = 1
        )
        SELECT o.id AS owner_id, n.key, n.value
        FROM owners AS o
        LEFT JOIN newest AS n ON o.id = n.owner_id
        ORDER BY o.id, n.key NULLS FIRST
    """


def _columns(owner: str, keys: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Raises UsageError where two keys would share a column."""
    columns = {key: str(names.get(key, key)) for key in keys}
    times = Counter([owner, *columns.values()])
    doubled = sorted(name for name, n in times.items() if n > 1)
    if doubled:
        clashing = ", ".join(sorted(key for key, name in columns.items() if name in doubled))
        raise UsageError(
            f"names: {clashing} would share a column named {', '.join(map(repr, doubled))}: "
            "give each key a name of its own"
        )
    return columns


def _typed(owners: pd.Series, values: pd.Series) -> pd.Series:
    """The values of one field by owner: flags, numbers, dates, or else texts."""
    known = {value: parse(value) for value in values.dropna().unique()}
    given = [value for value in known.values() if value is not None]
    read = [None if pd.isna(value) else known[value] for value in values]
    index = pd.Index(owners, dtype="str")
    for read_as, dtype in ((_flag, "boolean"), (_number, "float64"), (_day, "datetime64[us]")):
        if given and all(read_as(value) is not None for value in given):
            data: list[Any] = [read_as(value) for value in read]
            return pd.DataFrame({"value": data}, index, dtype="object").astype({"value": dtype})[
                "value"
            ]
    return pd.Series([_text(value) for value in read], index, dtype="str")


# Old deliveries tell every value as text, so a text counts as what it spells.


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    return value if isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _day(value: Any) -> pd.Timestamp | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return pd.Timestamp(date.fromisoformat(value))
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    text = value.text.encode() if isinstance(value, SpelledNumber) else in_order(value)
    return msgspec.json.format(text, indent=0).decode()
