"""Which periods of a cohort can be compared: those that are mature, and whole.

Both are of a period over the whole cohort, so they are the same for all groups: a host without an
open visit is no further than the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from avon_analytics.appointments.rows.scope import Scope, period_end, period_start

_LAST_YEAR = 9998  # a date in the year 9999 is a slip; what ends there has not ended yet


@dataclass(frozen=True, slots=True)
class Completeness:
    """What decides whether a period is mature and whole.

    ``every`` is the length of the periods; without it, the window is the period. ``over_on`` is the
    day of T, less the grace: what ends by its beginning is over (None: no events, so no T).
    ``first_on`` is the day of the store's first appointment event, ``undue`` are the periods that
    hold a slot which is not due.
    """

    scope: Scope
    every: str | None
    over_on: date | None
    first_on: date | None
    undue: frozenset[date | None]

    def by(self, every: str | None) -> Completeness:
        """What is known of days, for longer periods, or for the window."""
        undue = {
            None if every is None or day is None else period_start(day, every) for day in self.undue
        }
        return replace(self, every=every, undue=frozenset(undue))

    def is_mature(self, first: date | None) -> bool:
        """Whether a period (its first day) and the grace after it were over at T, and all is due.

        What has no period, and a window without an end, are mature once all of it is due.
        """
        if first in self.undue:
            return False
        if self.every is None:
            return self._has_ended(self.scope.end)
        if first is None:
            return True
        return first.year < _LAST_YEAR and self._has_ended(period_end(first, self.every))

    def is_whole(self, first: date | None) -> bool:
        """Whether a period lies in the window, and no part of it before the archive begins.

        What has no period lies in none. A window without a start begins with the archive.
        """
        begins = self.scope.start if self.every is None else first
        if begins is None:
            return self.every is None
        if self.first_on is not None and begins < self.first_on:
            return False
        if self.every is None:
            return True
        start, end = self.scope.start, self.scope.end
        if start is not None and begins < start:
            return False
        return end is None or (begins.year < _LAST_YEAR and period_end(begins, self.every) <= end)

    def complete_periods(self) -> list[date]:
        """The first days of all complete periods, with slots or without, oldest first."""
        if self.every is None or self.first_on is None or self.over_on is None:
            return []
        first = period_start(max(self.first_on, self.scope.start or self.first_on), self.every)
        found = []
        while first.year < _LAST_YEAR and self._has_ended(end := period_end(first, self.every)):
            if self.is_whole(first) and first not in self.undue:
                found.append(first)
            first = end
        return found

    def mark(self, rows: pd.DataFrame) -> None:
        """Add ``is_mature`` and ``is_whole`` to the rows of a figure."""
        rows["is_mature"] = self._each(rows, self.is_mature)
        rows["is_whole"] = self._each(rows, self.is_whole)

    def _each(self, rows: pd.DataFrame, known: Callable[[date | None], bool]) -> pd.Series:
        if self.every is None:
            return pd.Series(known(None), rows.index, dtype=bool)
        periods = rows.period_on
        place, firsts = pd.factorize(periods)
        # What has no period comes last, which is place -1.
        flags = np.array([*(known(first.date()) for first in firsts), known(None)], dtype=bool)
        return pd.Series(flags[place], rows.index, dtype=bool)

    def _has_ended(self, end: date | None) -> bool:
        return end is None or self.over_on is None or end <= self.over_on
