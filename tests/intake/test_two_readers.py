"""The engine and the models read alike: they accept and refuse the same, to the same value."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.model import columns_of, lists_of, objects_of
from avon_analytics.contract.values import as_date, as_flag, as_id, as_instant, as_number, as_text
from avon_analytics.intake import flatten
from avon_analytics.intake.engine import prepare
from avon_analytics.intake.judge import Verdict, judge_body
from avon_analytics.intake.strict_json import normalise, parse
from avon_analytics.store.tables import tables_of

SPELLINGS = [
    *("2024-02-22T20:09:46.206Z", "2024-02-22T20:09:46.99+00:00", "2024-02-22T20:09:46Z"),
    *("2024-02-22 20:09:46+0530", "2024-02-22T20:09:46-05", "2024-02-22T20:09Z"),
    *("2024-02-22T24:00:00Z", "2024-02-22T24:00:01Z", "2024-02-22T20:09:60Z"),
    *("2024-02-30T00:00:00Z", "2024-02-22T20:09:46", "2024-02-22T20:09:46.Z", "2024-02-22"),
    *("0999-01-01T00:00:00Z", "9000-01-01T00:00:00Z", "8999-12-31T23:59:59.9999999-15:59"),
    *("2024-02-22T20:09:46.1234567Z", "2024-02-22T20:09:46+25:00", " 2024-02-22T20:09:46Z"),
    *("2024-02-22T20:09:46Z\n", "1653798303000", "-1653798303000", "16537983030001234"),
    *("19800101", "1980-1-1", "1980-01-01T", "1980-01-01 x", "1980-13-01", "1e3", "0x10"),
    *("true", "false", "True", "", "null", "user_null", "dtmp_null", "[]", "{}", "{x", "١٩٨٠"),
    *("1.5", "-0", "1e400", "NaN", "+1", ".5", "5."),
]
OBJECT_VALUES = [
    {"year": 1980, "month": 1, "day": 2},
    {"year": "1980", "month": "1", "day": "2"},
    {"year": 1980, "month": 2, "day": 30},
    {"year": None, "month": None, "day": None},
    {"year": 80, "month": 1, "day": 1},
    {"year": 1980.5, "month": 1, "day": 1},
    {},
    [],
    [None],
    ["x"],
    [{}],
    {"id": "x"},
]
VALUES = st.one_of(
    st.sampled_from(SPELLINGS),
    st.sampled_from(OBJECT_VALUES),
    st.none(),
    st.booleans(),
    st.integers(-(10**16), 10**16),
    st.sampled_from([0, 1653798303000, 1653798303000.0, 1.5, -1.0, 10**14, 19800101]),
    st.text(max_size=8),
)


@pytest.fixture(scope="module")
def engine() -> Any:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    prepare(connection)
    return connection


READERS = {
    "as_instant": as_instant,
    "as_day": as_date,
    "as_flag": as_flag,
    "as_number": as_number,
}


@pytest.mark.parametrize("macro", READERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_text_reads_alike(engine: Any, macro: str, spelling: str) -> None:
    value = f"CAST({macro}($t) AS VARCHAR)"
    ((found,),) = engine.execute(f"SELECT {value}", {"t": spelling}).fetchall()
    try:
        expected = READERS[macro](spelling)
    except ValueError:
        expected = None
    if isinstance(expected, datetime):
        ((found,),) = engine.execute(f"SELECT epoch_us({macro}($t))", {"t": spelling}).fetchall()
        since = expected - datetime(1970, 1, 1, tzinfo=UTC)
        assert found == since.days * 86_400_000_000 + since.seconds * 10**6 + since.microseconds
    elif isinstance(expected, date):
        assert found == expected.isoformat()
    elif isinstance(expected, bool):
        assert found == str(expected).lower()
    elif isinstance(expected, float):
        assert float(found) == expected
    else:
        assert found is None


@pytest.mark.parametrize("spelling", [s for s in SPELLINGS if s[:1] not in ("{", "[")])
def test_an_id_reads_alike(engine: Any, spelling: str) -> None:
    ((found,),) = engine.execute("SELECT as_id($t, 'user')", {"t": spelling}).fetchall()
    assert found == as_id(spelling, "user")


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of any known type with a few fields set to anything at all."""

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        object_type = draw(st.sampled_from(sorted(OBJECTS)))
        model = OBJECTS[object_type]
        places = [field.path for field in columns_of(model) if field.name != "id"]
        content: dict[str, Any] = {
            "id": draw(st.sampled_from(["abc", "x_1", 5, None, "user_null"]))
        }
        for path in draw(st.lists(st.sampled_from(places), max_size=4, unique=True)):
            inner = content.setdefault(path[0], {}) if len(path) > 1 else content
            if isinstance(inner, dict):
                inner[path[-1]] = draw(VALUES)
        for nested in draw(
            st.lists(st.sampled_from(sorted(objects_of(model)) or ["id"]), max_size=1)
        ):
            if nested != "id":
                content[nested] = draw(VALUES)
        lists = lists_of(model)
        for nested_list in draw(st.lists(st.sampled_from(lists), max_size=2)) if lists else []:
            item = nested_list.item
            names = [f.name for f in columns_of(item)] if isinstance(item, type) else []
            element = st.dictionaries(st.sampled_from([*names, "other"]), VALUES, max_size=3)
            content[nested_list.field] = draw(
                st.one_of(st.lists(st.one_of(element, VALUES), max_size=2), VALUES)
            )
        return {"event": f"{object_type}.updated", "object": content}

    return build()


