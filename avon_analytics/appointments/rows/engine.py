"""What runs the SQL of a cohort: the engine of a store, or another one that reads the same tables.

A cohort knows its scope; its engine knows where the tables are, keeps the slots that were computed
from them, and answers queries. All of them run the same texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import duckdb

from avon_analytics.appointments.rows.remembered import Remembered
from avon_analytics.appointments.slots import derived, slots, stored_slots
from avon_analytics.appointments.slots.queries import create_macros, not_copied, quantiles_at_once
from avon_analytics.appointments.slots.steps import SHOWN, Settings
from avon_analytics.errors import StaleCohort
from avon_analytics.store.connection import Session
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame
from avon_analytics.store.parsed import parsed

if TYPE_CHECKING:
    import pandas as pd


_remembered: WeakKeyDictionary[Session, Remembered] = WeakKeyDictionary()


class Engine(Protocol):
    """What a cohort asks of whatever runs its SQL. Two equal engines see the same rows."""

    @property
    def path(self) -> str:
        """Where the tables are."""
        ...

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        ...

    @property
    def remembered(self) -> Remembered:
        """What figures have worked out of its tables of slots."""
        ...

    def reading(self) -> AbstractContextManager[object]:
        """Hold the tables as they are meanwhile."""
        ...

    def as_it_is(self) -> Engine:
        """This engine, bound to what the tables hold now: it answers from that or not at all."""
        ...

    def default_as_of(self) -> datetime | None:
        """The instant that figures are as of unless asked otherwise; None without events."""
        ...

    def table(self, table: str, settings: Settings, *, include_internal: bool) -> str:
        """The name under which ``slots``, ``lifecycle`` or one of ``DERIVED`` can be read.

        It is computed unless it is kept. Of slots and lifecycle internal meetings are always part.
        """
        ...

    def pack(self, fields: Mapping[str, str]) -> str:
        """SQL for one value with these named fields, from their expressions."""
        ...

    def frame(
        self, query: str, parameters: Mapping[str, Any], dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """The rows of a query, with the same column types whatever the rows hold."""
        ...


@dataclass(frozen=True, slots=True)
class StoreEngine:
    """The engine of a store: DuckDB, in this process.

    seen: what the store held when ``as_it_is`` was called; once it holds something else,
    ``reading`` raises StaleCohort. Whoever asks does so within it.
    """

    database: Database
    seen: stored_slots.Content | None = field(default=None, compare=False)

    @property
    def path(self) -> str:
        """The store's file."""
        return self.database.path

    @property
    def time_zone(self) -> str:
        """The store's time zone."""
        return self.database.time_zone

    @property
    def remembered(self) -> Remembered:
        """What is remembered for as long as the tables of a session are there."""
        return _remembered.setdefault(self.database.session, Remembered())

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the store for reading."""
        with self.database.reading() as connection:
            if self.seen is not None and stored_slots.content_now(self.database) != self.seen:
                raise StaleCohort(
                    f"the store {self.path} has changed since this cohort was made: make it anew "
                    "with appointments(), and all its figures are of one state again"
                )
            yield connection

    def as_it_is(self) -> StoreEngine:
        """This engine, bound to what the store holds now."""
        return replace(self, seen=stored_slots.content_now(self.database))

    def default_as_of(self) -> datetime | None:
        """See ``slots.default_as_of``."""
        return slots.default_as_of(self.database)

    def table(self, table: str, settings: Settings, *, include_internal: bool) -> str:
        """See ``slots.computed`` and ``derived.fill``."""
        with self.database.reading() as connection:
            made = slots.computed(self.database, settings)
            name = made.name_of(table, include_internal=include_internal)
            if table not in SHOWN and name not in made.shown:
                create_macros(connection)
                derived.fill(
                    connection,
                    table,
                    name,
                    made.slots,
                    settings,
                    include_internal=include_internal,
                )
            return name

    def pack(self, fields: Mapping[str, str]) -> str:
        """A struct of DuckDB's."""
        return packed(fields)

    def frame(
        self, query: str, parameters: Mapping[str, Any], dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """See ``store.frames.frame``."""
        # All columns but some: as Spark and DuckDB 2.0 have it, and as every DuckDB has it.
        query = query.replace("* EXCEPT (", "* EXCLUDE (")
        query = quantiles_at_once(not_copied(query, "described", "population"))
        with self.database.reading() as connection:
            create_macros(connection)
            return frame(connection, parsed(connection, query), parameters, dtypes)


def packed(fields: Mapping[str, str]) -> str:
    """A struct, as DuckDB spells it."""
    return f"struct_pack({', '.join(f'{name} := {value}' for name, value in fields.items())})"
