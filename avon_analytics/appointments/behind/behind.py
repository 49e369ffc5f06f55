"""From a cell of a figure to the rows that it counts.

A figure declares which rows it reads; the very condition by which its SQL counts them chooses them.
There must be as many as the number says, which also tells whether the number is of this cohort and
of this state of the store.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from avon_analytics.appointments.behind.counting import Counting, counting
from avon_analytics.appointments.calculated import incidence as of_incidence
from avon_analytics.appointments.calculated.shares import figure_of
from avon_analytics.appointments.expectation.landmarks import Landmarks
from avon_analytics.appointments.expectation.look_back import Clock, window_of
from avon_analytics.appointments.rows.cohort_rows import ORDER
from avon_analytics.appointments.rows.counted import attributes
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.rows.groupings import groupings
from avon_analytics.appointments.rows.population import Population, key_values
from avon_analytics.appointments.rows.where import known_custom_keys
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.arguments import choice
from avon_analytics.errors import UsageError
from avon_analytics.figures import FIGURES, Figure, Kind
from avon_analytics.intake.after.evidence import Evidence, write_evidence
from avon_analytics.whole_file import StrPath

if TYPE_CHECKING:
    from avon_analytics.appointments.rows.cohort_rows import CohortRows

_FORECASTS = ("expected", "backtest")
_OF_SHARES = ("signals", "outliers")
COUNTED = tuple(name for name in FIGURES if name not in (*_FORECASTS, *_OF_SHARES))
"""The figures whose own SQL counts rows."""
_IDS: Mapping[str, tuple[str, ...]] = {
    "slot": ("appointment_id", "slot", "patient_id"),
    "patient": ("appointment_id", "slot", "patient_id"),
    "appointment": ("appointment_id",),
    "session": ("appointment_id", "slot"),
    "question": ("message_id",),
}
"""What tells the rows of a unit apart."""
_TABLES: Mapping[str, str] = {"slot": "slots", "appointment": "lifecycle", "question": "questions"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a figure: which figure, asked how, in which row and column.

    row: the values that tell the row apart, by column; missing ones are None. number: what stands
    there.
    """

    figure: Figure
    by: tuple[str, ...]
    every: str | None
    options: Mapping[str, Any]
    row: Mapping[str, Any]
    column: str
    number: int
    definition: str = ""

    @property
    def in_words(self) -> str:
        """The column and the row, as somebody would name them."""
        place = ", ".join(
            f"{name} {'missing' if value is None else value}" for name, value in self.row.items()
        )
        return f"{self.column} of {self.figure.name}" + (f" ({place})" if place else "")


@dataclass(frozen=True, slots=True)
class Behind:
    """The rows behind a cell, as SQL: of ``population``, those whose ids are in ``counted``."""

    cell: Cell
    rows: Population
    unit: str

    @property
    def ids(self) -> tuple[str, ...]:
        """What tells the rows apart."""
        return _IDS[self.unit]


def cell_of(cohort: CohortRows, figure: Any, row: Hashable, column: str) -> Cell:
    """The cell that somebody means, checked. Raises UsageError for what is none, or no count."""
    if not isinstance(figure, pd.DataFrame) or "options" not in figure.attrs:
        raise UsageError("expected a figure as the cohort returned it, such as visits.outcomes()")
    declared = FIGURES.get(str(figure.attrs["figure"]))
    if declared is None:
        raise UsageError(
            "a comparison is of two cohorts: ask each of them for its figure, and for the rows "
            "behind that"
        )
    _check_column(declared, figure, column)
    as_of = None if cohort.as_of is None else cohort.as_of.isoformat()
    if figure.attrs["as_of"] != as_of:
        raise UsageError(
            f"the figure is as of {figure.attrs['as_of']}, the cohort as of {as_of}: ask the "
            "cohort that gave it"
        )
    values = _row_of(figure, row)
    if pd.isna(values[column]):
        raise UsageError(
            f"{column} is blank in this row: it is small, or would reveal a small one (min_count)"
        )
    every = figure.attrs["every"]
    names = [*figure.attrs["by"], *(["period_on"] if every else []), *declared.row_names]
    for name in names:
        if name not in figure:
            raise UsageError(f"the figure has lost its column {name}, which says what its rows are")
    return Cell(
        figure=declared,
        by=tuple(figure.attrs["by"]),
        every=every,
        options=figure.attrs["options"],
        row={name: None if pd.isna(values[name]) else _bound(values[name]) for name in names},
        column=column,
        number=int(values[column]),
        definition=figure.attrs["definition"],
    )


