"""What a store writes once, and the views by which it is seen: events, their lines, versions.

The tables stand in a schema of their own, ``stored``. An event has a number there: versions and
the rows of lists carry it, and lists repeat nothing else of their version. Of an event that came
once, its own row describes the line; the log has rows for all other lines. A lake has no such
schema: its files hold the views' rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from avon_analytics.store.tables import ObjectTable, TableColumn, object_tables, stored_tables

SCHEMA = "stored"
EVENTS, LINES = f"{SCHEMA}.events", f"{SCHEMA}.deliveries"
EVENT_NO = TableColumn("event_no", "BIGINT", "Number of the event in this store, from 1")
# What else is known of a line that the log does not have.
_OF_ITS_LINE = (
    TableColumn("load_id", "BIGINT", "The load that read its first line"),
    TableColumn("form", "VARCHAR", "The form of that line; missing where the log has its lines"),
)


def stored(name: str) -> str:
    """The table in which the rows of a table or view of provenance or history are written."""
    return f"{SCHEMA}.{name}" if name in slim_tables() else name


@cache
def slim_tables() -> dict[str, tuple[TableColumn, ...]]:
    """The columns of each table of the schema, by the name of the view that shows it."""
    seen = stored_tables()
    logs = {
        "events": (EVENT_NO, *seen["events"], *_OF_ITS_LINE),
        "deliveries": seen["deliveries"],
    }
    return logs | {table.versions: (EVENT_NO, *_own_columns(table)) for table in object_tables()}


def _own_columns(table: ObjectTable) -> Iterable[TableColumn]:
    if table.parent is None:
        return table.columns
    of_event = {"event_id", "occurred_at", table.parent_id}
    return [column for column in table.columns if column.name not in of_event]


def slim_views() -> Iterator[str]:
    """Every statement that shows the rows under the names and columns that users know."""
    yield f"CREATE VIEW events AS SELECT {_names(stored_tables()['events'])} FROM {EVENTS}"
    yield (
        f"CREATE VIEW deliveries AS {only_lines('true')} "
        f"UNION ALL SELECT {_names(stored_tables()['deliveries'])} FROM {LINES}"
    )
    for table in object_tables():
        if table.parent is None:
            rows = f"SELECT {_names(table.columns)} FROM {stored(table.versions)}"
        else:
            rows = list_rows(table, stored(table.versions), stored(table.parent.versions))
        yield f'CREATE VIEW "{table.versions}" AS {rows}'


def only_lines(which: str) -> str:
    """The query that gives the lines that are the only ones of their events.

    ``which`` is a condition on rows of the events.
    """
    of_event = ("byte_offset", "byte_length", "event_id", "signature", "secret", "received_at")
    known = {"load_id", "file", "line", "form", *of_event}
    columns = [
        "'loaded' AS ended"
        if column.name == "ended"
        else f'"{column.name}"'
        if column.name in known
        else f'CAST(NULL AS {column.sql_type}) AS "{column.name}"'
        for column in stored_tables()["deliveries"]
    ]
    return f"SELECT {', '.join(columns)} FROM {EVENTS} WHERE form IS NOT NULL AND {which}"


def log_only_lines(which: str) -> tuple[str, str]:
    """The statements that log the lines that only the rows of their events know of.

    Whoever changes what is known of a line, or of an event that came again, runs them first.
    ``which`` is a condition on the rows of events.
    """
    return (
        f"INSERT INTO {LINES} {only_lines(which)}",
        f"UPDATE {EVENTS} SET form = NULL WHERE form IS NOT NULL AND {which}",
    )


def same_line(one: str, other: str) -> str:
    """SQL for whether a row of one table and a row of another are about the same line."""
    key = ("load_id", "file", "line", "byte_offset")
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in key)


def list_rows(
    table: ObjectTable, items: str, versions: str, columns: Iterable[str] | None = None
) -> str:
    """The query that gives rows of a list with what their version says of them.

    ``items`` and ``versions`` are the tables, or parts of them, that hold the rows of the list and
    the versions; ``columns`` chooses some.
    """
    of_version = {
        "event_id": "v.event_id",
        "occurred_at": "v.occurred_at",
        table.parent_id: f"v.id AS {table.parent_id}",
    }
    names = [c.name for c in table.columns] if columns is None else columns
    selected = ", ".join(of_version.get(name, f'i."{name}"') for name in names)
    return (
        f"SELECT {selected} FROM {items} AS i INNER JOIN {versions} AS v ON i.event_no = v.event_no"
    )


def _names(columns: Iterable[TableColumn]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
