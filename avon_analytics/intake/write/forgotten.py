"""Keeping forgotten people out of what a later load stores.

The seam to the loader is small: `Tombstones.people_in` tells which forgotten people some texts
name, in any spelling, and a `PersonSearch` of these ids tells what is left of a row, an object or a
line. A later load knows a person by their id alone: a name can be guessed from any digest of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import duckdb

from avon_analytics.intake.read.faults import verdict
from avon_analytics.intake.write.flatten import rows_table
from avon_analytics.intake.write.person_rows import (
    THREAD,
    Rows,
    empty_threads,
    find,
    own,
    strip,
    threads_of,
    touched,
)
from avon_analytics.intake.write.person_search import PersonSearch
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.tombstones import Tombstones
from avon_analytics.store.tables import ObjectTable

FORGOTTEN = verdict("forgotten", "the person was forgotten on request; nothing of the line is kept")

# People who are no patients: staff, members of care teams, those who only care for somebody.
OTHERS = """
    SELECT id FROM providers_versions UNION SELECT id FROM supports_versions
    UNION SELECT id FROM care_team_members_versions WHERE id IS NOT NULL
    UNION SELECT id FROM people_versions WHERE caregiver_only
"""


def leave_out(
    store: duckdb.DuckDBPyConnection,
    staging: Staging,
    tables: list[ObjectTable],
    tombstones: Tombstones,
) -> None:
    """Refuse the lines of a batch that are about forgotten people alone; strip the others."""
    rows = Rows(staging.run, _texts(staging), tables, rows_table, "nth")
    sought = PersonSearch(frozenset(tombstones.people_in(_texts(staging)(_STRINGS))))
    people = sought.bare_ids
    objects = tombstones.among(
        staging.run, "SELECT object_id AS id FROM event_lines WHERE object_id IS NOT NULL", "object"
    )
    threads: list[str] = []
    if (messages := rows.named("messages")) is not None:
        wanted = f"SELECT {THREAD} AS id FROM {messages} WHERE {THREAD} IS NOT NULL"
        threads = tombstones.among(staging.run, wanted, "thread")
    if not (people or objects or threads):
        return
    found_in = find(rows, sought, _BESIDE)
    _say(staging, "marked_objects", objects)
    others = [one for (one,) in store.execute(OTHERS).fetchall()]
    for name, condition in (
        ("providers", "true"),
        ("supports", "true"),
        ("care_team_members", "id IS NOT NULL"),
        ("patients", "caregiver_only"),
    ):
        if (here := rows.named(name)) is not None:
            others += [one for (one,) in staging.run(f"SELECT id FROM {here} WHERE {condition}")]
    _say(staging, "others", others)
    own_threads = [one for (one,) in staging.run(threads_of(rows))]
    if tombstones.add("thread", own_threads):
        empty_threads(store, own_threads)
    _refuse(store, staging, rows, tombstones, sought)
    _say(staging, "marked_threads", [*threads, *own_threads])
    staging.run(
        "CREATE OR REPLACE TEMP TABLE touched_rows AS "
        + touched(rows, "SELECT id FROM marked_threads")
    )
    for _ in strip(rows, sought, found_in):
        pass
    _strip_beside(staging, sought)


def _texts(staging: Staging) -> Callable[[str], Iterator[str]]:
    def texts(query: str) -> Iterator[str]:
        found = staging.connection.execute(query)
        while part := found.fetchmany(10_000):
            yield from (text for (text,) in part)

    return texts


# Every key and every text of the bodies that are trusted, escaped as they are.
_STRINGS = r"""SELECT DISTINCT unnest(regexp_extract_all(body, '"(?:[^"\\]|\\.)*"')) AS text
    FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts)"""
_BESIDE = (
    "SELECT CAST(body AS VARCHAR) AS t FROM unread",
    "SELECT CAST(extra AS VARCHAR) AS t FROM event_lines",
    "SELECT unnest([event_id, event, event_sent, object_type, object_id]) AS t FROM event_lines",
)


def _strip_beside(staging: Staging, sought: PersonSearch) -> None:
    """Take them out of what is kept of events, and of types that the contract knows not."""
    staging.run(
        "UPDATE event_lines SET extra = CAST(n.rest AS JSON) FROM named AS n "
        "WHERE n.by_words AND n.spelling = CAST(extra AS VARCHAR)"
    )
    unread = staging.run(
        "SELECT u.nth, u.body FROM unread AS u JOIN named AS n "
        "ON n.by_words AND n.spelling = CAST(u.body AS VARCHAR)"
    )
    for nth, body in unread:
        unread_event = json.loads(body)
        unread_event["object"] = sought.without(unread_event["object"])
        staging.run(
            "UPDATE unread SET body = $body WHERE nth = $nth",
            body=json.dumps(unread_event),
            nth=nth,
        )


def _say(staging: Staging, table: str, ids: list[str]) -> None:
    unnested = "SELECT unnest($ids::VARCHAR[]) AS id"
    staging.run(f"CREATE OR REPLACE TEMP TABLE {table} AS {unnested}", ids=ids)


def _refuse(
    store: duckdb.DuckDBPyConnection,
    staging: Staging,
    rows: Rows,
    tombstones: Tombstones,
    sought: PersonSearch,
) -> None:
    known: list[str] = []
    if (visits := rows.named("appointments")) is not None:
        here = [one for (one,) in staging.run(f"SELECT DISTINCT id FROM {visits}")]
        known = [
            one
            for (one,) in store.execute(
                f"""SELECT DISTINCT v.id FROM appointments_versions AS v
                JOIN appointment_attendees_versions AS a ON a.event_id = v.event_id
                WHERE v.id IN (SELECT unnest($ids)) AND a.attendee IS DISTINCT FROM v.host
                  AND NOT coalesce(a.is_observer, false) AND a.attendee NOT IN ({OTHERS})""",
                {"ids": here},
            ).fetchall()
        ]
    _say(staging, "shared_visits", known)
    with_others = _with_others(rows)
    lines = staging.run(
        f"""SELECT nth FROM event_lines AS t WHERE nth IN (
            {own(rows, "SELECT id FROM shared_visits")}
            UNION SELECT nth FROM event_lines WHERE object_id IN (SELECT id FROM marked_objects)
                AND nth NOT IN ({with_others})
            UNION SELECT t.nth FROM event_lines AS t JOIN named AS n ON n.by_words
                AND n.spelling IN (t.event_id, t.event, t.event_sent, t.object_type, t.object_id)
        ) ORDER BY nth"""
    )
    unread = staging.run(
        "SELECT u.nth, u.body FROM unread AS u JOIN named AS n "
        "ON n.by_id AND n.spelling = CAST(u.body AS VARCHAR)"
    )
    theirs = {nth for nth, body in unread if sought.owns(json.loads(body).get("object"))}
    numbers = sorted({nth for (nth,) in lines} | theirs)
    objects = staging.run(
        "SELECT DISTINCT object_id FROM event_lines WHERE nth IN (SELECT unnest($n::BIGINT[])) "
        "AND object_id IS NOT NULL AND object_id NOT IN (SELECT id FROM persons)",
        n=numbers,
    )
    tombstones.add("object", [one for (one,) in objects])
    staging.refuse([(nth, FORGOTTEN, None) for nth in numbers])
    staging.run("DELETE FROM event_lines WHERE nth IN (SELECT unnest($n::BIGINT[]))", n=numbers)


def _with_others(rows: Rows) -> str:
    """SQL for the lines about a visit in which another patient takes part."""
    visits, attendees = rows.named("appointments"), rows.named("appointment_attendees")
    if visits is None or attendees is None:
        return "SELECT NULL WHERE false"
    return f"""SELECT v.nth FROM {visits} AS v JOIN {attendees} AS a ON a.nth = v.nth
        WHERE a.attendee IS DISTINCT FROM v.host AND NOT coalesce(a.is_observer, false)
          AND a.attendee NOT IN (SELECT id FROM persons)
          AND a.attendee NOT IN (SELECT id FROM others)"""
