"""A field that comes with another JSON type is kept or quarantined by its path, never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.model import ColumnOf, lists_of
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import ObjectTable, object_tables, tables_of

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

# One of each JSON type, none of which any spelling of a missing value is.
VALUES: dict[str, Any] = {
    "text": "Zebedee Quillfeather",
    "digits": "12",
    "number": 1_653_798_303_000,
    "fraction": 1.5,
    "flag": True,
    "object": {"planted": "Zebedee"},
    "list": ["Zebedee"],
}


def spelled(table: ObjectTable, field: ColumnOf, value: Any) -> dict[str, Any]:
    """An object in which a field of a table has this value and everything else is well."""
    of_list = str(table.list_field)  # where it is no list's, it has none
    if table.model is None:
        return {"id": "x_1", of_list: [value]}
    here: dict[str, Any] = {}
    inner = here
    for part in field.path[:-1]:
        inner = inner.setdefault(part, {})
    inner[field.path[-1]] = value
    if table.parent is None:
        return {"id": "x_1", **here}
    # An element that says something besides.
    return {"id": "x_1", of_list: [{"seen": "well", **here}]}


def cases(object_type: str) -> Iterator[tuple[ObjectTable, ColumnOf, str]]:
    for table in tables_of(object_type):
        for field in table.fields:
            yield from ((table, field, kind) for kind in VALUES)


@pytest.mark.parametrize("object_type", sorted(OBJECTS))
def test_no_field_turns_empty_in_silence(archive: Archive, desk: Desk, object_type: str) -> None:
    asked = list(cases(object_type))
    bodies = [
        {
            "event": f"{object_type}.updated",
            "created_at": 1_700_000_000_000 + nth,
            "object": spelled(table, field, VALUES[kind]),
        }
        for nth, (table, field, kind) in enumerate(asked)
    ]
    desk.take(*(archive.raw(body) for body in bodies))
    ended = desk.rows(
        "SELECT d.line, d.ended, q.errors, e.event_id FROM deliveries AS d "
        "LEFT JOIN quarantine AS q USING (file, line) LEFT JOIN events AS e USING (file, line) "
        "ORDER BY d.line"
    )
    assert len(ended) == len(asked)
    kept = {
        table.name: dict(
            desk.rows(
                "SELECT event_id, to_json(struct_pack("
                + ", ".join(f"{quote(f.name)} := {quote(f.name)}" for f in table.fields)
                + f"))::VARCHAR FROM {quote(table.versions)}"
            )
        )
        for table in tables_of(object_type)
    }
    refused = 0
    for (table, field, kind), (_, end, errors, event_id) in zip(asked, ended, strict=True):
        where = f"{table.name}.{field.name} as {kind}"
        if end == "loaded":
            value = json.loads(kept[table.name][event_id])[field.name]
            assert value is not None, where
            if field.column.kind in ("text", "json"):
                sent = VALUES[kind]
                assert value == sent or json.loads(value) == sent, where
        else:
            refused += 1
            (error,) = json.loads(errors)
            name = error["path"].split(".")[1]
            assert name.startswith(table.list_field or field.name), (where, error)
            assert "Zebedee" not in json.dumps(error), where
    assert 0 < refused < len(asked)


@pytest.mark.parametrize("kind", [k for k in VALUES if k != "list"])
def test_a_list_that_is_none_is_quarantined(archive: Archive, desk: Desk, kind: str) -> None:
    asked = [(kind_of, nested) for kind_of, model in OBJECTS.items() for nested in lists_of(model)]
    desk.take(
        *(
            archive.raw(
                {
                    "event": f"{object_type}.updated",
                    "created_at": 1_700_000_000_000,
                    "object": {"id": "x_1", nested.field: VALUES[kind]},
                }
            )
            for object_type, nested in asked
        )
    )
    assert desk.ends() == ["contract"] * len(asked)
    paths = [[path for _, path in errors] for errors in desk.errors()]
    assert paths == [[f"object.{nested.field}"] for _, nested in asked]


def test_every_field_of_the_contract_is_asked() -> None:
    asked = {(t.name, f.name) for kind in OBJECTS for t, f, _ in cases(kind)}
    assert asked == {(t.name, f.name) for t in object_tables() for f in t.fields}
