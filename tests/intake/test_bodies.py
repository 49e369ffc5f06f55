"""Which of several bodies of a line is meant; one event in any spelling is one content."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk


def test_of_several_bodies_the_one_that_was_signed_is_meant(archive: Archive, desk: Desk) -> None:
    """A parsed body beside the text that was signed, an empty one, another one that was not."""
    beside = [{"parsed": True}, "", {}, "another text", ["no", "body"], None]
    lines = []
    for ms, other in enumerate(beside):
        body = json.dumps(archive.patient(ms + 1))
        head = {"headers": {"avon-signature": archive.sign(body)}}
        lines += [
            json.dumps({**head, "body": other, "rawBody": body}),
            json.dumps({**head, "rawBody": other, "payload": body}),
        ]
    desk.take(*lines)
    assert desk.rows("SELECT form, signature, ended FROM deliveries ORDER BY line") == [
        ("raw", "verified", "loaded"),
        ("raw", "verified", "duplicate"),
    ] * len(beside)


def test_where_none_is_verified_the_first_text_is_meant_else_the_first_object(
    archive: Archive, desk: Desk
) -> None:
    one, two = archive.patient(1), archive.patient(2)
    wrong = {"signature": "0" * 64}
    desk.take(
        json.dumps({**wrong, "body": one, "payload": json.dumps(two)}),
        json.dumps({**wrong, "body": one, "payload": two}),
        json.dumps({**wrong, "body": "", "payload": one}),
        policy="record",
    )
    assert desk.rows("SELECT form, signature, event_id FROM deliveries ORDER BY line") == [
        ("raw", "mismatch", "patient.updated:user_ann:2"),
        ("parsed", "unverifiable", "patient.updated:user_ann:1"),
        ("parsed", "unverifiable", "patient.updated:user_ann:1"),
    ]


def test_a_buffer_of_node_stands_for_its_bytes(archive: Archive, desk: Desk) -> None:
    body = json.dumps(archive.patient(first_name="Zoë"), ensure_ascii=False).encode()
    line = {"signature": archive.sign(body), "body": {"type": "Buffer", "data": list(body)}}
    desk.take(json.dumps(line), json.dumps({**line, "isBase64Encoded": True}))
    assert desk.rows("SELECT form, signature, ended FROM deliveries ORDER BY line") == [
        ("raw", "verified", "loaded"),
        ("raw", "verified", "duplicate"),
    ]
    assert desk.column("SELECT first_name FROM patients") == ["Zoë"]


@pytest.mark.parametrize("name", ["headers", "multiValueHeaders"])
def test_headers_as_an_edge_function_writes_them(archive: Archive, desk: Desk, name: str) -> None:
    body = json.dumps(archive.patient())
    header = [{"key": "Avon-Signature", "value": archive.sign(body)}]
    desk.take(json.dumps({name: {"avon-signature": header}, "body": body}))
    assert desk.ends() == ["loaded"]


def test_a_receipt_as_the_older_gateway_writes_it(archive: Archive, desk: Desk) -> None:
    context = {"requestTimeEpoch": 1741608000000, "staging": "x"}
    desk.take(archive.raw(archive.patient(), received=None, requestContext=context))
    assert desk.column("SELECT epoch_ms(received_at) FROM events") == [1741608000000]


# The same event as Avon's generations and exporters write it.
SPELLINGS = (
    '{"event":"appointment.created","created_at":1741608000000,"object":{"id":"appt_1",'
    '"start_time":1741609000000,"host":"user_h","name":"é","description":null,"new":[1,{"a":2}]}}',
    '{"event":"appointment.created","created_at":"2025-03-10T12:00:00.000Z","object":{"id":"1",'
    '"start_time":"2025-03-10T12:16:40Z","host":"h","name":"\\u00e9","new":[1.0,{"a":2e0}]}}',
    '{ "object": {"new" : [ 1, {"a": 2.00} ], "name": "é", "host": "user_h", "attendees": [],'
    ' "start_time": "2025-03-10T13:16:40+01:00", "id": "appt_1"},'
    ' "created_at": "2025-03-10 12:00:00+00:00", "event": "appointment.created" }',
)


@pytest.mark.parametrize("policy", ["record", "skip"])
def test_another_spelling_is_a_duplicate_in_any_order(open_desk: OpenDesk, policy: str) -> None:
    bare = [*SPELLINGS, f"  {SPELLINGS[0]}  ", SPELLINGS[0] + "\r"]
    found: list[Any] = []
    for order in list(permutations(bare))[::41]:
        apart, at_once = open_desk(), open_desk()
        for line in order:
            apart.take(line, policy=policy)
        at_once.take(*order, policy=policy)
        tables = []
        for desk in (apart, at_once):
            assert sorted(desk.ends()) == ["duplicate"] * 4 + ["loaded"]
            desk.add_up()
            tables.append(
                desk.rows("SELECT * FROM appointments_versions")
                + desk.rows("SELECT event_id, body_digest, extra FROM events")
            )
        found += tables
    assert all(one == found[0] for one in found)


def test_many_lost_conflicts_are_settled_together(archive: Archive, desk: Desk) -> None:
    """Events that lose against a later file, and come back with a third."""
    n = 300

    def told(name: str, received: str) -> list[str]:
        return [
            archive.raw(archive.patient(ms, first_name=name), received=received)
            for ms in range(1, n + 1)
        ]

    desk.take(*told("late", "2025-03-10T12:00:00Z"))
    desk.take(*told("early", "2025-03-10T11:00:00Z"))
    assert desk.rows("SELECT first_name, count(*) FROM people_versions GROUP BY ALL") == [
        ("early", n)
    ]
    kept = desk.column("SELECT DISTINCT content IS NOT NULL FROM quarantine")
    assert kept == [True]
    desk.take(*told("late", "2025-03-10T10:00:00Z"))
    assert desk.rows("SELECT first_name, count(*) FROM people_versions GROUP BY ALL") == [
        ("late", n)
    ]
    assert desk.column("SELECT DISTINCT n_deliveries FROM events") == [2]
    assert desk.add_up() | {"loaded": n, "duplicate": n, "quarantined": n} == desk.add_up()
