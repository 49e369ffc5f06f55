"""Slots as they stood at an earlier instant, a landmark: what was open then, and how it ended.

A slot's state at an earlier instant is read off its own instants (when it was planned, cancelled,
moved, attended), as they are known at T, not from a store as of then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from avon_analytics.appointments.rows.cohort_rows import CohortRows
from avon_analytics.appointments.rows.groupings import GROUPINGS, Grouping
from avon_analytics.appointments.rows.population import Population
from avon_analytics.appointments.rows.scope import Scope, as_date
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.appointments.slots.steps import micros_of
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.forecast import (
    OF_DAYS,
    OF_LIKE,
    OUTCOMES,
    Alike,
    begins,
)
from avon_analytics.arguments import values
from avon_analytics.errors import UsageError
from avon_analytics.figures.expected import HISTORY_DAYS
from avon_analytics.figures.words import DateLike

VISITS = ("first", "returning", "unknown", "none")  # their places stand in the SQL
_RETURNING = VISITS.index("returning")
N_KINDS = (len(GROUPINGS["lead_band"].labels) + 1) * 3 * len(VISITS)  # as `slot_kinds` tells
_NO_PERIOD = date(1970, 1, 1)
# `landmark_alike` packs a slot into one number: its period, the day in it, kind, days left and how
# it ended. Here its line stands in place of period and day.
_OF_END = 3  # bits
_OF_SLOT = OF_LIKE + _OF_END
_OF_PERIOD = _OF_SLOT + 9  # no period has more days
MOST_LINES = 1 << 63 - _OF_SLOT  # of more, those that occur are numbered
_FEW_DAYS = 60  # of more, to find each slot's takes longer than to fetch days one by one
_SELECT = "SELECT * FROM (\n{}\n) AS found"


@dataclass(frozen=True, slots=True)
class OpenSlots:
    """Slots that were open at some instant, by the lines in which they count: a group, one of
    ``groups``, and a period, by its first day; where each period has an instant of its own, periods
    come first. Of each slot there is one number in ``codes``, in order: its line, kind, days left
    and how it ended. Those of a line begin at its ``first``, of which there is one more, where all
    end. ``daily`` is how many ended how by group, day of the window and outcome, where asked for.

    A large store has a million of them, and memory takes longer to get than to fill: they are taken
    apart some lines at a time.
    """

    groups: pd.DataFrame
    group: Ints
    period: Ints
    first: Ints
    codes: Ints
    daily: Ints

    @property
    def most_days(self) -> int:
        """The most days that are left of any slot."""
        days = self.codes >> _OF_END
        days &= (1 << OF_DAYS) - 1
        return int(days.max(initial=0))

    def alike(self, lines: slice) -> Alike:
        """The slots of some lines, a sum each."""
        return Alike.of(self._codes(lines) >> _OF_END)

    def came(self, lines: slice) -> Ints:
        """How many slots of some lines ended how, a column for each outcome; of due slots."""
        n_slots = np.diff(self.first[lines.start : lines.stop + 1])
        return _ended(np.repeat(np.arange(len(n_slots)), n_slots), self._codes(lines), len(n_slots))

    def _codes(self, lines: slice) -> Ints:
        return self.codes[self.first[lines.start] : self.first[lines.stop]]


@dataclass(frozen=True, slots=True)
class PastSlots:
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
class Landmarks:
    """Asks a cohort for its slots as they stood; days in ``closed`` are left out."""

    cohort: CohortRows
    closed: Sequence[date]
    history_from: date | None

    @classmethod
    def of(
        cls,
        cohort: CohortRows,
        closed: Iterable[DateLike] | None,
        history_from: DateLike | None,
    ) -> Landmarks:
        """Those of a cohort, of options as they were given. Raises UsageError for no dates."""
        days = [] if closed is None else [as_date(one, "closed") for one in values(closed)]
        if None in days:
            raise UsageError("closed: expected dates such as '2025-12-25'")
        return cls(
            cohort, [day for day in days if day is not None], as_date(history_from, "history_from")
        )

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
    ) -> OpenSlots:
        """What was open in a window of starts, at one instant or at one for each period."""
        rows = self.open_rows(keys, every, at, start, end)
        found = self.cohort._ask_for(
            rows.query(_by_group({name: rows.key_values[name] for name in rows.key_names})),
            rows,
            rows.key_dtypes,
        )
        lists = found.pop("alike")
        slots = np.concatenate([np.zeros(0, dtype=np.int64), *lists])
        group = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        daily = np.zeros((0, 0, len(OUTCOMES)), dtype=np.int64)
        if with_days and start is not None and end is not None:
            n_days = (end - start).days
            day = (slots >> _OF_PERIOD) - day_number(start)
            day += slots >> _OF_SLOT & (1 << _OF_PERIOD - _OF_SLOT) - 1
            daily = _ended(group * n_days + day, slots, len(lists) * n_days)
            daily = daily.reshape(len(lists), n_days, len(OUTCOMES))
        ends = (slots.min(), slots.max()) if len(slots) else (0, 0)
        earliest, latest = (int(one) >> _OF_PERIOD for one in ends)
        n_groups, n_periods = max(len(lists), 1), latest - earliest + 1
        of_group, of_period = (n_periods, 1) if isinstance(at, datetime) else (1, n_groups)
        period = slots >> _OF_PERIOD
        period -= earliest
        period *= of_period
        group *= of_group
        group += period
        lines, first, codes = _in_order(group, slots, n_groups * n_periods)
        return OpenSlots(
            groups=found.set_axis([key.name for key in keys], axis=1),
            group=lines // of_group % n_groups,
            period=lines // of_period % n_periods + earliest,
            first=first,
            codes=codes,
            daily=daily,
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
        rows = self._rows(keys, every, start, end)
        period = rows.key_values.get("period_on", "CAST(NULL AS DATE)")
        if isinstance(at, datetime):
            instant, instants = f"CAST({micros_of(at)} AS BIGINT)", ""
        else:
            instant = "i.at_us"
            instants = f"INNER JOIN {_values(at)} ON {period} = i.period_on "
        # As of T itself it is known which are open, whatever lies ahead.
        is_now = at == self.cohort.as_of
        there = "p.ended = -1" if is_now else f"unix_micros(p.planned_at) <= {instant}"
        looked = (
            f"SELECT p.*, {instant} AS at_us, {period} AS period_on "
            f"FROM population AS p {instants}WHERE {there}"
        )
        rows = rows.beside("looked", f"({looked}) AS looked")
        return rows.beside("opened", f"({sql('landmark_open')}) AS opened")

    def past_rows(self, at: datetime, most_days: int, earliest: int) -> Population:
        """What ``landmark_history`` reads of due slots, looked at in steps of 24 hours that end at
        this instant; all that count on an ``earliest`` day or later."""
        bound = {
            "at_us": micros_of(at),
            "most_days": most_days,
            "history_days": HISTORY_DAYS,
        }
        # Three days more, as neither steps nor the instant's day are those of a time zone.
        since = at.date() + timedelta(days=earliest - HISTORY_DAYS - 3)
        rows = self._rows((), None, max(since, self.history_from or since), None)
        return replace(rows, parameters={**rows.parameters, **bound})

    def past(self, rows: Population, looked: Sequence[int]) -> PastSlots:
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
        return PastSlots(
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
        bound = {"at_us": micros_of(at), "at_on": on}
        rows = self._rows(keys, None, since, None)
        rows = replace(rows, parameters={**rows.parameters, **bound})
        found = self.cohort._ask_for(rows.run(sql("landmark_later")), rows, rows.key_dtypes)
        return found.rename(columns=rows.key_names).assign(
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


def _literal(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _values(looked: Mapping[date, datetime]) -> str:
    lines = ", ".join(f"({_literal(first)}, {micros_of(at)})" for first, at in looked.items())
    none = f"({_literal(date.min)}, 0)"
    return f"(VALUES {lines or none}) AS i (period_on, at_us)"


def _by_group(groups: Mapping[str, str]) -> str:
    """Open slots as a list for each group, in order of the groups, as SQL."""
    keys = ", ".join(f"{key} AS {name}" for name, key in groups.items())
    alike = f"FROM ({sql('landmark_alike')}) AS one"
    if not keys:
        return f"SELECT array_agg(alike) AS alike {alike} HAVING count(*) > 0"
    of_keys = ", ".join(groups.values())
    order = ", ".join(f"{name} NULLS LAST" for name in groups)
    found = f"SELECT {keys}, array_agg(alike) AS alike {alike} GROUP BY {of_keys}"
    return f"SELECT * FROM ({found}) AS found ORDER BY {order}"


def _ended(place: Ints, codes: Ints, n_places: int) -> Ints:
    """How many slots ended how in each place, of due ones."""
    outcome = codes & (1 << _OF_END) - 1
    outcome += place * len(OUTCOMES) - 1
    n = np.bincount(outcome, minlength=n_places * len(OUTCOMES))
    return n.reshape(n_places, len(OUTCOMES))


def _in_order(line: Ints, slots: Ints, n_lines: int) -> tuple[Ints, Ints, Ints]:
    """The lines that occur, where each begins (and all end), and the codes of slots, in order, of
    numbers that are not needed any more."""
    lines = None
    if n_lines > MOST_LINES:
        lines, line = np.unique(line, return_inverse=True)
    line <<= _OF_SLOT
    slots &= (1 << _OF_SLOT) - 1
    slots |= line
    slots.sort()
    np.right_shift(slots, _OF_SLOT, out=line)
    first = np.flatnonzero(begins(line))
    return line[first] if lines is None else lines, np.append(first, len(slots)), slots


def _days(dates: pd.Series) -> Ints:
    days = dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
    return np.asarray(days)


def _whole(numbers: pd.Series) -> Ints:
    return numbers.to_numpy(dtype=np.int64)
