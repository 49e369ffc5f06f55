"""What every figure of a cohort rests on: its scope, its rows, and how a figure asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pandas as pd

from avon_analytics import card
from avon_analytics.appointments.figure import Counted, attributes
from avon_analytics.appointments.follow_up import follow_up
from avon_analytics.appointments.groupings import Grouping, groupings
from avon_analytics.appointments.population import (
    Filters,
    Population,
    known_custom_keys,
    population,
)
from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.scope import Scope
from avon_analytics.appointments.slots import BEFORE_ALL, Settings, computed
from avon_analytics.appointments.small_counts import checked_min_count
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

_TABLES = {
    "slots": "* EXCLUDE (position, appointment, seat, keys) FROM population "
    "ORDER BY start_at NULLS LAST, appointment_id, slot, position, patient_id NULLS FIRST",
    "lifecycle": "* EXCLUDE (keys) FROM population ORDER BY start_at NULLS LAST, appointment_id",
}


@dataclass(frozen=True, slots=True, repr=False)
class CohortRows:
    """The scope of a cohort and the rows in it; it does not change."""

    database: Database
    scope: Scope
    filters: Filters
    settings: Settings
    min_count: int = 0

    @property
    def as_of(self) -> datetime | None:
        """The instant, in UTC, up to which events count; None if the store has no events."""
        return self.settings.as_of

    def _count(
        self,
        figure: str,
        *,
        by: str | Iterable[str],
        every: str | None = None,
        table: str = "slots",
        plus: str | None = None,
        more: Mapping[str, Grouping] | None = None,
        dated: str | None = None,
        days: int | None = None,
        min_count: int | None = None,
    ) -> Counted:
        with self.database.reading() as connection:
            keys = groupings(by, known_custom_keys(connection), more)
            rows = self._population(table, keys, every, plus, dated)
            if days is not None:
                tables = computed(self.database, self.settings)
                later = follow_up(connection, tables, include_internal=self.scope.include_internal)
                rows = rows.beside("follow_up", later, days=days)
            query = rows.run(sql(figure))
            dtypes = {key.name: key.dtype for key in keys}
            return Counted(
                rows=frame(connection, query, rows.bind(query), dtypes),
                keys=keys,
                every=every,
                as_of=self.as_of,
                n_unverified_events=_unverified(connection, rows),
                window_end=self.scope.end,
                grace_hours=self.settings.grace_hours,
                late_hours=self.settings.late_hours,
                time_zone=self.database.time_zone,
                min_count=checked_min_count(self.min_count if min_count is None else min_count),
            )

    def _population(
        self,
        table: str,
        keys: tuple[Grouping, ...] = (),
        every: str | None = None,
        plus: str | None = None,
        dated: str | None = None,
    ) -> Population:
        return population(
            getattr(computed(self.database, self.settings), table),
            self.scope,
            self.filters,
            self.as_of or BEFORE_ALL,
            by=keys,
            every=every,
            plus=plus,
            dated=dated,
        )

    def _table(self, table: str, definition: str) -> pd.DataFrame:
        with self.database.reading() as connection:
            rows = self._population(table)
            query = rows.query(f"SELECT {_TABLES[table]}")
            data = frame(connection, query, rows.bind(query))
            data.attrs = attributes(definition, self.as_of, _unverified(connection, rows))
        return data

    def _size(self, table: str) -> int:
        with self.database.reading() as connection:
            rows = self._population(table)
            query = rows.query("SELECT count(*) FROM population")
            ((size,),) = connection.execute(query, rows.bind(query)).fetchall()
        return int(size)

    def in_words(self) -> tuple[str, ...]:
        """What narrows the cohort, a phrase each; empty where it holds everything."""
        phrases = []
        dated = {"start": "planned to start", "booked": "booked"}[self.scope.on]
        if self.scope.start is not None:
            phrases.append(f"{dated} on or after {self.scope.start}")
        if self.scope.end is not None:
            phrases.append(f"{dated} before {self.scope.end}")
        phrases += [
            f"{grouping.name} is {' or '.join('missing' if v is None else str(v) for v in values)}"
            for grouping, values in self.filters
        ]
        return (
            (*phrases, "internal meetings included")
            if self.scope.include_internal
            else tuple(phrases)
        )

    def _facts(self) -> dict[str, str]:
        as_of = "no events" if self.as_of is None else f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        return {
            "holds": "; ".join(self.in_words()) or "all appointments of the store",
            "as of": as_of,
            "appointments": f"{self._size('lifecycle'):,}",
            "slots": f"{self._size('slots'):,}",
        }

    def __dir__(self) -> list[str]:
        return card.public_names(self)

    def __repr__(self) -> str:
        return card.as_text("Cohort", self._facts())

    def _repr_html_(self) -> str:
        return card.as_html("Cohort", self._facts())


def _unverified(connection: duckdb.DuckDBPyConnection, rows: Population) -> int:
    query = rows.query(sql("unverified"))
    ((n_events,),) = connection.execute(query, rows.bind(query)).fetchall()
    return int(n_events)
