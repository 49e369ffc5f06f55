"""The slots and the lifecycle of a store as of an instant, computed once and kept.

The steps are SQL texts, each one select that reads the steps before it by name. Here they are
run one after the other into temporary tables; in the store's views the same texts are the steps
of one ``WITH``. A large store keeps the result for its default instant in tables of its own, so
that the first figure of a new process does not wait for it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from weakref import WeakKeyDictionary
from zlib import crc32

import duckdb

from avon_analytics.appointments import kept
from avon_analytics.appointments.follow_up import follow_up
from avon_analytics.appointments.queries import create_macros, sql, values, zone_names
from avon_analytics.appointments.scope import DateLike, as_instant
from avon_analytics.appointments.statuses import WORDS, status_words
from avon_analytics.errors import StoreError
from avon_analytics.store.database import Database, Session
from avon_analytics.store.memory import COMPUTING_SLOTS
from avon_analytics.store.schema import literal

# What is known of words and people holds for all appointments; the rest goes some at a time.
_FOR_ALL = (
    "slot_scope",
    "slot_words",
    "slot_zone_names",
    "slot_zones",
    "slot_spellings",
    "slot_caregivers",
    "slot_people",
    "slot_staff",
    "slot_persons",
)
_FOR_SOME = (
    "slot_keys",
    "slot_unsettled",
    "slot_versions",
    "slot_hosts",
    "slot_runs",
    "slot_attendees",
    "slot_seats",
    "slot_evidence",
    "slot_appointments",
    "slot_departures",
    "slot_heard",
    "slot_verdicts",
    "slot_callers",
    "slot_cancellations",
    "slot_descriptions",
    "slots",
    "lifecycle",
)
STEPS = (*_FOR_ALL, *_FOR_SOME)
APPOINTMENTS_AT_A_TIME = 250_000  # within the memory that a load may take
KNOWN = 4  # how many computations a database keeps in memory: as of now, and a few looks back
RANKS = {word: rank for rank, word in enumerate(WORDS)}
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)  # the instant of a store without events


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that slots depend on beside the store: two equal settings give equal slots."""

    as_of: datetime | None
    grace_hours: float
    late_hours: float
    words: tuple[tuple[str, str], ...]

    @property
    def due_until(self) -> datetime:
        """What had ended by this instant is due: T, less the grace."""
        if self.as_of is None:
            return BEFORE_ALL
        return max(self.as_of, BEFORE_ALL + timedelta(hours=self.grace_hours)) - timedelta(
            hours=self.grace_hours
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """The names of the temporary tables, or of views on the store's, that hold one computation."""

    slots: str
    lifecycle: str
    kind: str = "TABLE"

    @property
    def follow_ups(self) -> tuple[str, str]:
        """What patients did next, without and with internal meetings; made when first asked for."""
        return f"{self.slots}_follow_up", f"{self.slots}_follow_up_internal"

    @property
    def session_hours(self) -> tuple[str, str]:
        """What became of each session's time, likewise."""
        return f"{self.slots}_hours", f"{self.slots}_hours_internal"


_Key = tuple[object, Settings]
_known: WeakKeyDictionary[Session, dict[_Key, Computed]] = WeakKeyDictionary()
_numbers = count(1)


def default_as_of(database: Database) -> datetime | None:
    """The instant that figures are as of unless asked otherwise; None in a store without events.

    It is the newest ``occurred_at`` that is not more than 24 h after its own receipt. Raises
    StoreError where there are events and none of them is.
    """
    with database.reading() as connection:
        # As microseconds: the engine's own instants want another package on their way to Python.
        text = f"SELECT epoch_us(as_of) FROM ({sql('default_as_of')})"
        ((micros,),) = connection.execute(text).fetchall()
        ((n_events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    return newest_instant(micros, n_events)


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


def usual_settings(database: Database, as_of: DateLike | None = None) -> Settings:
    """The settings of a cohort about which nothing else was said."""
    return Settings(
        as_of=default_as_of(database) if as_of is None else as_instant(as_of, database.time_zone),
        grace_hours=24.0,
        late_hours=24.0,
        words=tuple(status_words().items()),
    )


def computed(database: Database, settings: Settings) -> Computed:
    """The slots and lifecycle of a store under these settings, computed unless they are kept.

    What is kept is dropped as soon as the store's content has changed.
    """
    with database.reading() as connection:
        known = _known.setdefault(database.session, {})
        content = kept.content(connection)
        for old in [key for key in known if key[0] != content]:
            _drop(connection, known.pop(old))
        key = (content, settings)
        if key not in known:
            while len(known) >= KNOWN:
                _drop(connection, known.pop(next(iter(known))))
            create_macros(connection)
            label = kept.label(content, _computed_with(settings, database.time_zone))
            if kept.labels(connection)[0] == label:
                number = next(_numbers)
                known[key] = Computed(f"temp.slots_{number}", f"temp.lifecycle_{number}", "VIEW")
                names = (f"slots_{number}", f"lifecycle_{number}", f"slots_{number}_follow_up")
                kept.show(connection, names)
            else:
                known[key] = _compute(connection, settings, database.time_zone)
        return known[key]


def keep_slots(database: Database) -> None:
    """Leave slots and lifecycle in a large store, for its default instant and settings.

    To be called after whatever changed the store's events. What was kept before goes, unless it
    still holds; a store of fewer than ``kept.FROM`` events keeps nothing. Where the store cannot be
    written just now, or memory does not suffice, figures compute what they need by themselves.
    """
    with suppress(StoreError, duckdb.Error), database.bounded(COMPUTING_SLOTS):
        _keep(database)


def _keep(database: Database) -> None:
    settings = usual_settings(database)
    with database.reading() as connection:
        content = kept.content(connection)
        thorough_content = kept.thorough_content(connection)
        found, found_thorough = kept.labels(connection)
    how = _computed_with(settings, database.time_zone)
    cheap, thorough = kept.label(content, how), kept.label(thorough_content, how)
    is_large = int(str(thorough_content[0])) >= kept.FROM
    if found == (cheap if is_large else None):
        return
    if is_large and found_thorough == thorough:
        with database.writing() as connection:
            kept.relabel(connection, cheap)
        return
    sources: tuple[str, ...] = ()
    if is_large:
        tables = computed(database, settings)
        later = tables.follow_ups[False]
        sources = (tables.slots, tables.lifecycle, later)
        with database.reading() as connection:
            follow_up(connection, tables.slots, later, include_internal=False)
    with database.writing() as connection:
        kept.keep(connection, sources, cheap, thorough)


def _computed_with(settings: Settings, time_zone: str) -> list[object]:
    """All that slots depend on beside the events."""
    texts = "".join(_text(step, {}) for step in STEPS) + sql("follow_up")
    return [asdict(settings), time_zone, crc32(texts.encode())]


def _compute(connection: duckdb.DuckDBPyConnection, settings: Settings, time_zone: str) -> Computed:
    parameters = {
        "as_of": settings.as_of or BEFORE_ALL,
        "grace_hours": settings.grace_hours,
        "late_hours": settings.late_hours,
        "time_zone": time_zone,
    }
    number = next(_numbers)
    names = Computed(f"temp.slots_{number}", f"temp.lifecycle_{number}")
    texts = {step: _text(step, dict(settings.words)) for step in STEPS}

    def make(table: str, text: str) -> None:
        bound = {name: value for name, value in parameters.items() if f"${name}" in text}
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {text}", bound)

    try:
        # No step depends on the order of another's rows, and keeping it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        for step in _FOR_ALL:
            make(step, texts[step])
        make("slot_all_keys", texts["slot_keys"])
        ((n,),) = connection.execute("SELECT count(*) FROM slot_all_keys").fetchall()
        for start in range(0, max(n, 1), APPOINTMENTS_AT_A_TIME):
            some = f"appointment > {start} AND appointment <= {start + APPOINTMENTS_AT_A_TIME}"
            texts["slot_keys"] = f"SELECT * FROM slot_all_keys WHERE {some}"
            for nth, step in enumerate(_FOR_SOME):
                make(step, texts[step])
                for done in _done_with(nth):
                    connection.execute(f"DROP TABLE temp.{done}")
            for step in ("slots", "lifecycle"):
                if start:
                    connection.execute(f"INSERT INTO {step}_{number} SELECT * FROM temp.{step}")
                else:
                    connection.execute(f"ALTER TABLE temp.{step} RENAME TO {step}_{number}")
    except BaseException:
        with suppress(duckdb.Error):  # what went wrong first is what has to be told
            _drop(connection, names)
        raise
    finally:
        connection.execute("SET preserve_insertion_order = true")
        for step in (*STEPS, "slot_all_keys"):
            connection.execute(f"DROP TABLE IF EXISTS temp.{step}")
    return names


@cache
def _done_with(nth: int) -> tuple[str, ...]:
    """The steps that no step after this one reads: they need no memory any more."""
    reads = [set(re.findall(r"\w+", _text(step, {}))) for step in _FOR_SOME]
    return tuple(
        step
        for step in _FOR_SOME[:nth]
        if step != "slots"
        and step in reads[nth]
        and not any(step in later for later in reads[nth + 1 :])
    )


def _drop(connection: duckdb.DuckDBPyConnection, tables: Computed) -> None:
    later, later_internal = tables.follow_ups
    for name in (tables.slots, tables.lifecycle, later):
        connection.execute(f"DROP {tables.kind} IF EXISTS {name}")
    for name in (later_internal, *tables.session_hours):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _text(step: str, words: dict[str, str]) -> str:
    if step == "slot_words":
        return values(words, RANKS)
    return zone_names() if step == "slot_zone_names" else sql(step)


def install_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a store the views ``appointment_slots`` and ``appointment_lifecycle``.

    They hold what the figures count: all but internal appointments, as of the store's default
    instant, with 24 h of grace and of notice. The store must be attached for writing and in use;
    calling it again replaces the views.
    """
    create_macros(connection, in_store=True)
    for view, step, shown in (
        ("appointment_slots", "slots", "* EXCLUDE (appointment, seat)"),
        ("appointment_lifecycle", "lifecycle", "*"),
    ):
        needed = STEPS[: STEPS.index(step) + 1]
        steps = ",\n".join(f"{name} AS (\n{_view_text(name)}\n)" for name in needed)
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS WITH {steps}\n"
            f"SELECT {shown} FROM {step} WHERE NOT internal"
        )


def _view_text(step: str) -> str:
    text = _text(step, status_words())
    if step != "slot_scope":
        return text.replace("$as_of", "(SELECT as_of FROM slot_scope)")
    constants = {
        "$as_of": f"({sql('default_as_of')})",
        "$grace_hours": "CAST(24 AS DOUBLE)",
        "$late_hours": "CAST(24 AS DOUBLE)",
        "$time_zone": f"(SELECT value FROM settings WHERE name = {literal('time_zone')})",
    }
    for parameter, constant in constants.items():
        text = text.replace(f"{parameter} AS", f"{constant} AS")
    return text
