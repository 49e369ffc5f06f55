"""The slots and the lifecycle of a store as of an instant, computed once and kept.

The steps are SQL texts, each one select that reads the steps before it by name. Here they are
run one after the other into temporary tables; in the store's views the same texts are the steps
of one ``WITH``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from weakref import WeakKeyDictionary

import duckdb

from avon_analytics.appointments.queries import create_macros, literal, sql, values
from avon_analytics.appointments.statuses import WORDS, status_words
from avon_analytics.store.database import Database

STEPS = (
    "slot_scope",
    "slot_words",
    "slot_zones",
    "slot_versions",
    "slot_runs",
    "slot_appointments",
    "slot_staff",
    "slot_caregivers",
    "slot_people",
    "slot_seats",
    "slot_evidence",
    "slot_heard",
    "slot_verdicts",
    "slot_cancellations",
    "slots",
    "lifecycle",
)
KEPT = 4  # how many computations a database keeps: as of now, and a few looks back
_RANKS = {word: rank for rank, word in enumerate(WORDS)}
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)  # the instant of a store without events


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that slots depend on beside the store: two equal settings give equal slots."""

    as_of: datetime | None
    grace_hours: float
    late_hours: float
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """The names of the temporary tables that hold one computation."""

    slots: str
    lifecycle: str


_Key = tuple[object, Settings]
_kept: WeakKeyDictionary[Database, dict[_Key, Computed]] = WeakKeyDictionary()
_numbers = count(1)


def default_as_of(database: Database) -> datetime | None:
    """The instant that figures are as of unless asked otherwise; None in a store without events.

    It is the newest ``occurred_at`` that is not more than 24 h after its own receipt.
    """
    with database.reading() as connection:
        # As microseconds: the engine's own instants want another package on their way to Python.
        text = f"SELECT epoch_us(as_of) FROM ({sql('default_as_of')})"
        ((micros,),) = connection.execute(text).fetchall()
    return None if micros is None else from_micros(micros)


def from_micros(micros: int) -> datetime:
    """The instant that many microseconds after 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def computed(database: Database, settings: Settings) -> Computed:
    """The slots and lifecycle of a store under these settings, computed unless they are kept.

    What is kept is dropped as soon as the store has been loaded into again.
    """
    kept = _kept.setdefault(database, {})
    with database.reading() as connection:
        content = _content(connection)
        for old in [key for key in kept if key[0] != content]:
            _drop(connection, kept.pop(old))
        key = (content, settings)
        if key not in kept:
            while len(kept) >= KEPT:
                _drop(connection, kept.pop(next(iter(kept))))
            kept[key] = _compute(connection, settings, database.time_zone)
        return kept[key]


def _content(connection: duckdb.DuckDBPyConnection) -> object:
    """What changes whenever the store's events do."""
    text = (
        "SELECT (SELECT max(load_id) FROM loads), (SELECT count(*) FROM events), "
        "(SELECT value FROM settings WHERE name = 'n_forgotten')"
    )
    return connection.execute(text).fetchall()[0]


def _compute(connection: duckdb.DuckDBPyConnection, settings: Settings, time_zone: str) -> Computed:
    create_macros(connection)
    parameters = {
        "as_of": settings.as_of or BEFORE_ALL,
        "grace_hours": settings.grace_hours,
        "late_hours": settings.late_hours,
        "time_zone": time_zone,
    }
    number = next(_numbers)
    names = Computed(f"temp.slots_{number}", f"temp.lifecycle_{number}")
    try:
        for step in STEPS:
            text = _text(step, dict(settings.words))
            bound = parameters if step == "slot_scope" else {}
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {step} AS {text}", bound)
        for step in ("slots", "lifecycle"):
            connection.execute(f"ALTER TABLE temp.{step} RENAME TO {step}_{number}")
    finally:
        for step in STEPS:
            connection.execute(f"DROP TABLE IF EXISTS temp.{step}")
    return names


def _drop(connection: duckdb.DuckDBPyConnection, tables: Computed) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {tables.slots}")
    connection.execute(f"DROP TABLE IF EXISTS {tables.lifecycle}")


def _text(step: str, words: dict[str, str]) -> str:
    return values(words, _RANKS) if step == "slot_words" else sql(step)


def install_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a store the views ``appointment_slots`` and ``appointment_lifecycle``.

    They hold what the figures count: all but internal appointments, as of the store's default
    instant, with 24 h of grace and of notice. The store must be attached for writing and in use;
    calling it again replaces the views.
    """
    create_macros(connection, in_store=True)
    for view, step in (("appointment_slots", "slots"), ("appointment_lifecycle", "lifecycle")):
        needed = STEPS[: STEPS.index(step) + 1]
        steps = ",\n".join(f"{name} AS (\n{_view_text(name)}\n)" for name in needed)
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS WITH {steps}\n"
            f"SELECT * FROM {step} WHERE NOT internal"
        )


def _view_text(step: str) -> str:
    text = _text(step, status_words())
    if step != "slot_scope":
        return text
    constants = {
        "$as_of": f"({sql('default_as_of')})",
        "$grace_hours": "CAST(24 AS DOUBLE)",
        "$late_hours": "CAST(24 AS DOUBLE)",
        "$time_zone": f"(SELECT value FROM settings WHERE name = {literal('time_zone')})",
    }
    for parameter, constant in constants.items():
        text = text.replace(f"{parameter} AS", f"{constant} AS")
    return text
