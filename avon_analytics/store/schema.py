"""The SQL that makes a store: its tables, and the views of current state over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from avon_analytics.contract import EVENTS
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import ColumnOf, Part, columns_of
from avon_analytics.contract.statuses import IGNORED, MEANINGS
from avon_analytics.contract.zones import BLANKS, zones
from avon_analytics.store.slim import SCHEMA, slim_tables, slim_views
from avon_analytics.store.tables import (
    ObjectTable,
    TableColumn,
    object_tables,
    stored_tables,
)

SCHEMA_VERSION = 5

# Newest first: what "the current version" of an object means, everywhere.
NEWEST_FIRST = (
    "occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, "
    "received_at DESC NULLS LAST, event_id DESC"
)


def quote(identifier: str) -> str:
    """An identifier as SQL text."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL text, where it cannot be bound."""
    return "'" + text.replace("'", "''") + "'"


def create_statements() -> Iterator[str]:
    """Every statement that makes an empty store, in order."""
    yield CREATE_SETTINGS
    slim = slim_tables()
    yield f"CREATE SCHEMA {SCHEMA}"
    for name, columns in slim.items():
        yield _create_table(f"{SCHEMA}.{quote(name)}", columns)
    for name, columns in stored_tables().items():
        if name not in slim:
            yield _create_table(quote(name), columns)
    yield from slim_views()
    yield from view_statements()


CREATE_SETTINGS = "CREATE TABLE settings (name VARCHAR PRIMARY KEY, value VARCHAR)"


def view_statements() -> Iterator[str]:
    """Every statement that makes a view over events, versions and logs, in order."""
    for table in object_tables():
        yield from _views(table)
    yield _drift_view()


def _create_table(name: str, columns: Iterable[TableColumn]) -> str:
    body = ", ".join(f"{quote(c.name)} {c.sql_type}" for c in columns)
    return f"CREATE TABLE {name} ({body})"


def _views(table: ObjectTable) -> Iterator[str]:
    if table.name == "patients":
        yield from _people_views(table)
    elif table.name == "appointment_status_history":
        yield _status_history_view(table)
    elif table.parent is not None:
        yield _child_view(table)
    else:
        yield _current_view(table.name, table, "true")


def _people_views(table: ObjectTable) -> Iterator[str]:
    # Who is only a caregiver is no patient, in the state of now and in each version.
    only = "coalesce(caregiver_only, false)"
    for name, condition in (("patients", f"NOT {only}"), ("caregivers", only)):
        yield _current_view(name, table, condition)
        yield (f"CREATE VIEW {name}_versions AS SELECT * FROM {table.versions} WHERE {condition}")


def _current_view(name: str, table: ObjectTable, condition: str) -> str:
    fields = ", ".join(quote(c.name) for c in table.field_columns)
    deleted = ""
    if table.is_deletable:
        deleted = (
            "min(CASE WHEN event LIKE '%.deleted' THEN occurred_at END) "
            "OVER (PARTITION BY id) AS deleted_at, "
        )
    return f"""
        CREATE VIEW {quote(name)} AS
        WITH newest AS (
            SELECT *, {deleted}
                row_number() OVER (PARTITION BY id ORDER BY {NEWEST_FIRST}) AS nth
            FROM {quote(table.versions)}
        )
        SELECT {fields}, {"deleted_at, " if deleted else ""}extra, event_id, event, occurred_at
        FROM newest
        WHERE nth = 1 AND {condition}
    """


def _child_view(table: ObjectTable) -> str:
    assert table.parent is not None
    fields = ", ".join(quote(c.name) for c in table.columns if c.name not in _NOT_IN_CHILD_VIEW)
    return f"""
        CREATE VIEW {quote(table.name)} AS
        WITH newest AS (
            SELECT event_id,
                row_number() OVER (PARTITION BY id ORDER BY {NEWEST_FIRST}) AS nth
            FROM {quote(table.parent.versions)}
        )
        SELECT {fields}
        FROM {quote(table.versions)}
        WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1)
    """


_NOT_IN_CHILD_VIEW = ("event_id", "occurred_at")


def _status_history_view(table: ObjectTable) -> str:
    # The union over all versions: a change that a later version no longer reports still happened.
    fields = ", ".join(quote(c.name) for c in table.field_columns)
    change = "appointment_id, status, changed_at, changed_by"
    return f"""
        CREATE VIEW {quote(table.name)} AS
        WITH changes AS (
            SELECT *, row_number() OVER (
                PARTITION BY {change}
                ORDER BY occurred_at DESC, event_id DESC, position DESC
            ) AS nth
            FROM {quote(table.versions)}
        )
        SELECT
            appointment_id,
            CAST(row_number() OVER (
                PARTITION BY appointment_id
                ORDER BY changed_at NULLS FIRST, position, status, changed_by
            ) - 1 AS INTEGER) AS position,
            {fields}, extra
        FROM changes
        WHERE nth = 1
    """


