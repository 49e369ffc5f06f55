"""From canonical events to rows: one structure for each type of object, whatever Avon's generation.

What the outside world wrote was read before (``intake/read``): here nothing can be odd.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import duckdb

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.model import ColumnOf, Part, columns_of, lists_of, objects_of
from avon_analytics.contract.values import Column
from avon_analytics.intake.read.columns import integers
from avon_analytics.intake.read.read_lines import Contents
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import literal, quote
from avon_analytics.store.tables import ObjectTable, tables_of

_LEAVES = {
    "text": "VARCHAR",
    "id": "VARCHAR",
    "instant": "BIGINT",
    "date": "DATE",
    "flag": "BOOLEAN",
    "number": "DOUBLE",
    "json": "JSON",
}


def rows_table(table: ObjectTable) -> str:
    """The temporary table that holds a batch's rows for a table, until they are trusted."""
    return f"rows_{table.name}"


def opened_table(object_type: str) -> str:
    """The temporary table that holds a batch's objects of a type, opened."""
    return f"opened_{object_type}"


def open_objects(
    connection: duckdb.DuckDBPyConnection, object_type: str, contents: Contents
) -> list[ObjectTable]:
    """Open canonical events about objects of one type, each with the number of its line.

    Returns the tables of which they have rows.
    """
    with contents_as_table(connection, contents):
        run(connection, _create_opened(object_type))
    root, *lists = tables_of(object_type)
    has_some = run(connection, _has_items(object_type)).fetchall()[0] if lists else ()
    return [root, *(table for table, has in zip(lists, has_some, strict=True) if has)]


def contents_as_table(
    connection: duckdb.DuckDBPyConnection, contents: Contents
) -> AbstractContextManager[None]:
    """Meanwhile the connection reads some canonical events as ``contents``."""
    rows = ArrowRows.of_columns(nth=integers(contents.nths), content=contents.texts)
    return rows.as_table("contents", connection)


@cache
def _create_opened(object_type: str) -> str:
    structure = literal(json.dumps({"object": _structure(OBJECTS[object_type])}))
    return (
        f"CREATE OR REPLACE TEMP TABLE {quote(opened_table(object_type))} AS "
        f"SELECT nth, from_json(content, {structure}).object AS o FROM contents"
    )


@cache
def create_rows(table: ObjectTable) -> str:
    """The statement that makes the rows of a table from the opened objects."""
    return f"CREATE OR REPLACE TEMP TABLE {rows_table(table)} AS {select_rows(table)}"


@cache
def _has_items(object_type: str) -> str:
    """The query that says of each list of an object type whether any opened object has one."""
    _, *lists = tables_of(object_type)
    tests = [f"bool_or(o.{quote(str(one.list_field))} IS NOT NULL)" for one in lists]
    return f"SELECT {', '.join(tests)} FROM {quote(opened_table(object_type))}"


def _structure(model: type[Part], *, is_inner: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        c.path[0]: _LEAVES[c.column.kind] for c in columns_of(model) if len(c.path) == 1
    }
    for name, inner in objects_of(model).items():
        found[name] = _structure(inner, is_inner=True)
    for one in lists_of(model):
        item = one.item
        found[one.field] = [
            _LEAVES[item.column.kind] if isinstance(item, ColumnOf) else _structure(item)
        ]
    return found if is_inner else found | {"extra": "JSON"}


@cache
def select_rows(table: ObjectTable) -> str:
    """The query, in parentheses, that gives the rows of a table from the opened objects."""
    source = quote(opened_table(table.object_type))
    if table.parent is None:
        fields = [_value(f.column, _place("o", f), f.name) for f in table.fields]
        return f"(SELECT nth, {', '.join(fields)}, o.extra AS extra FROM {source})"
    items = f"o.{quote(str(table.list_field))}"
    if table.model is None:
        (field,) = table.fields
        columns = _value(field.column, "s", field.name)
    else:
        fields = [_value(f.column, _place("s", f), f.name) for f in table.fields]
        columns = f"{', '.join(fields)}, s.extra AS extra"
    return f"""(SELECT nth, CAST(position - 1 AS INTEGER) AS position, {columns}
        FROM (SELECT nth, unnest({items}) AS s,
                generate_subscripts({items}, 1) AS position
              FROM {source} WHERE {items} IS NOT NULL))"""


def select_versions(table: ObjectTable, rows: str, events: str) -> str:
    """The query that gives the versions of a table: its rows, with what ``events`` says of them.

    ``events`` has the number of the line that reports each event first.
    """
    names = [field.name for field in table.fields] + (["extra"] if table.model else [])
    fields = ", ".join(f"r.{quote(name)}" for name in names)
    keys = (
        "c.event_no, c.event_id, c.event, c.occurred_at, c.received_at"
        if table.parent is None
        else "c.event_no, r.position"
    )
    return (
        f"SELECT {keys}, {fields} FROM {rows} AS r JOIN {events} AS c ON c.first_nth = r.nth "
        "WHERE NOT c.is_known"
    )


def _place(of: str, field: ColumnOf) -> str:
    return ".".join([of, *map(quote, field.path or (field.name,))])


def _value(column: Column, place: str, name: str) -> str:
    value = f"make_timestamptz({place})" if column.kind == "instant" else place
    return f"{value} AS {quote(name)}"
