"""What was known of past slots at each of several instants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from avon_analytics.appointments.expectation.landmarks import (
    N_KINDS,
    Landmarks,
    PastSlots,
    steps_before,
)
from avon_analytics.appointments.statistics.arrays import Floats, Ints
from avon_analytics.appointments.statistics.forecast import OUTCOMES

_MOST_NUMBERS = 2_000_000  # that are remembered of one history, of 8 bytes each


class Learning:
    """Counts of past slots by kind, days left and outcome, as they were known on several days.

    They are the same whatever slots are divided by, so they are remembered, up to some megabytes:
    the next figure of a cohort need not read its history again.
    """

    def __init__(
        self, landmarks: Landmarks, at: datetime, most_days: int, instants: Iterable[datetime]
    ) -> None:
        """``instants`` are those that will be asked about, none after ``at``."""
        self._landmarks, self._most_days = landmarks, most_days
        self._looked = tuple(sorted({steps_before(one, at) for one in instants} or {0}))
        self._rows = landmarks.past_rows(at, most_days, self._looked[0])
        self._growing: tuple[_Growing, int] | None = None
        key = ("learning", self._looked, self._rows.steps, *self._rows.parameters.items())
        remembered = landmarks.cohort._engine.remembered
        self._known: dict[int, Floats] = remembered.of(key, dict)

    def at(self, day: int) -> Floats:
        """The counts of slots due by a day and started in the 365 days before it.

        Days are steps of 24 hours from the instant. Of a slot there is one landmark a day while it
        is open.
        """
        if day in self._known:
            return self._known[day]
        growing, last = self._growing or (None, day)
        if growing is None or day < last:
            growing = _Growing(self._landmarks.past(self._rows, self._looked), self._most_days)
        self._growing = growing, day
        counts = growing.at(day)
        counts.flags.writeable = False
        if (1 + len(self._known)) * counts.size <= _MOST_NUMBERS:
            self._known[day] = counts
        return counts


class _Growing:
    """Counts of past slots by kind, days left and outcome; what is due is added as time goes on."""

    def __init__(self, past: PastSlots, most_days: int) -> None:
        self._past = past
        self._size = (N_KINDS, most_days + 2, len(OUTCOMES))
        self._steps = np.zeros(self._size)
        self._by_due = np.argsort(past.due_day, kind="stable")
        self._by_old = np.argsort(past.old_day, kind="stable")
        self._added = np.zeros(len(past.n), dtype=bool)
        self._n_due = self._n_old = 0

    def at(self, day: int) -> Floats:
        """The counts; days must not go back."""
        due = int(np.searchsorted(self._past.due_day[self._by_due], day, side="right"))
        new = self._by_due[self._n_due : due]
        old = int(np.searchsorted(self._past.old_day[self._by_old], day, side="right"))
        gone = self._by_old[self._n_old : old]
        self._n_due, self._n_old = due, max(old, self._n_old)
        gone = gone[self._added[gone]]
        new = new[self._past.old_day[new] > day]
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
