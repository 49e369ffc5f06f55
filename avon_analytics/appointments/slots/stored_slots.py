"""The slots that a large store keeps in tables of its own, and how they grow with what is new.

Kept are the facts as of the newest event; what hangs on when T is, is decided when they are read.
With them stands the state that they were computed from. After a load, only the appointments are
computed anew that its events touch: their own, and those of persons whose record, role or zone it
says. They are computed by the same steps, from small temporary tables with the names of the
store's, that hold these appointments and their people alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from weakref import WeakKeyDictionary
from zlib import crc32

import duckdb

from avon_analytics.appointments.slots import derived, steps, stored_hours, stored_questions
from avon_analytics.appointments.slots.queries import sql, taken_by, without_comments
from avon_analytics.appointments.slots.steps import STEPS, Settings, micros_of, text_of
from avon_analytics.store.database import Database
from avon_analytics.store.derived import TABLES, drop_derived
from avon_analytics.store.found_rows import rows_where
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import quote
from avon_analytics.store.settings import set_setting, setting
from avon_analytics.store.slim import list_rows, stored
from avon_analytics.store.tables import object_tables, stored_tables

FROM = 100_000  # from how many events on a store keeps its slots; below, computing is quick
FACTS = ("store.kept_slots", "store.kept_lifecycle")
# What is computed of all slots and kept, too; the first two grow patient by patient.
_OF_PATIENTS = ("follow_up", "after_visits")
DERIVED_KEPT = (*_OF_PATIENTS, "session_hours", "patient_records", "questions")
# From which part of all appointments on, if they are not few, all are computed anew.
MOST = 0.2
_FEW = 1000
_CONTENT = """
SELECT
    (SELECT max(load_id) FROM loads WHERE lines IS DISTINCT FROM 0),
    (SELECT epoch_us(max(loaded_at)) FROM loads WHERE lines IS DISTINCT FROM 0),
    (SELECT count(*) FROM events),
    (SELECT string_agg(value, ',' ORDER BY name) FROM settings
        WHERE name IN ('generation', 'n_forgotten'))
"""
_STATE = "kept_slots"  # the name of the setting that says what they were computed from
_N_LOADED = "SELECT count(*) FROM deliveries WHERE load_id > $through AND ended = 'loaded'"
Content = tuple[object, ...]

# What of the store's tables is needed to compute some appointments, and the people in them.
_OF_APPOINTMENTS = {
    "appointments_versions": "id",
    "appointment_attendees_versions": "appointment_id",
    "appointment_status_history_versions": "appointment_id",
    "appointment_recurrence_rules_versions": "appointment_id",
}
_OF_PEOPLE = {
    "people_versions": "id",
    "patient_addresses_versions": "patient_id",
    "patient_medical_centers_versions": "patient_id",
    "patient_caregivers_versions": "patient_id",
    "patient_dependents_versions": "id",
    "patient_care_team_members_versions": "id",
    "care_team_members_versions": "id",
    "providers_versions": "id",
    "supports_versions": "id",
}
# What loads touched; and with whom, in what is computed anew.
_TOUCHED = ("touched_objects", "touched_persons", "touched_appointments")
_STEPS = (*_TOUCHED, "people_of_touched", "touched_patients")


@dataclass(frozen=True, slots=True)
class State:
    """What kept slots were computed from: the store's content, T, and all else that matters."""

    content: list[object]
    as_of: int | None
    computed_with: list[object]

    @classmethod
    def of(cls, content: Content, settings: Settings) -> State:
        """The state of slots computed now."""
        as_of = None if settings.as_of is None else micros_of(settings.as_of)
        words = [list(pair) for pair in settings.words]
        return cls(list(content), as_of, [words, settings.time_zone, _check_sum()])

    def holds(self, content: Content, settings: Settings) -> bool:
        """Whether what is kept is what would be computed, but for grace and notice."""
        return self == State.of(content, settings)


def _check_sum() -> int:
    """Tells whether the SQL that computes what is kept is another one than it was."""
    later = (
        *_OF_PATIENTS,
        *derived.SESSION_STEPS,
        "session_hours",
        "patient_records",
        "slot_kinds",
        "landmark_facts",
        "questions",
    )
    texts = [*(text_of(step, {}) for step in STEPS), *map(sql, later)]
    return crc32(without_comments("".join(texts)).encode())


