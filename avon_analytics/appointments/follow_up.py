"""What is computed from all slots of a store, once per store and instant: what patients did after a
cancellation or a no-show, what became of each session's time, which patients had been there, what
they asked in their messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from avon_analytics.appointments.queries import not_copied, sql

SLOTS_AT_A_TIME = 1_000_000  # so many take about half a gigabyte
SESSIONS_AT_A_TIME = 500_000  # so many slots of sessions, of which more is carried along
SESSION_STEPS = ("sessions", "session_losses", "session_refills")


def follow_up_text(slots: str) -> str:
    """What patients did next, of the slots in a table or a select in parentheses."""
    return f"WITH every_slot AS (SELECT * FROM {slots}) SELECT * FROM ({sql('follow_up')}) AS later"


def after_visits_text(slots: str) -> str:
    """What patients did after each visit, likewise."""
    return f"WITH every_slot AS (SELECT * FROM {slots}) SELECT * FROM ({sql('after_visits')}) AS v"


def questions_text(slots: str) -> str:
    """What patients asked in their messages, likewise. Parameters: $as_of, $time_zone."""
    return f"WITH every_slot AS (SELECT * FROM {slots}) SELECT * FROM ({sql('questions')}) AS asked"


def session_hours_text(slots: str) -> str:
    """What became of each session's time. Parameters: $late_hours, $is_same_day."""
    steps = ",\n".join(f"{step} AS ({sql(step)})" for step in SESSION_STEPS)
    return (
        f"WITH every_slot AS (SELECT * FROM {slots}),\n{steps}\n"
        f"SELECT * FROM ({sql('session_hours')}) AS hours"
    )


def patient_records_text(slots: str) -> str:
    """What is known of patients, of the slots likewise. Parameters: $as_of."""
    return (
        f"WITH known_slot AS (SELECT * FROM {slots}) SELECT * FROM ({sql('patient_records')}) AS r"
    )


def patient_visits_text(slots: str) -> str:
    """Since when patients are known to come back. Parameters: $as_of."""
    return visits_of_records_text(f"({patient_records_text(slots)}) AS records")


def visits_of_records_text(records: str) -> str:
    """The same, of what is known of patients in a table or a select in parentheses."""
    return (
        f"WITH patient_records AS (SELECT * FROM {records}) "
        f"SELECT * FROM ({sql('patient_visits')}) AS v"
    )


def landmark_facts_text(slots: str, records: str) -> str:
    """Slots with what tells when their patients come back, of what is known of these."""
    return (
        f"WITH slot_kinds AS ({slot_kinds_text(slots)}), "
        f"patient_records AS (SELECT * FROM {records}) "
        f"SELECT * FROM ({sql('landmark_facts')}) AS f"
    )


def slot_kinds_text(slots: str) -> str:
    """Slots with numbers that tell what they are like."""
    return f"WITH every_slot AS (SELECT * FROM {slots}) SELECT * FROM ({sql('slot_kinds')}) AS k"


def landmarks_text(slots: str) -> str:
    """How slots stood at any instant, of the slots alone. Parameters: $as_of, $grace_hours."""
    records = f"({patient_records_text(slots)}) AS records"
    return landmarks_of_facts_text(f"({landmark_facts_text(slots, records)}) AS facts")


def landmarks_of_facts_text(facts: str) -> str:
    """The same, of the facts in a table or a select in parentheses."""
    return f"WITH landmark_facts AS (SELECT * FROM {facts}) SELECT * FROM ({sql('landmarks')}) AS l"


def late_parameters(late_hours: float, is_same_day: bool) -> dict[str, Any]:
    """What the SQL of sessions has to know of the cohort: when a release is late."""
    return {"late_hours": late_hours, "is_same_day": is_same_day}


def follow_up(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, *, include_internal: bool
) -> None:
    """Fill the temporary table ``name`` with what patients did next, unless it is there.

    It looks at all slots of the store, not at those of a cohort alone: who came back outside the
    window, or to another host, came back. Of many slots, some patients at a time are looked at,
    because what one did has nothing to do with another.
    """
    parts = _parts(connection, slots, "patient_id", include_internal, SLOTS_AT_A_TIME)
    _fill(connection, name, [follow_up_text(part) for part in parts], {})


def after_visits(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, *, include_internal: bool
) -> None:
    """Fill the temporary table ``name`` with what patients did after each visit, likewise."""
    parts = _parts(connection, slots, "patient_id", include_internal, SLOTS_AT_A_TIME)
    _fill(connection, name, [after_visits_text(part) for part in parts], {})


def session_hours(
    connection: duckdb.DuckDBPyConnection,
    slots: str,
    name: str,
    late: Mapping[str, Any],
    *,
    include_internal: bool,
) -> None:
    """Fill the temporary table ``name`` with the hours of each session, unless it is there.

    Of many slots, some hosts at a time are looked at, because an hour is one host's.
    """
    parts = _parts(connection, slots, "host", include_internal, SESSIONS_AT_A_TIME)
    texts = [not_copied(session_hours_text(part), "every_slot") for part in parts]
    _fill(connection, name, texts, late)


def questions(
    connection: duckdb.DuckDBPyConnection,
    slots: str,
    name: str,
    parameters: Mapping[str, Any],
    *,
    include_internal: bool,
) -> None:
    """Fill the temporary table ``name`` with what patients asked, unless it is there."""
    counted = "true" if include_internal else "NOT internal"
    text = questions_text(f"(SELECT * FROM {slots} WHERE {counted}) AS counted")
    _fill(connection, name, [text], parameters)


def patient_records(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, as_of: datetime
) -> None:
    """Fill the temporary table ``name`` with what is known of each patient, likewise."""
    _fill(connection, name, [patient_records_text(slots)], {"as_of": as_of})


def patient_visits(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, as_of: datetime
) -> None:
    """Fill the temporary table ``name`` with since when each patient comes back, likewise."""
    _fill(connection, name, [patient_visits_text(slots)], {"as_of": as_of})


def landmarks(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, parameters: Mapping[str, Any]
) -> None:
    """Fill the temporary table ``name`` with how slots stood at any instant, likewise."""
    _fill(connection, name, [landmarks_text(slots)], parameters)


def _parts(
    connection: duckdb.DuckDBPyConnection,
    slots: str,
    divided_by: str,
    include_internal: bool,
    at_a_time: int,
) -> list[str]:
    ((n_slots,),) = connection.execute(f"SELECT count(*) FROM {slots}").fetchall()
    n_parts = 1 + n_slots // at_a_time
    counted = "true" if include_internal else "NOT internal"
    some = f"SELECT * FROM {slots} WHERE {counted} AND hash({divided_by}) % {n_parts}"
    return [f"({some} = {nth}) AS part" for nth in range(n_parts)]


def _fill(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    texts: list[str],
    parameters: Mapping[str, Any],
) -> None:
    _, _, bare = name.rpartition(".")
    there = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = 'temp' AND table_name = $n",
        {"n": bare},
    ).fetchall()
    if there:
        return
    filled = f"{name}_unfinished"
    into = f"CREATE OR REPLACE TEMP TABLE {filled} AS"
    try:
        for text in texts:
            connection.execute(f"{into} {text}", dict(parameters))
            into = f"INSERT INTO {filled}"
        connection.execute(f"ALTER TABLE {filled} RENAME TO {bare}")
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {filled}")
