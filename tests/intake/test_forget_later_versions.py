"""What only a later version shows to be a forgotten person's: the store lets go of the earlier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.store.tables import object_tables

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

HER, ANN, HOST = "user_zeb28characterslongid0000001", "user_ann", "user_host"
AT = 1_740_000_000_000
Told = tuple[str, dict[str, Any]]


def visit(name: str, *attendees: str, **more: Any) -> Told:
    listed = [{"attendee": one} for one in attendees] or None
    about = {"id": name, "host": HOST, "start_time": AT, "attendees": listed, **more}
    return "appointment.updated", about


# What is hers, or what she shares, is told by the second of two versions alone.
FIRST: tuple[Told, ...] = (
    ("document.created", {"id": "doc_hers", "name": "plan", "tags": ["a"]}),
    ("document.created", {"id": "doc_anns", "name": "plan", "patient": ANN}),
    ("task.updated", {"id": "task_hers", "name": "call"}),
    ("task.updated", {"id": "task_linked", "name": "call"}),
    ("task.updated", {"id": "task_anns", "name": "call", "patient": ANN}),
    ("care_team.updated", {"id": "crtm_hers", "members": [HOST]}),
    ("message.created", {"id": "msg_hers", "message_thread": "t1", "text": "I"}),
    ("message.created", {"id": "msg_answer", "message_thread": "t1", "text": "She"}),
    ("message.created", {"id": "msg_other", "message_thread": "t2", "text": "kept"}),
    ("invoice.paid", {"id": "inv_hers", "of": "x"}),
    ("invoice.paid", {"id": "inv_anns", "of": "x", "payer": ANN}),
    visit("appt_hers", description="she", status_history=[{"status": "scheduled"}]),
    visit("appt_changed", patient=None, description="she"),
    visit("appt_nurse", HER, "user_nurse"),
    visit("appt_group", ANN, description="they", status_history=[{"status": "scheduled"}]),
    visit("appt_about", ANN, description="of her", odd=7),
    visit("appt_anns", ANN, description="kept"),
    # A patient is in her own care team, and takes part all the same.
    ("care_team.updated", {"id": "crtm_ann", "patient": ANN, "members": [HOST, ANN]}),
)
SECOND: tuple[Told, ...] = (
    ("document.updated", {"id": "doc_hers", "patient": HER}),
    ("document.updated", {"id": "doc_anns", "patient": ANN}),
    ("task.updated", {"id": "task_hers", "patient": HER}),
    ("task.updated", {"id": "task_linked", "link_to": {"object": "patient", "id": HER}}),
    ("task.updated", {"id": "task_anns", "patient": ANN, "assigned_to": HER}),
    ("care_team.updated", {"id": "crtm_hers", "patient": HER}),
    ("message.updated", {"id": "msg_hers", "created_by": HER}),
    ("invoice.paid", {"id": "inv_hers", "payer": HER}),
    ("invoice.paid", {"id": "inv_anns", "payer": ANN, "for": [HER, "x"]}),
    visit("appt_hers", HOST, HER),
    visit("appt_changed", patient=HER),
    ("support.updated", {"id": "user_nurse", "first_name": "Nora"}),
    visit("appt_group", ANN, HER),
    visit("appt_about", ANN, internal=True, reference_patients=[HER]),
    ("patient.updated", {"id": ANN, "first_name": "Ann"}),
)
LEFT = {
    "documents_versions": {"doc_anns"},
    "tasks_versions": {"task_anns"},
    "care_teams_versions": {"crtm_ann"},
    "messages_versions": {"msg_answer", "msg_other"},
    "appointments_versions": {"appt_group", "appt_about", "appt_anns"},
    "people_versions": {ANN},
}


def lines(archive: Archive, told: Sequence[Told], start: int, **how: Any) -> list[str]:
    at = count(start, 60_000)
    return [
        archive.raw(
            {"event": event, "created_at": next(at), "beside": "words", "object": about}, **how
        )
        for event, about in told
    ]


def versions(desk: Desk) -> dict[str, list[Any]]:
    """All that is told of objects and events, but where in the archive that was."""
    names = [*(table.versions for table in object_tables()), "other_objects"]
    asked = {name: f'SELECT * FROM "{name}" ORDER BY ALL' for name in names}
    asked["events"] = "SELECT event_id, object_type, object_id, n_deliveries, extra FROM events"
    with desk.held():
        return {name: sorted(desk.rows(query), key=str) for name, query in asked.items()}


def assert_only_others_are_left(desk: Desk) -> None:
    with desk.held():
        for name, ids in LEFT.items():
            assert set(desk.column(f"SELECT id FROM {name}")) == ids, name
        assert set(desk.column("SELECT object_id FROM other_objects")) == {"inv_anns"}
        assert desk.rows("SELECT id, text FROM messages ORDER BY id") == [
            ("msg_answer", None),
            ("msg_other", "kept"),
        ]
        assert desk.rows(
            "SELECT DISTINCT id, description FROM appointments_versions "
            "WHERE description IS NOT NULL"
        ) == [("appt_anns", "kept")]
        assert {json.loads(one)["odd"] for one in desk.column(
            "SELECT extra FROM appointments_versions WHERE extra IS NOT NULL"
        )} == {0}  # fmt: skip
        assert set(desk.column("SELECT attendee FROM appointment_attendees_versions")) == {ANN}
        assert desk.column("SELECT DISTINCT code FROM quarantine") == ["forgotten"]
    desk.add_up()


def test_whatever_version_comes_first(archive: Archive, open_desk: OpenDesk) -> None:
    first = lines(archive, FIRST, AT)
    second = lines(archive, SECOND, AT + 86_400_000)
    late = open_desk()
    late.take(*first, *second)
    late.store.forget(HER)
    assert_only_others_are_left(late)
    expected = versions(late)
    once = [*second, *first]
    for parts in ([first, second], [second, first], [once], [first[:9], second, first[9:]]):
        early = open_desk()
        early.take()
        early.store.forget(HER)
        for part in parts:
            early.take(*part)
        assert_only_others_are_left(early)
        found = versions(early)
        assert [name for name in found if found[name] != expected[name]] == []


def test_forgotten_between_two_versions(archive: Archive, open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.take(*lines(archive, FIRST, AT))
    desk.store.forget(HER)
    receipt = desk.take(*lines(archive, SECOND, AT + 86_400_000))
    assert receipt.quarantined_by_code == {"forgotten": 8}
    assert_only_others_are_left(desk)
    # The receipt of a load tells of its own files; the log of both.
    sums = desk.rows("SELECT loaded, quarantined FROM loads ORDER BY load_id")
    assert sums == [(9, 9), (7, 8)]


def test_what_a_replay_shows_to_be_hers_goes(archive: Archive, open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.take()
    desk.store.forget(HER)
    desk.take(*lines(archive, SECOND, AT + 86_400_000, secret="another"))
    desk.take(*lines(archive, FIRST, AT))
    assert "doc_hers" in desk.column("SELECT id FROM documents")
    done = desk.store.quarantine.replay(secrets="another")
    assert done.quarantined_by_code["forgotten"] == 8
    assert_only_others_are_left(desk)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_a_visit_stays_where_another_patient_came_first(
    archive: Archive, open_desk: OpenDesk, order: tuple[int, ...]
) -> None:
    """Both took part in the second version; only she in the third, which nobody else shares."""
    told = lines(archive, [visit("appt_1"), visit("appt_1", HER, ANN), visit("appt_1", HER)], AT)
    desk = open_desk()
    desk.take()
    desk.store.forget(HER)
    for number in order:
        desk.take(told[number])
    assert desk.ends().count("loaded") == 3
    assert desk.column("SELECT attendee FROM appointment_attendees_versions") == [ANN]


def test_a_visit_with_her_care_team_stays_away_when_the_archive_comes_again(
    archive: Archive, open_desk: OpenDesk
) -> None:
    """Two nurses are known from care teams alone, one of them from hers, which goes as well."""
    told = [
        ("care_team.updated", {"id": "crtm_hers", "patient": HER, "members": ["user_nora"]}),
        ("care_team.updated", {"id": "crtm_anns", "patient": ANN, "members": ["user_nick"]}),
        visit("appt_1", HER, "user_nora", "user_nick"),
        visit("appt_1", "user_nora", "user_nick"),
    ]
    again = lines(archive, told, AT, received="2025-03-11T00:00:00Z")
    desk = open_desk()
    desk.take(*lines(archive, told, AT))
    desk.store.forget(HER)
    receipt = desk.take(*again)
    assert (receipt.loaded, receipt.duplicate) == (0, 1)
    assert receipt.quarantined_by_code == {"forgotten": 3}
    # Who turns out to be a patient shared the visit: it is loaded from then on.
    desk.take(*lines(archive, [("patient.updated", {"id": "user_nick"})], AT))
    receipt = desk.take(*lines(archive, [visit("appt_1", HER, "user_nick")], AT + 1))
    assert receipt.loaded == 1
    assert desk.column("SELECT attendee FROM appointment_attendees_versions") == ["user_nick"]