def _drift_view() -> str:
    return f"""
        CREATE VIEW drift AS
        WITH {drift_known()},
        seen AS ({drift_seen(_with_instants)})
        SELECT kind, path, json_type, value, min(first_at) AS first_seen_at,
            max(last_at) AS last_seen_at, CAST(sum(n) AS BIGINT) AS n_seen
        FROM seen
        GROUP BY kind, path, json_type, value
    """


def _with_instants(table: str, column: str) -> str:
    if table != "deliveries":
        return quote(table)
    return f"""(SELECT d.{column}, e.occurred_at
        FROM deliveries AS d LEFT JOIN events AS e ON d.event_id = e.event_id)"""


def drift_known() -> str:
    """What the contract knows of events and zones, as steps that ``drift_seen`` reads."""
    names = literal("|".join(zones()))
    return f"""known_events AS (SELECT {_texts(EVENTS)} AS known),
        zones AS (SELECT unnest(string_split({names}, '|')) AS zone)"""


def drift_seen(rows: Callable[[str, str], str]) -> str:
    """The query that gives what the contract does not know, with when it was seen and how often.

    ``rows`` gives, for a table and a column, rows that hold the column and ``occurred_at``. What a
    column holds is looked at once for each value: rows are many, and values few. One thing may be
    reported by several values, and stand in several rows.
    """
    parts = [
        f"""SELECT 'event' AS kind, event_sent AS path, NULL AS json_type, NULL AS value, {_SEEN}
            FROM {_values("events", "event_sent", rows)}
            WHERE event_sent NOT IN (SELECT unnest(known) FROM known_events)""",
        f"""SELECT 'object_type', object_type, 'OBJECT', NULL, {_SEEN}
            FROM {_values("other_objects", "object_type", rows)}""",
        f"""SELECT 'instant', 'received_at', coalesce(json_type(try_cast(unset_receipt AS JSON)),
                'VARCHAR'), unset_receipt, {_SEEN}
            FROM {_values("deliveries", "unset_receipt", rows)} WHERE unset_receipt IS NOT NULL""",
        _drift_of(
            _values("events", "extra", rows), "body", [field.name for field in _instants(Event)]
        ),
        f"""SELECT 'status', 'appointment.status_history[].status', 'VARCHAR', status, {_SEEN}
            FROM {_values("appointment_status_history_versions", "status", rows)}
            WHERE translate(lower(status), {literal(IGNORED)}, '') NOT IN {_texts(MEANINGS)}""",
    ]
    for table in object_tables():
        if table.model is not None:
            where = table.object_type + (f".{table.list_field}[]" if table.list_field else "")
            instants = [".".join(field.path) for field in _instants(table.model)]
            parts.append(_drift_of(_values(table.versions, "extra", rows), where, instants))
        if any(field.name == "timezone" for field in table.fields):
            parts.append(
                f"""SELECT 'time_zone', '{table.object_type}.timezone', 'VARCHAR', timezone, {_SEEN}
                    FROM {_values(table.versions, "timezone", rows)}
                    WHERE lower(trim(timezone, {literal(BLANKS)}))
                        NOT IN (SELECT zone FROM zones)"""
            )
    return "\nUNION ALL\n".join(parts)


_SEEN = "first_at, last_at, n"


def _values(table: str, column: str, rows: Callable[[str, str], str]) -> str:
    """Each value of a column once: when it was seen first and last, and how often."""
    return f"""(SELECT {column}, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
                count(*) AS n FROM {rows(table, column)} GROUP BY {column})"""


def _instants(model: type[Part]) -> list[ColumnOf]:
    return [field for field in columns_of(model) if field.column.kind == "instant"]


def _texts(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(literal, sorted(texts))) + "]"


def _drift_of(values: str, where: str, instants: Sequence[str]) -> str:
    """What stands in ``extra``: unknown fields, and known instants that were not set."""
    is_instant = f"field.key IN {_texts(instants)}" if instants else "false"
    return f"""SELECT CASE WHEN {is_instant} THEN 'instant' ELSE 'field' END,
            {literal(where + ".")} || field.key, coalesce(json_type(field.value), 'NULL'),
            CASE WHEN {is_instant} THEN field.value ->> '$' END, {_SEEN}
        FROM (SELECT {_SEEN},
                unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM {values} WHERE extra IS NOT NULL)"""
