"""The engine of a lake: Spark runs the SQL of slots and figures, text for text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb

from avon_analytics.appointments.rows.remembered import Remembered
from avon_analytics.appointments.slots.derived import counted_slots, text_of
from avon_analytics.appointments.slots.queries import sql, taken_by, without_comments, zone_names
from avon_analytics.appointments.slots.slots import Computed, newest_instant
from avon_analytics.appointments.slots.steps import RANKS, SHOWN, STEPS, Settings
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
        for table in stored_tables():
            rows_of(session, lake, state, table).createOrReplaceTempView(table)

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

    def _computed(self, settings: Settings) -> Computed:
        """Slots and appointments under these settings, computed when first asked for."""
        with self._lock:
            if settings not in self._known:
                self._known[settings] = self._compute(settings)
            return self._known[settings]

    def table(self, table: str, settings: Settings, *, include_internal: bool) -> str:
        """The name of a table of slots or of what is computed from them, when first asked for."""
        made = self._computed(settings)
        name = made.name_of(table, include_internal=include_internal)
        if table not in SHOWN:
            slots = counted_slots(made.slots, table, include_internal=include_internal)
            text = text_of(table, slots)
            with self._lock:
                if not self._session.catalog.tableExists(name):
                    bound = taken_by(text, settings.parameters)
                    self._keep(name, ask(self._session, text, bound))
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
                rows = ask(self._session, text, taken_by(text, settings.parameters))
            if step in _read_once():
                rows.createOrReplaceTempView(step)
            else:
                written.append(self._keep(step, rows, f"{number}/{step}"))
        names = Computed(f"slots_{number}", f"lifecycle_{number}")
        for step, name in zip(SHOWN, (names.slots, names.lifecycle), strict=True):
            self._session.table(step).createOrReplaceTempView(name)
        for step in STEPS:
            self._session.catalog.dropTempView(step)
        for path in written:
            if path.name not in SHOWN:
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
    texts = {step: without_comments(sql(step)) for step in written}
    readers = {
        step: sum(len(re.findall(rf"(?:FROM|JOIN) {step}\b", text)) for text in texts.values())
        for step in STEPS
    }
    return frozenset(step for step in STEPS if step in _SMALL or readers[step] <= 1) - {*SHOWN}
