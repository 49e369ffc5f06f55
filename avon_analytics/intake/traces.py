"""Where a person stands in rows: what is theirs alone, and what others' rows say of them.

The same SQL runs over the store's versions, when somebody is forgotten, and over the rows of a
batch, when a later load tells of them again.

- Theirs alone: their own records; care teams, documents and tasks whose ``patient`` they are, and
  tasks that are linked to them;
  messages that they wrote; appointments in which no other patient takes part in any version.
- Others' rows stay, without them: their place in lists (attendees, caregivers, dependents, members)
  goes, a reference to them becomes missing, and so do free text and unknown values of a visit or
  a thread that they shared, and every JSON value or free text that names their id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avon_analytics.contract.appointment import Attendee
from avon_analytics.contract.model import ColumnOf
from avon_analytics.contract.shared import PersonRef
from avon_analytics.intake import limited
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import ObjectTable

TOKENS = r"[A-Za-z0-9_\-]+"


@dataclass(frozen=True, slots=True)
class Rows:
    """Some tables of rows, keyed by event or by line, and how to run SQL on them.

    There is a table ``persons (id)`` beside them with whom to look for, and a table ``others (id)``
    of people who are no patients: staff, members of care teams, caregivers.
    """

    run: Callable[..., list[tuple[Any, ...]]]
    tables: Sequence[ObjectTable]
    name_of: Callable[[ObjectTable], str]
    key: str  # event_id or nth

    def named(self, name: str) -> str | None:
        """The table with the rows of a table of the contract; None if there are no such rows."""
        return next((self.name_of(t) for t in self.tables if t.name == name), None)


def ids_of(given: str) -> list[str]:
    """An id as references spell it, with its prefix, and bare."""
    return [given, given.removeprefix("user_")]


def own(rows: Rows, shared: str = "SELECT NULL") -> str:
    """SQL for the keys of rows that are theirs alone; ``shared`` selects appointments that are not.

    All versions of an object are theirs if one is.
    """
    found = []
    for table in rows.tables:
        if table.parent is not None or table.name == "appointments":
            continue
        if (owner := _owner(table)) is not None:
            name = rows.name_of(table)
            found.append(
                f"SELECT {rows.key} FROM {name} WHERE id IN "
                f"(SELECT id FROM {name} WHERE {owner} IN (SELECT id FROM persons))"
            )
    if (visits := rows.named("appointments")) is not None:
        taken, others = _seats(rows, visits)
        found.append(
            f"""SELECT {rows.key} FROM {visits} WHERE id IN ({taken})
            AND id NOT IN ({others})
            AND id NOT IN (SELECT id FROM ({shared}) AS s(id) WHERE id IS NOT NULL)"""
        )
    return " UNION ".join(found) or f"SELECT NULL AS {rows.key} WHERE false"


def _owner(table: ObjectTable) -> str | None:
    """SQL for whose an object is; None where it is nobody's alone."""
    if table.name == "patients":
        return "id"
    if table.name == "messages":
        return "created_by"
    if table.name == "tasks":
        return (
            "coalesce(patient, CASE WHEN link_to_object IN ('patient', 'user') THEN "
            "'user_' || replace(link_to_id, 'user_', '') END)"
        )
    return "patient" if any(field.name == "patient" for field in table.fields) else None


def _seats(rows: Rows, visits: str) -> tuple[str, str]:
    """SQL for the appointments in which they take part, and for those with another patient."""
    seats = f"SELECT id AS visit, patient AS person, host FROM {visits} WHERE patient IS NOT NULL"
    if (attendees := rows.named("appointment_attendees")) is not None:
        seats += (
            f" UNION ALL SELECT v.id, a.attendee, v.host FROM {visits} AS v "
            f"JOIN {attendees} AS a ON a.{rows.key} = v.{rows.key} "
            "WHERE a.attendee IS NOT NULL AND NOT coalesce(a.is_observer, false)"
        )
    taken = f"SELECT visit FROM ({seats}) WHERE person IN (SELECT id FROM persons)"
    others = (
        f"SELECT visit FROM ({seats}) WHERE person NOT IN (SELECT id FROM persons) "
        "AND person IS DISTINCT FROM host AND person NOT IN (SELECT id FROM others)"
    )
    return taken, others