def _row_of(figure: pd.DataFrame, row: Hashable) -> pd.Series:
    try:
        place = figure.index.get_loc(row)
    except (KeyError, TypeError, pd.errors.InvalidIndexError):
        place = None
    if not isinstance(place, int):
        labels = ", ".join(map(str, figure.index[:3])) + (", …" if len(figure) > 3 else "")
        raise UsageError(f"row: expected the label of one row of the figure, of {labels or 'none'}")
    return figure.iloc[place]


def _check_column(declared: Figure, figure: pd.DataFrame, column: str) -> None:
    counts = [str(name) for name in figure if _is_count(declared, str(name))]
    found = declared.spelled.get(column) if isinstance(column, str) else None
    if found is None or column in counts:
        choice("column", column, counts)
        return
    cells = declared.cells.based_on if declared.cells is not None else {}
    base = declared.spelled[found.base] if found.base else found
    made_of = [base.counts, f"{base.name}_n"] if base.has_n else list(cells.get(base.name, ()))
    parts = [name for name in made_of if name in counts]
    ask = f"it is made of {' and '.join(parts)}" if parts else f"counts are {', '.join(counts)}"
    raise UsageError(f"column: {column} ({found.means}) is no count of rows; {ask}")


def _is_count(declared: Figure, name: str) -> bool:
    return name in declared.spelled and declared.spelled[name].kind is Kind.COUNT


def behind(cohort: CohortRows, cell: Cell) -> Behind:
    """The rows of a cell."""
    if cell.figure.name in _FORECASTS:
        found, unit = Counting("", "opened", {"n": "true"}, frozenset()), "slot"
        rows, condition = _forecast(cohort, cell)
    else:
        if cell.figure.name in _OF_SHARES:
            cell = _of_share(cell)
        rows = cohort._rows_for(cell.figure, cell.by, cell.every, cell.options)
        found = counting(cell.figure.name)
        condition = _condition(cell, found)
        unit = cell.options.get("unit", cell.figure.unit)
        if found.of_patients.issuperset(_parts(cell)):
            unit = "patient"
    bound = {f"row_{nth}": value for nth, value in enumerate(cell.row.values())}
    bound |= {f"row_{name}": cell.row[name] for name in cell.figure.row_names if name in cell.row}
    rows = replace(rows, parameters={**rows.parameters, **bound})
    ids = ", ".join(_IDS[unit])
    chosen = found.rows(f"({condition}) AND ({_in_row(cell)})")
    rows = rows.beside("counted", f"(SELECT DISTINCT {ids} FROM ({chosen}) AS rows) AS chosen")
    return Behind(cell, rows, unit)


def rows_behind(cohort: CohortRows, found: Behind) -> pd.DataFrame:
    """The rows themselves. Raises UsageError unless there are as many as the number says."""
    query = found.rows.query(_select(cohort, found))
    data = cohort._ask_for(query, found.rows)
    if len(data) != found.cell.number:
        raise UsageError(
            f"behind this {found.cell.column} of {found.cell.figure.name} there are {len(data):,} "
            f"rows in this cohort, and the figure says {found.cell.number:,}: it is of another "
            "cohort, or the store has changed since"
        )
    data.attrs = attributes(
        f"One row is one {found.unit} that {found.cell.in_words} counts.",
        cohort.as_of,
        _n_unverified(cohort, found),
    )
    return data


def evidence(cohort: CohortRows, cell: Cell, out: StrPath) -> Evidence:
    """Write the folder that shows what a cell rests on. See ``Cohort.evidence``."""
    if not isinstance(cohort._engine, StoreEngine):
        raise UsageError("evidence rests on the archive files of a store: ask one for it")
    found = behind(cohort, cell)
    rows = rows_behind(cohort, found)
    assert cohort.as_of is not None  # a store without events counts nothing, so it has no cell
    number = {
        "in_words": cell.in_words,
        "number": cell.number,
        "unit": found.unit,
        "figure": cell.figure.name,
        "column": cell.column,
        "as_of": cohort.as_of.isoformat(),
        "cohort": "; ".join(cohort.in_words()) or "all appointments of the store",
        "grace": f"{cohort.grace_hours:g} hours",
        "late": cohort.late,
        "definition": cell.definition,
        "row": {name: None if one is None else str(one) for name, one in cell.row.items()},
        "options": dict(cell.options),
    }
    ids = ids_behind(cohort, found)
    return write_evidence(cohort._engine.database, out, number, rows, ids, cohort.as_of)


