"""What patients asked in messages, as a large store keeps it for its default instant.

A question hangs on the messages of its thread, on who of their writers is staff, and on the visits
of who asks. So with each of these, the questions of the thread are sought anew.
"""

from __future__ import annotations

import duckdb

from avon_analytics.appointments.follow_up import questions_text
from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.steps import BEFORE_ALL, Settings
from avon_analytics.store.found_rows import rows_where

QUESTIONS = "store.kept_questions"
_STEPS = ("kept_threads", "kept_messages")


def grow_questions(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    time_zone: str,
    slots: str,
    now: int | None,
) -> None:
    """Bring the questions up to date with the kept slots, of whose patients ``kept_patients`` tell.

    now: the instant as of which they shall be, in microseconds.
    """
    try:
        for step in _STEPS:
            connection.execute(f"CREATE TEMP TABLE {step} AS {sql(step)}", {"now": now})
        theirs = rows_where(
            "store.stored.messages_versions", "id IN (SELECT id FROM temp.kept_messages)"
        )
        connection.execute(f"CREATE TEMP TABLE messages_versions AS {theirs}")
        connection.execute(
            f"DELETE FROM {QUESTIONS} WHERE message_id IN (SELECT id FROM kept_messages)"
        )
        writers = "SELECT created_by FROM temp.messages_versions"
        of_writers = f"NOT internal AND patient_id IN ({writers})"
        connection.execute(
            f"INSERT INTO {QUESTIONS} "
            + questions_text(f"({rows_where(slots, of_writers)}) AS counted"),
            {"as_of": settings.as_of or BEFORE_ALL, "time_zone": time_zone},
        )
    finally:
        for step in ("messages_versions", *_STEPS):
            connection.execute(f"DROP TABLE IF EXISTS temp.{step}")
