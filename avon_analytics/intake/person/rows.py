"""Where a person stands in rows: what is theirs alone, and what others' rows say of them.

The same SQL runs over the store's versions, when somebody is forgotten, and over the rows of a
batch, when a later load reports them again.

- Theirs alone: their own records; care teams, documents and tasks whose ``patient`` they are, and
  tasks that are linked to them; messages that they wrote; appointments in which no other patient
  takes part in any version (``visits``).
- Others' rows stay, without them: their place in lists (attendees, caregivers, dependents, members)
  goes, a reference to them becomes missing, and so do free text and unknown values of a visit or
  a thread that they shared, and every text that names them, in whatever column. Of JSON values the
  rest stays. What names another person (their own name, address or number) stays theirs.

Whether a text names them is never asked in SQL: `find` reads every distinct text of the rows once
and asks the searcher; what it found stands in a table beside the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from avon_analytics.contract import EVENTS
from avon_analytics.contract.appointment import Attendee
from avon_analytics.contract.model import ColumnOf
from avon_analytics.contract.shared import PersonRef
from avon_analytics.intake.person.search import PersonSearch
from avon_analytics.intake.person.spellings import may_hold_more
from avon_analytics.intake.read.limited import EMPTIED_EXTRA
from avon_analytics.store import parsed
from avon_analytics.store.schema import literal, quote
from avon_analytics.store.tables import ObjectTable


@dataclass(frozen=True, slots=True)
class Rows:
    """Some tables of rows, keyed by event or by line, and the connection that sees them.

    There is a table ``persons (id)`` beside them with whom to look for, in every spelling that
    occurs.
    """

    connection: duckdb.DuckDBPyConnection
    tables: Sequence[ObjectTable]
    name_of: Callable[[ObjectTable], str]
    key: str  # event_no, or nth: a number
    events: str  # the table with what is known of each event or line

    def run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; returns all its rows."""
        return parsed.run(self.connection, sql, parameters or None).fetchall()

    def change(self, sql: str, **parameters: object) -> int:
        """Run a statement that changes rows; returns how many."""
        ((n,),) = self.run(sql, **parameters)
        return int(n)

    def texts(self, query: str) -> Iterator[str]:
        """The values of a query's only column, as many as pass through memory."""
        found = self.connection.execute(query)
        while part := found.fetchmany(10_000):
            yield from (text for (text,) in part)

    def named(self, name: str) -> str | None:
        """The table with the rows of a table of the contract; None if there are no such rows."""
        return next((self.name_of(t) for t in self.tables if t.name == name), None)


def owned(rows: Rows) -> str:
    """SQL for the objects that are theirs in some version, by type and id; visits aside."""
    found = ["SELECT CAST(NULL AS VARCHAR) AS object_type, CAST(NULL AS VARCHAR) AS object_id"]
    found += [
        f"SELECT {literal(table.object_type)}, id FROM {rows.name_of(table)} "
        f"WHERE {owner} IN (SELECT id FROM persons)"
        for table in rows.tables
        if table.parent is None and (owner := _owner(table)) is not None
    ]
    return " UNION ".join(found)


def _owner(table: ObjectTable) -> str | None:
    """SQL for whose an object is; None where it is nobody's alone."""
    if table.name == "appointments":
        return None
    if table.name == "patients":
        return "id"
    if table.name == "messages":
        return "created_by"
    if table.name == "tasks":
        return (
            "coalesce(patient, CASE WHEN lower(link_to_object) IN ('patient', 'user') "
            "THEN link_to_id END)"
        )
    return "patient" if any(field.name == "patient" for field in table.fields) else None


THREAD = "coalesce(message_thread, thread)"


def touched(rows: Rows) -> str:
    """SQL for the keys of others' rows whose free text may be about them.

    ``shared_threads`` and ``shared_visits`` beside the rows hold the ids of those that they shared.
    """
    found = []
    for name, of, shared in (
        ("messages", THREAD, "shared_threads"),
        ("appointments", "id", "shared_visits"),
    ):
        if (table := rows.named(name)) is not None:
            found.append(f"SELECT {rows.key} FROM {table} WHERE {of} IN (SELECT id FROM {shared})")
    nothing = f"SELECT CAST(NULL AS BIGINT) AS {rows.key} WHERE false"
    return " UNION ".join(found) or nothing


Place = tuple[str, str]  # a table's versions and one of its columns


