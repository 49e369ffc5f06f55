"""Loaded rows are what the models read: of any body, in every table, whatever stands beside it.

The engine reads a batch at once and the models look only at what seems odd to it. Here whole
batches of bodies, most of them with something replaced by anything, are held against the models.
"""

from __future__ import annotations

import json
from datetime import datetime
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import Event
from avon_analytics.contract.model import ColumnOf, columns_of, lists_of
from avon_analytics.contract.values import Column
from avon_analytics.store.tables import ObjectTable, object_tables

KEYS = [
    "id",
    "year",
    "month",
    "status",
    "key",
    "value",
    "object",
    "ID",
    'q"t',
    "d.t",
    "s;c",
    "'",
    "",
]
SCALARS: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.0, 1.5, 100.0, -0.0, 0.1, 2**53 + 1, 2**63, 10**22),
    *(1653798303000, 1653798303000.0, 10**14, 12345678, -86400000),
    *("", " ", "null", "user_null", "x_null", "abc", "user_abc", "{x", "[x", "{}", "[]", '"', "\\"),
    *("2024-02-22T20:09:46.206Z", "2024-02-22T20:09:46.99+05:30", "2024-02-22T20:09:46"),
    *("2024-02-30T20:09:46Z", "2024-02-22", "2024-02-22T24:00Z", "1653798303000", "12345678"),
    *("true", "false", "True", "1.5", "1e5", "1e999", "nan", ", nan", ":inf", ",]", "é😀\u2028"),
    *("\u0000", "a\u0000b", "\n\t", "a/b", "\u001f\u007f"),
]
DAYS: list[Any] = [
    {"year": year, "month": month, "day": day}
    for year in (2000, "1999", None, 2000.0)
    for month, day in ((2, 29), ("02", "1"), (13, 1), (None, None))
]


# What comes near to what a kind allows, on either side of the line.
NEAR: dict[str, list[Any]] = {
    "text": [1, 1.5, True, "", [], {}, ["x"], {"a": None}, "null", 10**25],
    "id": ["", "null", "_null", "x_null", "a_b", 5, 1.0, True, "{x", "[", ["x"], {"id": "x"}],
    "instant": [0, -1, 10**14, 10**14 - 1, 1.0, 0.5, "1", "-1", "", True, [], "soon"]
    + [f"2024-02-{day}T20:09:46{end}" for day in (29, 30) for end in ("Z", ".9Z", "+05", "", "z")]
    + [f"2024-02-22T{time}Z" for time in ("24:00:00", "24:00:01", "20:60", "20:09:60", "20:09")],
    "date": [0, -1, 12345678, "12345678", "123456789", "1980-02-30", "1980-1-1", "1980-01-01x"],
    "flag": [0, 1, "true", "false", "True", "1", "", "null", [], {}, 1.0],
    "number": ["1", "1.", ".5", "1e3", "1e400", "-0", "", True, [], "NaN", 10**400],
    "json": [0, "", {}, [None], {"a": {"b": 1e22}}],
}


