"""Tables that a store keeps to be quick, computed from the others.

They can be dropped at any time: whoever needs what they hold computes it anew.
"""

from __future__ import annotations

import duckdb

TABLES = (
    "kept_slots",
    "kept_lifecycle",
    "kept_follow_up",
    "kept_after_visits",
    "kept_session_hours",
    "kept_patient_records",
    "kept_questions",
)


def drop_derived(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop them, with the labels that say what they were computed from."""
    connection.execute("DELETE FROM settings WHERE name LIKE 'kept_%'")
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
