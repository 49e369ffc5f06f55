"""The four forms of a line: where body, signature and time of receipt may stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

# The same body under each of these is verified; `{}` stands for the right signature.
PLACES: dict[str, dict[str, Any]] = {
    "header": {"headers": {"avon-signature": "{}"}},
    "header in another case": {"headers": {"AVON-Signature": "{}"}},
    "header among others": {"headers": {"Host": "x", "Avon-Signature": "{}", "Accept": "y"}},
    "header as a list of one": {"headers": {"avon-signature": ["{}"]}},
    "headers as pairs": {"headers": [["Host", "x"], ["Avon-Signature", "{}"]]},
    "headers as named pairs": {"headers": [{"name": "avon-signature", "value": "{}"}]},
    "headers as keyed pairs": {"headers": [{"key": "avon-signature", "value": "{}"}]},
    "multiValueHeaders": {"multiValueHeaders": {"Avon-Signature": ["{}"]}},
    "multiValueHeaders, headers without": {
        "headers": {"host": "x"},
        "multiValueHeaders": {"avon-signature": ["{}"]},
    },
    "headers null": {"headers": None, "signature": "{}"},
    "top level avon-signature": {"avon-signature": "{}"},
    "top level avon_signature": {"avon_signature": "{}"},
    "top level signature": {"headers": {}, "signature": "{}"},
}


def test_the_signature_is_found_wherever_it_may_stand(archive: Archive, desk: Desk) -> None:
    lines = []
    for ms, place in enumerate(PLACES.values(), 1):
        body = json.dumps(archive.patient(ms))
        spelled = json.dumps(place).replace("{}", archive.sign(body), 1)
        if place.get("headers") == {}:
            spelled = json.dumps({**place, "signature": archive.sign(body)})
        lines.append(json.dumps({**json.loads(spelled), "body": body}))
    desk.take(*lines)

    words = desk.column("SELECT signature FROM deliveries ORDER BY line")
    assert dict(zip(PLACES, words, strict=True)) == dict.fromkeys(PLACES, "verified")
    assert desk.add_up()["loaded"] == len(PLACES)


@pytest.mark.parametrize("key", ["body", "payload", "raw_body", "rawBody"])
def test_the_body_stands_under_one_of_four_keys(archive: Archive, desk: Desk, key: str) -> None:
    body = json.dumps(archive.patient(first_name="Ann"))
    line = json.dumps({"avon-signature": archive.sign(body), key: body})
    parsed = f'{{"avon-signature": "{archive.sign(body)}", "{key}": {body}}}'
    desk.take(line, parsed)

    assert desk.rows("SELECT form, signature FROM deliveries ORDER BY line") == [
        ("raw", "verified"),
        ("parsed", "verified"),
    ]
    assert desk.column("SELECT first_name FROM patients") == ["Ann"]


def test_a_body_that_is_null_does_not_hide_the_next_one(archive: Archive, desk: Desk) -> None:
    body = json.dumps(archive.patient())
    desk.take(json.dumps({"signature": archive.sign(body), "body": None, "payload": body}))
    assert desk.ends() == ["loaded"]


def test_a_base64_body_is_signed_as_it_was_before(archive: Archive, desk: Desk) -> None:
    body = '{ "event":"patient.updated", "created_at":1, "object":{"id":"user_ann"} }\n'
    wrapped = json.loads(archive.base64(body))
    desk.take(json.dumps(wrapped), json.dumps({**wrapped, "isBase64Encoded": "true"}))
    assert desk.rows("SELECT form, signature, ended FROM deliveries ORDER BY line") == [
        ("base64", "verified", "loaded"),
        ("base64", "verified", "duplicate"),
    ]


@pytest.mark.parametrize("number", [1, 0, "yes"])
def test_only_true_says_that_a_body_is_base64(archive: Archive, desk: Desk, number: Any) -> None:
    body = json.dumps(archive.patient())
    desk.take(archive.raw(body, isBase64Encoded=number))
    assert desk.rows("SELECT form, signature FROM deliveries") == [("raw", "verified")]


def test_a_parsed_body_is_verified_where_its_text_or_its_compact_form_is_what_was_signed(
    archive: Archive, desk: Desk
) -> None:
    compact = '{"event":"patient.updated","created_at":1,"object":{"id":"user_ann","note":"é/"}}'
    spaced = '{ "event": "patient.updated",\t"created_at":1.0 , "object": {"id":"user_ann"} }'
    desk.take(
        archive.parsed(compact),
        archive.parsed(compact, stands=json.dumps(json.loads(compact), ensure_ascii=False)),
        archive.parsed(spaced),
        archive.parsed(compact, stands=compact.replace("user_ann", "user_bob")),
        archive.parsed(spaced, stands=spaced.replace("1.0", "1.00")),
        archive.parsed(compact, secret=None),
    )
    assert desk.column("SELECT signature FROM deliveries ORDER BY line") == [
        *["verified"] * 3,
        *["unverifiable"] * 2,
        "unsigned",
    ]


def test_a_bare_event_is_unsigned_whatever_it_holds(archive: Archive, desk: Desk) -> None:
    body = archive.patient()
    bare = {**body, "signature": archive.sign(json.dumps(body))}
    desk.take(json.dumps(body), json.dumps(bare))
    assert desk.ends() == ["unsigned", "unsigned"]
    assert desk.column("SELECT form FROM deliveries") == ["bare", "bare"]


# 12:00 UTC on the 10th of March 2025 is 1741608000 s after 1970.
RECEIVED: dict[str, dict[str, Any]] = {
    "ISO": {"received_at": "2025-03-10T12:00:00Z"},
    "ISO with an offset": {"received_at": "2025-03-10T07:00:00.00-05:00"},
    "milliseconds": {"receivedAt": 1741608000000},
    "milliseconds as text": {"receivedAt": "1741608000000"},
    "milliseconds as a decimal": {"received_at": 1741608000000.0},
    "timestamp": {"timestamp": "2025-03-10 12:00:00+00:00"},
    "API gateway": {"requestContext": {"timeEpoch": 1741608000000}},
    "the first that is not null": {"received_at": None, "timestamp": 1741608000000},
}


def test_the_time_of_receipt_is_read_in_every_spelling(archive: Archive, desk: Desk) -> None:
    desk.take(
        *(
            archive.raw(archive.patient(ms), received=None, **spelling)
            for ms, spelling in enumerate(RECEIVED.values(), 1)
        )
    )
    for query in (
        "SELECT epoch_ms(received_at) FROM deliveries ORDER BY line",
        "SELECT epoch_ms(received_at) FROM events ORDER BY line",
        "SELECT epoch_ms(received_at) FROM patients_versions ORDER BY occurred_at",
    ):
        found = dict(zip(RECEIVED, desk.column(query), strict=True))
        assert found == dict.fromkeys(RECEIVED, 1741608000000)


def test_a_bare_event_keeps_its_receipt_apart_from_what_it_says(
    archive: Archive, desk: Desk
) -> None:
    body = archive.patient()
    desk.take(
        json.dumps(body),
        json.dumps({**body, "received_at": 1741608000000}),
        json.dumps({**body, "timestamp": "2025-03-10T13:00:00Z"}),
        policy="skip",
    )
    assert desk.ends() == ["loaded", "duplicate", "duplicate"]
    assert desk.column("SELECT count(*) FROM drift") == [0]
    assert desk.column("SELECT epoch_ms(received_at) FROM events") == [1741608000000]


def test_all_four_forms_of_one_event_are_one_event(archive: Archive, desk: Desk) -> None:
    body = archive.patient(first_name="Ann", custom_data=[{"key": "cfld_a", "value": 1.5}])
    text = json.dumps(body)
    desk.take(archive.raw(text), archive.base64(text), archive.parsed(text), text, policy="record")
    assert desk.ends() == ["loaded", "duplicate", "duplicate", "duplicate"]
    assert desk.rows("SELECT signature, n_deliveries FROM events") == [("verified", 4)]
    desk.add_up()
