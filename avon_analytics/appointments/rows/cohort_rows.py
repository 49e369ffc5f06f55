"""What every figure of a cohort rests on: its scope, its rows, and how a figure asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Self, TypeVar

import pandas as pd

from avon_analytics.appointments.rows.completeness import Completeness
from avon_analytics.appointments.rows.counted import Counted, attributes
from avon_analytics.appointments.rows.engine import Engine
from avon_analytics.appointments.rows.groupings import Grouping, groupings, own_groupings
from avon_analytics.appointments.rows.names import names_of, staff_names
from avon_analytics.appointments.rows.population import Filters, Population, population
from avon_analytics.appointments.rows.scope import Scope, local_day
from avon_analytics.appointments.rows.where import known_custom_keys
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.appointments.slots.slots import from_micros
from avon_analytics.appointments.slots.steps import Settings
from avon_analytics.appointments.statistics.small_counts import checked_min_count
from avon_analytics.display import Shown, Summary
from avon_analytics.errors import AvonError, UnknownGroup
from avon_analytics.figures.declared import Figure
from avon_analytics.figures.words import By
from avon_analytics.labels import Labels

ORDER = {
    "slots": "start_at NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST, "
    "position NULLS LAST, patient_id NULLS FIRST",
    "lifecycle": "start_at NULLS LAST, appointment_id NULLS LAST",
    "questions": "written_at NULLS LAST, message_id NULLS LAST",
}
"""The order in which rows are shown."""
_NOT_SHOWN = {
    "slots": {"gone_at", "position", "is_shared"},
    "questions": {"internal", "start_on", "booked_on", "start_hour"},
}
"""Columns that only groupings, windows and the order of rows read."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, repr=False)
class CohortRows(Shown):
    """The scope of a cohort and the rows in it; it does not change."""

    _engine: Engine
    _scope: Scope
    _filters: Filters
    _settings: Settings
    min_count: int = 0
    _labels: Labels = field(default_factory=Labels, compare=False)

    @property
    def as_of(self) -> datetime | None:
        """The instant, in UTC, up to which events count; None if the store has no events."""
        return self._settings.as_of

    @property
    def on(self) -> str:
        """The date that places a slot in the window: ``start`` or ``booked``."""
        return self._scope.on

    @property
    def grace_hours(self) -> float:
        """How many hours after its planned end a slot is due."""
        return self._settings.grace_hours

    @property
    def late(self) -> str:
        """Which cancellations are late, in words."""
        return self._settings.late_in_words

    def _count(
        self,
        figure: Figure,
        by: By = (),
        every: str | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        min_count: int | None = None,
        with_rows: bool = True,
    ) -> Counted:
        """What the SQL of a figure counts; without rows, all else that is known of them, but for
        which periods are mature."""
        reads = figure.reads_of(options or {})
        with self._engine.reading():
            rows = self._rows_for(figure, by, every, options)
            names = [key.name for key in rows.keys]
            query = rows.run(sql(figure.name)) + ("" if with_rows else " LIMIT 0")
            counted = self._ask_for(query, rows, rows.key_dtypes)
            # Visits are some slots of the cohort; whether to trust it is asked of all.
            scope = self._population("slots") if reads.table == "after_visits" else rows
            return Counted(
                rows=counted.rename(columns=rows.key_names),
                keys=rows.keys,
                every=every,
                as_of=self.as_of,
                n_unverified_events=self._n_unverified(scope, reads.table),
                late=self._settings.late_in_words,
                min_count=checked_min_count(self.min_count if min_count is None else min_count),
                completeness=(
                    self._completeness(every, reads.dated, with_undue=with_rows)
                    if "is_whole" in figure.spelled
                    else None
                ),
                names=names_of(self._staff_names, self._labels, names),
                headings=self._labels.headings(names),
            )

    def _rows_for(
        self,
        figure: Figure,
        by: By = (),
        every: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Population:
        """What the SQL of a figure reads, with its options as parameters."""
        reads = figure.reads_of(options or {})
        customs = partial(known_custom_keys, self._engine, figure.customs)
        keys = groupings(by, customs, own_groupings(figure), figure.general, self._labels.fields)
        for chosen, _ in self._filters if reads.table == "questions" else ():
            if figure.general and chosen.name not in figure.general:
                raise UnknownGroup(
                    f"where: {figure.name} cannot be chosen by {chosen.name}, as this cohort is: "
                    f"ask a cohort without it. Choices: {', '.join(figure.general)}"
                )
        rows = self._population(
            reads.table,
            keys,
            every,
            reads.plus,
            reads.dated,
            own_customs=figure.customs == "appointment",
        )
        for name in reads.beside:
            table = self._every_slot() if name == "every_slot" else self._rows_of(name)
            rows = rows.beside(name, table)
        return replace(rows, parameters={**rows.parameters, **(options or {})})

    def _without_window(self) -> Self:
        scope = replace(self._scope, start=None, end=None)
        return replace(self, _scope=scope)

    def _complete_periods(self, *units: str) -> list[list[date]]:
        """The first days of the cohort's complete periods of these lengths, oldest first."""
        with self._engine.reading():
            by_day = self._completeness("day")
        return [by_day.by(unit).complete_periods() for unit in units]

    def _completeness(
        self, every: str | None, dated: str | None = None, *, with_undue: bool = True
    ) -> Completeness:
        """Which periods are complete; without those that hold undue slots, which are whole.

        What is placed by a date of its own, such as a booking, is all there once that is over. Days
        are asked for, whatever the periods: the next figure need not ask again.
        """
        undue: Iterable[date | None] = ()
        if dated is None and with_undue:
            slots = self._population("slots", every="day")
            undue = self._periods(self._ask_once(slots.run(sql("undue_periods")), slots), "day")
        return Completeness(
            scope=self._scope,
            every="day",
            over_on=self._local_day(self._settings.due_until if dated is None else self.as_of),
            first_on=self._begins_on(),
            undue=frozenset(undue),
        ).by(every)

    @staticmethod
    def _periods(rows: pd.DataFrame, every: str | None) -> list[date | None]:
        """The period of each row by its first day; None without periods."""
        if every is None:
            return [None] * len(rows)
        return [None if pd.isna(first) else first.date() for first in rows["period_on"]]

    def _begins_on(self) -> date | None:
        """The local day of the store's first appointment event."""
        bound = {"as_of": self._settings.instant}
        types = {"first_us": "Int64"}
        found = self._once(
            "first_event", lambda: self._engine.frame(sql("first_event"), bound, types)
        )
        first: Any = found.iat[0, 0]
        return None if pd.isna(first) else self._local_day(from_micros(int(first)))

    def _staff_names(self) -> Mapping[str, str]:
        """Names of staff by their ids, as they are known at T."""
        return self._once("names", lambda: staff_names(self._engine, self._settings.instant))

    def _once(self, name: str, work_out: Callable[[], _T]) -> _T:
        """What hangs on T and on what the store holds alone, worked out once."""
        key = (name, self._rows_of("slots"))
        return self._engine.remembered.of(key, work_out)

    def _local_day(self, instant: datetime | None) -> date | None:
        if self.as_of is None or instant is None:
            return None
        return local_day(instant, self._settings.time_zone)

    def _every_slot(self) -> str:
        """All slots of the store, but for those of internal meetings unless they count."""
        counted = "true" if self._scope.include_internal else "NOT internal"
        return f"{self._rows_of('slots')} WHERE {counted}"

    def _rows_of(self, table: str) -> str:
        """The name of a table of the engine's, of the whole store."""
        internal = self._scope.include_internal
        return self._engine.table(table, self._settings, include_internal=internal)

    def _population(
        self,
        table: str,
        keys: tuple[Grouping, ...] = (),
        every: str | None = None,
        plus: str | None = None,
        dated: str | None = None,
        *,
        own_customs: bool = False,
    ) -> Population:
        return population(
            self._rows_of(table),
            self._scope,
            self._filters,
            self._settings,
            self._engine.pack,
            by=keys,
            every=every,
            plus=plus,
            dated=dated,
            patients=lambda: self._rows_of("patient_visits"),
            own_customs=own_customs,
        )

    def _ask_for(
        self, query: str, rows: Population, dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        return self._engine.frame(query, rows.bind(query), dtypes)

    def _ask_once(
        self, query: str, rows: Population, dtypes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """An answer of few rows, which is remembered; it is not to be changed."""
        key = (query, *rows.bind(query).items())
        return self._engine.remembered.of(key, lambda: self._ask_for(query, rows, dtypes))

    def _number(self, query: str, rows: Population) -> int:
        """The only value of a query."""
        value: Any = self._ask_for(query, rows).iat[0, 0]
        return int(value)

    def _n_unverified(self, rows: Population, table: str = "slots", of: str = "population") -> int:
        """How many events about the rows of a step are not verified."""
        if not self._number(sql("unverified_at_all"), rows):
            return 0
        kind = "message" if table == "questions" else "appointment"
        ids = f"(SELECT {kind}_id AS object_id FROM {of}) AS ids"
        rows = rows.beside("about", ids, object_type=kind)
        return self._number(rows.query(sql("unverified")), rows)

    def _table(self, table: str, definition: str) -> pd.DataFrame:
        with self._engine.reading():
            rows = self._population(table)
            query = f"SELECT {self._shown(table)} FROM population ORDER BY {ORDER[table]}"
            data = self._ask_for(rows.query(query), rows)
            data.attrs = attributes(definition, self.as_of, self._n_unverified(rows))
        return data

    def _shown(self, table: str) -> str:
        """The columns of rows that are shown, as SQL: none that a grouping has added."""
        query = f"SELECT * FROM {self._rows_of(table)} AS t LIMIT 0"
        columns = self._ask_for(query, self._population("slots"))
        ours = _NOT_SHOWN.get(table, set())
        return ", ".join(f"population.{name}" for name in columns if name not in ours)

    def _size(self, table: str) -> int:
        with self._engine.reading():
            rows = self._population(table)
            return self._number(rows.query("SELECT count(*) FROM population"), rows)

    def n_patients(self) -> int:
        """How many patients the slots of the cohort are of.

        >>> visits.n_patients()
        21
        """
        with self._engine.reading():
            rows = self._population("slots")
            query = rows.query("SELECT count(DISTINCT patient_id) FROM population")
            return self._number(query, rows)

    def _zones(self) -> pd.DataFrame:
        """The time zones of the cohort's appointments, that of most first.

        ``n`` is how many appointments have it, ``first_at`` and ``last_at`` are the first and the
        last start planned for one of them.
        """
        with self._engine.reading():
            rows = self._population("lifecycle")
            query = """
                SELECT time_zone, count(*) AS n, min(start_at) AS first_at, max(start_at) AS last_at
                FROM population GROUP BY time_zone ORDER BY n DESC, time_zone"""
            return self._ask_for(rows.query(query), rows)

    def in_words(self) -> tuple[str, ...]:
        """What narrows the cohort, a phrase each; empty where it holds everything.

        >>> store.appointments(end="2025-07-01", where={"host": None}).in_words()
        ('planned to start before 2025-07-01', 'host is missing')
        """
        phrases = []
        dated = {"start": "planned to start", "booked": "booked"}[self._scope.on]
        if self._scope.start is not None:
            phrases.append(f"{dated} on or after {self._scope.start}")
        if self._scope.end is not None:
            phrases.append(f"{dated} before {self._scope.end}")
        phrases += [
            f"{grouping.name} is {' or '.join('missing' if v is None else str(v) for v in values)}"
            for grouping, values in self._filters
        ]
        return (
            (*phrases, "internal meetings included")
            if self._scope.include_internal
            else tuple(phrases)
        )

    def _facts(self) -> dict[str, str]:
        as_of = "no events" if self.as_of is None else f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        return {
            "holds": "; ".join(self.in_words()) or "all appointments of the store",
            "as of": as_of,
            **self._sizes(),
        }

    def _sizes(self) -> dict[str, str]:
        """How much it holds, or why it does not say: a display is no place for an error."""
        try:
            sizes = {"appointments": self._size("lifecycle"), "slots": self._size("slots")}
        except AvonError as error:
            return {"says nothing": str(error)}
        return {name: f"{size:,}" for name, size in sizes.items()}

    def _summary(self) -> Summary:
        return Summary("Cohort", list(self._facts().items()))