def find(rows: Rows, sought: PersonSearch, unknown: str) -> frozenset[Place]:
    """Write down which texts of the rows name somebody, and which are nothing but their id.

    ``unknown`` is a query of objects, as texts ``t``, that the contract does not know. What is
    found stands in ``named``; the spellings of the id in ``persons``. Returns the columns in which
    anything was found.
    """
    filled = {table: columns for table in rows.tables if (columns := _filled(rows, table))}
    ids = f"{_odd_event_id(sought)}, event, event_sent, object_type, object_id"
    texts = [
        unknown,
        f"SELECT CAST(extra AS VARCHAR) AS t FROM {rows.events}",
        f"SELECT unnest([{ids}]) AS t FROM {rows.events}",
        *(
            f"SELECT {_text(column)} AS t FROM {rows.name_of(table)}"
            for table, columns in filled.items()
            for column in columns
        ),
    ]
    found = []
    for text in rows.texts(_to_read(" UNION ALL ".join(texts), sought)):
        by_id, by_words, by_half = sought.how_named(text)
        if by_half:
            is_id = by_id and sought.is_id(text)
            is_json = text[:1] in ("{", "[", '"')
            left = sought.left_of_json(text) if by_words and is_json else None
            found.append((text, is_id, by_id, by_words, by_half, left))
    rows.run(_NAMED)
    if found:
        values = [list(column) for column in zip(*found, strict=True)]
        names = ("t", "is_id", "by_id", "by_words", "by_half", "rest")
        rows.run(
            "INSERT INTO named SELECT unnest($t::VARCHAR[]), unnest($is_id::BOOLEAN[]), "
            "unnest($by_id::BOOLEAN[]), unnest($by_words::BOOLEAN[]), unnest($by_half::BOOLEAN[]), "
            "unnest($rest::VARCHAR[])",
            **dict(zip(names, values, strict=True)),
        )
    rows.run("CREATE OR REPLACE TEMP TABLE persons AS SELECT spelling AS id FROM named WHERE is_id")
    for bare in sought.bare_ids:
        rows.run("INSERT INTO persons VALUES ($one), ($bare)", one=f"user_{bare}", bare=bare)
    if not found:
        return frozenset()
    return frozenset(
        (table.versions, column)
        for table, columns in filled.items()
        for column in _columns_where(rows, table, columns, _IS_NAMED)
    )


_IS_NAMED = "bool_or({text} IN (SELECT spelling FROM named))"
_NAMED = """CREATE OR REPLACE TEMP TABLE named (
    spelling VARCHAR, is_id BOOLEAN, by_id BOOLEAN, by_words BOOLEAN, by_half BOOLEAN, rest VARCHAR
)"""


# Random digits, with a prefix or without.
_PLAIN_ID = "regexp_full_match(t, '([a-z]{2,12}_)?[0-9a-f]{12,64}')"


def _to_read(texts: str, sought: PersonSearch) -> str:
    """SQL for the texts that may name them: of most, the engine sees that they do not."""
    holds_more = f"regexp_matches(t, {literal(may_hold_more(sought.least))})"
    names = f"regexp_matches(lower(t), {literal(sought.may_name)})"
    plain = f"strlen(t) = length(t) AND NOT {holds_more} AND NOT {names}"
    return (
        f"SELECT DISTINCT t FROM ({texts}) WHERE t IS NOT NULL "
        f"AND ({_holds('t', sought)} OR NOT ({_PLAIN_ID} OR ({plain})))"
    )


def _odd_event_id(sought: PersonSearch) -> str:
    """SQL for an event's id; missing where it is random digits and what is read beside it."""
    rest = "':' || object_id || ':' || epoch_ms(occurred_at)"
    before = f"left(event_id, length(event_id) - length({rest}))"
    usual = f"event IN ({', '.join(map(literal, sorted(EVENTS)))}) AND ends_with(event_id, {rest})"
    usual += f" AND regexp_full_match({before}, '([a-z]{{2,12}}_[0-9a-f]{{12,64}}:)?[a-z_.]+')"
    return f"CASE WHEN {usual} AND NOT ({_holds('event_id', sought)}) THEN NULL ELSE event_id END"


def _holds(text: str, sought: PersonSearch) -> str:
    """SQL for whether a text without capitals holds their id."""
    return " OR ".join(f"contains({text}, {literal(one)})" for one in sought.bare_ids) or "false"


def _text(column: str) -> str:
    return f"CAST({quote(column)} AS VARCHAR)"


class _Texts(NamedTuple):
    """A column that holds texts, or JSON in which texts stand."""

    name: str
    kind: str  # text, id or json
    is_free: bool  # free text, or unknown values
    is_own: bool  # it says who another person is


def _texts_of(table: ObjectTable) -> list[_Texts]:
    """The columns of a table that hold texts."""
    found = [
        _Texts(f.name, f.column.kind, f.column.privacy == "free_text", is_own(table, f))
        for f in table.fields
        if f.column.kind in ("text", "id", "json")
    ]
    return [*found, _Texts("extra", "json", True, False)] if table.model is not None else found