def ids_behind(cohort: CohortRows, found: Behind) -> list[str]:
    """The ids of all objects that the rows rest on: visits or messages, patients and staff."""
    if found.unit == "question":
        query = sql("messages_behind")
    else:
        ties = " AND ".join(_tie("s", name) for name in found.ids)
        query = (
            "SELECT DISTINCT s.appointment_id, s.patient_id, s.host, s.cancelled_by_id "
            f"FROM {cohort._rows_of('slots')} AS s "
            f"INNER JOIN counted ON {ties}"
        )
    ids = cohort._ask_for(found.rows.query(query), found.rows)
    return sorted({str(one) for name in ids for one in ids[name].dropna()})


def _tie(table: str, name: str) -> str:
    if name == "patient_id":
        return f"coalesce({table}.{name}, '') = coalesce(counted.{name}, '')"
    return f"{table}.{name} = counted.{name}"


def _select(cohort: CohortRows, found: Behind) -> str:
    if found.unit not in _TABLES:
        return sql(f"{found.unit}s_behind")
    ties = " AND ".join(_tie("population", name) for name in found.ids)
    table = _TABLES[found.unit]
    order = ", ".join(f"population.{one}" for one in ORDER[table].split(", "))
    return (
        f"SELECT {cohort._shown(table)} FROM {cohort._rows_of(table)} AS population "
        f"INNER JOIN counted ON {ties} ORDER BY {order}"
    )


def _n_unverified(cohort: CohortRows, found: Behind) -> int:
    table = "questions" if found.unit == "question" else "slots"
    return cohort._n_unverified(found.rows, table, of="counted")


def _of_share(cell: Cell) -> Cell:
    """The cell in which this number is counted: the numerator or denominator of a share."""
    share = cell.options["share"]
    figure = figure_of(share)
    column = figure.spelled[share].counts if cell.column == "count" else f"{share}_n"
    options = {"basis": cell.options["basis"]} if figure.options else {}
    return replace(cell, figure=figure, column=column, options=options)


def _parts(cell: Cell) -> tuple[str, ...]:
    """The counts that a column is the sum of: itself, or what a denominator is made of."""
    base = cell.figure.spelled[cell.column].base
    return cell.figure.among(base, cell.options.get("basis")) if base else (cell.column,)


def _condition(cell: Cell, found: Counting) -> str:
    if cell.figure.name == "incidence":
        return of_incidence.BEHIND[cell.column]
    return " OR ".join(f"({found.conditions[name]})" for name in _parts(cell))


def _in_row(cell: Cell) -> str:
    """The row as SQL."""
    conditions = ["true"]
    names = [*cell.by, *(["period_on"] if cell.every else [])]
    keys = dict(zip(names, key_values(len(cell.by), cell.every).values(), strict=True))
    for nth, (name, value) in enumerate(cell.row.items()):
        if name in cell.figure.row_names:
            if cell.figure.name == "incidence":
                continue  # its conditions say for themselves which day they mean
            column = name
        else:
            column = keys[name]
        conditions.append(f"{column} IS NULL" if value is None else f"{column} = $row_{nth}")
    return " AND ".join(conditions)


def _forecast(cohort: CohortRows, cell: Cell) -> tuple[Population, str]:
    """The slots that were open when they were looked at, and which of them a column counts."""
    landmarks = Landmarks.of(cohort, cell.options["closed"], cell.options["history_from"])
    keys = groupings(cell.by, partial(known_custom_keys, cohort._engine))
    if cell.figure.name == "expected":
        assert cohort.as_of is not None
        window = (cohort._scope.start, cohort._scope.end)
        return landmarks.open_rows(keys, cell.every, cohort.as_of, *window), "true"
    assert cell.every is not None
    (periods,) = cohort._complete_periods(cell.every)
    instants = Clock.of(landmarks).before(periods, cell.options["days_ahead"])
    rows = landmarks.open_rows(keys, cell.every, instants, *window_of(instants, cell.every))
    ended = cell.column.removeprefix("n_")
    return rows, "true" if ended == "open" else f"outcome = '{ended}'"


def _bound(value: Any) -> Any:
    """A cell as a value that an engine takes."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime().date()
    return value.item() if hasattr(value, "item") else value
