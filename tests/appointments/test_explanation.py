"""One appointment's story: order, places, changes, what was inferred, and why it ended so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.appointments.explanation import DTYPES, explain
from avon_analytics.errors import UnknownAppointment
from tests.frames import plain, records

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def a_story(clinic: Clinic) -> None:
    booked, off = ("scheduled", "03-01 08:59", "dr"), ("cancelled", "03-09 15:00", "ann")
    clinic.tell("created", "03-01 09:00", history=[booked], appointment_type="aptp_1")
    clinic.tell(
        "rescheduled",
        "03-05 09:00",
        start="03-10 18:00",
        history=[booked],
        attendees=["dr", "ann", "bob"],
        description="Knee, left",
        appointment_type="aptp_1",
        custom={"cfld_1": '"x"'},
    )
    clinic.tell(
        "updated",
        "03-11 10:00",
        start="03-10 18:00",
        history=[booked, (*off, "feels better")],
        attendees=["dr", "ann", {"attendee": "bob", "no_show": True}],
        description="Knee, left; calls again",
        appointment_type="aptp_1",
        signature="unsigned",
    )


def rows(clinic: Clinic, visit: str = "v", **arguments: Any) -> list[dict[str, Any]]:
    return records(plain(explain(clinic.database, visit, **arguments)))


def test_a_story_in_order(clinic: Clinic) -> None:
    a_story(clinic)
    told = rows(clinic, as_of="2025-12-31")
    assert [(row["step"], row["kind"], row["what"], row["slot"]) for row in told] == [
        (1, "reported", "scheduled", 1),
        (2, "event", "appointment.created", 1),
        (3, "event", "appointment.rescheduled", 2),
        (4, "reported", "cancelled", 2),
        (5, "event", "appointment.updated", 2),
        (6, "outcome", "rescheduled", 1),
        (7, "outcome", "cancelled", 2),
        (8, "outcome", "no_show", 2),
    ]
    assert [row["at"] for row in told[:5]] == [
        clinic.at(when)
        for when in ("03-01 08:59", "03-01 09:00", "03-05 09:00", "03-09 15:00", "03-11 10:00")
    ]
    # The booking has its webhook; nothing but the history tells of the cancellation.
    assert [row["is_inferred"] for row in told[:5]] == [False, False, False, True, False]
    assert [row["by_id"] for row in told] == ["dr", None, None, "ann", None, None, "ann", None]
    assert [row["patient_id"] for row in told[5:]] == ["ann", "ann", "bob"]
    assert [row["source"] for row in told[5:]] == ["event", "status_history", "attendee"]


def test_what_each_event_changed(clinic: Clinic) -> None:
    a_story(clinic)
    first, second, third = (
        row["detail"] for row in rows(clinic, as_of="2025-12-31") if row["kind"] == "event"
    )
    assert first == (
        "appointment_type aptp_1; start_time 2025-03-10 15:00Z; end_time 2025-03-10 15:30Z; "
        "host dr; with dr; with ann"
    )
    assert second == (
        "description changed; start_time 2025-03-10 15:00Z → 2025-03-10 18:00Z; "
        'end_time 2025-03-10 15:30Z → 2025-03-10 18:30Z; with bob; cfld_1 "x"'
    )
    assert third == "description changed; no_show of bob true; cfld_1 missing"


def test_why_each_slot_ended_as_it_did(clinic: Clinic) -> None:
    a_story(clinic)
    moved, cancelled, missed = (row["detail"] for row in rows(clinic, as_of="2025-12-31")[-3:])
    assert moved == (
        "planned 2025-03-10 15:00Z; moved to 2025-03-10 18:00Z before anything else was known; "
        "notice 126.0 hours"
    )
    assert cancelled == (
        "planned 2025-03-10 18:00Z; newest word that decides: cancelled, reported by the status "
        "history; cancelled 2025-03-09 15:00Z by patient; notice 27.0 hours, not late; "
        "reason: feels better"
    )
    assert missed == (
        "planned 2025-03-10 18:00Z; the last version that reports it says no_show of this attendee"
    )


@pytest.mark.parametrize(
    ("tell", "as_of", "why"),
    [
        ({}, "2025-03-05", "not due yet, and nothing was reported that ends it"),
        (
            {},
            "2025-12-31",
            "its planned end and the grace are over, and nobody reported how it ended",
        ),
        ({"attendees": ["dr"]}, "2025-12-31", "its planned end and the grace are over"),
        ({"start": None}, "2025-12-31", "no planned start"),
        ({"name": "completed"}, "2025-12-31", "completed, reported by the event of that name"),
        (
            {"actual_start_time": "03-10 15:02"},
            "2025-12-31",
            "newest word that decides: in_progress, reported by an actual time",
        ),
    ],
)
def test_reasons(clinic: Clinic, tell: dict[str, Any], as_of: str, why: str) -> None:
    clinic.tell(**{"name": "created", "when": "03-01 09:00", **tell})
    (ending,) = [row for row in rows(clinic, as_of=as_of) if row["kind"] == "outcome"]
    assert why in ending["detail"]


def test_who_left_and_what_was_undone_by_a_move(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-05 09:00", attendees=["dr", "ann", "bob"])
    clinic.tell("updated", "03-06 09:00", attendees=["dr", "ann"], start="03-12 15:00")
    told = rows(clinic, as_of="2025-12-31")
    assert told[1]["detail"] == (
        "start_time 2025-03-10 15:00Z → 2025-03-12 15:00Z; "
        "end_time 2025-03-10 15:30Z → 2025-03-12 15:30Z; without bob"
    )
    ann, bob, later = told[-3:]
    assert "then moved to 2025-03-12 15:00Z" in ann["detail"]
    assert bob["detail"].startswith("planned 2025-03-10 15:00Z; ")
    assert (later["what"], later["source"]) == ("unresolved", None)


def test_actual_times_are_told_once_and_for_whom(clinic: Clinic) -> None:
    came = {"attendee": "ann", "actual_start_time": "03-10 15:02"}
    for when in ("03-10 15:05", "03-10 15:06"):
        clinic.tell("started", when, attendees=[came], actual_end_time="03-10 15:03")
    told = [row for row in rows(clinic, as_of="2025-12-31") if row["kind"] == "reported"]
    assert [(row["what"], row["patient_id"], row["is_inferred"]) for row in told] == [
        ("in_progress", "ann", False),
        ("completed", None, True),
    ]


def test_only_what_was_known_is_told(clinic: Clinic) -> None:
    a_story(clinic)
    assert [row["what"] for row in rows(clinic, as_of="2025-03-02")] == [
        "scheduled",
        "appointment.created",
        "open",
    ]
    with pytest.raises(UnknownAppointment, match="up to 2025-02-02 00:00 UTC"):
        explain(clinic.database, "v", as_of="2025-02-01")


def test_free_text_is_shown_only_when_it_is_asked_for(clinic: Clinic) -> None:
    a_story(clinic)
    hidden = explain(clinic.database, "v", as_of="2025-12-31")
    assert "Knee" not in hidden.to_string(max_colwidth=None)
    shown = explain(clinic.database, "v", as_of="2025-12-31", identifiers=True)
    assert shown.detail.str.contains("Knee, left → Knee, left; calls again").any()


def test_columns_and_attributes_are_fixed(clinic: Clinic) -> None:
    a_story(clinic)
    told = explain(clinic.database, "v", as_of="2025-12-31")
    assert {name: str(dtype) for name, dtype in told.dtypes.items()} == DTYPES
    assert told.attrs["n_unverified_events"] == 1
    assert told.attrs["as_of"] == "2026-01-01T00:00:00+00:00"
    (event,) = told[told.signature == "unsigned"].query("kind == 'event'").to_dict("records")
    assert event["received_at"] == clinic.at("03-11 10:00")


def test_an_id_counts_with_and_without_its_prefix(clinic: Clinic) -> None:
    bare = "0123456789abcdef0123456789abcdef"
    clinic.tell("created", "03-01 09:00", f"appt_{bare}")
    for given in (bare, f"appt_{bare}", f" {bare}\n"):
        assert len(explain(clinic.database, given)) == 2
    for unknown in ("appt_0", "", "dr", "{x", "[1"):
        with pytest.raises(UnknownAppointment, match="with or without appt_"):
            explain(clinic.database, unknown)


def test_who_is_not_listed_by_a_version_that_names_no_patient_has_not_left(clinic: Clinic) -> None:
    """As in slots: those listed last stand, and an attendee without an id is nobody."""
    nobody: dict[str, Any] = {"attendee": None}
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann", "bob", nobody])
    clinic.tell("updated", "03-02 09:00", attendees=[])
    clinic.tell("updated", "03-03 09:00", attendees=["dr", "eve"])
    clinic.tell("updated", "03-04 09:00", attendees=["dr", "eve", "ann"])
    clinic.staff("dr")
    clinic.staff("eve")
    told = rows(clinic, as_of="2025-03-05")
    events = [row["detail"] for row in told if row["kind"] == "event"]
    assert events[0].endswith("host dr; with dr; with ann; with bob")
    assert events[1:] == ["no other field changed", "with eve", "without bob"]
    outcomes = [(row["patient_id"], row["what"]) for row in told if row["kind"] == "outcome"]
    assert outcomes == [("ann", "open"), ("bob", "cancelled")]
