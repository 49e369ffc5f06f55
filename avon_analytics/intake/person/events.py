"""The events that are a person's alone: which they are, and how the store lets go of them.

All events of an object are theirs if one version of it is. So an object of which a store has the
first version may become theirs by a later one: then its rows go from the store, as if the person
were forgotten after both were loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from avon_analytics.intake.person.rows import THREAD, Rows, owned, touched
from avon_analytics.intake.read.faults import verdict
from avon_analytics.intake.read.limited import EMPTIED_EXTRA
from avon_analytics.store.slim import EVENTS, LINES, log_only_lines, same_line, stored
from avon_analytics.store.tables import object_tables

FORGOTTEN = verdict("forgotten", "the person was forgotten on request; nothing of the line is kept")
TABLES = ("own_objects", "own_rows", "shared_threads", "shared_visits", "touched_rows")


def stored_rows(connection: duckdb.DuckDBPyConnection) -> Rows:
    """The rows of a store."""
    tables = object_tables()
    rows = Rows(connection, tables, lambda one: stored(one.versions), "event_no", EVENTS)
    filled = [one for one in rows.tables if rows.run(f"SELECT 1 FROM {rows.name_of(one)} LIMIT 1")]
    return replace(rows, tables=filled)


def find_own(
    rows: Rows, *, visits: Sequence[str], unknown: Sequence[int], marked: Sequence[str] = ()
) -> None:
    """Write down which objects are theirs (``own_objects``), and all their rows (``own_rows``).

    ``visits`` are appointments, ``unknown`` the keys of objects that the contract does not know,
    ``marked`` the ids of objects that were theirs before.
    """
    of_ids = "SELECT object_type, object_id FROM {events} WHERE object_id IS NOT NULL AND {which}"
    which = (
        f"{rows.key} IN (SELECT unnest($unknown::BIGINT[]))"
        " OR object_id IN (SELECT unnest($marked::VARCHAR[]))"
        " OR object_id IN (SELECT spelling FROM named WHERE by_words)"
    )
    rows.run(
        "CREATE OR REPLACE TEMP TABLE own_objects AS "
        f"SELECT object_type, object_id FROM ({owned(rows)}) WHERE object_id IS NOT NULL "
        f"UNION {of_ids.format(events=rows.events, which=which)} "
        "UNION SELECT 'appointment', unnest($visits::VARCHAR[])",
        visits=list(visits),
        unknown=list(unknown),
        marked=list(marked),
    )
    rows.run(
        f"CREATE OR REPLACE TEMP TABLE own_rows AS {_rows_of_objects(rows)} "
        f"UNION SELECT unnest($unknown::BIGINT[]) "
        f"UNION SELECT e.{rows.key} FROM {rows.events} AS e JOIN named AS n ON n.by_words "
        "AND n.spelling IN (e.event_id, e.event, e.event_sent, e.object_type)",
        unknown=list(unknown),
    )


def _rows_of_objects(rows: Rows) -> str:
    return (
        f"SELECT e.{rows.key} FROM {rows.events} AS e JOIN own_objects AS o "
        "ON o.object_type = e.object_type AND o.object_id = e.object_id"
    )


def own_threads(rows: Rows) -> list[str]:
    """The threads of messages that are theirs."""
    if (messages := rows.named("messages")) is None:
        return []
    found = rows.run(
        f"SELECT DISTINCT {THREAD} AS thread FROM {messages} WHERE {THREAD} IS NOT NULL "
        f"AND {rows.key} IN (SELECT {rows.key} FROM own_rows) ORDER BY thread"
    )
    return [thread for (thread,) in found]


def find_touched(rows: Rows, threads: Sequence[str], visits: Sequence[str]) -> None:
    """Write down the rows of others in what they shared: ``touched_rows``."""
    for table, ids in (("shared_threads", threads), ("shared_visits", visits)):
        unnested = "SELECT unnest($ids::VARCHAR[]) AS id"
        rows.run(f"CREATE OR REPLACE TEMP TABLE {table} AS {unnested}", ids=list(ids))
    rows.run(f"CREATE OR REPLACE TEMP TABLE touched_rows AS {touched(rows)}")


def empty_extras(rows: Rows) -> int:
    """Empty unknown values beside the objects that they shared."""
    return rows.change(
        f"UPDATE {rows.events} SET extra = {EMPTIED_EXTRA} WHERE extra IS NOT NULL "
        f"AND {rows.key} IN (SELECT {rows.key} FROM touched_rows)"
    )


def strip_extras(rows: Rows) -> int:
    """Take them out of what is kept beside the objects of events; returns how many changed."""
    n = rows.change(
        f"UPDATE {rows.events} SET extra = CAST(n.rest AS JSON) FROM named AS n "
        "WHERE n.by_words AND n.spelling = CAST(extra AS VARCHAR)"
    )
    return n + empty_extras(rows)


def end_lines(rows: Rows) -> int:
    """Let the lines that reported ``own_rows`` end as forgotten, by their place alone."""
    which = "event_no IN (SELECT event_no FROM own_rows)"
    for logging in log_only_lines(which):
        rows.run(logging)
    of_them = f"event_id IN (SELECT event_id FROM {EVENTS} WHERE {which})"
    rows.run(
        f"DELETE FROM quarantine AS q USING {LINES} AS d WHERE d.{of_them} "
        f"AND {same_line('q', 'd')}"
    )
    rows.run(
        "INSERT INTO quarantine SELECT load_id, file, line, byte_offset, byte_length, NULL, "
        f"'forgotten', $errors, NULL, NULL FROM {LINES} WHERE {of_them}",
        errors=FORGOTTEN.errors,
    )
    return rows.change(
        f"UPDATE {LINES} SET event_id = NULL, ended = 'quarantined', code = 'forgotten', "
        f"body_digest = NULL, conflict_rank = NULL WHERE {of_them}"
    )


def remove_rows(rows: Rows) -> dict[str, int]:
    """Delete ``own_rows`` of a store from all tables; returns how many of each that had some."""
    found: dict[str, int] = {}
    names = [table.versions for table in rows.tables]
    which = "event_no IN (SELECT event_no FROM own_rows)"
    of_them = {"other_objects": f"event_id IN (SELECT event_id FROM {EVENTS} WHERE {which})"}
    for name in (*names, "other_objects", "events"):
        if n := rows.change(f"DELETE FROM {stored(name)} WHERE {of_them.get(name, which)}"):
            found[name] = n
    return found


def remove_objects(rows: Rows, objects: Sequence[tuple[str, str]]) -> tuple[int, list[str]]:
    """Remove all versions of some objects from a store, given by type and id.

    Returns how many lines now end as forgotten, and the threads of the messages among them.
    """
    rows.run(
        "CREATE OR REPLACE TEMP TABLE own_objects AS SELECT "
        "unnest($types::VARCHAR[]) AS object_type, unnest($ids::VARCHAR[]) AS object_id",
        types=[one for one, _ in objects],
        ids=[one for _, one in objects],
    )
    rows.run(f"CREATE OR REPLACE TEMP TABLE own_rows AS {_rows_of_objects(rows)}")
    threads = own_threads(rows)
    n = end_lines(rows)
    if n:
        remove_rows(rows)
    return n, threads


def drop_tables(rows: Rows) -> None:
    """Drop what this module wrote beside some rows."""
    for table in TABLES:
        rows.run(f"DROP TABLE IF EXISTS temp.{table}")
