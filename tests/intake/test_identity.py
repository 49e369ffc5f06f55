"""Which lines tell one event: ids, spellings, repeats across files, forms and loads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

HEAD = '"event":"patient.updated","created_at":1700000000000'


def body(value: str, who: object = "ann") -> str:
    """A body whose unknown field holds the JSON text ``value``; each ``who`` is an event."""
    return f'{{{HEAD},"object":{{"id":"user_{who}","odd":{value}}}}}'


def test_an_event_is_named_by_what_it_is_about_and_when_after_the_delivery_id(
    archive: Archive, desk: Desk
) -> None:
    about = {"id": "user_ann"}
    bodies: list[dict[str, Any]] = [
        {"id": "wbhk_1", "event": "patient.updated", "created_at": 1, "object": about},
        {"event": "patient.updated", "created_at": "1970-01-01T00:00:00.002Z", "object": about},
        {"id": None, "event": "patient.created", "created_at": 3, "object": {"id": "ann"}},
        {"id": "wbhk_null", "event": "invoice.paid", "created_at": 4, "object": {"id": "i_1"}},
        {"event": "clinic.opened", "created_at": -5, "object": {}},
    ]
    desk.take(*map(archive.raw, bodies))
    assert desk.rows("SELECT event_id, object_id FROM events ORDER BY line") == [
        ("wbhk_1:patient.updated:user_ann:1", "user_ann"),
        ("patient.updated:user_ann:2", "user_ann"),
        ("patient.created:user_ann:3", "user_ann"),
        ("invoice.paid:i_1:4", "i_1"),
        ("clinic.opened::-5", None),
    ]


def test_where_the_instant_of_an_event_comes_from(archive: Archive, desk: Desk) -> None:
    """Its own, else the object's newest own, else that of its receipt (1741608000000)."""
    history = [{"status": "active", "changed_at": 30}, {"status": "archived", "changed_at": 20}]
    visit: dict[str, Any] = {"id": "v", "created_at": 5, "start_time": 99}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"created_at": 7}, {**visit, "last_updated_at": 9}),
        ({}, {**visit, "last_updated_at": 40, "status_history": history}),
        ({}, {**visit, "last_updated_at": 10, "status_history": history}),
        ({}, {**visit, "status_history": history}),
        ({}, visit),
        ({"created_at": None}, visit),
    ]
    lines = [
        archive.raw({"id": f"wbhk_{n}", "event": "appointment.updated", **own, "object": about})
        for n, (own, about) in enumerate(cases)
    ]
    unreceived = {"id": "wbhk_6", "event": "appointment.updated", "object": visit}
    desk.take(*lines, archive.raw(unreceived, received=None))
    found = "SELECT epoch_ms(occurred_at), occurred_at_source FROM events ORDER BY event_id"
    assert desk.rows(found) == [
        (7, "event"),
        (40, "object"),
        (30, "object"),
        (30, "object"),
        (1741608000000, "received"),
        (1741608000000, "received"),
    ]
    assert desk.ends() == ["loaded"] * 6 + ["contract"]


def test_two_words_for_one_event_both_stay_visible(archive: Archive, desk: Desk) -> None:
    for ms, word in enumerate(["started", "in_progress"], 1):
        event = {"event": f"appointment.{word}", "created_at": ms, "object": {"id": "v"}}
        desk.take(archive.raw(event))
    assert desk.rows("SELECT event, event_sent FROM events ORDER BY occurred_at") == [
        ("appointment.started", "appointment.started"),
        ("appointment.started", "appointment.in_progress"),
    ]
    assert desk.column("SELECT count(*) FROM drift") == [0]


# Each says the same as the first, as JSON values and decimals.
SAME = {
    "numbers": ["100", "100.0", "1e2", "1E+2", "0.1e3", "1000e-1", "100.000000000000000000000"],
    "zeros": ["0", "-0", "0.0", "-0.0", "0e9", "0.000000000000000000000"],
    "small": ["0.0000001", "1e-7", "1.0E-7", "0.00000010"],
    "long": ["12345678901234567890", "12345678901234567890.0", "1.234567890123456789e19"],
    "many digits": ["0.12345678901234567890123", "1.2345678901234567890123e-1"],
    "beyond a double": ["1e400", "10e399", "0.1E401"],
    "escapes": ['"é/\\n"', '"\\u00e9\\/\\n"', '"\\u00E9/\\u000a"'],
    "beyond the first plane": ['"😀"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"'],
    "controls": ['"\\u001f\\u0000\x7f"', '"\\u001F\\u0000\\u007F"'],
    "key order": ['{"a":[1,2],"B":null,"é":1}', '{ "é" : 1.0,\t"B":null, "\\u0061" :[1 ,2] }'],
    "nesting": ["[[],{},[[1]]]", "[ [ ] , { } , [ [ 1.0 ] ] ]"],
}


