"""The engine of a lake: Spark runs the SQL of slots and figures, text for text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb

from avon_analytics.appointments.follow_up import (
    after_visits_text,
    follow_up_text,
    landmarks_text,
    late_parameters,
    patient_visits_text,
    questions_text,
    session_hours_text,
)
from avon_analytics.appointments.queries import sql, zone_names
from avon_analytics.appointments.remembered import Remembered
from avon_analytics.appointments.slots import Computed, newest_instant
from avon_analytics.appointments.steps import BEFORE_ALL, RANKS, STEPS, Settings
from avon_analytics.spark.session import ask, rows_of, without_pandas_warning
from avon_analytics.store.frames import frame
from avon_analytics.store.lake import SCRATCH, State
from avon_analytics.store.tables import stored_tables

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

# Steps that are made of a few constants.
_SMALL = ("slot_scope", "slot_words", "slot_zone_names")


class LakeEngine:
    """One state of a lake, asked through a Spark session of our own.

    The steps that are read more than once are written to ``scratch`` as Parquet: so each is
    computed once, and the loss of an executor costs what it was at and nothing more.
    """

    def __init__(
        self, session: SparkSession, lake: str, state: State, scratch: str | None, time_zone: str
    ) -> None:
        self._session = session
        self._path = lake
        self._time_zone = time_zone
        self._scratch = Path(scratch or f"{lake}/{SCRATCH}") / f"slots-{uuid4().hex}"
        self._known: dict[Settings, Computed] = {}
        self._numbers = count(1)
        self._lock = Lock()
        self.remembered = Remembered()
        for table, columns in stored_tables().items():
            rows_of(session, lake, state, table, columns).createOrReplaceTempView(table)

    @property
    def path(self) -> str:
        """The lake's folder."""
        return self._path

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        return self._time_zone

    def reading(self) -> AbstractContextManager[object]:
        """A state does not change."""
        return nullcontext()

    def as_it_is(self) -> LakeEngine:
        """The same: a state does not change."""
        return self

    def default_as_of(self) -> datetime | None:
        """As in a store: the newest instant not more than 24 h after its own receipt."""
        text = f"SELECT unix_micros(as_of) AS micros FROM ({sql('default_as_of')}) AS newest"
        ((micros,),) = self._session.sql(text).collect()
        ((n_events,),) = self._session.sql("SELECT count(*) FROM events").collect()
        return newest_instant(micros, n_events)

    def computed(self, settings: Settings) -> Computed:
        """Slots and appointments under these settings, computed when first asked for."""
        with self._lock:
            if settings not in self._known:
                self._known[settings] = self._compute(settings)
            return self._known[settings]

    def follow_up(self, settings: Settings, *, include_internal: bool) -> str:
        """What patients did next, computed when first asked for."""
        name = self.computed(settings).follow_ups[include_internal]
        return self._made(name, settings, follow_up_text, include_internal)

    def after_visits(self, settings: Settings, *, include_internal: bool) -> str:
        """What patients did after each visit, computed when first asked for."""
        name = self.computed(settings).after_visits[include_internal]
        return self._made(name, settings, after_visits_text, include_internal)

    def session_hours(self, settings: Settings, *, include_internal: bool) -> str:
        """What became of each session's time, computed when first asked for."""
        name = self.computed(settings).session_hours[include_internal]
        late = late_parameters(settings.late_hours, settings.is_same_day)
        return self._made(name, settings, session_hours_text, include_internal, late)

    def questions(self, settings: Settings, *, include_internal: bool) -> str:
        """What patients asked in their messages, computed when first asked for."""
        name = self.computed(settings).questions[include_internal]
        known = {"as_of": settings.as_of or BEFORE_ALL, "time_zone": self._time_zone}
        return self._made(name, settings, questions_text, include_internal, known)

    def patient_visits(self, settings: Settings) -> str:
        """Which patients had been there, computed when first asked for."""
        name = self.computed(settings).patient_visits
        as_of = {"as_of": settings.as_of or BEFORE_ALL}
        return self._made(name, settings, patient_visits_text, True, as_of)

    def landmarks(self, settings: Settings) -> str:
        """How slots stood at any instant, computed when first asked for."""
        name = self.computed(settings).landmarks
        known = {"as_of": settings.as_of or BEFORE_ALL, "grace_hours": settings.grace_hours}
        return self._made(name, settings, landmarks_text, True, known)

    def _made(
        self,
        name: str,
        settings: Settings,
        text: Callable[[str], str],
        include_internal: bool,
        parameters: Mapping[str, Any] | None = None,
    ) -> str:
        """Write what is computed from all slots under this name, unless it is there."""
        slots = self.computed(settings).slots
        counted = "true" if include_internal else "NOT internal"
        with self._lock:
            if not self._session.catalog.tableExists(name):
                query = text(f"(SELECT * FROM {slots} WHERE {counted}) AS counted")
                self._keep(name, ask(self._session, query, parameters or {}))
        return name

    def pack(self, fields: Mapping[str, str]) -> str:
        """A struct, as Spark spells it."""
        pairs = ", ".join(f"'{name}', {value}" for name, value in fields.items())
        return f"named_struct({pairs})"

    def frame(
        self, query: str, parameters: Mapping[str, Any], dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """The rows of a query; columns get their types where those of a store get them."""
        answer = ask(self._session, query, parameters).toArrow()
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("answer", answer)
            return frame(connection, "SELECT * FROM answer", None, dtypes)

    def close(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    # -- slots ------------------------------------------------------------------------------

    def _compute(self, settings: Settings) -> Computed:
        number = next(self._numbers)
        parameters = {
            "as_of": settings.as_of or BEFORE_ALL,
            "grace_hours": settings.grace_hours,
            "late_hours": settings.late_hours,
            "is_same_day": settings.is_same_day,
            "time_zone": self._time_zone,
        }
        written = []
        for step in STEPS:
            if step == "slot_words":
                rows = self._constants(
                    "spelling string, word string, word_rank int",
                    [(spelling, word, RANKS[word]) for spelling, word in settings.words],
                )
            elif step == "slot_zone_names":
                rows = self._constants("spelling string, zone string", self._zone_names)
            else:
                text = sql(step)
                bound = {name: value for name, value in parameters.items() if f"${name}" in text}
                rows = ask(self._session, text, bound)
            if step in _read_once():
                rows.createOrReplaceTempView(step)
            else:
                written.append(self._keep(step, rows, f"{number}/{step}"))
        names = Computed(f"slots_{number}", f"lifecycle_{number}")
        for step, name in (("slots", names.slots), ("lifecycle", names.lifecycle)):
            self._session.table(step).createOrReplaceTempView(name)
        for step in STEPS:
            self._session.catalog.dropTempView(step)
        for path in written:
            if path.name not in ("slots", "lifecycle"):
                shutil.rmtree(path, ignore_errors=True)
        return names

    def _keep(self, name: str, rows: DataFrame, place: str | None = None) -> Path:
        """Write rows, and show them as a view of this name."""
        path = self._scratch / (place or name)
        rows.write.parquet(str(path))
        kept = self._session.read.schema(rows.schema).parquet(str(path))
        kept.createOrReplaceTempView(name)
        return path

    def _constants(self, schema: str, rows: list[tuple[Any, ...]]) -> DataFrame:
        with without_pandas_warning():
            return self._session.createDataFrame(rows, schema)

    @cached_property
    def _zone_names(self) -> list[tuple[str, str]]:
        """The names of the time zones that both engines know: hardly any is left out."""
        with duckdb.connect() as connection:
            known = connection.execute(zone_names()).fetchall()
        zones: Any = self._session._jvm.java.time.ZoneId  # type: ignore[union-attr]
        java = {*zones.getAvailableZoneIds(), *dict(zones.SHORT_IDS)}
        return [(spelling, zone) for spelling, zone in known if zone in java]


@cache
def _read_once() -> frozenset[str]:
    """The steps that at most one place reads, or that are small: Spark computes them in passing."""
    written = [step for step in STEPS if step not in ("slot_words", "slot_zone_names")]
    texts = {step: re.sub(r"--[^\n]*", "", sql(step)) for step in written}
    readers = {
        step: sum(len(re.findall(rf"(?:FROM|JOIN) {step}\b", text)) for text in texts.values())
        for step in STEPS
    }
    kept = {"slots", "lifecycle"}
    return frozenset(step for step in STEPS if step in _SMALL or readers[step] <= 1) - kept