def _filled(rows: Rows, table: ObjectTable) -> list[str]:
    """Those of a table's columns of texts in which any row has one: of many fields none is sent."""
    names = [column.name for column in _texts_of(table)]
    return _columns_where(rows, table, names, "count({text}) > 0")


def _columns_where(rows: Rows, table: ObjectTable, columns: Sequence[str], test: str) -> list[str]:
    """Those of a table's columns of whose texts an aggregate is true."""
    tests = ", ".join(test.format(text=_text(column)) for column in columns)
    (is_so,) = rows.run(f"SELECT {tests} FROM {rows.name_of(table)}")
    return [column for column, so in zip(columns, is_so, strict=True) if so]


def strip(rows: Rows, sought: PersonSearch, found_in: frozenset[Place]) -> dict[str, int]:
    """Take them out of others' rows; the keys whose free text goes stand in ``touched_rows``.

    ``found_in`` are the columns in which they were found: no other is searched again. Returns how
    many rows were changed or removed, of each table that had some.
    """
    found: dict[str, int] = {}
    ((is_any_touched,),) = rows.run("SELECT count(*) > 0 FROM touched_rows")
    for table in rows.tables:
        name = rows.name_of(table)
        changed = 0
        if _is_list_of_people(table):
            gone = " OR ".join(
                f"{quote(f.name)} IN (SELECT id FROM persons)" for f in people_in(table)
            )
            changed += rows.change(f"DELETE FROM {name} WHERE {gone}")
        for column in _texts_of(table):
            if (table.versions, column.name) in found_in:
                changed += _take_out(rows, name, column)
            if is_any_touched and column.is_free:
                changed += _empty(rows, name, column)
                if column.name == "extra":
                    _take_out_keys(rows, sought, name)
        if changed:
            found[table.versions] = changed
    return found


def empty_touched(rows: Rows) -> None:
    """Empty the free text and the unknown values of ``touched_rows``."""
    for table in rows.tables:
        for column in _texts_of(table):
            if column.is_free:
                _empty(rows, rows.name_of(table), column)


_TOUCHED = "{key} IN (SELECT {key} FROM touched_rows)"


def _take_out(rows: Rows, table: str, column: _Texts) -> int:
    """Empty one column where it names them, but for free text that goes anyhow."""
    is_touched = _TOUCHED.format(key=rows.key)
    is_named = "n.by_id" if column.is_own else "n.by_words"
    if column.kind != "id" and not column.is_own:
        is_named = f"(n.by_words OR (n.by_half AND {is_touched}))"
    left = "CAST(n.rest AS JSON)" if column.kind == "json" else "NULL"
    goes_anyhow = f" AND NOT {is_touched}" if column.is_free else ""
    return rows.change(
        f"UPDATE {table} SET {quote(column.name)} = {left} FROM named AS n "
        f"WHERE n.spelling = {_text(column.name)} AND {is_named}{goes_anyhow}"
    )


def _empty(rows: Rows, table: str, column: _Texts) -> int:
    """Empty one column of free text, or of unknown values, where its row is about them."""
    nothing = EMPTIED_EXTRA if column.name == "extra" else "NULL"
    return rows.change(
        f"UPDATE {table} SET {quote(column.name)} = {nothing} "
        f"WHERE {quote(column.name)} IS NOT NULL AND {_TOUCHED.format(key=rows.key)}"
    )


def _take_out_keys(rows: Rows, sought: PersonSearch, table: str) -> None:
    """Take out of unknown values that are empty the keys that name them."""
    is_touched = _TOUCHED.format(key=rows.key)
    emptied = f"SELECT DISTINCT {_text('extra')} FROM {table} WHERE {is_touched}"
    for text in [one for one in rows.texts(emptied) if one and sought.is_named(one)]:
        rows.run(
            f"UPDATE {table} SET extra = $rest WHERE {_text('extra')} = $text",
            rest=sought.left_of_json(text),
            text=text,
        )


def people_in(table: ObjectTable) -> list[ColumnOf]:
    """The columns of a table that name people by their ids."""
    return [f for f in table.fields if f.column.kind == "id" and f.column.prefix == "user"]


def _is_list_of_people(table: ObjectTable) -> bool:
    return table.parent is not None and (
        table.model in (PersonRef, Attendee)
        or (table.model is None and table.fields[0].column.prefix == "user")
    )


_PEOPLE = ("patient", "provider", "support")
_STAFF_OWN = ("first_name", "middle_name", "last_name", "email", "phone", "npi", "dea_number")


def is_own(table: ObjectTable, field: ColumnOf) -> bool:
    """Whether a column says who another person is: their name, address or number.

    That is theirs, even where both have the same.
    """
    if field.column.kind != "text" or table.object_type not in _PEOPLE:
        return False
    return field.column.privacy == "identifier" or (
        table.object_type != "patient" and field.name in _STAFF_OWN
    )
