"""Lines that want to break the reader: none does, none is lost, and its neighbours load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import inf
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.intake.person.spellings import readings

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

HEAD = '"event":"patient.updated","created_at":'
LISTS, OBJECTS = ("[", "1", "]"), ('{"a":', "1", "}")


def told(ms: int, *fields: str) -> str:
    """The text of a body with these fields besides its id, spelled as given."""
    about = ",".join(['"id":"user_ann"', *fields])
    return f'{{{HEAD}{ms},"object":{{{about}}}}}'


def deep(depth: int, kind: tuple[str, str, str]) -> str:
    start, inner, end = kind
    return start * depth + inner + end * depth


def check(archive: Archive, desk: Desk, lines: Sequence[str | bytes], **how: Any) -> list[str]:
    """Where lines end that stand between two good ones, which load whatever is between them."""
    good = [archive.raw(archive.patient(ms)) for ms in (-1, -2)]
    first = archive.write(good[0], *lines, name="a.jsonl")
    desk.load(first, archive.write(good[1], name="b.jsonl"), **how)
    ends: list[str] = desk.ends()
    assert len(ends) == len(lines) + 2
    assert (ends[0], ends[-1]) == ("loaded", "loaded")
    desk.add_up()
    return ends[1:-1]


REPEATED = {
    "in the envelope": '{"body": "x", "body": "x"}',
    "in the headers": '{"headers": {"a": 1, "a": 1}, "body": "x"}',
    "in a pair of headers": '{"headers": [{"name": "a", "value": [{"b": 1, "b": 2}]}], "body": ""}',
    "spelled in two ways": '{"body": "x", "b\\u006fdy": "x"}',
    "in a parsed body": f'{{"body": {{{HEAD}1,"object":{{"id":"a","id":"a"}}}}}}',
    "in a bare event": f'{{{HEAD}1,"object":{{"id":"a"}},"event":"patient.updated"}}',
    "an empty key": '{"x": {"": 1, "": 2}, "body": "x"}',
}
REPEATED_IN_BODY = [
    '"x":{"a":1,"a":1}',
    '"x":[[{"y":{"a":1,"a":1}}]]',
    '"x":1,"\\u0078":1',
    '"id":"user_ann"',
    '"x":{"":1,"":1}',
    '"x":{"\\u0000":1,"\\u0000":1}',
    '"x":' + deep(100, LISTS).replace("1", '{"a":1,"a":1}'),
]
NOT_REPEATED = ['"x":[{"a":1},{"a":1}]', '"x":{"a\\u0000b":1,"a\\u0000c":1}', '"x":{"a":1,"A":1}']


def test_a_key_given_twice_is_found_at_any_depth(archive: Archive, desk: Desk) -> None:
    lines: list[str | bytes] = [*REPEATED.values()]
    lines += [archive.raw(told(n, text)) for n, text in enumerate(REPEATED_IN_BODY)]
    fine = [archive.raw(told(100 + n, text)) for n, text in enumerate(NOT_REPEATED)]
    ends = check(archive, desk, [*lines, *fine])
    names = [*REPEATED, *REPEATED_IN_BODY, *NOT_REPEATED]
    assert dict(zip(names, ends, strict=True)) == {
        **dict.fromkeys([*REPEATED, *REPEATED_IN_BODY], "duplicate_keys"),
        **dict.fromkeys(NOT_REPEATED, "loaded"),
    }


@pytest.mark.parametrize("kind", [LISTS, OBJECTS], ids=["lists", "objects"])
@pytest.mark.parametrize("depth", [200, 300, 500, 975, 20_000])
def test_deep_nesting_is_no_accident(
    archive: Archive, desk: Desk, depth: int, kind: tuple[str, str, str]
) -> None:
    """In a place where the engine reads alone, and in bodies that the models must look at."""
    nested = deep(depth, kind)
    texts = [
        told(1, f'"new":{nested}'),
        told(2, f'"new":{nested}', '"date_of_birth":{}'),  # odd to the engine, fine to the models
        told(3, f'"copay":{nested}', '"note":", nan"'),
        told(4, f'"mrn":{nested}', '"date_of_birth":{}'),
        told(5, f'"new":{nested}', '"mrn":1.00'),
        told(6, f'"addresses":{nested}'),
    ]
    unsigned = [json.dumps({"body": text}) for text in texts[:1]]
    lines: list[str | bytes] = [archive.raw(text) for text in texts]
    lines += [archive.parsed(text) for text in texts[:2]]
    lines += [archive.parsed(texts[0], stands=texts[0].replace("ann", "bob"))]
    lines += [archive.raw(texts[1], secret="another"), texts[2], *unsigned]
    ends = check(archive, desk, lines)
    assert {*ends[:6]} <= {"loaded", "not_json", "contract"}
    if depth <= 500:
        assert ends[:5] == ["loaded"] * 5
    assert ends[5] != "loaded"
    assert {*ends[6:8]} <= {"duplicate", "not_json", "unverifiable"}
    assert ends[8] in ("unverifiable", "not_json")
    assert ends[9] == "signature_mismatch"
    assert ends[10] in ("unsigned", "not_json")
    assert ends[11] == "unsigned"


NO_JSON: list[tuple[str, str | bytes]] = [
    ("not_json", '{"body": NaN}'),
    ("not_json", '{"body": -Infinity}'),
    ("not_json", '{"body": "x",}'),
    ("not_json", '{"body": ["x",]}'),
    ("not_json", "{'body': 'x'}"),
    ("not_json", '/* said */ {"body": "x"}'),
    ("not_json", '{"body": 01}'),
    ("not_json", '{"body": +1}'),
    ("not_json", '{"body": .5}'),
    ("not_json", '{"body": "a\tb"}'),
    ("not_json", '{"body": "a\x00b"}'),
    ("not_json", "\x00"),
    ("not_json", "\x1f"),
    ("not_json", "nan"),
    ("not_json", '{"body": "\\ud800"}'),
    ("not_json", '{"\\udc00": 1, "body": "x"}'),
    ("not_json", '{"body": "\\x41"}'),
    ("not_json", "\u00a0{}"),
    ("not_utf8", b'{"body": "\xff"}'),
    ("not_utf8", b'{"body": "\xc0\x80"}'),
    ("not_utf8", b'{"body": "\xed\xa0\x80"}'),
    ("not_utf8", b'{"body": "\xf4\x90\x80\x80"}'),
    ("not_utf8", '{"body": "x"}'.encode("utf-16")),
    ("not_json", "true"),
    ("not_json", "null"),
    ("not_json", '"text"'),
    ("not_json", "-0"),
    ("not_json", "5 {}"),
    ("not_a_delivery", "[]"),
    ("not_a_delivery", ' [5, "text"] '),
    ("not_json", "[] {}"),
]
NO_JSON_IN_BODY = [
    *('"x":NaN', '"x":[1,]', '"x":1,', '"x":Infinity', '"x":-inf', '"x":nan', '"x":"\\ud800"'),
    *('"x":01', '"x":"\x01"', '"x":1}}}', '"\\udfff":1'),
]


def test_what_is_no_json_is_said_and_kept(archive: Archive, desk: Desk) -> None:
    lines = [line for _, line in NO_JSON]
    bodies = [archive.raw(told(n, text)) for n, text in enumerate(NO_JSON_IN_BODY)]
    ends = check(archive, desk, [*lines, *bodies])
    assert ends == [*(code for code, _ in NO_JSON), *["not_json"] * len(NO_JSON_IN_BODY)]
    kept = desk.column("SELECT content FROM quarantine ORDER BY line")
    sent = [line if isinstance(line, bytes) else line.encode() for line in [*lines, *bodies]]
    assert [bytes(line) for line in kept] == sent


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ('{"body": "x"} {}', ["unsigned", "not_a_delivery"]),
        ('{"body": "x"} // said', ["unsigned", "not_json"]),
    ],
)
def test_what_follows_a_whole_value_ends_for_itself(desk: Desk, line: str, ends: list[str]) -> None:
    desk.take(line)
    assert desk.column("SELECT code FROM deliveries ORDER BY byte_offset") == ends
    kept = desk.column("SELECT content FROM quarantine ORDER BY byte_offset")
    assert b" ".join(map(bytes, kept)) == line.encode()


NUMBERS = ["1e400", "-1e400", "123456789012345678901234567890", "18446744073709551616", "9" * 4500]
NUMBERS += ["1e99999999999999999999", "-1e999999999999999999999"]


@pytest.mark.parametrize("beside", ['"note":"fine"', '"date_of_birth":{}'], ids=["plain", "odd"])
def test_numbers_beyond_64_bits_are_kept(archive: Archive, desk: Desk, beside: str) -> None:
    """The same whether the engine read the body alone or the models looked at it."""
    lines: list[str | bytes] = []
    for ms, n in enumerate(NUMBERS, 1):
        text = told(ms, f'"mrn":{n}', f'"copay":{n}', f'"new":{n}', beside)
        lines.append(archive.raw(text.replace("user_ann", f"user_{ms}")))
    assert check(archive, desk, lines) == ["loaded"] * len(NUMBERS)
    found = desk.rows(
        "SELECT mrn, copay, extra ->> '$.new' FROM patients_versions "
        "WHERE id <> 'user_ann' ORDER BY occurred_at"
    )
    assert found == [(number, number, number) for number in NUMBERS]


def test_nul_in_texts_ids_and_keys_is_a_character(archive: Archive, desk: Desk) -> None:
    body = {
        "id": "wbhk_\0",
        "event": "patient.up\0dated",
        "created_at": 1,
        "object": {"id": "user_\0a", "first_name": "\0", "n\0w": 1, "race": ["\0"]},
    }
    assert check(archive, desk, [archive.raw(body)]) == ["loaded"]
    assert desk.rows("SELECT event_id, event, object_id FROM events WHERE line = 2") == [
        ("wbhk_\0:patient.up\0dated:user_\0a:1", "patient.up\0dated", "user_\0a")
    ]
    found = desk.rows("SELECT first_name, extra FROM patients WHERE id <> 'user_ann'")
    assert [(name, json.loads(extra)) for name, extra in found] == [("\0", {"n\0w": 1})]


IDS = [("i", "i"), (5, "5"), (True, "true"), ("", None), ("invoice_null", None), (None, None)]
IDS += [("{", None), ("[1", None), ({"a": 1}, None), (["x"], None)]  # and what JSON begins with


@pytest.mark.parametrize("between", [":", " : "])  # the second is none for the fast lane
def test_an_object_of_an_unknown_type_may_have_any_id(
    archive: Archive, desk: Desk, between: str
) -> None:
    bodies = [
        json.dumps(
            {"event": "invoice.paid", "created_at": at, "object": {"id": sent}},
            separators=(",", between),
        )
        for at, (sent, _) in enumerate(IDS, 1)
    ]
    lines = [archive.raw(body) for body in bodies]
    assert check(archive, desk, lines) == ["loaded"] * len(IDS)
    found = desk.column("SELECT object_id FROM other_objects ORDER BY occurred_at")
    assert found == [read for _, read in IDS]


KEYS = ["a'b", 'a"b', "a.b", "a;drop table events;--", "", "$", "*", "a\\b", "[0]", "é", "ID", "Id"]


def test_unknown_keys_of_any_spelling_are_kept_apart(archive: Archive, desk: Desk) -> None:
    fields = {key: n for n, key in enumerate(KEYS)}
    visit = {"id": "v", "location": {**fields, "city": "Avon"}, "attendees": [fields], **fields}
    event = {"event": "appointment.created", "created_at": 1, "object": visit, **fields}
    assert check(archive, desk, [archive.raw(event)]) == ["loaded"]
    (extra,) = desk.column("SELECT extra FROM appointments")
    assert json.loads(extra) == fields | {f"location.{key}": n for key, n in fields.items()}
    (extra,) = desk.column("SELECT extra FROM appointment_attendees")
    assert json.loads(extra) == fields
    (extra,) = desk.column("SELECT extra FROM events WHERE line = 2")
    assert json.loads(extra) == fields
    paths = desk.column("SELECT path FROM drift")
    expected = {f"{where}.{key}" for where in ("body", "appointment") for key in KEYS}
    expected |= {f"appointment.location.{key}" for key in KEYS}
    expected |= {f"appointment.attendees[].{key}" for key in KEYS}
    assert set(paths) == expected


def test_unknown_keys_of_a_date_are_kept(archive: Archive, desk: Desk) -> None:
    born = {"year": 1980, "month": 2, "day": 3, "era": "CE", "a.b": {"c": 1}}
    bodies = [
        archive.patient(1, date_of_birth=born),
        # What looks like no JSON to the engine is judged, and spelled anew, by Python.
        archive.patient(2, date_of_birth=born, pronouns=", NaN"),
        archive.patient(3, date_of_birth={"year": None, "era": None}),
        archive.patient(4, date_of_birth="1980-02-03", **{"date_of_birth.era": 1}),
    ]
    assert check(archive, desk, [archive.raw(body) for body in bodies]) == ["loaded"] * 4
    found = desk.rows(
        "SELECT CAST(date_of_birth AS VARCHAR), extra FROM patients_versions "
        "WHERE extra IS NOT NULL ORDER BY occurred_at"
    )
    kept = {"date_of_birth.era": "CE", "date_of_birth.a.b": {"c": 1}}
    assert [(born, json.loads(extra)) for born, extra in found] == [
        ("1980-02-03", kept),
        ("1980-02-03", kept),
        (None, {"date_of_birth.era": None}),
        ("1980-02-03", {'"date_of_birth.era"': 1}),
    ]
    paths = desk.column("SELECT DISTINCT path FROM drift ORDER BY path")
    assert paths == [
        'patient."date_of_birth.era"',
        "patient.date_of_birth.a.b",
        "patient.date_of_birth.era",
    ]


def test_two_unknown_fields_never_land_on_one_name(archive: Archive, desk: Desk) -> None:
    visit = {"id": "v", "location": {"floor": "inner"}, "location.floor": "outer"}
    event = {"event": "appointment.created", "created_at": 1, "object": visit}
    assert check(archive, desk, [archive.raw(event)]) == ["loaded"]
    (extra,) = desk.column("SELECT extra FROM appointments")
    assert sorted(json.loads(extra).values()) == ["inner", "outer"]


def test_a_thousand_unknown_keys(archive: Archive, desk: Desk) -> None:
    fields = {f"key {n}": n for n in range(1000)}
    assert check(archive, desk, [archive.raw(archive.patient(1, **fields))]) == ["loaded"]
    assert desk.column("SELECT count(*) FROM drift") == [1000]
    (extra,) = desk.column("SELECT extra FROM patients")
    assert json.loads(extra) == fields


MANY = 250_000


@pytest.mark.heavy
@pytest.mark.parametrize("where", ["event", "envelope"])
def test_very_many_unknown_keys(archive: Archive, desk: Desk, where: str) -> None:
    """A million of an object are in ``test_heavy_lines``."""
    event = {"event": "appointment.created", "created_at": 1, "object": {"id": "v"}}
    keyed = {f"{n:x}": 0 for n in range(MANY)}
    if where == "event":
        event.update(keyed)
    line = archive.parsed(archive.text(event).replace(" ", ""))
    if where == "envelope":
        line = f"{line[:-1]}, {archive.text(keyed)[1:]}"
    assert check(archive, desk, [line]) == ["loaded"]
    if where == "event":
        assert desk.column("SELECT count(*) FROM drift WHERE n_seen = 1") == [MANY]


@pytest.mark.heavy
def test_arrays_of_very_many(archive: Archive, desk: Desk) -> None:
    attendees = [{"id": n, "attendee": f"user_{n:x}"} for n in range(MANY)]
    visits = [
        {"id": "v", "attendees": attendees},
        {"id": "w", "seats": list(range(MANY))},
        {"id": "x", "attendees": [[]] * MANY},
    ]
    events = [{"event": "appointment.created", "created_at": 1, "object": v} for v in visits]
    ends = check(archive, desk, [archive.raw(archive.text(e).replace(" ", "")) for e in events])
    assert ends == ["loaded", "loaded", "contract"]
    assert desk.column("SELECT count(DISTINCT attendee) FROM appointment_attendees") == [MANY]
    (extra,) = desk.column("SELECT extra FROM appointments WHERE extra IS NOT NULL")
    assert json.loads(extra) == {"seats": list(range(MANY))}


NAMES: list[tuple[Any, str]] = [
    ("", "contract"),
    (None, "contract"),
    (5, "contract"),
    (True, "contract"),
    ({"patient": "created"}, "contract"),
    (["patient.created"], "contract"),
    ("no dot", "loaded"),
    ("a.b.c", "loaded"),
    (".", "loaded"),
    ("PATIENT.created", "loaded"),
    ("patient'; drop table events; --.created", "loaded"),
]


def test_an_event_has_a_name_that_is_a_text(archive: Archive, desk: Desk) -> None:
    lines = [
        archive.raw({"event": name, "created_at": n, "object": {"id": "x"}})
        for n, (name, _) in enumerate(NAMES)
    ]
    ends = check(archive, desk, lines)
    assert ends == [end for _, end in NAMES]


# Python's own reader refuses to convert a whole number of more than 4,300 digits.
MANY_DIGITS = "7" * 5_000


@pytest.mark.parametrize("policy", ["skip", "record"])
def test_a_number_of_thousands_of_digits_is_read_in_any_body(
    archive: Archive, desk: Desk, policy: str
) -> None:
    body = told(1, f'"x":{MANY_DIGITS}')
    lines = [f'{{"body":{body}}}', f'{{"body": {body} }}', body, json.dumps({"body": body})]
    again = ["loaded", *["duplicate"] * 3]  # one event, however it is spelled
    assert check(archive, desk, lines, policy=policy) == again


def test_an_object_with_such_a_number_can_be_forgotten(archive: Archive, desk: Desk) -> None:
    def invoice(event_id: str) -> str:
        about = f'"id":"inv_{event_id}","patient":"user_ann","x":{MANY_DIGITS}'
        text = (
            f'{{"id":"{event_id}","event":"invoice.created","created_at":1,"object":{{{about}}}}}'
        )
        return json.dumps({"body": text})

    desk.load(archive.write(invoice("one"), name="a.jsonl"), policy="skip")
    desk.store.forget("user_ann")
    assert desk.column("SELECT object_id FROM other_objects") == []
    desk.load(archive.write(invoice("two"), name="b.jsonl"), policy="skip")
    assert desk.column("SELECT object_id FROM other_objects") == []


def test_of_what_stands_beside_a_forgotten_person_each_number_stays(
    archive: Archive, desk: Desk
) -> None:
    """Numbers that Python's own reader refuses, or cannot hold."""
    numbers = f'"many":{MANY_DIGITS},"most":1e400'
    about = f'"zzz":{{"friend":"user_bob",{numbers}}}'
    desk.load(archive.write(archive.raw(told(1, about))), policy="skip")
    desk.store.forget("user_bob")
    (extra,) = desk.column("SELECT CAST(extra AS VARCHAR) FROM people_versions")
    assert "user_bob" not in extra
    left = json.loads(extra, parse_int=str, parse_float=str)
    assert left == {"zzz": {"many": MANY_DIGITS, "most": "1e400"}}


