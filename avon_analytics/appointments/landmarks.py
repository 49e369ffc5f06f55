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
from avon_analytics.appointments.forecast import OUTCOMES
from avon_analytics.appointments.groupings import GROUPINGS, Grouping
from avon_analytics.appointments.population import Population
from avon_analytics.appointments.queries import sql
from avon_analytics.appointments.scope import Scope
from avon_analytics.figures.expected import HISTORY_DAYS
from avon_analytics.store.schema import literal

_LEAD = GROUPINGS["lead_band"]


def _place(grouping: Grouping) -> str:
    """The place of a band among its labels, as SQL; what is missing comes last."""
    place = grouping.expression
    for nth, label in enumerate(grouping.labels):
        place = place.replace(literal(label), str(nth))
    return f"coalesce({place}, {len(grouping.labels)})"


VISITS = ("first", "returning", "unknown", "none")  # their places stand in the SQL
_RETURNING = VISITS.index("returning")
N_KINDS = (len(_LEAD.labels) + 1) * 3 * len(VISITS)
# Kinds and outcomes are numbers, since hundreds of thousands of rows come of millions of slots. A
# kind is the place of the lead, who booked, and the visit, known once a slot is looked at.
_KIND = (
    f"({_place(_LEAD)} * 3 + CASE self_booked WHEN false THEN 0 WHEN true THEN 1 ELSE 2 END)"
    f" * {len(VISITS)} AS kind"
)
_NO_PERIOD = date(1970, 1, 1)
# An outcome by its place, -1 for what is still open.
_ENDED = (
    f"CASE decided {' '.join(f'WHEN {literal(one)} THEN {n}' for n, one in enumerate(OUTCOMES))} "
    f"ELSE CASE WHEN decided IS NULL AND is_due THEN {OUTCOMES.index('unresolved')} "
    "ELSE -1 END END AS ended"
)
# How `landmark_alike` packs numbers into one, so that few columns are grouped and fetched.
_OF_PERIOD = 23  # bits: more than there are days in a calendar; half of them before 1970
_OF_DAYS = 22
_OF_END = 3
# Of more groups hardly any slots are alike: to add them up takes longer than to fetch them.
MANY_GROUPS = 50
_SELECT = "SELECT * FROM (\n{}\n) AS found"


@dataclass(frozen=True, slots=True)
class Open:
    """Slots that were open at some instant, an element for those alike: their line (the numbers of
    a group and a period, in this order), local day (where asked for), kind, whole days left,
    outcome (-1: still open), and how many."""

    groups: pd.DataFrame
    group: Ints
    period: Ints
    line: Ints
    day: Ints
    kind: Ints
    days: Ints
    outcome: Ints
    n: Floats