def ends_by_case(desk: Desk, cases: dict[str, list[str]]) -> dict[str, list[str]]:
    ends = iter(desk.ends())
    return {case: sorted(next(ends) for _ in values) for case, values in cases.items()}


def test_a_body_spelled_anew_tells_the_same_event(archive: Archive, desk: Desk) -> None:
    lines = [archive.raw(body(value, n)) for n, case in enumerate(SAME) for value in SAME[case]]
    desk.take(*lines)
    assert ends_by_case(desk, SAME) == {
        case: ["duplicate"] * (len(values) - 1) + ["loaded"] for case, values in SAME.items()
    }
    # Once more, against the digests that the store has.
    assert desk.take(*reversed(lines)).duplicate == len(lines)
    assert desk.add_up()["loaded"] == len(SAME)


# Each of a case says something else than the others.
DIFFERENT = {
    "kinds": ["1", "true", '"1"', "null", "[1]", '{"1":1}', '""', "{}", "[]", "0", "false"],
    "the 20th digit": ["12345678901234567890", "12345678901234567891"],
    "the 20th digit, behind a point": ["0.12345678901234567890", "0.12345678901234567891"],
    "the 20th digit, around a point": ["1234567890.1234567890", "1234567890.1234567891"],
    "the 16th digit": ["90071992.54740993", "90071992.54740994"],
    "beyond a double": ["1e400", "1e401", "-1e400"],
    "below a double": ["1e-400", "1e-401", "0"],
    "order of a list": ["[1,2]", "[2,1]"],
    "white space of a text": ['"a b"', '"a  b"', '"a b "', '"a\\tb"'],
    "composed and not": ['"\\u00e9"', '"e\\u0301"'],
    "after a NUL": ['"a\\u0000b"', '"a\\u0000c"', '"a"'],
    "after a NUL in a key": ['{"a\\u0000b":1}', '{"a\\u0000c":1}'],
    "case of a key": ['{"a":1}', '{"A":1}'],
}


def test_another_content_is_no_repeat(archive: Archive, desk: Desk) -> None:
    desk.take(
        *(
            archive.raw(body(value, n))
            for n, case in enumerate(DIFFERENT)
            for value in DIFFERENT[case]
        )
    )
    assert ends_by_case(desk, DIFFERENT) == {
        case: ["conflict"] * (len(values) - 1) + ["loaded"] for case, values in DIFFERENT.items()
    }
    desk.add_up()


NUMBERS = ["1.50", "1e3", "12345678901234567890123", "1e400", "0.12345678901234567890123"]


def test_numbers_say_the_same_in_every_form(archive: Archive, desk: Desk) -> None:
    lines = []
    for number in NUMBERS:
        text = body(number, number)
        bare = f'{text[:-1]},"received_at":1741608000000}}'
        lines += [archive.raw(text), archive.parsed(text), bare, text]
    desk.take(*lines, policy="record")
    ends = desk.ends()
    assert {number: ends[4 * n : 4 * n + 4] for n, number in enumerate(NUMBERS)} == {
        number: ["loaded", "duplicate", "duplicate", "duplicate"] for number in NUMBERS
    }


def test_repeats_are_counted_across_files_forms_and_loads(archive: Archive, desk: Desk) -> None:
    text = json.dumps(archive.patient())
    desk.take(archive.raw(text), archive.raw(text))
    desk.take(archive.base64(text))
    receipt = desk.load(
        archive.write(archive.parsed(text), name="x.jsonl"),
        archive.write(archive.raw(archive.patient(2)), archive.raw(text), name="y.jsonl"),
    )
    assert (receipt.loaded, receipt.duplicate) == (1, 2)
    assert desk.column("SELECT n_deliveries FROM events ORDER BY occurred_at") == [1, 5]
    assert desk.column("SELECT count(*) FROM patients_versions") == [2]
    desk.add_up()


