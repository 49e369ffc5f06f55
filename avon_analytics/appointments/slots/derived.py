"""Tables that are computed from all slots of a store, once per store and instant.

They say what patients did next, what became of each session's time, who had been there before, how
slots stood at any instant, and what patients asked. All slots of the store are looked at, not those
of a cohort alone: who came back outside the window, or to another host, came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from avon_analytics.appointments.slots.queries import not_copied, sql, taken_by
from avon_analytics.appointments.slots.steps import Settings


@dataclass(frozen=True, slots=True)
class Derived:
    """How a table is computed from all slots.

    divided_by: of many slots, some patients or some hosts are looked at at a time, because what one
    does has nothing to do with another. has_internal: whether internal meetings are always among
    the slots; else only where they count.
    """

    divided_by: Literal["patient_id", "host"] | None = None
    has_internal: bool = False


DERIVED: Mapping[str, Derived] = {
    "follow_up": Derived(divided_by="patient_id"),
    "after_visits": Derived(divided_by="patient_id"),
    "session_hours": Derived(divided_by="host"),
    "questions": Derived(),
    "patient_records": Derived(has_internal=True),
    "patient_visits": Derived(has_internal=True),
    "landmarks": Derived(has_internal=True),
}
"""These tables by name; what one row is, the SQL of that name says."""
AT_A_TIME = {"patient_id": 1_000_000, "host": 500_000}  # so many slots take half a gigabyte
SESSION_STEPS = ("sessions", "session_losses", "session_refills")


def text_of(table: str, slots: str) -> str:
    """The SQL of one of these tables, of slots that a select gives; it takes settings."""
    if table == "session_hours":
        return _over(table, every_slot=slots, **{step: sql(step) for step in SESSION_STEPS})
    if table == "patient_records":
        return _over(table, known_slot=slots)
    if table == "patient_visits":
        return visits_of_records(text_of("patient_records", slots))
    if table == "landmarks":
        return landmarks_of_facts(landmark_facts(slots, text_of("patient_records", slots)))
    return _over(table, every_slot=slots)


def slot_kinds(slots: str) -> str:
    """The SQL of ``slot_kinds``: slots that a select gives, with numbers for what they are like."""
    return _over("slot_kinds", every_slot=slots)


def landmark_facts(slots: str, records: str) -> str:
    """The SQL of ``landmark_facts``: these slots, and from when on their patients come back."""
    return _over("landmark_facts", slot_kinds=slot_kinds(slots), patient_records=records)


def landmarks_of_facts(facts: str) -> str:
    """The SQL of ``landmarks``, of what ``landmark_facts`` gives."""
    return _over("landmarks", landmark_facts=facts)


def visits_of_records(records: str) -> str:
    """The SQL of ``patient_visits``, of what ``patient_records`` gives."""
    return _over("patient_visits", patient_records=records)


def _over(statement: str, **read: str) -> str:
    """The SQL of a statement, with a select for each name that it reads."""
    steps = ",\n".join(f"{name} AS (\n{select}\n)" for name, select in read.items())
    return f"WITH {steps}\nSELECT * FROM (\n{sql(statement)}\n) AS found"


def counted_slots(slots: str, table: str, *, include_internal: bool) -> str:
    """Those slots of all that a table is computed from, as a select."""
    counted = "true" if include_internal or DERIVED[table].has_internal else "NOT internal"
    return f"SELECT * FROM {slots} WHERE {counted}"


def fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    slots: str,
    settings: Settings,
    *,
    include_internal: bool,
) -> None:
    """Fill a temporary table of this name with one of ``DERIVED``, unless it is there."""
    _, _, bare = name.rpartition(".")
    there = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = 'temp' AND table_name = $n",
        {"n": bare},
    ).fetchall()
    if there:
        return
    filled = f"{name}_unfinished"
    into = f"CREATE OR REPLACE TEMP TABLE {filled} AS"
    part_of = counted_slots(slots, table, include_internal=include_internal)
    try:
        for part in _parts(connection, slots, part_of, DERIVED[table].divided_by):
            text = text_of(table, part)
            if table == "session_hours":
                text = not_copied(text, "every_slot")
            connection.execute(f"{into} {text}", taken_by(text, settings.parameters))
            into = f"INSERT INTO {filled}"
        connection.execute(f"ALTER TABLE {filled} RENAME TO {bare}")
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {filled}")


def _parts(
    connection: duckdb.DuckDBPyConnection, slots: str, select: str, divided_by: str | None
) -> list[str]:
    """The slots as several selects, each with all slots of some patients or hosts."""
    if divided_by is None:
        return [select]
    ((n_slots,),) = connection.execute(f"SELECT count(*) FROM {slots}").fetchall()
    n_parts = 1 + n_slots // AT_A_TIME[divided_by]
    return [f"{select} AND hash({divided_by}) % {n_parts} = {nth}" for nth in range(n_parts)]
