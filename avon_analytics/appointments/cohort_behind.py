"""What stands behind a cohort's figures: its slots and appointments."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, Self

import pandas as pd

from avon_analytics.appointments.behind.behind import behind, cell_of, evidence, rows_behind
from avon_analytics.appointments.behind.trace import Trace, trace
from avon_analytics.appointments.rows.cohort_rows import CohortRows
from avon_analytics.appointments.rows.groupings import OF_SLOTS
from avon_analytics.appointments.rows.where import filters
from avon_analytics.arguments import mapping
from avon_analytics.figures.words import By, Every
from avon_analytics.intake.after.evidence import Evidence
from avon_analytics.whole_file import StrPath


class CohortBehind(CohortRows):
    """The rows of a cohort, and which of them a number counts."""

    __slots__ = ()

    def slots(self, where: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The cohort's slots with the evidence for what became of each.

        One row is one patient attendee at one planned start of one appointment (an appointment
        without a patient: one row a start), oldest start first. Instants ``_at`` are UTC, days
        ``_on`` and ``start_hour`` local to the visit, durations elapsed. Texts are ``str``, flags
        ``boolean``, whole numbers ``Int64``; missing is unknown or does not apply.

        ``outcome`` is attended, no_show, cancelled, rescheduled, unresolved or open; ``evidence``
        (event, status_history, attendee, actual_time), ``evidence_at`` and ``source_word`` say
        what decided it.

        where: keep some only, as in ``appointments``: by any grouping, and by what became of them:
        ``outcome``, ``cancelled_by``, ``notice_band``, ``reason``.

        >>> missed = visits.slots(where={"outcome": "no_show"})
        >>> missed[["start_on", "evidence", "source_word"]].head(2)
            start_on        evidence source_word
        0 2024-12-09  status_history      noShow
        1 2025-03-28        attendee         NaN
        """
        return self._narrowed(where)._table(
            "slots", "One row is one patient at one planned start of an appointment."
        )

    def lifecycle(self) -> pd.DataFrame:
        """The cohort's appointments with the instants of their stages.

        One row is one appointment, oldest start first. ``start_at`` and ``outcome`` are those of
        its last planned start, ``lead_days`` reaches to its first. ``started_at`` and
        ``completed_at`` are the first instants reported; ``booked_observed`` and the like say
        whether the webhook named after the stage came. Types are those of ``slots``.

        >>> visits.lifecycle()[["start_at", "outcome", "lead_days"]].head(2)
                           start_at     outcome  lead_days
        0 2024-09-18 14:00:00+00:00  unresolved          2
        1 2024-10-01 22:15:00+00:00    attended          6
        """
        return self._table("lifecycle", "One row is one appointment.")

    def behind(self, figure: pd.DataFrame, row: Hashable, column: str) -> pd.DataFrame:
        """The rows behind one number of a figure: as many as it says.

        ``visits.behind(by_month, 3, "n_no_show")`` are the slots that were counted there. figure: a
        figure as this cohort returned it, or some of its rows in any order. row: the label of the
        row in its index. column: a count, or the denominator of a share (``no_show_share_n``).

        The rows are slots, with the columns of ``slots``; for ``lead_times`` and ``funnel``
        appointments, with those of ``lifecycle``; for ``lost_time`` and ``refills`` sessions, for
        ``replies`` questions, and for ``n_patients`` and ``n_without_booking`` of ``returns``
        patients. Rows are never blanked.

        Raises UsageError for a number that counts no rows (it names the counts that it is made of),
        for a blanked one, for a row that is not there, and where the cohort does not count what the
        figure says: it is of another cohort, or the store has changed since.

        >>> by_quarter = visits.outcomes(every="quarter")
        >>> visits.behind(by_quarter, 1, "n_no_show")[["start_on", "outcome", "evidence"]]
            start_on  outcome        evidence
        0 2024-12-09  no_show  status_history
        """
        with self._engine.reading():
            return rows_behind(self, behind(self, cell_of(self, figure, row, column)))

    def evidence(self, figure: pd.DataFrame, row: Hashable, column: str, out: StrPath) -> Evidence:
        """Write a folder that shows what one number rests on, down to the archive.

        It holds the rows that ``behind`` gives, every delivery behind them (file, line, offset,
        word on the signature, name of the secret, SHA-256 of the line as it is read now), and
        ``check.py``, which compares all of it with the archive and needs Python's standard library
        alone. Files that are gone or are not what was loaded are named.

        The folder is its owner's alone. It holds ids of patients and what ``slots`` shows of them,
        nothing else of a delivery and no secret. The same store, archive and number give the same
        bytes. ``out`` is a new folder, or an empty one.

        Raises UsageError as ``behind`` does, and where the folder cannot be written.

        >>> by_quarter = visits.outcomes(every="quarter")
        >>> proof = visits.evidence(by_quarter, 1, "n_no_show", "proof")
        >>> sorted(path.name for path in Path("proof").iterdir())[:3]
        ['README.md', 'check.py', 'deliveries.csv']
        """
        with self._engine.reading():
            return evidence(self, cell_of(self, figure, row, column), out)

    def trace(
        self,
        figure: str,
        appointment_id: str | None = None,
        by: By = (),
        every: Every | None = None,
        *,
        first: int = 5,
        **options: Any,
    ) -> Trace:
        """Every named step of SQL between the store's tables and a figure, each with its rows.

        To find where a number goes wrong: the steps are run once more, one after the other, and of
        each it says how many rows it has and what a row is. ``trace["slot_verdicts"]`` gives the
        first rows of the appointment there (of a step that knows no appointments, its first rows),
        ``.summary`` all steps as a DataFrame.

        figure: the name of one whose SQL counts rows, such as ``"outcomes"``. appointment_id: with
        or without its prefix; the cohort's first unless given. by, every and options are those of
        the figure. first: how many rows are kept of a step.

        Takes as long as computing all slots anew. The rows are raw: they hold ids of patients, and
        what they say of a visit.

        Raises UnknownGroup for another figure, UnknownAppointment where no event tells of it.

        >>> trace = visits.trace("outcomes")
        >>> trace.summary.columns.tolist()
        ['step', 'n_rows', 'n_kept', 'means']
        """
        with self._engine.reading():
            return trace(self, figure, appointment_id, by, every, first, options)

    def _narrowed(self, where: Mapping[str, Any] | None) -> Self:
        more = filters(
            self._engine, mapping(where, "where", "{'outcome': 'no_show'}"), self._labels, OF_SLOTS
        )
        return replace(self, _filters=(*self._filters, *more))
