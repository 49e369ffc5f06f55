"""What can be asked for a cohort: here, and only here, are the arguments of a question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from avon_analytics.appointments.rows.engine import Engine
from avon_analytics.appointments.rows.scope import (
    DATES,
    Late,
    On,
    Scope,
    as_instant,
    choice,
    hours,
    is_same_day,
    window,
)
from avon_analytics.appointments.rows.where import filters
from avon_analytics.appointments.slots.statuses import status_words as known_status_words
from avon_analytics.appointments.slots.steps import Settings
from avon_analytics.appointments.statistics.small_counts import checked_min_count
from avon_analytics.arguments import flag, mapping
from avon_analytics.errors import UsageError
from avon_analytics.figures.words import DateLike, NamedPeriod
from avon_analytics.labels import Labels

if TYPE_CHECKING:
    from avon_analytics.appointments.cohort import Cohort

_OR_ELSE = "a timedelta or 'same_day'"
AnyCohort = TypeVar("AnyCohort", bound="Cohort")


class CohortSource(Generic[AnyCohort]):
    """What can be asked for a cohort of appointments: a store, or a lake on a cluster."""

    def __init__(self, engine: Engine, labels: Labels | None = None) -> None:
        self._engine = engine
        self._labels = labels or Labels()

    def appointments(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        *,
        period: NamedPeriod | None = None,
        on: On | str = "start",
        as_of: DateLike | None = None,
        where: Mapping[str, Any] | None = None,
        include_internal: bool = False,
        grace: timedelta | float = 24.0,
        late: Late = 24.0,
        status_words: Mapping[str, str] | None = None,
        min_count: int = 0,
    ) -> AnyCohort:
        """The cohort of a question, whose methods are the figures.

        start, end: the half-open window [start, end) of local dates; without them, all.
        period: in place of both, whole calendar periods by name: last-week, last-month,
            last-quarter, last-year, last-12-months, year-to-date (up to the day before that of
            ``as_of``), next-week, next-month; counted from ``as_of`` in the store's time zone.
        on: the date that places a slot in it: ``start`` (planned; of an appointment, its last) or
            ``booked`` (its appointment's). What has no such date is in no window.
        as_of: an instant with an offset, or a date, which means the end of that day (the midnight
            that ends it) in the store's time zone. Without it, the newest ``occurred_at`` in the
            store that is not more than 24 h after its own receipt; it is fixed when this is called.
        where: what groupings must be: ``{"host": "user_1", "weekday": ["Monday", "Friday"]}``;
            None, NaN or NA stands for a missing value. What occurs nowhere in the store is wrong.
        include_internal: whether meetings of staff count, too.
        grace: how long after its planned end a slot is due; a timedelta or a number of hours.
        late: a cancellation with less notice than this is late: a timedelta, a number of hours, or
            ``"same_day"``, from the local day of the start on.
        status_words: further words that Avon's records use, such as ``{"dna": "no_show"}``.
        min_count: figures blank counts from 1 to just below this, and in the same table what would
            tell them. A figure can be given another one. Rows are never blanked.

        Raises UnknownGroup for an unknown ``on``, ``period`` or grouping, UsageError for a date,
        value, word or bound that cannot be and for a window that does not end after its start,
        StoreError if there is no store. Once the store has changed, its methods raise StaleCohort.

        >>> store.appointments(start="2025-01-01", where={"weekday": ["Monday", "Friday"]})
        Cohort
          holds         planned to start on or after 2025-01-01; weekday is Monday or Friday
          as of         2025-11-14 21:59 UTC
          appointments  11
          slots         15
        """
        with self._engine.reading():
            engine = self._engine.as_it_is()
            instant = as_instant(as_of, engine.time_zone) or engine.default_as_of()
            first, last = window(start, end, period, instant, engine.time_zone)
            scope = Scope(
                start=first,
                end=last,
                on=choice("date", on, tuple(DATES)),
                include_internal=flag(include_internal, "include_internal"),
            )
            settings = Settings(
                as_of=instant,
                grace_hours=hours(grace, "grace"),
                late_hours=0.0 if is_same_day(late) else hours(late, "late", _OR_ELSE),
                is_same_day=is_same_day(late),
                words=tuple(known_status_words(status_words).items()),
                time_zone=engine.time_zone,
            )
            kept = filters(engine, mapping(where, "where", "{'weekday': 'Monday'}"), self._labels)
            few = checked_min_count(min_count)
            kind = self._kind_of_cohorts()
            made: AnyCohort = kind(engine, scope, kept, settings, few, self._labels)
            return made

    @staticmethod
    def _kind_of_cohorts() -> type[Any]:
        """The class of its cohorts, imported when the first is asked for: a load needs none."""
        from avon_analytics.appointments.cohort import Cohort

        return Cohort

    def _own(self, cohort: Cohort, what: str) -> Cohort:
        """The cohort, if it is of this store. Raises UsageError, saying ``what``, if it is not."""
        if cohort._engine != self._engine:
            raise UsageError(
                f"{what}: the cohort is of another store, {cohort._engine.path}, whose figures "
                f"would stand above the provenance of {self._engine.path}"
            )
        return cohort


def asked(cohort: Cohort) -> dict[str, Any]:
    """What ``appointments`` was given to make this cohort, as plain values, defaults left out."""
    scope, settings = cohort._scope, cohort._settings
    late = "same_day" if settings.is_same_day else settings.late_hours
    usual = known_status_words()
    with cohort._engine.reading():
        is_newest = settings.as_of == cohort._engine.default_as_of()
    given: dict[str, tuple[Any, Any]] = {
        "start": (scope.start and scope.start.isoformat(), None),
        "end": (scope.end and scope.end.isoformat(), None),
        "on": (scope.on, "start"),
        "as_of": (None if is_newest or not settings.as_of else settings.as_of.isoformat(), None),
        "where": ({one.name: list(values) for one, values in cohort._filters}, {}),
        "include_internal": (scope.include_internal, False),
        "grace": (settings.grace_hours, 24.0),
        "late": (late, 24.0),
        "status_words": (
            {word: meaning for word, meaning in settings.words if usual.get(word) != meaning},
            {},
        ),
        "min_count": (cohort.min_count, 0),
    }
    return {name: value for name, (value, default) in given.items() if value != default}
