"""Loaded rows are what the models read: of any body, in every table, whatever stands beside it.

The engine reads a batch at once and the models look only at what seems odd to it. Here whole
batches of bodies, most of them damaged in one place, are loaded and held against the models.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
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
ANYTHING = st.recursive(
    st.sampled_from([*SCALARS, *SCALARS, *DAYS]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=6,
)
GOOD: dict[str, list[Any]] = {
    "text": ["abc", "x y", None],
    "id": ["abc", "user_x", "user_null", None],
    "instant": [1653798303000, "2024-02-22T20:09:46.206Z", "2024-02-22 20:09:46.9+0530", None],
    "date": [{"year": 2000, "month": 2, "day": 29}, "2000-02-29", "2000-02-29T00:00:00Z", 0, None],
    "flag": [True, False, None],
    "number": [1, 2.5, "3", None],
    "json": [1, "a", None, {"x": [1]}, []],
}


@st.composite
def parts(draw: st.DrawFn, model: Any) -> dict[str, Any]:
    """A well-formed object of a model, some of its fields set."""
    found: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(columns_of(model)), max_size=8)):
        place = found
        for step in column.path[:-1]:
            place = place.setdefault(step, {})
        place[column.path[-1]] = draw(st.sampled_from(GOOD[column.column.kind]))
    for nested in lists_of(model):
        item = nested.item
        one = st.sampled_from(GOOD[item.column.kind]) if isinstance(item, ColumnOf) else parts(item)
        found[nested.field] = draw(
            st.one_of(st.sampled_from([[], {}, None]), st.lists(one, min_size=1, max_size=2))
        )
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


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A body of any type; in most of them something, somewhere, is replaced by anything."""
    object_type = draw(st.sampled_from(sorted(OBJECTS)))
    model = OBJECTS[object_type]
    about = {**draw(parts(model)), "id": "x"}
    body = {"event": f"{object_type}.updated", "created_at": 1, "object": about}
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        known = [("object", name) for name in model.model_fields]
        path = draw(st.sampled_from([*places(body), *known, ("new",), ("object", "new")]))
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = draw(ANYTHING)
        if not isinstance(body["object"], dict):
            break
    return body


def model_of(body: dict[str, Any]) -> Any:
    """What the models read, or None where they refuse."""
    try:
        subject = (Event.model_validate(body).event or "").split(".")[0]
        return OBJECTS[subject].model_validate(body["object"]) if subject in OBJECTS else "other"
    except ValidationError:
        return None


def as_read(column: Column, value: Any, *, from_table: bool) -> Any:
    """A value that is equal on both sides: JSON as a value, instants in microseconds."""
    if value is None or value != value:
        return None
    if isinstance(value, datetime) and column.kind == "instant":
        return round(value.timestamp() * 1e6, -1)
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


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(some=st.lists(bodies(), min_size=100, max_size=160))
def test_rows_equal_models(some: list[dict[str, Any]], archive: Any, open_desk: Any) -> None:
    desk = open_desk()
    sent = {f"wbhk_{n}": {**body, "id": f"wbhk_{n}"} for n, body in enumerate(some)}
    desk.take(*map(archive.raw, sent.values()))
    models = {event_id: model_of(body) for event_id, body in sent.items()}

    ends = dict(zip(sent, desk.ends(), strict=True))
    for event_id, model in models.items():
        assert ends[event_id] == ("contract" if model is None else "loaded"), sent[event_id]
    assert 20 < sum(model is not None for model in models.values()) < len(sent)
    for table in object_tables():
        assert rows_of(desk, table) == expected_rows(models, table), table.name
    desk.add_up()
    desk.store.close()