TELLINGS = [
    ("unsigned", None, "2025-03-10T09:00:00Z"),
    ("verified", "whsec_of_these_tests", "2025-03-10T11:00:00Z"),
    ("mismatch", "another", "2025-03-10T08:00:00Z"),
    ("verified, never received", "whsec_of_these_tests", None),
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_event_keeps_its_earliest_receipt_and_its_strongest_word(
    archive: Archive, desk: Desk, order: tuple[int, ...], at_once: bool
) -> None:
    lines = {
        n: archive.raw(archive.patient(), secret=secret, received=received)
        for n, (_, secret, received) in enumerate(TELLINGS)
    }
    if at_once:
        desk.take(*(lines[n] for n in order), policy="record")
    else:
        for n in order:
            desk.load(archive.write(lines[n], name=f"{n}.jsonl"), policy="record")
    ((signature, secret, received, n, file, line),) = desk.rows(
        "SELECT signature, secret, strftime(received_at, '%H:%M'), n_deliveries, file, line "
        "FROM events"
    )
    assert (signature, secret, received, n) == ("verified", "default", "08:00", 4)
    place = (order.index(2) + 1) if at_once else 1
    assert line == place
    assert at_once or file.endswith("/2.jsonl")
    assert desk.column("SELECT strftime(received_at, '%H:%M') FROM patients_versions") == ["08:00"]
    desk.add_up()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("n_loads", [1, 2])
def test_a_line_that_nothing_dates_ends_as_contract_beside_one_with_a_receipt(
    archive: Archive, desk: Desk, order: tuple[int, int], n_loads: int
) -> None:
    body = {"id": "wbhk_1", "event": "message.created", "object": {"id": "m", "created_at": 9}}
    told = [archive.raw(body, received=at) for at in ("2025-03-10T12:00:00Z", None)]
    for lines in [[told[n] for n in order]] if n_loads == 1 else [[told[n]] for n in order]:
        desk.take(*lines)
    expected = [("2025-03-10 12:00:00+00", "received")]
    at = "CAST(occurred_at AS VARCHAR)"
    assert desk.rows(f"SELECT {at}, occurred_at_source FROM events") == expected
    assert desk.column(f"SELECT {at} FROM messages_versions") == [expected[0][0]]
    assert desk.rows("SELECT code, errors->0->>'path' FROM quarantine") == [
        ("contract", "created_at")
    ]
    desk.add_up()


def test_an_id_that_comes_as_a_number_keeps_all_its_digits(archive: Archive, desk: Desk) -> None:
    """Two people whose ids differ in their last digit were one, of which it kept 17 digits."""
    numbers = [9223372036854775807, 12345678901234567890, 12345678901234567891, 10**40 + 1]
    visit = {
        "event": "appointment.created",
        "created_at": 1,
        "object": {"id": numbers[1], "host": numbers[2], "attendees": [{"attendee": numbers[3]}]},
    }
    unknown = {"event": "invoice.paid", "created_at": 1, "object": {"id": numbers[1]}}
    alike = f'{{{HEAD},"object":{{"id":1234567890123456789.10e1}}}}'
    people = [archive.patient(1_700_000_000_001, id=n, phone=n, mrn=n) for n in numbers]
    desk.take(*map(archive.raw, people), *map(archive.raw, [visit, unknown]), archive.raw(alike))
    texts = [str(number) for number in numbers]
    patients = "SELECT id, phone, mrn FROM patients WHERE phone IS NOT NULL"
    assert set(desk.rows(patients)) == {(f"user_{text}", text, text) for text in texts}
    assert desk.rows(
        "SELECT a.id, host, t.attendee FROM appointments a JOIN appointment_attendees t "
        "ON t.appointment_id = a.id"
    ) == [(f"appt_{texts[1]}", f"user_{texts[2]}", f"user_{texts[3]}")]
    assert desk.column("SELECT object_id FROM other_objects") == [texts[1]]
    assert desk.column("SELECT object_id FROM events ORDER BY line")[-1] == (
        "user_12345678901234567891"
    )
    desk.store.forget(f"user_{texts[1]}")
    assert set(desk.rows(patients)) == {
        (f"user_{text}", text, text) for text in texts if text != texts[1]
    }
