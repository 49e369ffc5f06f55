"""The rows that a figure counts: slots or appointments, each with its group and period."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from avon_analytics.appointments.rows.groupings import Grouping
from avon_analytics.appointments.rows.scope import DATES, Scope, period_sql
from avon_analytics.appointments.slots.queries import sql, taken_by
from avon_analytics.appointments.slots.steps import Settings
from avon_analytics.arguments import values
from avon_analytics.errors import UsageError
from avon_analytics.suggestions import meant_word

_WHOLE = re.compile(r"[0-9]{1,18}")
_PATIENT_VISIT = """CASE
    WHEN t.patient_id IS NULL THEN NULL
    WHEN patients.attended_at < t.start_at THEN 'returning'
    WHEN patients.is_new THEN 'first'
    ELSE 'unknown'
END"""
Filters = tuple[tuple[Grouping, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Population:
    """A cohort's rows as the SQL of a step named ``population``, with its parameters."""

    steps: str
    parameters: dict[str, Any]
    keys: tuple[Grouping, ...]
    every: str | None

    @property
    def key_names(self) -> dict[str, str]:
        """The groupings by the columns of their keys, as ``run`` spells them: an engine each has
        its own quotes, so names that users give are put on afterwards."""
        return {f"key_{n}": key.name for n, key in enumerate(self.keys)}

    @property
    def key_dtypes(self) -> dict[str, str]:
        """The types of these columns."""
        return {f"key_{n}": key.dtype for n, key in enumerate(self.keys)}

    @property
    def key_values(self) -> dict[str, str]:
        """What the key of each grouping, and of the period, is in SQL, by its column."""
        return key_values(len(self.keys), self.every)

    def run(self, query: str) -> str:
        """A query over the population, its keys unpacked into columns: ``key_0``, ``key_1``, …"""
        names = [f"{key} AS {name}" for name, key in self.key_values.items()]
        columns = ", ".join([*names, "figure.* EXCEPT (keys)"])
        return self.query(f"SELECT {columns} FROM (\n{query}\n) AS figure")

    def query(self, select: str) -> str:
        """A select that reads ``population``."""
        return f"WITH {self.steps} {select}"

    def beside(self, name: str, table: str, **parameters: Any) -> Population:
        """This population with another table beside it, under a name of its own."""
        steps = f"{self.steps},\n{name} AS (SELECT * FROM {table})"
        return replace(self, steps=steps, parameters={**self.parameters, **parameters})

    def bind(self, query: str) -> dict[str, Any]:
        """The parameters that a query over the population takes."""
        return taken_by(query, self.parameters)


def population(
    table: str,
    scope: Scope,
    filters: Filters,
    settings: Settings,
    pack: Callable[[Mapping[str, str]], str],
    *,
    by: tuple[Grouping, ...] = (),
    every: str | None = None,
    plus: str | None = None,
    dated: str | None = None,
    patients: Callable[[], str] = lambda: "patients_known",
    own_customs: bool = False,
) -> Population:
    """The population of one figure over ``table``; ``plus`` is one more column of our own.

    ``pack`` is how the engine spells one value with several fields; ``dated`` is the date that
    places a row in the window and in a period, where it is not the scope's; ``patients`` is asked
    for the table that tells whether a patient had been there before; ``own_customs`` divides by the
    appointment's custom fields alone, never by the patient's.
    """
    parameters: dict[str, Any] = {**settings.parameters, "due_until": settings.due_until}
    on = dated or scope.on
    used = dict.fromkeys([*by, *(grouping for grouping, _ in filters)])
    customs = [grouping for grouping in used if grouping.custom_key is not None]
    steps, joins, columns = [], [], []
    for custom in customs:
        name = custom.expression
        parameters[f"{name}_key"] = custom.custom_key
        steps.append(f"{name}_values AS ({sql('custom_values').replace('$key', f'${name}_key')})")
        joins.append(
            f"LEFT JOIN {name}_values AS {name}_a ON t.appointment_id = {name}_a.owner_id "
            f"LEFT JOIN {name}_values AS {name}_p ON t.patient_id = {name}_p.owner_id"
        )
        columns.append(f", coalesce({name}_a.value, {name}_p.value) AS {name}")
        if own_customs:
            columns.append(f", {name}_a.value AS {name}_own")
    if any(grouping.name == "patient_visit" for grouping in used):
        joins.append(
            f"LEFT JOIN {patients()} AS patients "
            "ON t.patient_id = patients.patient_id AND patients.nth = 1"
        )
        columns.append(f", {_PATIENT_VISIT} AS patient_visit")
    steps.append(f"described AS (SELECT t.*{''.join(columns)} FROM {table} AS t {' '.join(joins)})")
    keys = {
        f"key_{n}": f"{one.expression}_own" if own_customs and one.custom_key else one.expression
        for n, one in enumerate(by)
    }
    if every is not None:
        keys["period_on"] = period_sql(on, every)
    more = f", {plus}" if plus else ""
    steps.append(
        f"population AS (SELECT *, {_packed(keys, pack)} AS keys{more} "
        f"FROM described WHERE {_conditions(replace(scope, on=on), filters, parameters)})"
    )
    return Population(",\n".join(steps), parameters, by, every)