@dataclass(frozen=True, slots=True)
class Past:
    """Due slots by the steps of 24 hours in which they were open, an element for those alike."""

    start_day: Ints
    due_day: Ints
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
        rows = self._rows(keys, None, start, end, None).beside("groups", _groups(len(keys)))
        groups = self.cohort._ask_once(rows.query("SELECT * FROM groups"), rows, _dtypes(keys))
        rows = self.open_rows(keys, every, at, start, end)
        asked, columns = sql("landmark_alike"), "line, alike, day" if with_days else "line, alike"
        if len(groups) > MANY_GROUPS:
            asked = f"SELECT {columns} FROM ({asked}) AS one"
        else:
            asked = f"SELECT {columns}, count(*) AS n FROM ({asked}) AS one GROUP BY {columns}"
        found = self.cohort._ask_for(rows.query(asked), rows)
        packed = _whole(found["line"]) + (1 << _OF_PERIOD - 1)
        nth = packed >> _OF_PERIOD
        periods = (packed & (1 << _OF_PERIOD) - 1) - (1 << _OF_PERIOD - 1)
        groups = groups[np.bincount(nth, minlength=len(groups) + 1)[_whole(groups["nth"])] > 0]
        named = groups.drop(columns="nth").set_axis([key.name for key in keys], axis=1)
        numbers = np.zeros(nth.max(initial=0) + 1, dtype=np.int64)
        numbers[_whole(groups["nth"])] = number = _numbers(named)
        group, period, line = _lines(numbers[nth], periods)
        alike = _whole(found["alike"])
        return Open(
            groups=named.iloc[np.argsort(number)].reset_index(drop=True),
            group=group,
            period=period,
            line=line,
            day=_whole(found["day"]) if with_days else np.zeros(0, dtype=np.int64),
            kind=alike >> _OF_DAYS + _OF_END,
            days=alike >> _OF_END & (1 << _OF_DAYS) - 1,
            outcome=(alike & (1 << _OF_END) - 1) - 1,
            n=found["n"].to_numpy(dtype=np.float64) if "n" in found else np.ones(len(found)),
        )

    def open_rows(
        self,
        keys: tuple[Grouping, ...],
        every: str | None,
        at: datetime | Mapping[date, datetime],
        start: date | None,
        end: date | None,
    ) -> Population:
        """What ``landmark_alike`` reads."""
        rows = self._rows(keys, every, start, end, None).beside("groups", _groups(len(keys)))
        same = [f"p.keys.key_{n} IS NOT DISTINCT FROM g.key_{n}" for n in range(len(keys))]
        if isinstance(at, datetime):
            instant, instants = f"CAST({_micros(at)} AS BIGINT)", ""
            if at == self.cohort.as_of:  # then it is known which are open, whatever lies ahead
                same.append("p.outcome = 'open'")
        else:
            known = _values({first: _micros(one) for first, one in at.items()})
            instant, instants = "i.at_us", f"INNER JOIN {known} ON p.keys.period_on = i.period_on "
        rows = rows.beside(
            "looked",
            f"(SELECT p.*, {instant} AS at_us, g.nth FROM population AS p {instants}"
            f"INNER JOIN groups AS g ON {' AND '.join(same) or 'true'}) AS looked",
        )
        # Kinds are worked out of what was open alone: a third of what is looked at.
        return rows.beside(
            "opened", f"(SELECT *, {_KIND}, {_ENDED} FROM ({sql('landmark_open')}) AS o) AS opened"
        )

    def past_rows(self, at: datetime, most_days: int, earliest: datetime) -> Population:
        """What ``landmark_history`` reads of due slots, looked at in steps of 24 hours that end at
        this instant; all that count at an ``earliest`` one or later."""
        bound = {
            "at_us": _micros(at),
            "most_days": most_days,
            "grace_hours": self.cohort._settings.grace_hours,
        }
        # Three days more, as neither steps nor the instant's day are those of a time zone.
        since = earliest.date() - timedelta(days=HISTORY_DAYS + 3)
        rows = self._rows((), None, max(since, self.history_from or since), None)
        return replace(rows, parameters={**rows.parameters, **bound})

    def past(self, rows: Population) -> Past:
        """Past slots, of what ``past_rows`` gives."""
        found = self.cohort._ask_for(rows.query(_SELECT.format(sql("landmark_history"))), rows)
        # Here, not in the engine, which would work out each number twice.
        found = found[found["last_days"] <= found["first_days"]]
        kind = _whole(found["kind"])
        return Past(
            start_day=_whole(found["start_day"]),
            due_day=_whole(found["due_day"]),
            kind=kind,
            returning_kind=kind - kind % len(VISITS) + _RETURNING,
            outcome=_whole(found["ended"]),
            first_days=_whole(found["first_days"]),
            last_days=_whole(found["last_days"]),
            returning_days=_whole(found["returning_days"]),
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
        plus: str | None = f"{_KIND}, {_ENDED}",
    ) -> Population:
        internal = self.cohort._scope.include_internal
        scope = Scope(start, end, "start", internal, tuple(self.closed))
        return replace(self.cohort, _scope=scope)._population("landmarks", keys, every, plus)


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - _NO_PERIOD).days


def steps_before(at: datetime, reference: datetime) -> int:
    """The last step of 24 hours from the reference that is not after an instant."""
    return (at - reference) // timedelta(days=1)


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // timedelta(microseconds=1)


def _literal(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _values(looked: Mapping[date, int]) -> str:
    lines = ", ".join(f"({_literal(first)}, {at})" for first, at in looked.items())
    none = f"({_literal(date.min)}, 0)"
    return f"(VALUES {lines or none}) AS i (period_on, at_us)"


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


def _numbers(groups: pd.DataFrame) -> Ints:
    """The number of each group, in the order of the groups."""
    if not len(groups.columns):
        return np.zeros(len(groups), dtype=np.int64)
    found = groups.groupby(list(groups.columns), sort=True, dropna=False).ngroup()
    return np.asarray(found, dtype=np.int64)


def _lines(group: Ints, period: Ints) -> tuple[Ints, Ints, Ints]:
    """Groups and periods that occur together, in order, and at which place each pair stands."""
    periods, place = _ranked(period)
    n = max(len(periods), 1)
    pairs, line = _ranked(group * n + place)
    return pairs // n, periods[pairs % n], line


def _ranked(numbers: Ints) -> tuple[Ints, Ints]:
    """The numbers that occur, in order, and the place of each; of few that occur often, without
    sorting."""
    since = numbers.min(initial=0)
    is_there = np.bincount(numbers - since) > 0
    return np.flatnonzero(is_there) + since, (np.cumsum(is_there) - 1)[numbers - since]


def _days(dates: pd.Series) -> Ints:
    days = dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
    return np.asarray(days)


def _whole(numbers: pd.Series) -> Ints:
    return numbers.to_numpy(dtype=np.int64)
