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
    SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
    JOIN duckdb_tables() USING (database_name, schema_name, table_name)
    WHERE database_name = 'original' GROUP BY table_name ORDER BY table_name
"""


def make_copies(original: Path, into: Path, n_copies: int) -> int:
    """Make a store with ``n_copies`` times the events of another one; returns their number."""
    database = Database(into)
    with database.writing() as connection:
        connection.execute(f"ATTACH {literal(str(original))} AS original (READ_ONLY)")
        for table, columns in connection.execute(_COLUMNS).fetchall():
            if table.startswith(_NOT):
                continue
            for copy in range(1 if table.startswith(_ONCE) else n_copies):
                values = ", ".join(_value(column, copy) for column in columns)
                connection.execute(
                    f"INSERT INTO {quote(table)} SELECT {values} FROM original.{quote(table)}"
                )
        connection.execute("DETACH original")
        ((n_events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    database.close()
    return int(n_events)


def _value(column: str, copy: int) -> str:
    """SQL for a value of one copy."""
    name = quote(column)
    return f"{name} || 'x{copy}'" if column in _IDS and copy else name
