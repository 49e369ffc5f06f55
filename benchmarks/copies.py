"""A store as large as many archives: the events of one, copied under other ids.

To load so many would take long, and figures need only what a load leaves.
"""

from __future__ import annotations

from pathlib import Path

from avon_analytics.store.database import Database
from avon_analytics.store.schema import literal, quote

# Every copy has events, visits, threads, patients and staff of its own.
_ONCE = ("loads", "archive_files")
_NOT = ("settings", "quarantine", "kept_")
_IDS = {
    *("event_id", "object_id", "appointment_id", "patient_id", "id", "appointment", "attendee"),
    *("patient", "caregiver", "reference_patient", "parent", "created_by", "changed_by"),
    *("host", "provider_id", "support_id", "care_team_id", "thread", "message_thread"),
}
_COLUMNS = """
    SELECT schema_name, table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
    JOIN duckdb_tables() USING (database_name, schema_name, table_name)
    WHERE database_name = 'original' GROUP BY ALL ORDER BY ALL
"""
_LAST_NO = "SELECT coalesce(max(event_no), 0) FROM original.stored.events"


def make_copies(original: Path, into: Path, n_copies: int) -> int:
    """Make a store with ``n_copies`` times the events of another one; returns their number."""
    database = Database(into)
    with database.writing() as connection:
        connection.execute(f"ATTACH {literal(str(original))} AS original (READ_ONLY)")
        ((last_no,),) = connection.execute(_LAST_NO).fetchall()
        for schema, name, columns in connection.execute(_COLUMNS).fetchall():
            if name.startswith(_NOT):
                continue
            table = f"{schema}.{quote(name)}"
            for copy in range(1 if name.startswith(_ONCE) else n_copies):
                values = ", ".join(_value(column, copy, last_no) for column in columns)
                connection.execute(f"INSERT INTO {table} SELECT {values} FROM original.{table}")
        connection.execute("DETACH original")
        ((n_events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    database.close()
    return int(n_events)


def _value(column: str, copy: int, last_no: int) -> str:
    """SQL for a value of one copy, where the original's events have numbers up to the last one."""
    name = quote(column)
    if column == "event_no":
        return f"{name} + {copy * last_no}"
    return f"{name} || 'x{copy}'" if column in _IDS and copy else name
