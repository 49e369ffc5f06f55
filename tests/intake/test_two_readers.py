"""The fast lane and the models read alike: they accept and refuse the same, to the same bytes.

What is read fast is decoded into types made from the contract. The slow lane takes any line: strict
JSON and the models. Both must come to one canonical event, and the engine to one row from it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from avon_analytics.contract import OBJECTS, one_spelling
from avon_analytics.contract.decoded import Reader
from avon_analytics.contract.decoded_types import Odd
from avon_analytics.contract.model import columns_of, lists_of, objects_of
from avon_analytics.contract.values import as_date, as_instant
from avon_analytics.intake.read.faults import Verdict
from avon_analytics.intake.read.reader import LineReader, event_of

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

SPELLINGS = [
    *("2024-02-22T20:09:46.206Z", "2024-02-22T20:09:46.99+00:00", "2024-02-22T20:09:46Z"),
    *("2024-02-22 20:09:46+0530", "2024-02-22T20:09:46-05", "2024-02-22T20:09Z"),
    *("2024-02-22T24:00:00Z", "2024-02-22T24:00:01Z", "2024-02-22T20:09:60Z"),
    *("2024-02-22t20:09:46Z", "2024-02-22T20:09:46z", "2024-02-22T20:09:46.99999999Z"),
    *("2024-02-30T00:00:00Z", "2024-02-22T20:09:46", "2024-02-22T20:09:46.Z", "2024-02-22"),
    *("0999-01-01T00:00:00Z", "9000-01-01T00:00:00Z", "8999-12-31T23:59:59.9999999-15:59"),
    *("2024-02-22T20:09:46.1234567Z", "2024-02-22T20:09:46+25:00", " 2024-02-22T20:09:46Z"),
    *("2024-02-22T20:09:46+16:00", "1970-01-01T00:00:00Z", "1970-01-01T05:30:00+05:30", "0"),
    *("2024-02-22T20:09:46Z\n", "1653798303000", "-1653798303000", "16537983030001234"),
    *("19800101", "1980-1-1", "1980-01-01T", "1980-01-01 x", "1980-13-01", "1e3", "0x10"),
    *("true", "false", "True", "", "null", "user_null", "dtmp_null", "[]", "{}", "{x", "١٩٨٠"),
    *("1.5", "-0", "1e400", "NaN", "+1", ".5", "5.", '":', '{"a": 1}', "\x00", "é", "😀"),
]
OBJECT_VALUES = [
    {"year": 1980, "month": 1, "day": 2},
    {"year": "1980", "month": "1", "day": "2"},
    {"year": 1980, "month": 2, "day": 30},
    {"year": 1980, "month": 1, "day": 10**30},
    {"year": 10**30, "month": -(10**30), "day": 2},
    {"year": 1980, "month": 1, "day": 2, "era": {"of": 1.50}},
    {"year": None, "month": None, "day": None},
    {"year": 80, "month": 1, "day": 1},
    {"year": 1980.5, "month": 1, "day": 1},
    {},
    [],
    [None],
    ["x"],
    [{}],
    {"id": "x"},
    {"b": [1.0, {"d": None, "c": 1e300}], "a": "\\"},
]
VALUES = st.one_of(
    st.sampled_from(SPELLINGS),
    st.sampled_from(OBJECT_VALUES),
    st.none(),
    st.booleans(),
    st.integers(-(10**16), 10**16),
    st.sampled_from([0, 0.0, -0.0, 1653798303000, 1653798303000.0, 1.5, -1.0, 10**14, 19800101]),
    st.text(max_size=8),
)


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
        unknown = st.sampled_from(["new", "extra", "a.b", "location.x"])
        for key in draw(st.lists(unknown, max_size=1)):
            content[key] = draw(VALUES)
        heads: list[dict[str, Any]] = [
            {},
            {"created_at": 1},
            {"created_at": 0},
            {"id": "wbhk_1", "new": 1},
        ]
        head = draw(st.sampled_from(heads))
        return {"event": f"{object_type}.updated", **head, "object": content}

    return build()


@settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(body=bodies())
def test_both_lanes_accept_and_refuse_the_same(body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    slow = event_of(text)
    try:
        fast, _ = FAST.read(text, body["event"].split(".")[0].encode())
    except Odd:
        return
    assert not isinstance(slow, Verdict), slow
    assert fast == slow


FAST = Reader()


@settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(lines=st.lists(bodies(), min_size=5, max_size=20))
@example(
    lines=[
        *4 * [{"event": "appointment.updated", "object": {"id": "abc"}}],
        {
            "event": "appointment.updated",
            "created_at": 1,
            "object": {"id": "abc", "created_at": "2024-02-22T20:09:46.206Z"},
        },
    ]
)
def test_a_line_reads_alike_however_it_is_read(lines: list[dict[str, Any]]) -> None:
    """Whatever the reader has met before, and whatever stands beside a line."""
    contents = [json.dumps({"body": json.dumps(body)}).encode() for body in lines]
    reader = LineReader("skip", None)
    for _ in range(2):
        read = reader.read(contents)
        assert read == [reader.read_one(content) for content in contents]
        assert [line.form for line in read] == ["raw"] * len(lines)


def test_most_lines_of_the_sample_are_read_fast(sample: Any) -> None:
    """Else the slow lane would hide that the fast one reads nothing."""
    bodies_read = fast = 0
    for path in sorted(sample.archive.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                body = json.loads(line)["body"].encode()
                subject = json.loads(body)["event"].split(".")[0].encode()
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            bodies_read += 1
            with suppress(Odd):
                FAST.read(body, subject)
                fast += 1
    assert fast > 0.9 * bodies_read > 100


ODD_LINES = {
    "a key twice": '{"event":"patient.updated","created_at":1,"object":{"id":"a","id":"a"}}',
    "a key twice, with blanks": '{"event":"patient.updated","object":{"id":"a","mrn" :1,"mrn":1}}',
    "a key twice, with a line end": '{"event":"patient.updated","object":{"id":"a","id"\n:"a"}}',
    "a key twice, a line end": '{"event"\n:"patient.updated","object":{"id":"a","id":"a"}}',
    "a key twice, escaped": '{"event":"patient.updated","object":{"id":"a","\\u0069d":"a"}}',
    "half a pair": '{"event":"patient.updated","object":{"id":"a","mrn":"\\ud800"}}',
}


# How a line may hide one of the keys of its body, so that as many stand there as were read.
HIDES = {"nothing": ("", ""), "a quote": ('\\":', "\\u0022:"), "a colon": ('\\":', '\\"\\u003a')}


@pytest.mark.parametrize("hides", HIDES)
@pytest.mark.parametrize("odd", ODD_LINES)
def test_what_a_decoder_lets_pass_is_refused(odd: str, hides: str) -> None:
    text = json.dumps({"body": ODD_LINES[odd], "received_at": 1741608000000})
    line = text.replace(*HIDES[hides], 1).encode()
    (read,) = LineReader("skip", None).read([line])
    assert read.verdict is not None
    assert read.verdict.code == ("not_json" if odd == "half a pair" else "duplicate_keys")


def test_a_value_is_kept_as_the_models_read_it(desk: Desk, archive: Archive) -> None:
    """Each in a record of its own; a value that is none ends its line, and that line alone."""
    values = [*SPELLINGS, 0, 0.0, -1, 1653798303000, 1653798303000.0]
    told = [(name, value) for value in values for name in ("last_updated_at", "date_of_birth")]
    desk.take(*(archive.raw(archive.patient(ms, **{n: v})) for ms, (n, v) in enumerate(told, 1)))
    found = "epoch_us(last_updated_at), CAST(date_of_birth AS VARCHAR)"
    kept = desk.rows(f"SELECT epoch_ms(occurred_at), {found} FROM people_versions")
    expected = []
    for ms, (name, value) in enumerate(told, 1):
        with suppress(ValueError):
            expected.append((ms, *as_columns(name, value)))
    assert sorted(kept) == expected
    assert len(told) > len(expected) > 40


def as_columns(name: str, value: Any) -> tuple[int | None, str | None]:
    """A value as the models read it: microseconds of an instant, or a day."""
    if name == "date_of_birth":
        day = as_date(value)
        return None, None if day is None else day.isoformat()
    instant = as_instant(value)
    if instant is None:
        return None, None
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 10**6 + since.microseconds, None


@pytest.mark.parametrize(
    ("one", "other"),
    [("100", "1e2"), ("100", "100.000"), ("-0.0", "0"), ("0.00000015", "1.5e-7"), ("1E3", "1000")],
)
def test_equal_decimals_have_one_text(one: str, other: str) -> None:
    assert one_spelling.of_text(one.encode()) == one_spelling.of_text(other.encode())
    assert one_spelling.of_value(one_spelling.parse(one)) == one_spelling.of_text(one.encode())
