"""Deliveries as they stand in an archive, loaded and counted: ids, spellings and vintages mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon

VISIT = "0123456789abcdef0123456789abcdef"
HOST = "H" * 28
ANN, BOB = "A" * 28, "B" * 28
MARCH_10_15_00 = 1741618800000  # epoch milliseconds of 2025-03-10T15:00Z


def visit(prefixed: bool, **more: Any) -> dict[str, Any]:
    """An appointment, with its ids in either spelling."""
    appt, user = ("appt_", "user_") if prefixed else ("", "")
    return {
        "object": "appointment",
        "id": f"{appt}{VISIT}",
        "host": f"{user}{HOST}",
        "start_time": MARCH_10_15_00 if prefixed else "2025-03-10T15:00:00.000Z",
        "end_time": "2025-03-10T11:30:00-04:00",
        "timezone": "America/New_York",
        "attendees": [
            {"attendee": f"{user}{HOST}", "appointment": VISIT},
            {"attendee": f"{user}{ANN}", "no_show": False},
            {"attendee": f"{user}{BOB}", "no_show": False},
        ],
        "recurrence_rules": None,
        "custom_data": {},
        **more,
    }


def loaded(folder: Path, *deliveries: dict[str, Any]) -> avon.Store:
    archive = folder / "archive.jsonl"
    archive.write_text("".join(json.dumps(one) + "\n" for one in deliveries))
    store = avon.open(":memory:")
    receipt = store.load(archive, policy="skip", progress=False)
    assert receipt.loaded == len(deliveries)
    return store


@pytest.fixture
def store(tmp_path: Path) -> avon.Store:
    """One visit of two, told with ids of both spellings; Bob leaves, Ann comes."""
    booked = {"status": "scheduled", "changed_by": f"user_{HOST}", "changed_at": 1740819600000}
    without_bob = visit(prefixed=True)["attendees"][:2]
    left = {
        "status": "Started",
        "changed_by": HOST,
        "changed_at": "2025-03-10T15:02:00.9+00:00",
        "parent": VISIT,
    }
    return loaded(
        tmp_path,
        {
            "event": "appointment.created",
            "created_at": 1740819600000,
            "object": visit(prefixed=True, status_history=[booked], created_by="user_null"),
        },
        {
            "event": "appointment.updated",
            "created_at": "2025-03-09T15:00:00Z",
            "object": visit(prefixed=False, status_history=[booked], attendees=without_bob),
        },
        {
            "event": "appointment.completed",
            "created_at": "2025-03-10T15:31:00Z",
            "object": visit(prefixed=False, status_history=[booked, left], attendees=without_bob),
        },
        {
            "event": "patient.created",
            "created_at": "2025-01-02T00:00:00Z",
            "object": {"object": "patient", "id": ANN, "caregivers": [{"id": f"user_{BOB}"}]},
        },
    )


def test_one_id_in_two_spellings_is_one_visit(store: avon.Store) -> None:
    slots = store.appointments().slots()
    assert list(slots.appointment_id) == [f"appt_{VISIT}"] * 2
    assert dict(zip(slots.patient_id, slots.outcome, strict=True)) == {
        f"user_{ANN}": "attended",
        f"user_{BOB}": "cancelled",
    }
    assert set(slots.start_hour) == {11}
    assert slots.notice_hours[slots.outcome == "cancelled"].to_list() == [24.0]


def test_a_lost_webhook_is_inferred_from_the_history(store: avon.Store) -> None:
    (life,) = store.appointments().lifecycle().to_dict("records")
    assert (life["booked_observed"], life["started_observed"]) == (True, False)
    assert str(life["started_at"]) == "2025-03-10 15:02:00.900000+00:00"
    funnel = store.appointments().funnel()
    assert list(funnel.n_reached) == [1, 1, 1]
    assert list(funnel.n_inferred) == [0, 1, 0]


def test_explain_leads_to_the_lines(store: avon.Store) -> None:
    told = store.explain(VISIT)
    events = told[told.kind == "event"]
    assert list(events.line) == [1, 2, 3]
    assert set(events.signature) == {"unchecked"}
    offsets = list(events.byte_offset)
    archive = Path(events.file.iloc[0]).read_bytes()
    for offset, length, event in zip(offsets, events.byte_length, events.what, strict=True):
        assert json.loads(archive[offset : offset + length])["event"] == event
    started = told[told.what == "Started"].iloc[0]
    assert (started.is_inferred, started.by_id) == (True, f"user_{HOST}")
