"""Slots as they stood at an earlier instant: what was open then, and how it ended.

A slot's state at an earlier instant is read off its own instants (when it was planned, cancelled,
moved, attended), as they are known at T, not from a store as of then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.cohort_rows import CohortRows
from avon_analytics.appointments.distributions import Floats, Ints
from avon_analytics.appointments.forecast import Alike
from avon_analytics.appointments.groupings import GROUPINGS, Grouping
from avon_analytics.appointments.population import Population
from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.scope import Scope
from avon_analytics.figures.expected import HISTORY_DAYS

VISITS = ("first", "returning", "unknown", "none")  # their places stand in the SQL
_RETURNING = VISITS.index("returning")
N_KINDS = (len(GROUPINGS["lead_band"].labels) + 1) * 3 * len(VISITS)  # as `slot_kinds` tells
_NO_PERIOD = date(1970, 1, 1)
# How `landmark_alike` packs numbers into one, so that few columns are grouped and fetched.
_OF_END = 3  # bits, behind those of the kind and the days
_PERIODS = 1 << 23  # more than there are days in a calendar, half of them before 1970
# Of more groups hardly any slots are alike: to add them up takes longer than to fetch them.
MANY_GROUPS = 50
_FEW_DAYS = 60  # of more, to find each slot's takes longer than to fetch days one by one
_SELECT = "SELECT * FROM (\n{}\n) AS found"


@dataclass(frozen=True, slots=True)
class Open:
    """Slots that were open at some instant: ``slots`` by the lines in which they count, kinds and
    days left. A line is a group, one of ``groups``, and a period; where each period has an instant
    of its own, periods come first. An element for each slot, or for those alike: its line, local
    day (where asked for), what else is known of it, packed (``alike``), and how many. Of a large
    store there are a million: each further number of them takes as long to put down as to work out.
    """

    groups: pd.DataFrame
    group: Ints
    period: Ints
    slots: Alike
    line: Ints
    day: Ints
    alike: Ints
    n: Floats

    @property
    def outcome(self) -> Ints:
        """The outcome of each, -1 where it is still open."""
        outcome = self.alike & (1 << _OF_END) - 1
        outcome -= 1
        return outcome


@dataclass(frozen=True, slots=True)
class Past:
    """Due slots by the steps of 24 hours in which they were open, an element for those alike. They
    count on days from ``due_day`` on and until ``old_day``, of those that are looked at."""

    due_day: Ints
    old_day: Ints
    kind: Ints
    returning_kind: Ints
    outcome: Ints
    first_days: Ints
    last_days: Ints
    returning_days: Ints
    n: Floats


@dataclass(frozen=True, slots=True)
class Slots:
    """Asks a cohort for its slots as they stood; days in ``closed`` are left out."""

    cohort: CohortRows
    closed: Sequence[date]
    history_from: date | None

    @property
    def options(self) -> dict[str, Any]:
        """What was asked of them, as plain values."""
        since = self.history_from
        return {
            "closed": [day.isoformat() for day in self.closed],
            "history_from": None if since is None else since.isoformat(),
        }

    def open(
        self,
        keys: tuple[Grouping, ...],
        every: str | None,
        at: datetime | Mapping[date, datetime],
        start: date | None,
        end: date | None,
        *,
        with_days: bool = False,
    ) -> Open:
        """What was open in a window of starts, at one instant or at one for each period."""
        rows = self._rows(keys, None, start, end).beside("groups", _groups(len(keys)))
        groups = self.cohort._ask_once(rows.query("SELECT * FROM groups"), rows, _dtypes(keys))
        rows = self.open_rows(keys, every, at, start, end, len(groups))
        asked, columns = sql("landmark_alike"), "line, alike, day" if with_days else "line, alike"
        if len(groups) > MANY_GROUPS:
            asked = f"SELECT {columns} FROM ({asked}) AS one"
        else:
            asked = f"SELECT {columns}, count(*) AS n FROM ({asked}) AS one GROUP BY {columns}"
        found = self.cohort._ask_for(rows.query(asked), rows)
        lines, line = _ranked(_whole(found["line"]))
        if isinstance(at, datetime):
            nth, period = lines // _PERIODS, lines % _PERIODS - _PERIODS // 2
        else:
            firsts = np.array([day_number(one) for one in at], dtype=np.int64)
            nth, period = lines % (len(groups) + 1), firsts[lines // (len(groups) + 1)]
        there, group = _ranked(nth)
        groups = groups.set_index("nth").loc[there]
        alike = _whole(found["alike"])
        n = found["n"].to_numpy(np.float64) if "n" in found else np.broadcast_to(1.0, len(found))
        return Open(
            groups=groups.set_axis([key.name for key in keys], axis=1).reset_index(drop=True),
            group=group,
            period=period,
            slots=Alike.of(line, alike >> _OF_END, n),
            line=line,
            day=_whole(found["day"]) if with_days else np.zeros(0, dtype=np.int64),
            alike=alike,
            n=n,
        )

    def open_rows(
        self,
        keys: tuple[Grouping, ...],
        every: str | None,
        at: datetime | Mapping[date, datetime],
        start: date | None,
        end: date | None,
        n_groups: int = 0,
    ) -> Population:
        """What ``landmark_alike`` reads; ``n_groups`` are told where lines are asked for."""
        rows = self._rows(keys, every, start, end).beside("groups", _groups(len(keys)))
        same = [f"p.keys.key_{n} IS NOT DISTINCT FROM g.key_{n}" for n in range(len(keys))]
        if isinstance(at, datetime):
            instant, instants = f"CAST({_micros(at)} AS BIGINT)", ""
            place = f"coalesce(unix_date(p.keys.period_on), 0) + {_PERIODS // 2}"
            line = f"g.nth * {_PERIODS} + {place}"
        else:
            known = _values({first: _micros(one) for first, one in at.items()})
            instant, instants = "i.at_us", f"INNER JOIN {known} ON p.keys.period_on = i.period_on "
            line = f"i.place * {n_groups + 1} + g.nth"
        # As of T itself it is known which are open, whatever lies ahead.
        is_now = at == self.cohort.as_of
        same.append("p.ended = -1" if is_now else f"unix_micros(p.planned_at) <= {instant}")
        rows = rows.beside(
            "looked",
            f"(SELECT p.*, {instant} AS at_us, {line} AS line FROM population AS p {instants}"
            f"INNER JOIN groups AS g ON {' AND '.join(same)}) AS looked",
        )
        return rows.beside("opened", f"({sql('landmark_open')}) AS opened")

    def past_rows(self, at: datetime, most_days: int, earliest: int) -> Population:
        """What ``landmark_history`` reads of due slots, looked at in steps of 24 hours that end at
        this instant; all that count on an ``earliest`` day or later."""
        bound = {
            "at_us": _micros(at),
            "most_days": most_days,
            "grace_hours": self.cohort._settings.grace_hours,
            "history_days": HISTORY_DAYS,
        }
        # Three days more, as neither steps nor the instant's day are those of a time zone.
        since = at.date() + timedelta(days=earliest - HISTORY_DAYS - 3)
        rows = self._rows((), None, max(since, self.history_from or since), None)
        return replace(rows, parameters={**rows.parameters, **bound})

    def past(self, rows: Population, looked: Sequence[int]) -> Past:
        """Past slots, of what ``past_rows`` gives, as they count on these days, in order."""
        asked = sql("landmark_history")
        for name in ("due", "old"):
            asked = asked.replace(f"${name}_when_looked", _first_of(looked, f"{name}_day"))
        found = self.cohort._ask_for(rows.query(_SELECT.format(asked)), rows)
        # Here, not in the engine, of which each slot would ask for it.
        found = found[found["last_days"] <= found["first_days"]]
        first, last = _whole(found["first_days"]), _whole(found["last_days"])
        returning = _whole(found["returning_days"])
        kind = _whole(found["kind"])
        return Past(
            due_day=_whole(found["due_day"]),
            old_day=_whole(found["old_day"]),
            kind=kind,
            returning_kind=kind - kind % len(VISITS) + _RETURNING,
            outcome=_whole(found["ended"]),
            first_days=first,
            last_days=last,
            returning_days=np.maximum(np.minimum(returning, first), last - 1),
            n=found["n"].to_numpy(dtype=np.float64),
        )

    def later(
        self, keys: tuple[Grouping, ...], at: datetime, on: date, since: date | None
    ) -> pd.DataFrame:
        """Due slots from a day on that were planned late: columns of the groups, ``day`` (number),
        ``outcome`` (number), ``from_days`` and ``n``."""
        bound = {"at_us": _micros(at), "at_on": on}
        rows = self._rows(keys, None, since, None)
        rows = replace(rows, parameters={**rows.parameters, **bound})
        found = self.cohort._ask_for(rows.run(sql("landmark_later")), rows, _dtypes(keys))
        names = {f"key_{n}": key.name for n, key in enumerate(keys)}
        return found.rename(columns=names).assign(
            day=_days(found["start_on"]),
            outcome=_whole(found["ended"]),
            from_days=_whole(found["from_days"]),
        )

    def _rows(
        self,
        keys: tuple[Grouping, ...],
        every: str | None,
        start: date | None,
        end: date | None,
    ) -> Population:
        internal = self.cohort._scope.include_internal
        scope = Scope(start, end, "start", internal, tuple(self.closed))
        return replace(self.cohort, _scope=scope)._population("landmarks", keys, every)


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - _NO_PERIOD).days


def steps_before(at: datetime, reference: datetime) -> int:
    """The last step of 24 hours from the reference that is not after an instant."""
    return (at - reference) // timedelta(days=1)


def _first_of(looked: Sequence[int], day: str) -> str:
    """The first of these days on or after a day, as SQL; of many the day itself, which tells the
    same."""
    if len(looked) > _FEW_DAYS:
        return day
    following = [*looked[1:], looked[-1] + 1]
    cases = [f"WHEN {day} > {one} THEN {then}" for one, then in zip(looked, following, strict=True)]
    return f"CASE {' '.join(reversed(cases))} ELSE {looked[0]} END"


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(microseconds=1)


def _literal(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _values(looked: Mapping[date, int]) -> str:
    lines = ", ".join(
        f"({_literal(first)}, {at}, {place})" for place, (first, at) in enumerate(looked.items())
    )
    none = f"({_literal(date.min)}, 0, 0)"
    return f"(VALUES {lines or none}) AS i (period_on, at_us, place)"


def _dtypes(keys: Sequence[Grouping]) -> dict[str, str]:
    return {f"key_{n}": key.dtype for n, key in enumerate(keys)}


def _groups(n_keys: int) -> str:
    """The groups of the population with a number each (``nth``), as SQL."""
    names = [f"key_{n}" for n in range(n_keys)]
    if not names:
        return "(SELECT 1 AS nth) AS groups"
    found = ", ".join(f"keys.{name} AS {name}" for name in names)
    order = ", ".join(f"{name} NULLS LAST" for name in names)
    return (
        f"(SELECT *, row_number() OVER (ORDER BY {order}) AS nth "
        f"FROM (SELECT DISTINCT {found} FROM population) AS found) AS groups"
    )


def _ranked(numbers: Ints) -> tuple[Ints, Ints]:
    """The numbers that occur, in order, and the place of each; of few that occur often, without
    sorting."""
    if numbers.max(initial=0) > _PERIODS:
        return np.unique(numbers, return_inverse=True)
    is_there = np.bincount(numbers) > 0
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[numbers]


def _days(dates: pd.Series) -> Ints:
    days = dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
    return np.asarray(days)


def _whole(numbers: pd.Series) -> Ints:
    return numbers.to_numpy(dtype=np.int64)
