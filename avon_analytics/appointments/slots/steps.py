"""The steps that lead from the tables to slots and lifecycles, and running them in an engine.

The steps are SQL texts, each one select that reads the steps before it by name. Here they are run
one after the other into temporary tables; in the store's views the same texts are the steps of one
``WITH``. What the last two tell (what is due, open or unresolved) hangs on when T is; all others
hang on the events up to T alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb

from avon_analytics.appointments.slots.queries import (
    sql,
    taken_by,
    values,
    with_constants,
    zone_names,
)
from avon_analytics.appointments.slots.statuses import WORDS
from avon_analytics.store.parsed import run
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
    "slot_unordered",
    "slot_versions",
    "slot_hosts",
    "slot_runs",
    "slot_attendees",
    "slot_seats",
    "slot_evidence",
    "slot_appointments",
    "slot_departures",
    "slot_status_words",
    "slot_verdicts",
    "slot_cancelled_by",
    "slot_cancellations",
    "slot_descriptions",
    "slot_facts",
    "lifecycle_facts",
)
FACTS = ("slot_facts", "lifecycle_facts")
SHOWN = ("slots", "lifecycle")
STEPS = (*_FOR_ALL, *_FOR_SOME, *SHOWN)
APPOINTMENTS_AT_A_TIME = 250_000  # within the memory that a load may take
RANKS = {word: rank for rank, word in enumerate(WORDS)}
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)  # the instant of a store without events


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that slots depend on beside the store: two equal settings give equal slots."""

    as_of: datetime | None
    grace_hours: float
    late_hours: float
    words: tuple[tuple[str, str], ...]
    time_zone: str
    """That of visits whose own and whose patient's zone are unknown: the store's."""
    is_same_day: bool = False
    """Whether late is what comes from the local day of the start on, whatever ``late_hours``."""

    @property
    def instant(self) -> datetime:
        """T: events up to it count; before all of them in a store without any."""
        return self.as_of or BEFORE_ALL

    @property
    def parameters(self) -> dict[str, Any]:
        """What the SQL of slots may take of them, by name."""
        return {
            "as_of": self.instant,
            "grace_hours": self.grace_hours,
            "late_hours": self.late_hours,
            "is_same_day": self.is_same_day,
            "time_zone": self.time_zone,
        }

    @property
    def constants(self) -> dict[str, str]:
        """These parameters as SQL of DuckDB's, for views, which take none."""
        return {
            "as_of": f"make_timestamptz({micros_of(self.instant)})",
            "grace_hours": f"CAST({self.grace_hours!r} AS DOUBLE)",
            "late_hours": f"CAST({self.late_hours!r} AS DOUBLE)",
            "is_same_day": str(self.is_same_day).lower(),
            "time_zone": literal(self.time_zone),
        }

    @property
    def late_in_words(self) -> str:
        """When a cancellation is late."""
        if self.is_same_day:
            return "on the local day of the start, or after it"
        unit = "hour" if self.late_hours == 1 else "hours"
        return f"less than {self.late_hours:g} {unit} before the start, or after it"

    @property
    def due_until(self) -> datetime:
        """What had ended by this instant is due: T, less the grace."""
        grace = timedelta(hours=self.grace_hours)
        return max(self.instant, BEFORE_ALL + grace) - grace


def micros_of(instant: datetime) -> int:
    """The microseconds of an instant since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def text_of(step: str, words: dict[str, str]) -> str:
    """The SQL of a step; ``words`` are the status words and what they mean."""
    if step == "slot_words":
        return values(words, RANKS)
    return zone_names() if step == "slot_zone_names" else sql(step)


def compute(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    names: tuple[str, str],
    on_step: Callable[[str], None] | None = None,
) -> None:
    """Fill two temporary tables of these names with ``FACTS``.

    on_step: called with the name of each step that was just made, while it can be read.
    """
    texts = {step: text_of(step, dict(settings.words)) for step in STEPS}
    there: dict[str, None] = {}  # the tables that are left to be dropped

    def make(table: str, text: str) -> None:
        there[table] = None
        statement = f"CREATE OR REPLACE TEMP TABLE {table} AS {text}"
        run(connection, statement, taken_by(text, settings.parameters))
        if on_step is not None and table in texts:
            on_step(table)

    try:
        # No step depends on the order of another's rows, and keeping it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        for step in _FOR_ALL:
            make(step, texts[step])
        make("slot_all_keys", texts["slot_keys"])
        ((n,),) = run(connection, "SELECT count(*) FROM slot_all_keys").fetchall()
        for start in range(0, max(n, 1), APPOINTMENTS_AT_A_TIME):
            some = f"appointment > {start} AND appointment <= {start + APPOINTMENTS_AT_A_TIME}"
            texts["slot_keys"] = f"SELECT * FROM slot_all_keys WHERE {some}"
            for nth, step in enumerate(_FOR_SOME):
                make(step, texts[step])
                for done in _done_with(nth):
                    run(connection, f"DROP TABLE temp.{done}")
                    del there[done]
            for step, name in zip(FACTS, names, strict=True):
                if start:
                    connection.execute(f"INSERT INTO temp.{name} SELECT * FROM temp.{step}")
                else:
                    connection.execute(f"ALTER TABLE temp.{step} RENAME TO {name}")
    except BaseException:
        with suppress(duckdb.Error):  # what went wrong first is what has to be reported
            for name in names:
                connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
        raise
    finally:
        connection.execute("SET preserve_insertion_order = true")
        for step in there:
            run(connection, f"DROP TABLE IF EXISTS temp.{step}")


@cache
def _done_with(nth: int) -> tuple[str, ...]:
    """The steps that no step after this one reads: they need no memory any more."""
    reads = [set(re.findall(r"\w+", text_of(step, {}))) for step in _FOR_SOME]
    return tuple(
        step
        for step in _FOR_SOME[:nth]
        if step not in FACTS
        and step in reads[nth]
        and not any(step in later for later in reads[nth + 1 :])
    )


def show(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    facts: tuple[str, str],
    names: tuple[str, str],
) -> None:
    """Make temporary views of these names that show ``SHOWN`` of tables that hold ``FACTS``."""
    scope = with_constants(sql("slot_scope"), settings.constants)
    for step, source, table, name in zip(SHOWN, FACTS, facts, names, strict=True):
        connection.execute(
            f"CREATE TEMP VIEW {name} AS WITH slot_scope AS (\n{scope}\n), "
            f"{source} AS (SELECT * FROM {table}), {step} AS (\n{sql(step)}\n) SELECT * FROM {step}"
        )
