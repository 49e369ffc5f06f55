"""From bodies to rows: the SQL that reads each table's columns out of JSON, from the contract.

Reading is done once for every row, by the engine. A row in which any value does not read as the
contract says is marked odd; it is never turned into a silent null. What odd rows are, the models
decide (``judge``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

from avon_analytics.contract import OBJECTS, AvonObject
from avon_analytics.contract.model import (
    ColumnOf,
    Part,
    columns_of,
    keys_inside,
    known_keys,
    lists_of,
    objects_of,
)
from avon_analytics.contract.shared import PersonRef
from avon_analytics.contract.values import Column
from avon_analytics.intake.engine import literals
from avon_analytics.store.schema import literal, quote
from avon_analytics.store.tables import ObjectTable


def rows_table(table: ObjectTable) -> str:
    """The temporary table that holds a batch's rows for a table, until they are believed."""
    return f"rows_{table.name}"


def create_statement(table: ObjectTable, *, has_unknown: bool = True) -> str:
    """The statement that reads a table's rows from the bodies in ``wanted``.

    ``has_unknown``: some of them may have fields of the object that the contract does not know.
    """
    select = _select(table, has_unknown=has_unknown)
    return f"CREATE OR REPLACE TEMP TABLE {rows_table(table)} AS {select}"


def insert_statement(table: ObjectTable) -> str:
    """The same for bodies that come later; a parent comes before its lists."""
    return f"INSERT INTO {rows_table(table)} {_select(table)}"


def list_columns(table: ObjectTable) -> list[str]:
    """The columns of a parent's rows that hold its lists as they came."""
    if table.parent is not None:
        return []
    return [_list_column(item.field) for item in lists_of(OBJECTS[table.object_type])]


def _list_column(field: str | None) -> str:
    return quote(f"list_{field}")


def has_items(table: ObjectTable) -> str:
    """SQL over a parent's rows: whether any of them has something in this list."""
    column = _list_column(table.list_field)
    return f"coalesce(bool_or({column} NOT IN ('[]', '{{}}')), false)"


def _select(table: ObjectTable, *, has_unknown: bool = True) -> str:
    if table.parent is not None:
        return _select_list(table)
    return _select_root(table, has_unknown=has_unknown)


def object_id(event: str) -> str:
    """SQL for the id of the object of an event that the contract knows; else NULL."""
    cases = []
    for object_type, model in OBJECTS.items():
        (field,) = (field for field in columns_of(model) if field.name == "id")
        value = _conversion(field.column, "bare_object_id")
        cases.append(f"WHEN {literal(object_type)} THEN {value}")
    return f"CASE split_part({event}, '.', 1) {' '.join(cases)} END"


@cache
def _body_structure(model: type[AvonObject]) -> str:
    """What is read of a body in one go, as the engine's JSON structure; what is nested stays JSON.

    JSON leaves keep their text as it stands; the others are text, which is converted afterwards.
    """
    fields = {
        field.name: _leaf_type(field.column) for field in columns_of(model) if len(field.path) == 1
    }
    nested = [*objects_of(model), *(item.field for item in lists_of(model))]
    return json.dumps({"object": fields | dict.fromkeys(nested, "JSON")})


def _select_root(table: ObjectTable, *, has_unknown: bool) -> str:
    model = OBJECTS[table.object_type]
    lists = lists_of(model)
    nested = objects_of(model)
    objects = "".join(
        f", from_json(o.{quote(name)}, {literal(json.dumps(_structure(part)))}) AS {quote(name)}"
        for name, part in nested.items()
    )
    known = literals(sorted(known_keys(model)))
    unknown = [f"unknown_fields(body -> '$.object', json_keys(body, '$.object'), {known}, '')"]
    inside = keys_inside(model)
    if inside:
        like_an_inner_one = literal("^(" + "|".join(['"', *(rf"{x}\." for x in inside)]) + ")")
        unknown = [f"kept_apart({unknown[0]}, {like_an_inner_one})"]
    for name, keys in inside.items():
        here = f"o.{quote(name)}" if name in nested else f"if_json(o.{quote(name)})"
        inside_known = literals(sorted(keys))
        unknown.append(f"unknown_fields({here}, json_keys({here}), {inside_known}, '{name}.')")
    odd = ["out_id IS NULL", *(f"left(o.{quote(name)}, 1) <> '{{'" for name in nested)]
    for item in lists:
        here = f"o.{quote(item.field)}"
        odd.append(f"left({here}, 1) <> '[' AND {here} <> '{{}}'")
    columns = [(field, _place(field)) for field in table.fields]
    lists_out = "".join(f", o.{quote(x.field)} AS {_list_column(x.field)}" for x in lists)
    opened = f"""
        SELECT nth, body, from_json(body, {literal(_body_structure(model))}).object AS o
        FROM wanted WHERE object_type = {literal(table.object_type)}"""
    # Unknown fields are read of their own rows alone: under CASE it would take many times longer.
    extras = f"SELECT nth, {_extra(unknown)} AS extra FROM ({opened} AND has_unknown)"
    if not has_unknown:
        extras = "SELECT NULL::BIGINT AS nth, NULL::JSON AS extra WHERE false"
    return f"""
        WITH nested AS (SELECT *{objects} FROM ({opened})),
        read AS (SELECT *, {_conversions(columns)} FROM nested),
        extras AS ({extras})
        SELECT nth, {_names(table)}, {_with_unset("extra", table)} AS extra,
            {_any_odd(columns, odd)} AS is_odd{lists_out}
        FROM read LEFT JOIN extras USING (nth)
    """


