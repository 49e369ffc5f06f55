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
    f"CASE outcome {' '.join(f'WHEN {literal(one)} THEN {n}' for n, one in enumerate(OUTCOMES))} "
    "ELSE -1 END AS ended"
)
_SELECT = "SELECT * FROM (\n{}\n) AS found"


@dataclass(frozen=True, slots=True)
class Open:
    """Slots that were open at some instant, an element for those alike: their line (the numbers of
    a group and a period, in this order), local day, kind, whole days left, outcome (-1: still
    open), and how many."""

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
    ) -> Open:
        """What was open in a window of starts, at one instant or at one for each period."""
        rows = self.open_rows(keys, every, at, start, end)
        found = self.cohort._ask_for(rows.query(_SELECT.format(sql("landmark_open"))), rows)
        nth = _whole(found["nth"])
        groups = self.cohort._ask_for(rows.query("SELECT * FROM groups"), rows, _dtypes(keys))
        groups = groups[np.bincount(nth, minlength=len(groups) + 1)[_whole(groups["nth"])] > 0]
        named = groups.drop(columns="nth").set_axis([key.name for key in keys], axis=1)
        numbers = np.zeros(nth.max(initial=0) + 1, dtype=np.int64)
        numbers[_whole(groups["nth"])] = number = _numbers(named)
        periods = 0 * nth if every is None else _whole(found["period"])
        group, period, line = _lines(numbers[nth], periods)
        return Open(
            groups=named.iloc[np.argsort(number)].reset_index(drop=True),
            group=group,
            period=period,
            line=line,
            day=_whole(found["day"]),
            kind=_whole(found["kind"]),
            days=_whole(found["days"]),
            outcome=_whole(found["ended"]),
            n=found["n"].to_numpy(dtype=np.float64),
        )

    def open_rows(
        self,
        keys: tuple[Grouping, ...],
        every: str | None,
        at: datetime | Mapping[date, datetime],
        start: date | None,
        end: date | None,
    ) -> Population:
        """What ``landmark_open`` reads."""
        rows = self._rows(keys, every, start, end).beside("groups", _groups(len(keys)))
        same = [f"p.keys.key_{n} IS NOT DISTINCT FROM g.key_{n}" for n in range(len(keys))]
        if isinstance(at, datetime):
            instant, instants = f"CAST({_micros(at)} AS BIGINT)", ""
            if at == self.cohort.as_of:  # then it is known which are open, whatever lies ahead
                same.append("p.outcome = 'open'")
        else:
            known = _values({first: _micros(one) for first, one in at.items()})
            instant, instants = "i.at_us", f"INNER JOIN {known} ON p.keys.period_on = i.period_on "
        return rows.beside(
            "looked",
            f"(SELECT p.*, {instant} AS at_us, g.nth FROM population AS p {instants}"
            f"INNER JOIN groups AS g ON {' AND '.join(same) or 'true'}) AS looked",
        )

    def past(self, at: datetime, most_days: int, earliest: datetime) -> Past:
        """Due slots, looked at in steps of 24 hours that end at this instant; all that count at an
        ``earliest`` one or later."""
        bound = {
            "at_us": _micros(at),
            "most_days": most_days,
            "grace_hours": self.cohort._settings.grace_hours,
        }
        # Three days more, as neither steps nor the instant's day are those of a time zone.
        since = earliest.date() - timedelta(days=HISTORY_DAYS + 3)
        rows = self._rows((), None, max(since, self.history_from or since), None)
        rows = replace(rows, parameters={**rows.parameters, **bound})
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
    ) -> Population:
        internal = self.cohort._scope.include_internal
        scope = Scope(start, end, "start", internal, tuple(self.closed))
        kind = f"{_KIND}, {_ENDED}"
        return replace(self.cohort, _scope=scope)._population("landmarks", keys, every, kind)


class Learning:
    """Counts of past slots by kind, days left and outcome; what is due is added as time goes on."""

    def __init__(self, past: Past, most_days: int) -> None:
        self._past = past
        self._size = (N_KINDS, most_days + 2, len(OUTCOMES))
        self._steps = np.zeros(self._size)
        self._by_due = np.argsort(past.due_day, kind="stable")
        self._by_start = np.argsort(past.start_day, kind="stable")
        self._added = np.zeros(len(past.n), dtype=bool)
        self._n_due = self._n_old = 0

    def at(self, day: int) -> Floats:
        """The counts of slots due by a day and started in the 365 days before it.

        Days must not go back. Of a slot there is one landmark a day while it is open.
        """
        due = int(np.searchsorted(self._past.due_day[self._by_due], day, side="right"))
        new = self._by_due[self._n_due : due]
        oldest = day - HISTORY_DAYS
        old = int(np.searchsorted(self._past.start_day[self._by_start], oldest, side="left"))
        gone = self._by_start[self._n_old : old]
        self._n_due, self._n_old = due, max(old, self._n_old)
        gone = gone[self._added[gone]]
        new = new[self._past.start_day[new] >= oldest]
        self._added[new] = True
        self._added[gone] = False
        self._count(new, 1)
        self._count(gone, -1)
        return np.cumsum(self._steps, axis=1)[:, :-1]

    def _count(self, lines: Ints, sign: int) -> None:
        past = self._past
        n = sign * past.n[lines]
        last, first = past.last_days[lines], past.first_days[lines]
        turn = past.returning_days[lines] + 1  # from here on nobody knew yet
        outcome = past.outcome[lines]
        for kind, start, end in (
            (past.returning_kind[lines], last, turn),
            (past.kind[lines], turn, first + 1),
        ):
            for day, change in ((start, n), (end, -n)):
                place = np.ravel_multi_index((kind, day, outcome), self._size)
                np.add.at(self._steps.reshape(-1), place, change)  # faster than by three numbers


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
