"""How many rows the tables and views of a store have, read off as little as decides it.

A view of what is so now puts all versions in order, with all that they say. To count its rows it
suffices to know how many objects there are, and which version of each is the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import duckdb

from avon_analytics.store.schema import NEWEST_FIRST, drift_known, drift_seen, literal, quote
from avon_analytics.store.slim import EVENT_NO, EVENTS, LINES, stored
from avon_analytics.store.tables import ObjectTable, object_tables, stored_tables

_ONLY_CAREGIVERS = "coalesce(caregiver_only, false)"
_PEOPLE = {"patients": f"NOT {_ONLY_CAREGIVERS}", "caregivers": _ONLY_CAREGIVERS}
_HISTORY = "appointment_status_history"


def counts(
    connection: duckdb.DuckDBPyConnection, names: Collection[str], *, is_lake: bool
) -> dict[str, int]:
    """How many rows these tables and views have, each as many as ``count(*)`` of it says.

    The store is in use; a lake has the rows of its views in files. Of slots and their lifecycle,
    figures read better what there is: asked for here, their views are counted.
    """
    rows = _InLake() if is_lake else _Rows()
    found: dict[str, int] = {}
    for text in _queries(rows, names):
        found |= dict(connection.execute(text).fetchall())
    if others := {name: f"(SELECT count(*) FROM {quote(name)})" for name in {*names} - {*found}}:
        found |= dict(connection.execute(_told(others)).fetchall())
    return {name: found[name] for name in names}


class _Rows:
    """Where a store writes rows, and what the rows of lists know their version by."""

    key = EVENT_NO.name
    deliveries = (
        f"(SELECT count(*) FROM {EVENTS} WHERE form IS NOT NULL) + (SELECT count(*) FROM {LINES})"
    )

    def of(self, name: str) -> str:
        return stored(name)


class _InLake(_Rows):
    """The same of a lake."""

    key = "event_id"
    deliveries = "(SELECT count(*) FROM deliveries)"

    def of(self, name: str) -> str:
        return quote(name)


def _queries(rows: _Rows, names: Collection[str]) -> Iterator[str]:
    known = {name: f"(SELECT count(*) FROM {rows.of(name)})" for name in stored_tables()}
    known["deliveries"] = rows.deliveries
    for name, condition in _PEOPLE.items():
        people = f"{rows.of('people_versions')} WHERE {condition}"
        known[f"{name}_versions"] = f"(SELECT count(*) FROM {people})"
    known["drift"] = f"(WITH {drift_known()} SELECT count(*) FROM ({_drift(rows)}))"
    if wanted := {name: text for name, text in known.items() if name in names}:
        yield _told(wanted)
    for table in object_tables():
        if table.parent is None:
            lists = [one for one in object_tables() if one.parent is table]
            yield from _of_objects(rows, table, [one for one in lists if one.name in names], names)


def _told(known: Mapping[str, str]) -> str:
    return " UNION ALL ".join(
        f"SELECT {literal(name)} AS name, {text} AS n_rows" for name, text in known.items()
    )


def _drift(rows: _Rows) -> str:
    """What is unknown, each once: how often and when it was seen decides nothing."""

    def values(table: str, column: str) -> str:
        return f"(SELECT {quote(column)}, NULL AS occurred_at FROM {rows.of(table)})"

    return f"SELECT DISTINCT kind, path, json_type, value FROM ({drift_seen(values)})"


def _of_objects(
    rows: _Rows, table: ObjectTable, lists: list[ObjectTable], names: Collection[str]
) -> Iterator[str]:
    """What is so now of the objects of a type and of their lists."""
    versions, key = rows.of(table.versions), rows.key
    known: dict[str, str] = {}
    if table.name not in _PEOPLE and table.name in names:
        known[table.name] = "(SELECT count(*) FROM last)"
    newest = f"{key} IN (SELECT {key} FROM newest)"
    if table.name in _PEOPLE:
        for name in set(_PEOPLE) & set(names):
            known[name] = f"(SELECT count(*) FROM {versions} WHERE {_PEOPLE[name]} AND {newest})"
    for one in lists:
        changes = f"""(SELECT count(*) FROM (
            SELECT DISTINCT told.of, i.status, i.changed_at, i.changed_by
            FROM {rows.of(one.versions)} AS i INNER JOIN told ON i.{key} = told.{key}))"""
        current = f"(SELECT count(*) FROM {rows.of(one.versions)} WHERE {newest})"
        known[one.name] = changes if one.name == _HISTORY else current
    if not known:
        return
    # Few objects have several versions of their newest instant: these alone are put in order.
    yield f"""
        WITH last AS MATERIALIZED (
            SELECT id, max(occurred_at) AS occurred_at, arg_max({key}, occurred_at) AS {key}
            FROM {versions} GROUP BY id
        ),
        doubtful AS MATERIALIZED (
            SELECT DISTINCT v.id FROM {versions} AS v INNER JOIN last
                ON v.id = last.id AND v.occurred_at = last.occurred_at AND v.{key} <> last.{key}
        ),
        ordered AS (
            SELECT {key}, row_number() OVER (PARTITION BY id ORDER BY {NEWEST_FIRST}) AS nth
            FROM {versions} WHERE id IN (SELECT id FROM doubtful)
        ),
        told AS (
            SELECT v.{key}, last.{key} AS of
            FROM {versions} AS v INNER JOIN last ON v.id = last.id
        ),
        newest AS MATERIALIZED (
            SELECT {key} FROM last WHERE id NOT IN (SELECT id FROM doubtful)
            UNION ALL SELECT {key} FROM ordered WHERE nth = 1
        )
        {_told(known)}"""
