"""What patients did after a cancellation or a no-show, computed once per store and instant."""

from __future__ import annotations

import duckdb

from avon_analytics.appointments.queries import sql

SLOTS_AT_A_TIME = 1_000_000  # so many take about half a gigabyte


def follow_up(
    connection: duckdb.DuckDBPyConnection, slots: str, name: str, *, include_internal: bool
) -> None:
    """Fill the temporary table ``name`` with ``sql/follow_up.sql``, unless it is there.

    It looks at all slots of the store, not at those of a cohort alone: who came back outside the
    window, or to another host, came back. Of many slots, some patients at a time are looked at,
    because what one did has nothing to do with another.
    """
    _, _, bare = name.rpartition(".")
    there = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = 'temp' AND table_name = $n",
        {"n": bare},
    ).fetchall()
    if there:
        return
    ((n_slots,),) = connection.execute(f"SELECT count(*) FROM {slots}").fetchall()
    n_parts = 1 + n_slots // SLOTS_AT_A_TIME
    kept = "true" if include_internal else "NOT internal"
    filled = f"{name}_unfinished"
    into = f"CREATE OR REPLACE TEMP TABLE {filled} AS"
    try:
        for part in range(n_parts):
            connection.execute(
                f"{into} WITH every_slot AS (SELECT * FROM {slots} "
                f"WHERE {kept} AND hash(patient_id) % {n_parts} = {part}) "
                f"SELECT * FROM ({sql('follow_up')})"
            )
            into = f"INSERT INTO {filled}"
        connection.execute(f"ALTER TABLE {filled} RENAME TO {bare}")
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {filled}")
