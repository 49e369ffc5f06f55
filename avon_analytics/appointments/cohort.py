"""The cohort: the one place where a question's scope is set. Every figure is a method of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

import duckdb
import pandas as pd

from avon_analytics.appointments.cancellations import cancellations
from avon_analytics.appointments.figure import Counted, attributes
from avon_analytics.appointments.funnel import funnel
from avon_analytics.appointments.groupings import Grouping, groupings
from avon_analytics.appointments.outcomes import outcomes
from avon_analytics.appointments.population import (
    Filters,
    Population,
    checked_values,
    known_custom_keys,
    population,
)
from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.scope import (
    DATES,
    DateLike,
    Scope,
    as_date,
    as_instant,
    choice,
    hours,
)
from avon_analytics.appointments.slots import BEFORE_ALL, Settings, computed, default_as_of
from avon_analytics.appointments.statuses import status_words as known_status_words
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

_DAY = timedelta(hours=24)
_TABLES = {
    "slots": "* EXCLUDE (position, appointment, seat, keys) FROM population "
    "ORDER BY start_at NULLS LAST, appointment_id, slot, position, patient_id NULLS FIRST",
    "lifecycle": "* EXCLUDE (keys) FROM population ORDER BY start_at NULLS LAST, appointment_id",
}


def appointments(
    database: Database,
    start: DateLike | None = None,
    end: DateLike | None = None,
    *,
    on: str = "start",
    as_of: DateLike | None = None,
    where: Mapping[str, Any] | None = None,
    include_internal: bool = False,
    grace: timedelta | float = _DAY,
    late: timedelta | float = _DAY,
    status_words: Mapping[str, str] | None = None,
) -> Cohort:
    """The cohort of a question: which appointments, told apart by what, as of when.

    start, end: the half-open window [start, end) of local dates; without them, all. ``on`` is the
        date that places a slot in it: ``start`` (planned; of an appointment, its last) or
        ``booked`` (its appointment's). What has no such date is in no window.
    as_of: an instant with an offset, or a date, which means the end of that day (the midnight
        that ends it) in the store's time zone. Without it, the newest ``occurred_at`` in the
        store that is not more than 24 h after its own receipt; it is fixed when this is called.
    where: what groupings must be: ``{"host": "user_1", "weekday": ["Monday", "Friday"]}``; None
        stands for a missing value.
    include_internal: whether meetings of staff count, too.
    grace: how long after its planned end a slot is due; a timedelta or a number of hours.
    late: a cancellation with less notice than this is late; a timedelta or a number of hours.
    status_words: further words that Avon's records use, such as ``{"dna": "no_show"}``.

    Raises UnknownGroup for an unknown ``on`` or grouping, UsageError for a date, value or status
    word that cannot be, StoreError if there is no store.
    """
    scope = Scope(
        start=as_date(start, "start"),
        end=as_date(end, "end"),
        on=choice("date", on, tuple(DATES)),
        include_internal=include_internal,
    )
    settings = Settings(
        as_of=default_as_of(database) if as_of is None else as_instant(as_of, database.time_zone),
        grace_hours=hours(grace),
        late_hours=hours(late),
        words=tuple(known_status_words(status_words).items()),
    )
    return Cohort(database, scope, _filters(database, where or {}), settings)


@dataclass(frozen=True, slots=True, repr=False)
class Cohort:
    """Slots and appointments of one scope, as of one instant. It does not change.

    Made by ``appointments``. All its figures share one population, and the same store and scope
    give the same figures for ever. Every figure is a DataFrame with fixed columns and types, also
    when it has no rows; its ``attrs`` hold ``definition``, ``as_of`` (ISO 8601) and
    ``n_unverified_events`` (events about these appointments whose signature is not verified).
    Each ``x_share`` (0 to 1, missing where its denominator is 0) is followed by ``x_share_n``, its
    denominator, and ``x_share_low`` and ``x_share_high``, its 95 % Wilson interval. Groups come
    first, named like the grouping; a missing value is a group of its own, and comes last.
    """

    database: Database
    scope: Scope
    filters: Filters
    settings: Settings

    @property
    def as_of(self) -> datetime | None:
        """The instant, in UTC, up to which events count; None if the store has no events."""
        return self.settings.as_of

    def outcomes(
        self,
        by: str | Iterable[str] = (),
        every: str | None = None,
        *,
        basis: str = "completed",
    ) -> pd.DataFrame:
        """How slots ended.

        One row per group and, with ``every`` (day, week, month, quarter, year), per period; a
        period without slots has no row. A slot belongs to the period of its local date ``on``.

        Columns: ``period_on`` (datetime64, the period's first day; only with ``every``); counts
        (int64) ``n_slots`` = ``n_not_due`` + ``n_attended`` + ``n_no_show`` + ``n_cancelled`` +
        ``n_rescheduled`` + ``n_unresolved``, all but the first two of due slots alone, and
        ``n_cancelled_by_patient``, ``_by_provider``, ``_by_unknown``, which add up to
        ``n_cancelled``; shares (float) ``no_show_share`` = no-show / (attended + no-show), with
        ``basis="booked"`` of all due slots not rescheduled, as are ``attended_share`` and
        ``cancelled_share``; ``is_mature`` (bool): the period, else the window, ended more than
        the grace before ``as_of`` (at midnight in the store's time zone) and no slot of the row
        is not yet due.

        Raises UnknownGroup, listing the choices, for an unknown grouping, period or basis.
        """
        return outcomes(self._count, by=by, every=every, basis=basis)

    def funnel(self, by: str | Iterable[str] = (), *, unit: str = "appointment") -> pd.DataFrame:
        """How far appointments came, and where those went that did not come further.

        Three rows per group: ``step`` 1 to 3, ``stage`` booked, started, completed. All
        appointments of the cohort count, due or not (``unit="slot"``: all slots). A later stage
        implies the earlier ones. An appointment all of whose patients were no-shows stops at
        booked; one that started and was not completed stops at started.

        Columns: counts (int64) ``n_reached`` = ``n_observed`` (the webhook named after the stage
        came) + ``n_inferred``; shares (float) ``first_share`` of those booked and
        ``previous_share`` of those that reached the stage before (missing at the first stage);
        ``median_hours_from_previous``, ``p90_hours_from_previous`` (float, elapsed hours, of those
        with both instants, quantiles interpolated linearly); and where those went that stopped
        here: ``n_cancelled``, ``n_no_show``, ``n_rescheduled``, ``n_unresolved`` (due),
        ``n_open`` (not due). ``n_reached`` is the next stage's ``n_reached`` plus these five.

        Raises UnknownGroup, listing the choices, for an unknown grouping or unit.
        """
        return funnel(self._count, by=by, unit=unit)

    def cancellations(self, by: str | Iterable[str] = (), every: str | None = None) -> pd.DataFrame:
        """How many due slots were cancelled, by whom and how late.

        One row per group and, with ``every``, per period, as in ``outcomes``. ``by`` may also be
        notice_band, cancelled_by or reason, which are missing for slots that were not cancelled.

        Columns: ``period_on`` (only with ``every``); counts (int64) ``n_due`` (due slots that were
        not rescheduled), ``n_cancelled`` = ``n_by_patient`` + ``n_by_provider`` +
        ``n_by_unknown``, ``n_late`` (less notice than the cohort's ``late``, after the start
        included), ``n_after_start``; shares (float) ``cancelled_share`` of ``n_due``,
        ``patient_cancelled_share`` = by patient / (attended + no-show + by patient),
        ``provider_cancelled_share`` = by provider / (attended + by provider), ``late_share`` of
        those cancelled with known notice; ``median_notice_hours`` (float): start minus
        cancellation in elapsed hours, negative after the start.

        Raises UnknownGroup, listing the choices, for an unknown grouping or period.
        """
        return cancellations(self._count, by=by, every=every)

    def slots(self) -> pd.DataFrame:
        """The cohort's slots with the evidence for what became of each.

        One row is one patient attendee at one planned start of one appointment (an appointment
        without a patient: one row a start), oldest start first. Instants ``_at`` are UTC, days
        ``_on`` and ``start_hour`` local to the visit, durations elapsed. Texts are ``str``, flags
        ``boolean``, whole numbers ``Int64``; missing is unknown or does not apply.

        ``outcome`` is attended, no_show, cancelled, rescheduled, unresolved or open; ``evidence``
        (event, status_history, attendee, actual_time), ``evidence_at`` and ``source_word`` say
        what decided it.
        """
        return self._table(
            "slots", "One row is one patient at one planned start of an appointment."
        )

    def lifecycle(self) -> pd.DataFrame:
        """The cohort's appointments with the instants of their stages.

        One row is one appointment, oldest start first. ``start_at`` and ``outcome`` are those of
        its last planned start, ``lead_days`` reaches to its first. ``started_at`` and
        ``completed_at`` are the first instants told; ``booked_observed`` and the like say whether
        the webhook named after the stage came. Types are those of ``slots``.
        """
        return self._table("lifecycle", "One row is one appointment.")

    def _count(
        self,
        figure: str,
        *,
        by: str | Iterable[str],
        every: str | None = None,
        table: str = "slots",
        plus: str | None = None,
        more: Mapping[str, Grouping] | None = None,
    ) -> Counted:
        with self.database.reading() as connection:
            keys = groupings(by, known_custom_keys(connection), more)
            rows = self._population(table, keys, every, plus)
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
            )

    def _population(
        self,
        table: str,
        keys: tuple[Grouping, ...] = (),
        every: str | None = None,
        plus: str | None = None,
    ) -> Population:
        return population(
            getattr(computed(self.database, self.settings), table),
            self.scope,
            self.filters,
            self.as_of or BEFORE_ALL,
            by=keys,
            every=every,
            plus=plus,
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
        window = f"{self.scope.start or '…'} to {self.scope.end or '…'}, by {self.scope.on}"
        where = ", ".join(grouping.name for grouping, _ in self.filters)
        return {
            "window": window,
            **({"where": where} if where else {}),
            "as of": "no events" if self.as_of is None else self.as_of.isoformat(" "),
            "appointments": f"{self._size('lifecycle'):,}",
            "slots": f"{self._size('slots'):,}",
        }

    def __repr__(self) -> str:
        facts = "; ".join(f"{name}: {value}" for name, value in self._facts().items())
        return f"<Cohort {facts}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table><caption>Cohort</caption><tbody>{rows}</tbody></table>"


def _unverified(connection: duckdb.DuckDBPyConnection, rows: Population) -> int:
    query = rows.query(sql("unverified"))
    ((n_events,),) = connection.execute(query, rows.bind(query)).fetchall()
    return int(n_events)


def _filters(database: Database, where: Mapping[str, Any]) -> Filters:
    if not where:
        return ()
    with database.reading() as connection:
        named = groupings(where, known_custom_keys(connection))
    return tuple((grouping, checked_values(grouping, where[grouping.name])) for grouping in named)