def content(connection: duckdb.DuckDBPyConnection) -> Content:
    """What changes whenever the store's events may have.

    A load that read a line adds a row to ``loads``; what else changes events raises ``generation``
    or, where people were forgotten, ``n_forgotten`` in ``settings``.
    """
    (row,) = run(connection, _CONTENT).fetchall()
    return tuple(row)


_known: WeakKeyDictionary[Database, tuple[object, Content]] = WeakKeyDictionary()


def content_now(database: Database) -> Content:
    """The content of a store that is being read; the engine is asked once while nobody writes."""
    with database.reading() as connection:
        moment, known = _known.get(database, (None, ()))
        if moment is not database.moments.now:
            known = content(connection)
            _known[database] = (database.moments.now, known)
        return known


def is_large(content: Content) -> bool:
    """Whether a store of this content keeps its slots."""
    return int(str(content[2])) >= FROM


def state(connection: duckdb.DuckDBPyConnection) -> State | None:
    """The state of what the store keeps, None where it keeps nothing."""
    text = setting(connection, _STATE)
    try:
        return State(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return None


def keep(
    connection: duckdb.DuckDBPyConnection,
    kept: Mapping[str, str],
    content: Content,
    settings: Settings,
) -> None:
    """Keep what these selects give in place of what was kept before.

    kept: for each of ``TABLES``, without ``kept_``, its rows; slots with what is known of their
    patients.
    """
    connection.execute("BEGIN")
    drop_derived(connection)
    for table in TABLES:
        rows = kept[table.removeprefix("kept_")]
        connection.execute(f"CREATE TABLE {table} AS {rows}")
    set_setting(connection, _STATE, json.dumps(asdict(State.of(content, settings))))
    connection.execute("COMMIT")


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep nothing any more."""
    connection.execute("BEGIN")
    drop_derived(connection)
    connection.execute("COMMIT")


def grow(
    connection: duckdb.DuckDBPyConnection,
    state: State,
    content: Content,
    settings: Settings,
) -> bool:
    """Bring what is kept up to date with the loads since; returns whether that could be done.

    It cannot where T is earlier than it was, where something else than loads changed events, or
    where a good part of all appointments is touched.
    """
    now = State.of(content, settings)
    if not _follows(connection, state, now):
        return False
    bound = {"through": state.content[0], "before": state.as_of, "now": now.as_of}
    facts = ("slot_facts_new", "lifecycle_facts_new")
    try:
        for step in _TOUCHED:
            _make(connection, step, sql(step), bound)
        n_touched, n_kept = _counts(connection)
        if n_touched > max(MOST * n_kept, _FEW):
            return False
        if n_touched:
            _compute(connection, settings, facts)
        connection.execute("BEGIN")
        if n_touched:
            _replace(connection, facts, settings)
        else:
            _make(connection, "touched_patients", "SELECT patient_id FROM kept_slots LIMIT 0", {})
        stored_hours.grow_hours(
            connection, settings, FACTS, {"before": state.as_of, "now": now.as_of}
        )
        stored_questions.grow_questions(connection, settings, FACTS[0], now.as_of)
        set_setting(connection, _STATE, json.dumps(asdict(now)))
        connection.execute("COMMIT")
    finally:
        _forget(connection, *_STEPS, *facts, "their_slots")
    return True


def _compute(
    connection: duckdb.DuckDBPyConnection, settings: Settings, facts: tuple[str, str]
) -> None:
    """Compute the facts of the appointments that are touched, from what is known of them."""
    try:
        for table, key in _OF_APPOINTMENTS.items():
            _make(
                connection,
                table,
                _part_of(table, key, "touched_appointments", "appointment_id"),
                {},
            )
        _make(connection, "people_of_touched", sql("people_of_touched"), {})
        for table, key in _OF_PEOPLE.items():
            _make(connection, table, _part_of(table, key, "people_of_touched", "person_id"), {})
        steps.compute(connection, settings, facts)
    finally:
        _forget(connection, *_OF_APPOINTMENTS, *_OF_PEOPLE)


def _forget(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        run(connection, f"DROP TABLE IF EXISTS temp.{table}")


def _follows(connection: duckdb.DuckDBPyConnection, state: State, now: State) -> bool:
    """Whether loads alone lead from one state to another, and what they brought is in the log.

    Where another content of a known event won, its object is computed anew; that is enough unless
    others hang on what the event said.
    """
    if state.computed_with != now.computed_with or state.content[3] != now.content[3]:
        return False
    if state.as_of is None or now.as_of is None or now.as_of < state.as_of:
        return False
    since = {"through": state.content[0]}
    ((n_loaded,),) = run(connection, _N_LOADED, since).fetchall()
    n_replaced = n_loaded - (int(str(now.content[2])) - int(str(state.content[2])))
    if n_replaced == 0:
        return True
    found = run(connection, sql("replaced_events"), since).fetchall()
    return len(found) == n_replaced and _types_others_need().isdisjoint(kind for _, kind in found)


@cache
def _types_others_need() -> frozenset[str]:
    """The types of objects of which an event tells what slots of other objects hang on.

    What such an event said before another content of it won is gone: who was listed as staff, or
    stood in a thread.
    """
    tables = {*_OF_PEOPLE, "messages_versions"}
    return frozenset(table.object_type for table in object_tables() if table.versions in tables)


def _counts(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many appointments are touched, and how many are kept."""
    ((n_touched, n_kept),) = connection.execute(
        "SELECT (SELECT count(*) FROM touched_appointments), (SELECT count(*) FROM kept_lifecycle)"
    ).fetchall()
    return n_touched, n_kept


def _make(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, bound: dict[str, object]
) -> None:
    run(connection, f"CREATE OR REPLACE TEMP TABLE {table} AS {text}", taken_by(text, bound))


def _part_of(versions: str, key: str, part: str, name: str) -> str:
    """The rows of a table of the store's that are about some appointments or people."""
    columns, these = _columns_read(versions), f"IN (SELECT {name} FROM {part})"
    (table,) = (one for one in object_tables() if one.versions == versions)
    rows = f"store.{stored(versions)}"
    if table.parent is None:
        return rows_where(rows, f"{key} {these}", ", ".join(map(quote, columns)))
    of = f"store.{stored(table.parent.versions)}"
    if key == table.parent_id:
        of_these = rows_where(of, f"id {these}")
        items = rows_where(rows, "event_no IN (SELECT event_no FROM of_these)")
        return f"WITH of_these AS MATERIALIZED ({of_these}) " + list_rows(
            table, f"({items})", "of_these", columns
        )
    items = rows_where(rows, f"{key} {these}")
    of_items = rows_where(of, "event_no IN (SELECT event_no FROM items)")
    return f"WITH items AS MATERIALIZED ({items}) " + list_rows(
        table, "items", f"({of_items})", columns
    )


@cache
def _columns_read(table: str) -> tuple[str, ...]:
    """The columns of a table that some step may read."""
    read = set(re.findall(r"\w+", " ".join(text_of(step, {}) for step in STEPS)))
    return tuple(column.name for column in stored_tables()[table] if column.name in read)


def _replace(
    connection: duckdb.DuckDBPyConnection, facts: tuple[str, str], settings: Settings
) -> None:
    """Put new facts in the place of those kept, and what is known of their patients."""
    _make(connection, "touched_patients", sql("touched_patients"), {})
    slots = derived.slot_kinds(f"SELECT * FROM temp.{facts[0]}")
    for table, text in zip(FACTS, (slots, f"SELECT * FROM temp.{facts[1]}"), strict=True):
        connection.execute(
            f"DELETE FROM {table} "
            "WHERE appointment_id IN (SELECT appointment_id FROM touched_appointments)"
        )
        connection.execute(f"INSERT INTO {table} BY NAME {text}")
    theirs = "patient_id IN (SELECT patient_id FROM touched_patients)"
    _make(connection, "their_slots", rows_where(FACTS[0], theirs, "*, rowid AS place"), {})
    for table in (*_OF_PATIENTS, "patient_records"):
        some = derived.counted_slots("their_slots", table, include_internal=False)
        text = derived.text_of(table, some)
        connection.execute(f"DELETE FROM store.kept_{table} WHERE {theirs}")
        connection.execute(
            f"INSERT INTO store.kept_{table} {text}", taken_by(text, settings.parameters)
        )
    marked = derived.landmark_facts(
        "SELECT * EXCLUDE (kind, ended, patient_created_at, returning_at) FROM their_slots",
        f"SELECT * FROM store.kept_patient_records WHERE {theirs}",
    )
    connection.execute(
        f"UPDATE {FACTS[0]} AS s SET patient_created_at = m.patient_created_at, "
        f"returning_at = m.returning_at FROM ({marked}) AS m WHERE s.rowid = m.place"
    )
