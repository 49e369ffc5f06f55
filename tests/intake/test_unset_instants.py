"""Instants of 0, receipts in every envelope, and what else is listed as drift with its value."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

ZEROS = [0, "0", 0.0, "0.000", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00.000+01:00"]
NOON = 1741608000000


def spelled(zero: Any) -> str:
    """What of a body the store keeps: a number in one spelling, a text as it was sent."""
    return "0" if zero == 0 else str(zero)


# The values as drift lists them, with how often: a number apart from the text of its digits.
SEEN = sorted(
    (value, n) for (value, _), n in Counter((spelled(x), type(x) is str) for x in ZEROS).items()
)


def visit(ms: int, **fields: Any) -> dict[str, Any]:
    about = {"id": "v", "start_time": NOON, "end_time": NOON + 1_800_000, **fields}
    return {"event": "appointment.updated", "created_at": ms, "object": about}


def test_an_instant_of_0_is_missing_and_listed(archive: Archive, desk: Desk) -> None:
    """In any spelling, each in a visit of its own."""
    desk.take(
        *(
            archive.raw(
                visit(
                    NOON,
                    id=f"v{n}",
                    actual_start_time=zero,
                    actual_end_time=None,
                    brand_new=1,
                    attendees=[
                        {"attendee": "user_ann", "actual_start_time": zero, "last_updated_at": zero}
                    ],
                    status_history=[{"status": "scheduled", "changed_at": zero}],
                )
            )
            for n, zero in enumerate(ZEROS)
        )
    )
    found = desk.rows("SELECT id, actual_start_time, extra FROM appointments_versions ORDER BY id")
    assert [(one, start) for one, start, _ in found] == [
        (f"appt_v{n}", None) for n in range(len(ZEROS))
    ]
    for zero, (_, _, extra) in zip(ZEROS, found, strict=True):
        told = json.loads(extra)
        kept = (told.pop("brand_new"), str(told.pop("actual_start_time")), told)
        assert kept == (1, spelled(zero), {})
    children = "SELECT actual_start_time, last_updated_at FROM appointment_attendees_versions"
    assert desk.rows(children) == [(None, None)] * len(ZEROS)
    changed = desk.column("SELECT changed_at FROM appointment_status_history_versions")
    assert changed == [None] * len(ZEROS)
    drift = "SELECT path, value, n_seen FROM drift WHERE kind = 'instant' ORDER BY ALL"
    paths = (
        "appointment.actual_start_time",
        "appointment.attendees[].actual_start_time",
        "appointment.attendees[].last_updated_at",
        "appointment.status_history[].changed_at",
    )
    assert desk.rows(drift) == [(path, *seen) for path in paths for seen in SEEN]
    assert desk.column("SELECT path FROM drift WHERE kind = 'field'") == ["appointment.brand_new"]
    slots = desk.store.appointments(as_of="2025-03-20").slots()
    assert list(slots["outcome"]) == ["unresolved"] * len(ZEROS)


def test_a_millisecond_is_an_instant(archive: Archive, desk: Desk) -> None:
    desk.take(archive.raw(visit(NOON, actual_start_time=1)))
    assert desk.column("SELECT epoch_ms(actual_start_time) FROM appointments_versions") == [1]
    assert desk.column("SELECT count(*) FROM drift") == [0]


def test_a_birth_on_the_first_day_of_1970_is_one(archive: Archive, desk: Desk) -> None:
    desk.take(archive.raw(archive.patient(date_of_birth=0)))
    found = "SELECT CAST(date_of_birth AS VARCHAR) FROM people_versions"
    assert desk.column(found) == ["1970-01-01"]
    assert desk.column("SELECT count(*) FROM drift") == [0]


def test_an_event_of_0_is_dated_by_its_object(archive: Archive, desk: Desk) -> None:
    desk.take(
        *(
            archive.raw({**visit(1, id=f"v{n}", last_updated_at=NOON + n), "created_at": zero})
            for n, zero in enumerate(ZEROS)
        )
    )
    told = "SELECT object_id, epoch_ms(occurred_at), occurred_at_source FROM events ORDER BY 1"
    assert desk.rows(told) == [(f"appt_v{n}", NOON + n, "object") for n in range(len(ZEROS))]
    assert desk.rows("SELECT kind, path, value, n_seen FROM drift ORDER BY ALL") == [
        ("instant", "body.created_at", *seen) for seen in SEEN
    ]


def test_an_object_of_an_unknown_type_may_have_an_instant_of_0(
    archive: Archive, desk: Desk
) -> None:
    desk.take(
        *(
            archive.raw(
                {"event": "invoice.paid", "object": {"id": f"i{n}", "last_updated_at": zero}},
                received=NOON,
            )
            for n, zero in enumerate(ZEROS)
        )
    )
    assert desk.column("SELECT occurred_at_source FROM events") == ["received"] * len(ZEROS)


def envelope(archive: Archive, body: dict[str, Any], **more: Any) -> str:
    text = json.dumps(body)
    return json.dumps({"avon-signature": archive.sign(text), "body": text, **more})


RECEIPTS: list[dict[str, Any]] = [
    {"requestContext": {"requestTimeEpoch": NOON}},
    {"requestContext": {"requestTimeEpoch": str(NOON)}},
    {"requestContext": {"timeEpoch": NOON, "requestTimeEpoch": 5}},
    {"requestContext": {"timeEpoch": 0, "requestTimeEpoch": NOON}},
    {"received_at": 0, "receivedAt": "1970-01-01T00:00:00Z", "timestamp": NOON},
    {"received_at": NOON, "timestamp": 0},
]


def test_a_receipt_is_the_first_that_is_set(archive: Archive, desk: Desk) -> None:
    desk.take(
        *(
            envelope(archive, visit(NOON - 1000, id=f"v{n}"), **receipt)
            for n, receipt in enumerate(RECEIPTS)
        )
    )
    for table in ("events", "deliveries"):
        told = desk.column(f"SELECT epoch_ms(received_at) FROM {table}")
        assert told == [NOON] * len(RECEIPTS), table


def test_api_gateways_first_version_keeps_a_wrong_clock_from_being_now(
    archive: Archive, desk: Desk
) -> None:
    context = {"requestContext": {"requestTimeEpoch": NOON, "httpMethod": "POST"}}
    desk.take(
        envelope(archive, visit(NOON - 1000), **context),
        envelope(archive, visit(4_070_908_800_000), **context),  # the year 2099
    )
    as_of = desk.store.appointments().as_of
    assert as_of is not None
    assert as_of.year == 2025


@pytest.mark.parametrize("bare", [False, True])
def test_a_receipt_of_0_is_missing_and_listed(archive: Archive, desk: Desk, bare: bool) -> None:
    lines = []
    for n, zero in enumerate(ZEROS):
        body = visit(NOON, id=f"v{n}")
        bare_line = json.dumps({**body, "received_at": zero})
        lines.append(bare_line if bare else envelope(archive, body, received_at=zero))
    desk.take(*lines, policy="record")
    for table in ("events", "deliveries"):
        assert desk.column(f"SELECT received_at FROM {table}") == [None] * len(ZEROS), table
    drift = "SELECT kind, path, value, epoch_ms(last_seen_at), n_seen FROM drift ORDER BY value"
    assert desk.rows(drift) == [
        ("instant", "received_at", value, NOON, n)
        for value, n in sorted(Counter(map(str, ZEROS)).items())
    ]


def test_words_without_a_meaning_are_listed_with_their_count(archive: Archive, desk: Desk) -> None:
    words = ["late_cancelled", "fulfilled", "did_not_attend", " No-Show ", "checked in", "CANCELED"]
    history = [{"status": word, "changed_at": NOON + n} for n, word in enumerate(words)]
    desk.take(*(archive.raw(visit(NOON + n, status_history=history)) for n in (1, 2)))
    found = "SELECT path, json_type, value, n_seen FROM drift ORDER BY value"
    path = "appointment.status_history[].status"
    assert desk.rows(found) == [
        (path, "VARCHAR", word, 2) for word in ("did_not_attend", "fulfilled", "late_cancelled")
    ]
    assert list(desk.store.quality().drift[["kind", "n_values", "n_seen"]].iloc[0]) == [
        "status",
        3,
        6,
    ]


def test_the_values_are_hidden_like_free_text(archive: Archive, desk: Desk) -> None:
    history = [{"status": "Ann asked to come later", "changed_at": NOON}]
    desk.take(archive.raw(visit(NOON, status_history=history, timezone="Ann's zone")))
    assert "value" not in desk.store.table("drift")
    assert "Ann" not in desk.store.quality().drift.to_csv()
    shown = desk.store.table("drift", identifiers=True)
    assert sorted(shown["value"]) == ["Ann asked to come later", "Ann's zone"]


# What an event is called


def test_one_delivery_id_on_many_events_names_none_of_them(archive: Archive, desk: Desk) -> None:
    """Three changes under the id of the registered webhook, one of them sent twice."""
    bodies = [
        {"id": "wbhk_1", **visit(1, last_updated_at=NOON + n), "created_at": None} for n in range(3)
    ]
    bodies.append({"id": "wbhk_1", "event": "message.created", "object": {"id": "m"}})
    receipt = desk.take(*map(archive.raw, [*bodies, bodies[0]]))
    assert (receipt.loaded, receipt.duplicate, receipt.quarantined) == (4, 1, 0)
    ids = desk.column("SELECT event_id FROM events ORDER BY event_id")
    assert ids[:3] == [f"wbhk_1:appointment.updated:appt_v:{NOON + n}" for n in range(3)]
    assert ids[3].startswith("wbhk_1:message.created:msg_m:")


def test_one_event_under_two_words_is_one(archive: Archive, desk: Desk) -> None:
    for word in ("started", "in_progress"):
        desk.take(archive.raw({**visit(NOON), "event": f"appointment.{word}"}))
    assert desk.column("SELECT event_id FROM events") == [f"appointment.started:appt_v:{NOON}"]


def test_milliseconds_are_floored(archive: Archive, desk: Desk) -> None:
    for instant in ("2025-03-10T12:00:00.0019Z", "1969-12-31T23:59:59.9999Z"):
        desk.take(archive.raw({**visit(1), "created_at": instant}))
    assert sorted(desk.column("SELECT event_id FROM events")) == [
        "appointment.updated:appt_v:-1",
        f"appointment.updated:appt_v:{NOON + 1}",
    ]


@pytest.mark.parametrize("delivery_id", [None, "wbhk_1"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_what_only_its_receipt_dates_is_one_event_where_it_says_the_same(
    archive: Archive, desk: Desk, delivery_id: str | None, order: tuple[int, ...]
) -> None:
    about = {"id": "m", "text": "hello", "type": "page"}
    bodies = [
        {"event": "message.created", "object": about},
        {"object": dict(reversed(about.items())), "event": "message.created"},
        {"event": "message.created", "object": {**about, "text": "good bye"}},
        {"event": "message.created", "object": about},
    ]
    if delivery_id:
        bodies = [{**body, "id": delivery_id} for body in bodies]
    lines = [archive.raw(body, received=NOON + 1000 * n) for n, body in enumerate(bodies)]
    for n in order:
        desk.take(lines[n])
    found = "SELECT n_deliveries, epoch_ms(occurred_at), epoch_ms(received_at) FROM events"
    assert sorted(desk.rows(found)) == [
        (1, NOON + 2000, NOON + 2000),
        (3, NOON, NOON),
    ]
    texts = "SELECT text, epoch_ms(occurred_at) FROM messages_versions ORDER BY 2"
    assert desk.rows(texts) == [("hello", NOON), ("good bye", NOON + 2000)]