@settings(
    max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(body=bodies())
def test_engine_and_models_accept_and_refuse_the_same(engine: Any, body: dict[str, Any]) -> None:
    text = json.dumps(body)
    object_type = body["event"].split(".")[0]
    judged = judge_body(text)
    is_odd, rows = read(engine, object_type, text)
    if not is_odd:
        assert not isinstance(judged, Verdict), judged
    elif not isinstance(judged, Verdict):
        is_odd, rows = read(engine, object_type, judged)
        assert not is_odd, "a body that the models accept reads well once it is respelled"
    if not is_odd:
        try:
            expected = OBJECTS[object_type].model_validate(body["object"])
        except ValidationError as error:
            raise AssertionError("the engine was too kind") from error
        for field in columns_of(OBJECTS[object_type]):
            value: Any = expected
            for part in field.path:
                value = getattr(value, part, None)
            if field.column.kind == "instant" and value is not None:
                assert rows[field.name] == value.replace(tzinfo=None), field.name
            elif field.column.kind in ("instant", "date", "flag", "id"):
                assert rows[field.name] == value, field.name
            elif field.column.kind == "text":
                assert (rows[field.name] is None) == (as_text(value) is None)


def read(engine: Any, object_type: str, text: str) -> tuple[bool, dict[str, Any]]:
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE wanted AS SELECT 1 AS nth, $type AS object_type, "
        "$body AS body, true AS has_unknown",
        {"type": object_type, "body": text},
    )
    is_odd, first = False, {}
    for table in tables_of(object_type):
        engine.execute(flatten.create_statement(table))
        found = engine.execute(f"DESCRIBE {flatten.rows_table(table)}").fetchall()
        names = [name for name, *_ in found]
        # Without their time zone, instants come without a further package.
        columns = ", ".join(
            f"timezone('UTC', \"{name}\")" if "TIME ZONE" in kind else f'"{name}"'
            for name, kind, *_ in found
        )
        result = engine.execute(f"SELECT {columns} FROM {flatten.rows_table(table)}")
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        is_odd |= any(row["is_odd"] for row in rows)
        if table.parent is None:
            (first,) = rows
    return is_odd, first


@pytest.mark.parametrize(
    ("one", "other"),
    [("100", "1e2"), ("100", "100.000"), ("-0.0", "0"), ("0.00000015", "1.5e-7"), ("1E3", "1000")],
)
def test_equal_decimals_have_one_text(one: str, other: str) -> None:
    assert normalise(parse(one, exact=True)) == normalise(parse(other, exact=True))
