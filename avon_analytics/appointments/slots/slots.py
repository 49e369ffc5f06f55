"""The slots and the lifecycle of a store as of an instant, computed once and kept.

A large store keeps what it computed for its default instant in tables of its own (``kept``), so
that the first figure of a new process does not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from weakref import WeakKeyDictionary

import duckdb

from avon_analytics.appointments.slots import steps, stored_slots
from avon_analytics.appointments.slots.derived import (
    DERIVED,
    fill,
    landmark_facts,
    landmarks_of_facts,
    visits_of_records,
)
from avon_analytics.appointments.slots.queries import create_macros, sql, with_constants
from avon_analytics.appointments.slots.statuses import status_words
from avon_analytics.appointments.slots.steps import SHOWN, STEPS, Settings, text_of
from avon_analytics.errors import StoreError
from avon_analytics.store.connection import Session
from avon_analytics.store.database import Database
from avon_analytics.store.memory import COMPUTING_SLOTS
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import literal

KNOWN = 4  # how many computations a database keeps in memory: as of now, and a few looks back


@dataclass(frozen=True, slots=True)
class Computed:
    """The names of the temporary views that show one computation, and what holds it.

    ``facts`` are temporary tables, none where the store keeps them. ``shown`` are the names of
    those of ``DERIVED`` that are views of what the store keeps; others are tables, made when first
    asked for.
    """

    slots: str
    lifecycle: str
    facts: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def name_of(self, table: str, *, include_internal: bool = False) -> str:
        """The name of ``slots``, ``lifecycle``, or of one of ``DERIVED``, whether it is there or
        not: with internal meetings it is another one."""
        if table in SHOWN:
            return {"slots": self.slots, "lifecycle": self.lifecycle}[table]
        is_apart = include_internal and not DERIVED[table].has_internal
        return f"{self.slots}_{table}{'_internal' if is_apart else ''}"

    @property
    def derived(self) -> tuple[str, ...]:
        """The names of all of ``DERIVED``."""
        both = (False, True)
        names = (self.name_of(one, include_internal=has) for one in DERIVED for has in both)
        return tuple(dict.fromkeys(names))


_USUAL_HOURS = 24.0
_Key = tuple[object, Settings]
_known: WeakKeyDictionary[Session, dict[_Key, Computed]] = WeakKeyDictionary()
_newest: WeakKeyDictionary[Database, tuple[stored_slots.Content, datetime]] = WeakKeyDictionary()
_numbers = count(1)


def default_as_of(database: Database) -> datetime | None:
    """The instant that figures are as of unless asked otherwise; None in a store without events.

    It is the newest ``occurred_at`` that is not more than 24 h after its own receipt, sought once
    for as long as the store holds the same. Raises StoreError where there are events and none of
    them is.
    """
    with database.reading() as connection:
        content = stored_slots.content_now(database)
        known = _newest.get(database)
        if known is not None and known[0] == content:
            return known[1]
        create_macros(connection)
        # As microseconds: the engine's own instants want another package on their way to Python.
        text = f"SELECT epoch_us(as_of) FROM ({sql('default_as_of')})"
        ((micros,),) = run(connection, text).fetchall()
        ((n_events,),) = run(connection, "SELECT count(*) FROM events").fetchall()
    found = newest_instant(micros, n_events)
    if found is not None:
        _newest[database] = (content, found)
    return found


def newest_instant(micros: int | None, n_events: int) -> datetime | None:
    """What an engine found as the default instant; raises StoreError as ``default_as_of`` does."""
    if micros is not None:
        return from_micros(micros)
    if n_events:
        events = "its only event says" if n_events == 1 else f"each of {n_events:,} events says"
        raise StoreError(
            f"the store has no instant up to which to count: {events} that it happened more than "
            "24 hours after it was received. Look at received_at in the table events (seconds that "
            "were taken for milliseconds?), or give an instant (--as-of, as_of=)"
        )
    return None


def from_micros(micros: int) -> datetime:
    """The instant that many microseconds after 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def usual_settings(database: Database, as_of: datetime | None = None) -> Settings:
    """The settings of a cohort about which nothing else was said."""
    return Settings(
        as_of=as_of or default_as_of(database),
        grace_hours=_USUAL_HOURS,
        late_hours=_USUAL_HOURS,
        words=tuple(status_words().items()),
        time_zone=database.time_zone,
    )


def is_usual(settings: Settings) -> bool:
    """Whether grace and notice are those about which nothing was said."""
    hours = (settings.grace_hours, settings.late_hours)
    return hours == (_USUAL_HOURS, _USUAL_HOURS) and not settings.is_same_day


def computed(database: Database, settings: Settings) -> Computed:
    """The slots and lifecycle of a store under these settings, computed unless they are kept.

    What is kept is dropped as soon as the store's content has changed.
    """
    with database.reading() as connection:
        known = _known.setdefault(database.session, {})
        content = stored_slots.content_now(database)
        for old in [key for key in known if key[0] != content]:
            _drop(connection, known.pop(old))
        key = (content, settings)
        if key not in known:
            while len(known) >= KNOWN:
                _drop(connection, known.pop(next(iter(known))))
            create_macros(connection)
            known[key] = _made(connection, content, settings)
        return known[key]


def _made(
    connection: duckdb.DuckDBPyConnection, content: stored_slots.Content, settings: Settings
) -> Computed:
    number = next(_numbers)
    views = (f"slots_{number}", f"lifecycle_{number}")
    made = Computed(f"temp.{views[0]}", f"temp.{views[1]}")
    state = stored_slots.state(connection)
    if state is not None and state.holds(content, settings):
        steps.show(connection, settings, stored_slots.FACTS, views)
        return replace(made, shown=_show_kept(connection, made, settings))
    facts = (f"slot_facts_{number}", f"lifecycle_facts_{number}")
    steps.compute(connection, settings, facts)
    facts = (f"temp.{facts[0]}", f"temp.{facts[1]}")
    steps.show(connection, settings, facts, views)
    return replace(made, facts=facts)