def anything(dice: Random, depth: int = 0) -> Any:
    """Any JSON value."""
    kind = dice.random() if depth < 3 else 1
    if kind < 0.12:
        return [anything(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    if kind < 0.25:
        return {dice.choice(KEYS): anything(dice, depth + 1) for _ in range(dice.randint(0, 4))}
    return dice.choice(DAYS if kind < 0.3 else SCALARS)


GOOD: dict[str, list[Any]] = {
    "text": ["abc", "x y", None],
    "id": ["abc", "user_x", "user_null", None],
    "instant": [1653798303000, "2024-02-22T20:09:46.206Z", "2024-02-22 20:09:46.9+0530", None],
    "date": [{"year": 2000, "month": 2, "day": 29}, "2000-02-29", "2000-02-29T00:00:00Z", 0, None],
    "flag": [True, False, None],
    "number": [1, 2.5, "3", None],
    "json": [1, "a", None, {"x": [1]}, []],
}


def part(dice: Random, model: Any) -> dict[str, Any]:
    """A well-formed object of a model, some of its fields set."""
    found: dict[str, Any] = {}
    for column in columns_of(model):
        if dice.random() < 0.4:
            place = found
            for step in column.path[:-1]:
                place = place.setdefault(step, {})
            place[column.path[-1]] = dice.choice(GOOD[column.column.kind])
    for nested in lists_of(model):
        items = [
            dice.choice(GOOD[nested.item.column.kind])
            if isinstance(nested.item, ColumnOf)
            else part(dice, nested.item)
            for _ in range(dice.randint(0, 2))
        ]
        found[nested.field] = items or dice.choice([[], {}, None])
    return found


def places(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for step, inner in steps:
        found.append((*path, step))
        if isinstance(inner, dict | list):
            found += places(inner, *path, step)
    return found


def body(dice: Random) -> dict[str, Any]:
    """A body of any type; in most of them something, somewhere, is replaced by anything."""
    object_type = dice.choice(sorted(OBJECTS))
    model = OBJECTS[object_type]
    about = {**part(dice, model), "id": "x"}
    found = {"event": f"{object_type}.updated", "created_at": 1, "object": about}
    columns = [(("object", *column.path), column.column.kind) for column in columns_of(model)]
    for nested in lists_of(model):
        inner = [nested.item] if isinstance(nested.item, ColumnOf) else columns_of(nested.item)
        for n in range(len(about[nested.field] or [])):
            columns += [(("object", nested.field, n, *c.path), c.column.kind) for c in inner]
    for _ in range(dice.choice([0, 1, 1, 1, 2])):
        path, kind = dice.choice(columns)
        value = dice.choice(NEAR[kind])
        if dice.random() < 0.4:
            lists = [("object", nested.field) for nested in lists_of(model)]
            path = dice.choice([*places(found), *lists, ("new",), ("object", "new")])
            value = anything(dice)
        replace(found, path, value)
    return found


def replace(value: Any, path: tuple[Any, ...], new: Any) -> None:
    """Put something in a place; nothing happens where an earlier change left no such place."""
    for step in path[:-1]:
        value = value.setdefault(step, {}) if isinstance(value, dict) else value[step]
        if not isinstance(value, dict | list) or value in ([], {}):
            break
    if isinstance(value, dict) or (isinstance(value, list) and value):
        value[path[-1] if isinstance(value, dict) else 0] = new


def model_of(body: dict[str, Any]) -> Any:
    """What the models read, or None where they refuse."""
    try:
        subject = (Event.model_validate(body).event or "").split(".")[0]
        return OBJECTS[subject].model_validate(body["object"]) if subject in OBJECTS else "other"
    except ValidationError:
        return None


def as_read(column: Column, value: Any, *, from_table: bool) -> Any:
    """A value that is equal on both sides: JSON as a value, an instant as its parts in UTC."""
    if value is None or value != value:
        return None
    if isinstance(value, datetime) and column.kind == "instant":
        return (*value.utctimetuple()[:6], value.microsecond)
    if column.kind == "date":
        return str(value)[:10]
    if column.kind == "json":
        return json.dumps(json.loads(value) if from_table else value, sort_keys=True)
    if column.kind == "text" and value[:1] in ("{", "["):
        # A list or an object in a place for text is kept as its JSON, spelled somehow.
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value


def rows_of(desk: Any, table: ObjectTable) -> dict[tuple[str, int], list[Any]]:
    """The rows of a table by event and position."""
    names = ", ".join(f'"{column.name}"' for column in table.fields)
    position = "position" if table.parent else "0"
    query = f'SELECT event_id, {position}, {names} FROM "{table.versions}"'
    return {
        (row[0], row[1]): [
            as_read(column.column, value, from_table=True)
            for column, value in zip(table.fields, row[2:], strict=True)
        ]
        for row in desk.rows(query)
    }


def expected_rows(models: dict[str, Any], table: ObjectTable) -> dict[tuple[str, int], list[Any]]:
    found = {}
    for event_id, model in models.items():
        if type(model) is OBJECTS[table.object_type]:
            items = getattr(model, table.list_field) if table.list_field else [model]
            for position, item in enumerate(items):
                found[event_id, position] = [_of(item, column) for column in table.fields]
    return found


def _of(item: Any, column: ColumnOf) -> Any:
    for step in column.path:
        item = None if item is None else getattr(item, step)
    return as_read(column.column, item, from_table=False)


@pytest.mark.parametrize("seed", range(3))
def test_rows_equal_models(archive: Any, desk: Any, seed: int) -> None:
    dice = Random(seed)
    sent = {f"wbhk_{n}": {**body(dice), "id": f"wbhk_{n}"} for n in range(500)}
    desk.take(*map(archive.raw, sent.values()))
    models = {event_id: model_of(body) for event_id, body in sent.items()}

    ends = dict(zip(sent, desk.ends(), strict=True))
    for event_id, model in models.items():
        assert ends[event_id] == ("contract" if model is None else "loaded"), sent[event_id]
    assert 150 < sum(model is not None for model in models.values()) < 450
    for table in object_tables():
        assert rows_of(desk, table) == expected_rows(models, table), table.name
    desk.add_up()
