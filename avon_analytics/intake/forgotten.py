"""Keeping forgotten people out of what a later load stores."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

import duckdb

from avon_analytics.intake.flatten import rows_table
from avon_analytics.intake.judge import verdict
from avon_analytics.intake.marks import Marks
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.traces import (
    NAMES_ID,
    THREAD,
    TOKENS,
    Rows,
    ids_of,
    own,
    people_in,
    strip,
    touched,
)
from avon_analytics.store.tables import ObjectTable

FORGOTTEN = verdict("forgotten", "the person was forgotten on request; nothing of the line is kept")

# People who are no patients: staff, members of care teams, those who only care for somebody.
OTHERS = """
    SELECT id FROM providers_versions UNION SELECT id FROM supports_versions
    UNION SELECT id FROM care_team_members_versions WHERE id IS NOT NULL
    UNION SELECT id FROM people_versions WHERE caregiver_only
"""


def leave_out(
    store: duckdb.DuckDBPyConnection, stage: Stage, tables: list[ObjectTable], marks: Marks
) -> None:
    """Refuse the lines of a batch that are about forgotten people alone; strip the others."""
    rows = Rows(stage.run, tables, rows_table, "nth")
    stage.run(NAMES_ID)
    people = marks.among(stage.run, _ids_in(rows), "person")
    objects = marks.among(
        stage.run, "SELECT object_id AS id FROM tellings WHERE object_id IS NOT NULL", "object"
    )
    threads: list[str] = []
    if (messages := rows.named("messages")) is not None:
        wanted = f"SELECT {THREAD} AS id FROM {messages} WHERE {THREAD} IS NOT NULL"
        threads = marks.among(stage.run, wanted, "thread")
    if not (people or objects or threads):
        return
    _say(stage, "persons", people)
    _say(stage, "marked_objects", objects)
    others = [one for (one,) in store.execute(OTHERS).fetchall()]
    for name, condition in (
        ("providers", "true"),
        ("supports", "true"),
        ("care_team_members", "id IS NOT NULL"),
        ("patients", "caregiver_only"),
    ):
        if (here := rows.named(name)) is not None:
            others += [one for (one,) in stage.run(f"SELECT id FROM {here} WHERE {condition}")]
    _say(stage, "others", others)
    _refuse(store, stage, rows, marks, people)
    _say(stage, "marked_threads", threads)
    stage.run(
        "CREATE OR REPLACE TEMP TABLE touched_rows AS "
        + touched(rows, "SELECT id FROM marked_threads")
    )
    for _ in strip(rows, [spelled for one in people for spelled in ids_of(one)]):
        pass


def _say(stage: Stage, table: str, ids: list[str]) -> None:
    unnested = "SELECT unnest($ids::VARCHAR[]) AS id"
    stage.run(f"CREATE OR REPLACE TEMP TABLE {table} AS {unnested}", ids=ids)


def _ids_in(rows: Rows) -> str:
    """SQL for everything in a batch that may be a person's id, with its prefix."""
    found = [
        f"SELECT unnest(regexp_extract_all(body, '{TOKENS}')) AS token FROM arrivals "
        "WHERE nth NOT IN (SELECT nth FROM verdicts)"
    ]
    for table in rows.tables:
        found += [f'SELECT "{f.name}" FROM {rows.name_of(table)}' for f in people_in(table)]
    return (
        "SELECT DISTINCT as_id(token, 'user') AS id FROM ("
        + " UNION ALL ".join(found)
        + ") WHERE length(token) < 200"
    )


def _refuse(
    store: duckdb.DuckDBPyConnection, stage: Stage, rows: Rows, marks: Marks, people: list[str]
) -> None:
    known: list[str] = []
    if (visits := rows.named("appointments")) is not None:
        here = [one for (one,) in stage.run(f"SELECT DISTINCT id FROM {visits}")]
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
    _say(stage, "shared_visits", known)
    with_others = _with_others(rows)
    lines = stage.run(
        f"""SELECT nth FROM tellings AS t WHERE nth IN (
            {own(rows, "SELECT id FROM shared_visits")}
            UNION SELECT nth FROM tellings WHERE object_id IN (SELECT id FROM marked_objects)
                AND nth NOT IN ({with_others})
            UNION SELECT nth FROM unread WHERE names_id(body, $ids)
        ) ORDER BY nth""",
        ids=[spelled for one in people for spelled in ids_of(one)],
    )
    numbers = [nth for (nth,) in lines]
    theirs = "FROM tellings WHERE nth IN (SELECT unnest($n::BIGINT[]))"
    told = stage.run(f"SELECT DISTINCT object_id {theirs} AND object_id IS NOT NULL", n=numbers)
    marks.add("object", [one for (one,) in told if one not in people])
    stage.refuse([(nth, FORGOTTEN, None) for nth in numbers])
    stage.run("DELETE FROM tellings WHERE nth IN (SELECT unnest($n::BIGINT[]))", n=numbers)


def _with_others(rows: Rows) -> str:
    """SQL for the lines about a visit in which another patient takes part."""
    visits, attendees = rows.named("appointments"), rows.named("appointment_attendees")
    if visits is None or attendees is None:
        return "SELECT NULL WHERE false"
    return f"""SELECT v.nth FROM {visits} AS v JOIN {attendees} AS a ON a.nth = v.nth
        WHERE a.attendee IS DISTINCT FROM v.host AND NOT coalesce(a.is_observer, false)
          AND a.attendee NOT IN (SELECT id FROM persons)
          AND a.attendee NOT IN (SELECT id FROM others)"""


# -- lines that are kept as bytes -------------------------------------------------------------

_TOKEN = re.compile(TOKENS)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CONTROL = re.compile(r"\\+[nrtbf]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}")


def texts_in(content: bytes) -> Iterator[str]:
    """A line as text, and what stands in it escaped or as base64; it need not be whole."""
    text = content.decode("utf-8", "replace")
    yield from _unescaped(text)
    for run in _BASE64.findall(text):
        try:
            decoded = base64.b64decode(run[: len(run) // 4 * 4])
        except (binascii.Error, ValueError):
            continue
        yield from _unescaped(decoded.decode("utf-8", "replace"))


def _unescaped(text: str) -> Iterator[str]:
    text = _CONTROL.sub(" ", text)
    yield text
    if "\\u" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def tokens_in(content: bytes) -> set[str]:
    """All words of a line that may be ids."""
    return {token for text in texts_in(content) for token in _TOKEN.findall(text)}