def _show_kept(
    connection: duckdb.DuckDBPyConnection, made: Computed, settings: Settings
) -> tuple[str, ...]:
    """Make views of what the store keeps of ``DERIVED``, as far as it holds for these settings."""
    kept = {
        "follow_up": "SELECT * FROM store.kept_follow_up",
        "after_visits": "SELECT * FROM store.kept_after_visits",
        "questions": "SELECT * FROM store.kept_questions",
        "patient_visits": visits_of_records("SELECT * FROM store.kept_patient_records"),
        "landmarks": landmarks_of_facts("SELECT * FROM store.kept_slots"),
    }
    if is_usual(settings):
        kept["session_hours"] = "SELECT * FROM store.kept_session_hours"
    views = {made.name_of(table): text for table, text in kept.items()}
    for name, text in views.items():
        view = name.removeprefix("temp.")
        shown = with_constants(text, settings.constants)
        connection.execute(f"CREATE TEMP VIEW {view} AS {shown}")
    return tuple(views)


def _drop(connection: duckdb.DuckDBPyConnection, made: Computed) -> None:
    for view in (made.slots, made.lifecycle, *made.shown):
        connection.execute(f"DROP VIEW IF EXISTS {view}")
    for table in (*made.facts, *(name for name in made.derived if name not in made.shown)):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def keep_slots(database: Database, n_events: int | None = None) -> bool:
    """Leave slots and lifecycle in a large store, for its default instant.

    To be called after whatever changed the store's events. Of what was kept before, the
    appointments that later loads touch are computed anew; all of it where that is not enough. A
    store of fewer than ``stored_slots.FROM`` events keeps nothing. Where the store cannot be
    written just now, or memory does not suffice, figures compute what they need by themselves.

    n_events: how many events the store holds, for who knows: a small one is not opened for nothing.

    Returns whether the store now keeps what a store of its size should.
    """
    if n_events is not None and n_events < stored_slots.FROM:
        return True
    try:
        with database.reading() as connection:
            content = stored_slots.content(connection)
            state = stored_slots.state(connection)
        if stored_slots.is_large(content):
            with database.bounded(COMPUTING_SLOTS):
                _keep(database, content, state)
        elif state is not None:
            with database.writing() as connection:
                stored_slots.drop(connection)
    except (StoreError, duckdb.Error):
        return False
    return True


def _keep(
    database: Database, content: stored_slots.Content, state: stored_slots.State | None
) -> None:
    settings = usual_settings(database)
    if state is not None:
        if state.holds(content, settings):
            return
        with database.writing() as connection:
            create_macros(connection)
            if stored_slots.grow(connection, state, content, settings):
                return
    made = computed(database, settings)
    derived = {table: made.name_of(table) for table in stored_slots.DERIVED_KEPT}
    with database.reading() as connection:
        for table, name in derived.items():
            fill(connection, table, name, made.slots, settings, include_internal=False)
    slots, lifecycle = made.facts
    kept = {
        "slots": landmark_facts(
            f"SELECT * FROM {slots}", f"SELECT * FROM {derived['patient_records']}"
        ),
        "lifecycle": f"SELECT * FROM {lifecycle}",
        **{table: f"SELECT * FROM {name}" for table, name in derived.items()},
    }
    with database.writing() as connection:
        stored_slots.keep(connection, kept, content, settings)


def install_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a store the views ``appointment_slots`` and ``appointment_lifecycle``.

    They hold what the figures count: all but internal appointments, as of the store's default
    instant, with 24 h of grace and of notice. The store must be attached for writing and in use;
    calling it again replaces the views.
    """
    create_macros(connection, in_store=True)
    before = [step for step in STEPS if step not in SHOWN]
    for view, shown in zip(("appointment_slots", "appointment_lifecycle"), SHOWN, strict=True):
        texts = ",\n".join(f"{step} AS (\n{_view_text(step)}\n)" for step in (*before, shown))
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS WITH {texts}\n"
            f"SELECT * FROM {shown} WHERE NOT internal"
        )


def count_shown(database: Database) -> dict[str, int]:
    """How many rows the views have that ``install_views`` made, from what figures read.

    Empty where there is no instant to count up to: the views themselves tell then.
    """
    with database.reading() as connection:
        try:
            settings = usual_settings(database)
        except StoreError:
            return {}
        made = computed(database, settings)
        ((n_slots, n_appointments),) = connection.execute(
            f"SELECT (SELECT count(*) FROM {made.slots} WHERE NOT internal), "
            f"(SELECT count(*) FROM {made.lifecycle} WHERE NOT internal)"
        ).fetchall()
    return {"appointment_slots": n_slots, "appointment_lifecycle": n_appointments}


def _view_text(step: str) -> str:
    if step != "slot_scope":
        as_of = "(SELECT as_of FROM slot_scope)"
        return with_constants(text_of(step, status_words()), {"as_of": as_of})
    return with_constants(
        sql(step),
        {
            "as_of": f"({sql('default_as_of')})",
            "grace_hours": "CAST(24 AS DOUBLE)",
            "late_hours": "CAST(24 AS DOUBLE)",
            "is_same_day": "false",
            "time_zone": f"(SELECT value FROM settings WHERE name = {literal('time_zone')})",
        },
    )