@pytest.mark.parametrize("depth", [300, 500, 900])
@pytest.mark.parametrize("kind", [LISTS, OBJECTS], ids=["lists", "objects"])
def test_what_is_nested_too_deeply_to_be_looked_through_goes_where_it_names_somebody(
    archive: Archive, desk: Desk, depth: int, kind: tuple[str, str, str]
) -> None:
    def widget(nth: int) -> str:
        nested = deep(depth, kind).replace("1", '"to user_bob"')
        about = f'"id":"w{nth}","y":[[5]],"x":{nested}'
        return f'{{"event":"widget.made","created_at":{nth},"object":{{{about}}}}}'

    desk.load(archive.write(widget(1), name="a.jsonl"), policy="skip")
    desk.store.forget("user_bob")
    desk.load(archive.write(widget(2), widget(3), name="b.jsonl"), policy="skip")
    desk.add_up()
    found = desk.column("SELECT CAST(object AS VARCHAR) FROM other_objects ORDER BY event_id")
    assert len(found) == 3
    assert not any("user_bob" in str(one) for one in found)


def test_a_custom_field_of_any_number_is_shown(archive: Archive, desk: Desk) -> None:
    """As a number where it can be one; what Python refuses to convert is beyond all bounds."""
    numbers = ["5", MANY_DIGITS, f"-{MANY_DIGITS}", "1e400", "7" * 400, "-0", "1E-400"]
    lines = [
        f'{{{HEAD}{n},"object":{{"id":"user_{n}","custom_data":[{{"key":"score","value":{text}}}]}}}}'
        for n, text in enumerate(numbers, 1)
    ]
    desk.load(archive.write(*lines), policy="skip")
    shown = desk.store.custom_fields("patient")["cfld_score"]
    assert str(shown.dtype) == "float64"
    assert shown.tolist() == [5, inf, -inf, inf, inf, 0, 0]


