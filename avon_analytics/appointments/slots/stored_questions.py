"""What patients asked in messages, as a large store keeps it for its default instant.

A question hangs on the messages of its thread, on who of their writers is staff, and on the visits
of who asks. So with each of these, the questions of the thread are sought anew.
"""

from __future__ import annotations

import duckdb

from avon_analytics.appointments.slots import derived
from avon_analytics.appointments.slots.queries import sql, taken_by
from avon_analytics.appointments.slots.steps import Settings
from avon_analytics.store.found_rows import rows_where

_QUESTIONS = "store.kept_questions"
_STEPS = ("touched_threads", "touched_messages")


def grow_questions(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    slots: str,
    now: int | None,
) -> None:
    """Bring the questions up to date with the kept slots, those of ``touched_patients`` replaced.

    now: the instant as of which they shall be, in microseconds.
    """
    try:
        for step in _STEPS:
            connection.execute(f"CREATE TEMP TABLE {step} AS {sql(step)}", {"now": now})
        theirs = rows_where(
            "store.stored.messages_versions", "id IN (SELECT id FROM temp.touched_messages)"
        )
        connection.execute(f"CREATE TEMP TABLE messages_versions AS {theirs}")
        connection.execute(
            f"DELETE FROM {_QUESTIONS} WHERE message_id IN (SELECT id FROM touched_messages)"
        )
        writers = "SELECT created_by FROM temp.messages_versions"
        of_writers = rows_where(slots, f"NOT internal AND patient_id IN ({writers})")
        text = derived.text_of("questions", of_writers)
        connection.execute(f"INSERT INTO {_QUESTIONS} {text}", taken_by(text, settings.parameters))
    finally:
        for step in ("messages_versions", *_STEPS):
            connection.execute(f"DROP TABLE IF EXISTS temp.{step}")