def touched(rows: Rows, threads: str) -> str:
    """SQL for the keys of others' rows whose free text may be about them.

    ``threads`` selects the threads in which they wrote.
    """
    found = []
    for name, column in (
        ("appointment_attendees", "attendee"),
        ("appointment_reference_patients", "reference_patient"),
        ("appointments", "patient"),
    ):
        if (table := rows.named(name)) is not None:
            found.append(
                f"SELECT {rows.key} FROM {table} WHERE {column} IN (SELECT id FROM persons)"
            )
    if (messages := rows.named("messages")) is not None:
        found.append(f"SELECT {rows.key} FROM {messages} WHERE {THREAD} IN ({threads})")
    return " UNION ".join(found) or f"SELECT NULL AS {rows.key} WHERE false"


THREAD = "coalesce(message_thread, thread)"


def strip(
    rows: Rows,
    ids: Sequence[str],
    more: str = "false",
    loose: str = "false",
    bound: Mapping[str, object] | None = None,
) -> Iterator[tuple[str, int]]:
    """Take them out of others' rows; the keys whose free text goes stand in ``touched_rows``.

    ``more`` is a condition over a text ``{t}`` under which it goes, too, and ``loose`` one for the
    texts beside them; ``bound`` is what these bind. Yields how many rows of each table were changed
    or removed.
    """
    for table in rows.tables:
        name = rows.name_of(table)
        changed = 0
        people = people_in(table)
        if _is_list_of_people(table):
            gone = " OR ".join(f"{quote(f.name)} IN (SELECT id FROM persons)" for f in people)
            changed += _count(rows.run(f"DELETE FROM {name} WHERE {gone}"))
            people = []
        columns = {f.name: f"{quote(f.name)} IN (SELECT id FROM persons)" for f in people}
        is_touched = f"{rows.key} IN (SELECT {rows.key} FROM touched_rows)"
        for field in table.fields:
            if _may_tell(table, field):
                test = _names_them(quote(field.name), more)
                if field.column.privacy == "free_text":
                    test = f"({is_touched} OR {test})"
                elif loose != "false":
                    beside = _names_them(quote(field.name), loose)
                    test = f"({test} OR ({is_touched} AND {beside}))"
                columns[field.name] = f"{quote(field.name)} IS NOT NULL AND {test}"
        if table.model is not None:
            columns["extra"] = (
                f"extra IS NOT NULL AND ({is_touched} OR {_names_them('extra', more)})"
            )
        changed += _clear(rows, name, columns, {**(bound or {}), "ids": list(ids)})
        if changed:
            yield table.versions, changed


def people_in(table: ObjectTable) -> list[ColumnOf]:
    """The columns of a table that name people by their ids."""
    return [f for f in table.fields if f.column.kind == "id" and f.column.prefix == "user"]


def _is_list_of_people(table: ObjectTable) -> bool:
    return table.parent is not None and (
        table.model in (PersonRef, Attendee)
        or (table.model is None and table.fields[0].column.prefix == "user")
    )


def _may_tell(table: ObjectTable, field: ColumnOf) -> bool:
    """Whether somebody may have typed something about others into a column.

    Another person's own name, address or number is theirs, even where both have the same.
    """
    if field.column.kind == "json" or field.column.privacy == "free_text":
        return True
    about_people = table.object_type in ("patient", "provider", "support")
    is_typed = field.name == "reason" or not about_people
    return field.column.kind == "text" and field.column.privacy is None and is_typed


def _names_them(column: str, more: str) -> str:
    text = f"CAST({column} AS VARCHAR)"
    return f"(names_id({text}, $ids) OR ({more.replace('{t}', f'lower({text})')}))"


def _clear(rows: Rows, name: str, columns: dict[str, str], bound: dict[str, object]) -> int:
    if not columns:
        return 0
    sets = ", ".join(
        f"{quote(column)} = CASE WHEN coalesce({test}, false) "
        f"THEN {limited.emptied('extra') if column == 'extra' else 'NULL'} ELSE {quote(column)} END"
        for column, test in columns.items()
    )
    where = " OR ".join(f"coalesce({test}, false)" for test in columns.values())
    text = f"UPDATE {name} SET {sets} WHERE {where}"
    used = {name: value for name, value in bound.items() if f"${name}" in text}
    return _count(rows.run(text, **used))


def _count(answer: list[tuple[Any, ...]]) -> int:
    return int(answer[0][0]) if answer else 0


# Whether a text has one of some ids in it, as a word of its own.
NAMES_ID = (
    "CREATE OR REPLACE TEMP MACRO names_id(t, ids) AS "
    f"list_has_any(regexp_extract_all(t, '{TOKENS}'), ids)"
)