def test_a_custom_field_that_is_nested_deeply_is_shown(archive: Archive, desk: Desk) -> None:
    nested = deep(200, LISTS)
    value = f'[{{"key":"score","value":{nested}}}]'
    desk.load(archive.write(told(1, f'"custom_data":{value}')), policy="skip")
    assert desk.store.custom_fields("patient")["cfld_score"].tolist() == [nested]


def test_custom_values_of_several_kinds_are_shown_as_they_were_told(
    archive: Archive, desk: Desk
) -> None:
    told_as = ["[1, 2]", '{"a": [true, null], "é": 1e400}', MANY_DIGITS, "1.5", "true", "1e400"]
    lines = [
        f'{{{HEAD}{n},"object":{{"id":"user_{n}","custom_data":[{{"key":"score","value":{text}}}]}}}}'
        for n, text in enumerate(told_as, 1)
    ]
    desk.load(archive.write(*lines), policy="skip")
    assert desk.store.custom_fields("patient")["cfld_score"].tolist() == told_as


def test_a_long_run_of_base64_is_searched_in_seconds() -> None:
    """Without a line end, of which a search for broken base64 sought one from each letter on."""
    picture = "Qk02" * 50_000
    began = process_time()
    found = list(readings(picture))
    assert process_time() - began < 20
    assert found[0] == picture