def _select_list(table: ObjectTable) -> str:
    assert table.parent is not None
    column = _list_column(table.list_field)
    lists = f"""
        WITH lists AS (
            SELECT nth, id AS parent_id, {column} AS list
            FROM {rows_table(table.parent)}
            WHERE left({column}, 1) = '[' AND {column} <> '[]' AND nth IN (SELECT nth FROM wanted)
        )"""
    if table.model is None:
        (field,) = table.fields
        value = "item" if field.column.kind == "json" else "item ->> '$'"
        columns = [(field, f"({value})")]
        return f"""{lists},
            items AS (
                SELECT nth, parent_id, unnest(json_list(list)) AS item,
                    generate_subscripts(json_list(list), 1) - 1 AS position
                FROM lists
            ),
            read AS (SELECT *, {_conversions(columns)} FROM items)
            SELECT nth, parent_id, CAST(position AS INTEGER) AS position,
                {_names(table)}, {_any_odd(columns, [])} AS is_odd
            FROM read"""
    structure = literal(json.dumps([_structure(table.model)]))
    columns = [(field, f"o.{quote(field.name)}") for field in table.fields]
    known = literals(sorted(known_keys(table.model)))
    unknown = [f"unknown_fields(item, json_keys(item), {known}, '')"]
    # What is no object reads as one without any field; so does an empty one.
    odd = ["(" + " AND ".join(f"{place} IS NULL" for _, place in columns) + ")"]
    return f"""{lists},
        told AS (
            SELECT nth, parent_id, {_with_bare_ids(table)} AS list FROM lists
        ),
        parsed AS (
            SELECT nth, parent_id, list, from_json(list, {structure}) AS items,
                NOT list_has_all({known}, flatten(json_keys(list, '$[*]'))) AS has_unknown
            FROM told
        ),
        opened AS (
            SELECT nth, parent_id, unnest(items) AS o,
                generate_subscripts(items, 1) - 1 AS position,
                unnest(CASE WHEN has_unknown THEN json_list(list) END) AS item
            FROM parsed
        ),
        read AS (SELECT *, {_conversions(columns)} FROM opened)
        SELECT nth, parent_id, CAST(position AS INTEGER) AS position,
            {_names(table)},
            {_with_unset(f"CASE WHEN item IS NOT NULL THEN {_extra(unknown)} END", table)} AS extra,
            {_any_odd(columns, odd)} AS is_odd
        FROM read"""


def _with_bare_ids(table: ObjectTable) -> str:
    """SQL for a list in which a person told by an id alone reads like an object with that id."""
    if table.model is not PersonRef:
        return "list"
    return """CASE WHEN contains(list, '["') OR contains(list, ',"')
        THEN to_json(list_transform(json_list(list), lambda item:
            CASE WHEN left(item, 1) = '"' THEN CAST(json_object('id', item) AS JSON) ELSE item END))
        ELSE list END"""


def _structure(model: type[Part]) -> dict[str, str]:
    return {field.name: _leaf_type(field.column) for field in columns_of(model)}


def _leaf_type(column: Column) -> str:
    return "JSON" if column.kind == "json" else "VARCHAR"


def _place(field: ColumnOf) -> str:
    return ".".join(map(quote, field.path if len(field.path) > 1 else ("o", field.name)))


def _conversions(columns: Iterable[tuple[ColumnOf, str]]) -> str:
    return ", ".join(
        f"{_conversion(field.column, place)} AS {_out(field)}" for field, place in columns
    )


def _out(field: ColumnOf) -> str:
    return quote(f"out_{field.name}")


def _names(table: ObjectTable) -> str:
    return ", ".join(f"{_kept(field)} AS {quote(field.name)}" for field in table.fields)


def _kept(field: ColumnOf) -> str:
    """SQL for a converted value as it is kept: the instant 0 stands for one that was not set."""
    return f"set_instant({_out(field)})" if field.column.kind == "instant" else _out(field)


def _with_unset(extra: str, table: ObjectTable) -> str:
    """SQL for the fields that no column holds, instants that were not set as they were sent."""
    instants = [field for field in table.fields if field.column.kind == "instant"]
    if not instants:
        return extra
    names = literals(".".join(field.path) for field in instants)
    found = ", ".join(
        f"CASE WHEN is_unset({_out(field)}) THEN as_sent({_place(field)}) END" for field in instants
    )
    any_is = " OR ".join(f"is_unset({_out(field)})" for field in instants)
    unset = f"with_unset({extra}, entries({names}, [{found}]))"
    return f"CASE WHEN {any_is} THEN {unset} ELSE {extra} END"


def _conversion(column: Column, place: str) -> str:
    match column.kind:
        case "text" | "json":
            return place
        case "id":
            prefix = literal(column.prefix) if column.prefix else "NULL"
            return f"as_id({place}, {prefix})"
        case "instant":
            return f"as_moment({place})"
        case "date":
            return f"as_day({place})"
        case "flag":
            return f"as_flag({place})"
        case "number":
            return f"as_number({place})"


def _any_odd(columns: Iterable[tuple[ColumnOf, str]], others: Iterable[str]) -> str:
    tests = list(others)
    for field, place in columns:
        if field.column.kind == "id":
            tests.append(f"left({place}, 1) IN ('{{', '[')")
        elif field.column.kind in ("instant", "date", "flag", "number"):
            tests.append(f"({place} IS NOT NULL AND {_out(field)} IS NULL)")
    return "(" + " OR ".join(f"coalesce({test}, false)" for test in tests or ["false"]) + ")"


def _extra(unknown: list[str]) -> str:
    if len(unknown) == 1:
        return f"to_json({unknown[0]})"
    # As lists: names are told apart already, and map_concat takes time by the square of how many.
    entries = ", ".join(f"map_entries({u})" for u in unknown)
    return f"to_json(map_from_entries(nullif(list_concat({entries}), [])))"