def key_values(n_groupings: int, every: str | None) -> dict[str, str]:
    """See ``Population.key_values``. A key that is alone is not packed, as engines put plain values
    into groups in half the time."""
    names = [f"key_{n}" for n in range(n_groupings)] + ["period_on"] * (every is not None)
    return {name: "keys" if len(names) == 1 else f"keys.{name}" for name in names}


def _packed(keys: Mapping[str, str], pack: Callable[[Mapping[str, str]], str]) -> str:
    """The value that rows of one group and period have in common."""
    if len(keys) > 1:
        return pack(keys)
    return next(iter(keys.values()), "true")


def _conditions(scope: Scope, filters: Filters, parameters: dict[str, Any]) -> str:
    conditions = ["true" if scope.include_internal else "NOT internal"]
    if scope.start is not None:
        parameters["window_start"] = scope.start
        conditions.append(f"{DATES[scope.on]} >= $window_start")
    if scope.end is not None:
        parameters["window_end"] = scope.end
        conditions.append(f"{DATES[scope.on]} < $window_end")
    if scope.closed:
        closed = {f"closed_{nth}": day for nth, day in enumerate(scope.closed)}
        parameters |= closed
        conditions.append(f"{DATES[scope.on]} NOT IN ({', '.join(f'${name}' for name in closed)})")
    for nth, (grouping, wanted) in enumerate(filters):
        alternatives = ["false"]
        for position, value in enumerate(wanted):
            name = f"where_{nth}_{position}"
            if value is None:
                alternatives.append(f"({grouping.expression}) IS NULL")
            else:
                parameters[name] = value
                alternatives.append(f"({grouping.expression}) = ${name}")
        conditions.append(f"({' OR '.join(alternatives)})")
    return " AND ".join(conditions)


def checked_values(grouping: Grouping, given: Any) -> tuple[Any, ...]:
    """What a grouping must be, as values of its type: one value or several, None for missing.

    Values are taken as a figure's own rows hold them, too: as numpy's and pandas' scalars, a
    missing value as NaN or NA. Raises UsageError for a value that the grouping cannot have.
    """
    return tuple(_checked(grouping, value) for value in values(given))


def _checked(grouping: Grouping, value: Any) -> Any:
    if value is None:
        return None
    value = _typed(grouping, value)
    if grouping.dtype == "boolean":
        fits = isinstance(value, bool)
    elif grouping.dtype == "Int64":  # the hour of a day
        fits = isinstance(value, int) and not isinstance(value, bool) and value in range(24)
    else:
        if grouping.custom_key is not None and isinstance(value, (bool, int, float)):
            value = str(value).lower()
        fits = isinstance(value, str) and (not grouping.labels or value in grouping.labels)
    if not fits:
        kinds = {"boolean": "True or False", "Int64": "a whole number from 0 to 23"}
        choices = ", ".join(map(repr, grouping.labels)) or kinds.get(grouping.dtype, "a text")
        hint = meant_word(value, grouping.labels) if isinstance(value, str) else ""
        known = f"where: {grouping.name} is {choices}, a list of these, or None"
        raise UsageError(f"{known}.{hint}" if hint else known)
    return value


def _typed(grouping: Grouping, value: Any) -> Any:
    """A flag or a number that came as text, as from a command line, or as a float."""
    if isinstance(value, str) and grouping.dtype == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(value, str) and grouping.dtype == "Int64" and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, float) and grouping.dtype == "Int64" and value.is_integer():
        return int(value)  # a column with missing values, turned into floats
    return value
