"""Every step from the store's tables to a figure, with its rows: to find where a number goes wrong.

The steps are those that are run anyway, one after the other; here each is counted, and looked into,
before the next one is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from avon_analytics.appointments.behind.behind import COUNTED
from avon_analytics.appointments.calculated.figure import checked_options
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.slots import steps
from avon_analytics.appointments.slots.queries import create_macros, sql, taken_by
from avon_analytics.arguments import choice, whole_number
from avon_analytics.display import Counts, Shown, Summary
from avon_analytics.errors import UnknownAppointment, UnknownGroup, UsageError
from avon_analytics.figures import FIGURES
from avon_analytics.store.frames import frame
from avon_analytics.store.parsed import parsed, run
from avon_analytics.suggestions import repeated

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows

_STEP = re.compile(r"^(?:WITH )?(\w+) AS \($", re.MULTILINE)
_HEADER = re.compile(r"\A((?:--[^\n]*\n)+)")
_MADE_HERE = {
    "slot_words": "One row is one status word that is known, and what it means.",
    "slot_zone_names": "One row is one name of a time zone, and the zone that it means.",
    "population": "One row is what the figure may count, with its groups and its period.",
}
_FOUND_BY = {
    "appointment_id": "appointment_id = $chosen",
    "appointment": "list_contains($appointment, appointment)",
    "seat": "list_contains($seat, seat)",
}
"""How the appointment's rows are found in a step, by the first of these columns that it has."""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what a row of it is, how many there are, and the first ones of the appointment.

    rows: of a step that knows no appointments (words, zones, people, counts), its first rows.
    """

    name: str
    means: str
    n_rows: int
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Shown):
    """The steps that lead to a figure, in their order; ``trace["population"]`` gives one's rows."""

    figure: str
    appointment_id: str | None
    steps: tuple[Step, ...]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The rows that were kept of a step. Raises UsageError, naming the steps."""
        known = {step.name: step for step in self.steps}
        return known[choice("step", name, known)].rows

    @property
    def summary(self) -> pd.DataFrame:
        """One row per step: ``step``, ``n_rows``, ``n_kept`` and ``means``."""
        return pd.DataFrame(
            {
                "step": [step.name for step in self.steps],
                "n_rows": [step.n_rows for step in self.steps],
                "n_kept": [len(step.rows) for step in self.steps],
                "means": [step.means for step in self.steps],
            }
        )

    def _summary(self) -> Summary:
        about = f" of {self.appointment_id}" if self.appointment_id else ""
        rows = [
            (step.name, f"{step.n_rows:,}", shorten(step.means, 100, placeholder=" …"))
            for step in self.steps
        ]
        return Counts(f"Steps to {self.figure}{about}", rows)


def trace(
    cohort: CohortRows,
    figure: str,
    appointment_id: str | None,
    by: str | Iterable[str],
    every: str | None,
    first: int,
    options: Mapping[str, Any],
) -> Trace:
    """See ``Cohort.trace``."""
    choice("figure", figure, COUNTED, UnknownGroup)
    first = whole_number(first, 1, 1_000_000, "first: expected a whole number of at least 1")
    engine = cohort._engine
    if not isinstance(engine, StoreEngine):
        raise UsageError("trace runs the steps in a store: ask one for it")
    declared = FIGURES[figure]
    asked = checked_options(declared, options)
    if every is not None and not declared.has_periods:
        raise UsageError(f"{figure} has no periods: leave every= out")
    with engine.database.reading() as connection:
        population = cohort._rows_for(declared, by, every, asked)
        chosen = _appointment(cohort, appointment_id)
        looker = _Looker(connection, figure, chosen, first)
        looker.compute(cohort)
        for name in steps.SHOWN:
            looker.look(name, f"SELECT * FROM {cohort._rows_of(name)}")
        text = sql(figure)
        before, end = text[: text.rindex("\nSELECT") + 1], "SELECT * FROM {name}"
        for name in ("population", *_STEP.findall(text)):
            query = population.query("SELECT * FROM population")
            if name != "population":
                query = population.query(f"SELECT * FROM ({before}{end.format(name=name)}) AS t")
            looker.look(name, query, population.bind(query))
        query = population.run(text)
        looker.look(figure, query, population.bind(query))
        last = looker.steps[figure]
        rows = last.rows.rename(columns=population.key_names)
        looker.steps[figure] = replace(last, rows=rows)
    return Trace(figure, chosen, tuple(looker.steps.values()))


def _appointment(cohort: CohortRows, given: str | None) -> str | None:
    """The appointment that is looked at: the first of the cohort unless one is named."""
    rows = cohort._population("slots")
    if given is None:
        query = rows.query("SELECT min_by(appointment_id, start_at) AS id FROM population")
        first = cohort._ask_for(query, rows)["id"].dropna()
        return None if first.empty else str(first.iloc[0])
    spelled = [given, f"appt_{given}"]
    known = cohort._engine.frame(
        "SELECT DISTINCT id FROM appointments_versions WHERE id IN ($bare, $prefixed)",
        {"bare": spelled[0], "prefixed": spelled[1]},
    )
    if known.empty:
        raise UnknownAppointment(f"no event reports an appointment {repeated(given)}")
    return str(known["id"].iloc[0])


class _Looker:
    """Counts steps while they can be read, and keeps the first rows of one appointment."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        figure: str,
        appointment: str | None,
        first: int,
    ) -> None:
        self._connection, self._figure, self._first = connection, figure, first
        # What stands for the appointment: its id, and later its number and those of its seats.
        self._ours: dict[str, Any] = {"chosen": appointment, "appointment": [], "seat": []}
        self.steps: dict[str, Step] = {}

    def compute(self, cohort: CohortRows) -> None:
        """Run the steps to slots and lifecycles once more, as they are run for every figure."""
        number = next(_numbers)
        names = (f"traced_slots_{number}", f"traced_lifecycle_{number}")
        create_macros(self._connection)
        steps.compute(self._connection, cohort._settings, names, self._made)
        for name in names:
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def _made(self, step: str) -> None:
        if step == "slot_keys":
            self._find("appointment", "slot_keys", "appointment_id = $chosen")
        self.look(step, f"SELECT * FROM {step}")
        if step == "slot_seats":
            self._find("seat", "slot_seats", "list_contains($appointment, appointment)")

    def _find(self, number: str, step: str, condition: str) -> None:
        """The numbers that stand for the appointment in later steps."""
        text = f"SELECT {number} FROM {step} WHERE {condition}"
        found = self._connection.execute(text, taken_by(condition, self._ours)).fetchall()
        self._ours[number] = [int(one) for (one,) in found]

    def look(self, name: str, query: str, bound: Mapping[str, Any] | None = None) -> None:
        """Count what a query gives, and keep the first rows; parts of a step add up."""
        query, bound = query.replace("* EXCEPT (", "* EXCLUDE ("), dict(bound or {})
        text = f"SELECT count(*) FROM ({query}) AS step"
        ((n_rows,),) = run(self._connection, text, bound).fetchall()
        text = f"SELECT * FROM ({query}) AS step LIMIT 0"
        columns = {name for name, *_ in run(self._connection, text, bound).description or ()}
        condition = next((one for column, one in _FOUND_BY.items() if column in columns), "true")
        kept = f"SELECT * FROM ({query}) AS step WHERE {condition} ORDER BY ALL LIMIT {self._first}"
        bound |= taken_by(condition, self._ours)
        rows = frame(self._connection, parsed(self._connection, kept), bound)
        earlier = self.steps.get(name)
        if earlier is not None:
            n_rows += earlier.n_rows
            rows = earlier.rows if len(earlier.rows) else rows
        self.steps[name] = Step(name, _means(name, self._figure), n_rows, rows)


def _means(name: str, figure: str) -> str:
    """What a row of a step is, as its text says itself: the first sentence of its header."""
    if name in _MADE_HERE:
        return _MADE_HERE[name]
    try:
        header = _HEADER.match(sql(name))
    except FileNotFoundError:
        return f"A step within {figure}.sql."
    lines = header[1].splitlines() if header else []
    comment = " ".join(line.removeprefix("--").strip() for line in lines)
    return f"{comment.partition('. ')[0].rstrip('.')}."
