"""Forgetting a person: from every table, the quarantine and the file's bytes, for good."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.tables import object_tables

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

BARE = "zeb28characterslongid0000001"
HER = f"user_{BARE}"
NAME = "Zebulonia Quixworthy"
PERSON = {
    "id": HER,
    "first_name": "Zebulonia",
    "last_name": "Quixworthy",
    "email": "zebulonia@quixworthy.example",
    "phone": "555-0177",
    "ssn": "000-98-7654",
    "addresses": [{"line1": "17 Quixway Crescent", "city": "Avon"}],
    "custom_data": [{"key": "cfld_1", "value": "Quixplan"}],
    "note": "Quixnote",
    "nobody_knows": "Quixtra",
}
WORDS = ("Zebul", "Quix", BARE, "000-98-7654", "zebulonia@")
AT = 1_740_000_000_000


def world(archive: Archive) -> Iterator[str]:
    """Deliveries about her, about others, and about both."""
    ms = AT

    def line(event: str, about: dict[str, Any], **how: Any) -> str:
        nonlocal ms
        ms += 60_000
        return str(archive.raw({"event": event, "created_at": ms, "object": about}, **how))

    host = {"id": "user_host", "first_name": "Hester", "last_name": "Host"}
    ann = {
        "id": "user_ann",
        "first_name": "Ann",
        "phone": "555-0177",  # the same telephone: it stays hers
        "caregiver": HER,
        "caregivers": [{"id": HER}, "user_cara"],
        "emergency_contacts": [{"name": NAME, "phone": "555-0177"}],
        "note": f"A friend of {NAME}",
    }
    cara = {"id": "user_cara", "caregiver_only": True, "dependents": [BARE], "first_name": "Cara"}
    together = {
        "id": "appt_group",
        "host": "user_host",
        "name": "Group with Quixworthy",
        "group": True,
        "description": "Zebulonia and Ann",
        "start_time": AT + 86_400_000,
        "end_time": AT + 90_000_000,
        "attendees": [{"attendee": x} for x in ("user_host", BARE, "user_ann")],
        "status_history": [{"status": "cancelled", "changed_by": HER, "changed_at": AT}],
        "surprise": {"who": NAME},
    }
    alone = {**together, "id": "appt_alone", "created_by": HER}
    alone["attendees"] = [{"attendee": x} for x in ("user_host", HER, "user_nurse", "user_cara")]
    talk = {"id": "appt_talk", "internal": True, "reference_patients": [HER], "description": NAME}
    yield line("provider.updated", host)
    yield line("support.updated", {"id": "user_nurse", "first_name": "Nora"})
    yield line("patient.created", PERSON)
    yield line("patient.updated", {**PERSON, "preferred_name": "Zebby-Quix"})
    yield line("patient.updated", ann)
    yield line("patient.updated", cara)
    yield line("appointment.created", together)
    yield line("appointment.completed", together)
    yield line("appointment.created", alone)
    yield line("appointment.cancelled", {**alone, "attendees": [{"attendee": "user_host"}]})
    yield line("appointment.created", talk)
    yield line("appointment.created", {**together, "id": "appt_ann", "name": "Ann", "attendees": [
        {"attendee": "user_ann"}], "description": f"about {HER}", "surprise": 1,
        "status_history": []})  # fmt: skip
    yield line(
        "message.created", {"id": "msg_1", "created_by": HER, "thread": "t1", "text": "Quix"}
    )
    yield line("message.created", {"id": "msg_2", "created_by": "user_host", "thread": "t1",
                                   "text": "Dear Zebulonia"})  # fmt: skip
    yield line("message.created", {"id": "msg_3", "created_by": "user_ann", "thread": "t2",
                                   "text": "Hello"})  # fmt: skip
    yield line("message.deleted", {"id": "msg_1"})
    yield line("document.created", {"id": "doc_1", "patient": BARE, "file": "UXVpeA=="})
    yield line("task.updated", {"id": "task_1", "patient": HER, "name": f"Call {NAME}"})
    yield line("task.updated", {"id": "task_2", "name": f"Write to {NAME}", "priority": "low"})
    yield line("task.updated", {"id": "task_3", "name": "Quixtask",
                                "link_to": {"object": "patient", "id": BARE}})  # fmt: skip
    yield line("care_team.updated", {"id": "crtm_1", "patient": HER, "members": ["user_host"]})
    yield line("care_team.updated", {"id": "crtm_2", "patient": "user_ann",
                                     "members": ["user_host", HER]})  # fmt: skip
    yield line("invoice.paid", {"id": "inv_1", "payer": HER, "name": NAME})
    yield line("invoice.paid", {"id": "inv_2", "payer": "user_ann"})
    # What does not load.
    told = json.dumps({"event": "patient.updated", "created_at": AT, "object": PERSON})
    yield archive.raw(told, secret="another")
    yield json.dumps({"body": base64.b64encode(told.encode()).decode(), "isBase64Encoded": True})
    yield archive.raw(told.replace(BARE, "\\u007a" + BARE[1:]).replace("Quix", ""), secret="x")
    yield '{"body": "Mrs Quixworthy, Zebulonia, came'
    yield "zebulonia@quixworthy.example"
    yield line("patient.updated", {**PERSON, "date_of_birth": "soon"})
    yield line("patient.updated", {**ann, "date_of_birth": "soon", "caregiver": None,
                                   "emergency_contacts": [], "caregivers": [],
                                   "phone": "555-0100", "note": "well"})  # fmt: skip
    yield '{"body": "nobody'
    ms = AT + 2 * 60_000  # the event of her creation once more, told otherwise
    yield line("patient.created", {**PERSON, "first_name": "Zebulonia-Quix"})


KEPT = {
    "people_versions": {"user_ann", "user_cara"},
    "appointments_versions": {"appt_group", "appt_talk", "appt_ann"},
    "messages_versions": {"msg_2", "msg_3"},
    "documents_versions": set(),
    "tasks_versions": {"task_2"},
    "care_teams_versions": {"crtm_2"},
}


def assert_without_her(desk: Desk) -> None:
    with desk.held():
        for name, ids in KEPT.items():
            assert set(desk.column(f"SELECT id FROM {name}")) == ids, name
        for name in [
            *(t.versions for t in object_tables()),
            "events",
            "other_objects",
            "quarantine",
        ]:
            told = str(desk.rows(f'SELECT * FROM "{name}"'))
            assert [word for word in WORDS if word in told] == [], name
        assert desk.column("SELECT event_id FROM deliveries WHERE contains(event_id, 'zeb')") == []
        assert desk.column("SELECT attendee FROM appointment_attendees ORDER BY ALL") == [
            *("user_ann", "user_ann", "user_host")
        ]
        assert desk.column("SELECT id FROM patient_caregivers") == ["user_cara"]
        assert desk.column("SELECT id FROM patient_dependents") == []
        assert desk.column("SELECT object_id FROM other_objects") == ["inv_2"]
        assert desk.rows("SELECT text FROM messages ORDER BY id") == [(None,), ("Hello",)]
        assert desk.rows("SELECT changed_by, status FROM appointment_status_history") == [
            (None, "cancelled")
        ]
        assert desk.rows("SELECT name, description FROM appointments WHERE id = 'appt_group'") == [
            (None, None)
        ]
    desk.add_up()


def versions(desk: Desk) -> dict[str, list[Any]]:
    """The rows of every version, by table."""
    names = [table.versions for table in object_tables()]
    with desk.held():
        return {name: desk.rows(f'SELECT * FROM "{name}" ORDER BY ALL') for name in names}


def bytes_around(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "avon.duckdb"


def test_she_is_nowhere_any_more(archive: Archive, open_desk: OpenDesk, place: Path) -> None:
    desk = open_desk(place)
    desk.load(archive.write(*world(archive)))
    before = desk.add_up()
    assert b"Quix" in bytes_around(place.parent)
    assert "conflict" in desk.ends()
    figures = desk.store.appointments().outcomes()
    done = desk.store.forget(BARE)
    assert_without_her(desk)
    assert [word for word in WORDS if word.encode() in bytes_around(place.parent)] == []
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o600
    assert [p.name for p in place.parent.iterdir()] == [place.name]
    # The lines of the archive are all accounted for.
    after = desk.add_up()
    assert (after["lines"], after["blank"]) == (before["lines"], before["blank"])
    ends = desk.ends()
    assert ends.count("forgotten") == done.lines == 12
    assert done.events == 11
    assert done.removed["people_versions"] == 2
    assert done.changed["people_versions"] >= 1
    assert done.withheld == 6
    told = str(done) + done._repr_html_() + json.dumps(done.as_dict())
    assert [word for word in WORDS if word in told] == []
    # Figures are not of yesterday; telephone numbers that others share stay.
    assert not desk.store.appointments().outcomes().equals(figures)
    assert desk.column("SELECT phone FROM patients") == ["555-0177"]
    kept = desk.column("SELECT decode(content) FROM quarantine WHERE content IS NOT NULL")
    assert len(kept) == 2
    assert avon.open(place).table("forgotten")["kind"].value_counts().to_dict() == {
        "aside": 2,
        "line": 6,
        "object": 8,
        "person": 1,
        "thread": 1,
        "visit": 3,
    }


def test_an_event_goes_whose_own_id_names_them(
    archive: Archive, open_desk: OpenDesk, place: Path
) -> None:
    """Most ids of events are random digits and what stands beside them; these two are not."""
    bare = "5eb28c0ffee0123456789abc"
    ids = (f"wbhk_{bare}", "wbhk_zebulonia.quixworthy", "wbhk_0123456789abcdef0123")
    told = [
        {"id": one, "event": "task.updated", "created_at": AT + n, "object": {"id": f"task_{n}"}}
        for n, one in enumerate(ids)
    ]
    her = {"event": "patient.created", "created_at": AT, "object": {**PERSON, "id": bare}}
    desk = open_desk(place)
    desk.load(archive.write(*map(archive.raw, [her, *told])))
    assert len(desk.column("SELECT event_id FROM events")) == 4
    assert desk.store.forget(bare).events == 3
    assert desk.column("SELECT event_id FROM events") == [f"{ids[2]}:task.updated:task_2:{AT + 2}"]


@pytest.mark.parametrize("n_others", [7, 150, 2100])
def test_no_byte_stays_whatever_the_size_of_the_store(
    archive: Archive, open_desk: OpenDesk, place: Path, n_others: int
) -> None:
    """Loads and figures before and between, all in one process, whose memory held her name."""
    desk = open_desk(place)
    others = [
        archive.raw(
            {
                "event": "patient.updated",
                "created_at": AT + n,
                "object": {"id": f"user_{n:024x}", "bio": "x" * (n * 37 % 400)},
            }
        )
        for n in range(n_others)
    ]
    lines = [*world(archive), *others]
    desk.take(*lines[::2])
    desk.take(*lines[1::2])
    assert len(desk.store.appointments().slots())
    # As if the engine had spilled what it computed.
    spilled = desk.store._database._own_folder.make() / "duckdb_temp_storage-0.tmp"
    spilled.write_bytes(b"Zebulonia Quix")
    desk.store.forget(HER)
    assert [word for word in WORDS if word.encode() in bytes_around(place.parent)] == []
    assert [p.name for p in place.parent.iterdir()] == [place.name]
    assert desk.add_up()["lines"] == len(lines)


def test_where_no_process_can_be_started_her_store_is_copied_in_this_one(
    archive: Archive, open_desk: OpenDesk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(place)
    desk.load(archive.write(*world(archive)))
    monkeypatch.setattr(sys, "executable", "")
    desk.store.forget(BARE)
    assert_without_her(desk)
    assert b"Zebulonia" not in bytes_around(place.parent)
    desk.store.forget("user_ann")
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_no_later_load_brings_her_back(archive: Archive, open_desk: OpenDesk, place: Path) -> None:
    path = archive.write(*world(archive))
    desk = open_desk(place)
    desk.load(path)
    desk.store.forget(HER)
    first = versions(desk)
    desk.load(path, recheck=True)
    renamed = path.rename(path.with_name("renamed.jsonl"))
    receipt = desk.load(renamed)
    assert (receipt.loaded, receipt.quarantined_by_code["forgotten"]) == (0, 12)
    assert_without_her(desk)
    assert versions(desk) == first
    # Neither new events of hers, nor a replay under the other secrets, nor a visit with others.
    desk.take(
        archive.raw(archive.patient(7, **PERSON)),
        archive.raw(archive.patient(8, **{**PERSON, "id": BARE})),
        archive.raw({"event": "message.created", "created_at": 9, "object": {
            "id": "msg_9", "created_by": "user_host", "thread": "t1", "text": "Dear Zebulonia"}}),
        archive.raw({"event": "message.deleted", "created_at": 10, "object": {"id": "msg_1"}}),
        archive.raw({"event": "appointment.created", "created_at": 11, "object": {
            "id": "appt_new", "host": "user_host", "description": NAME,
            "attendees": [{"attendee": "user_bob"}, {"attendee": HER}]}}),
        archive.raw({"event": "appointment.created", "created_at": 12, "object": {
            "id": "appt_hers", "host": "user_host", "attendees": [{"attendee": BARE}]}}),
        archive.raw({"event": "appointment.updated", "created_at": 13, "object": {
            "id": "appt_hers", "host": "user_host", "attendees": []}}),
        archive.raw(archive.patient(14, **PERSON), secret="another"),
        f'{{"body": "{HER}',
        archive.raw({"event": "patient.updated", "object": {"id": HER}}, received=None),
    )  # fmt: skip
    query = "SELECT coalesce(code, ended) FROM deliveries WHERE file LIKE $file ORDER BY line"
    assert desk.column(query, file="%part-002.jsonl") == [
        *("forgotten", "forgotten", "loaded", "forgotten", "loaded", "forgotten", "forgotten"),
        *("signature_mismatch", "not_json", "contract"),
    ]
    assert desk.column("SELECT text FROM messages WHERE id = 'msg_9'") == [None]
    assert desk.rows("SELECT attendee FROM appointment_attendees "
                     "WHERE appointment_id = 'appt_new'") == [("user_bob",)]  # fmt: skip
    assert desk.store.quarantine.replay(secrets="another").loaded == 0
    with desk.held():
        for table in (*first, "events", "quarantine", "deliveries", "other_objects"):
            told = str(desk.rows(f'SELECT * FROM "{table}"'))
            assert [word for word in WORDS if word in told] == [], table
    desk.store.forget(HER)
    assert [word for word in WORDS if word.encode() in bytes_around(place.parent)] == []
    desk.add_up()


def test_forgotten_before_she_came_is_the_same(archive: Archive, open_desk: OpenDesk) -> None:
    """The object tables are those of a load and a forgetting after it, names typed by others aside.

    Before she came, nobody knew her name: only her id keeps her out.
    """
    path = archive.write(*world(archive))
    late, early = open_desk(), open_desk()
    late.load(path)
    assert late.store.forget(HER).was_known
    early.load(archive.write())
    done = early.store.forget(f" {BARE} ")
    assert not done.was_known
    assert "NOTHING WAS FOUND" in str(done)
    early.load(path)
    early.add_up()
    names = [t.versions for t in object_tables() if t.name not in ("tasks", "patients")]
    for name in names:
        if name != "messages_versions":
            typed = "EXCLUDE (name)" if name == "appointments_versions" else ""
            query = f'SELECT * {typed} FROM "{name}" ORDER BY ALL'
            assert early.rows(query) == late.rows(query), name
    query = "SELECT event_id FROM events ORDER BY ALL"
    assert early.rows(query) == late.rows(query)


def test_a_caregiver_can_be_forgotten_and_staff_cannot(
    archive: Archive, open_desk: OpenDesk
) -> None:
    desk = open_desk()
    desk.load(archive.write(*world(archive)))
    desk.store.forget("user_cara")
    assert desk.column("SELECT count(*) FROM caregivers") == [0]
    assert desk.column("SELECT id FROM patient_caregivers") == [HER]
    desk.add_up()
    for wrong in ("user_host", "nurse", "user_null", ""):
        with pytest.raises(UsageError):
            desk.store.forget(wrong)


@pytest.mark.parametrize("name", ["Quixworthy", "hester", "O'Sample"])
def test_a_name_in_place_of_an_id_takes_nothing_from_whoever_bears_it(
    archive: Archive, open_desk: OpenDesk, name: str
) -> None:
    desk = open_desk()
    desk.load(archive.write(*world(archive)))
    before = versions(desk)
    with pytest.raises(UsageError, match="if it is an id, write user_ in front of it"):
        desk.store.forget(name)
    assert versions(desk) == before
    assert desk.column("SELECT count(*) FROM forgotten") == [0]
    desk.store.forget("ANN")  # a word that is somebody's id
    assert desk.column("SELECT id FROM people_versions WHERE id = 'user_ann'") == []
    desk.store.forget("user_quixworthy")  # marked all the same, as who asks says that it is one
    assert desk.column("SELECT count(*) > 0 FROM forgotten") == [True]


def test_without_a_store_there_is_nobody(open_desk: OpenDesk, place: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        open_desk(place).store.forget(HER)
    assert not place.exists()


def test_cut_short_it_is_done_by_doing_it_again(
    archive: Archive, open_desk: OpenDesk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are gone in one transaction; the file is the old one or the new one."""
    desk = open_desk(place)
    desk.load(archive.write(*world(archive)))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="run the same again"):
        desk.store.forget(HER)
    monkeypatch.undo()
    assert_without_her(desk)
    assert [p.name for p in place.parent.iterdir()] == [place.name]
    assert not desk.store.forget(HER).was_known
    assert [word for word in WORDS if word.encode() in bytes_around(place.parent)] == []


def test_who_reads_meanwhile_reads_on_and_views_stay(
    archive: Archive, open_desk: OpenDesk, place: Path
) -> None:
    desk, other = open_desk(place), open_desk(place)
    desk.load(archive.write(*world(archive)))
    visits = other.store.appointments()
    assert len(visits.slots()) == 4
    desk.store.forget(HER)
    assert len(other.store.appointments().slots()) == 2
    assert len(other.rows("SELECT * FROM appointment_slots")) == 2
    assert set(desk.store.tables()["table"]) >= {"patients", "appointment_slots", "forgotten"}


def test_a_limited_store_forgets_too(archive: Archive, open_desk: OpenDesk, place: Path) -> None:
    desk = open_desk(place)
    path = archive.write(*world(archive))
    desk.load(path, privacy="limited")
    desk.store.forget(HER)
    with desk.held():
        for name, ids in KEPT.items():
            assert set(desk.column(f"SELECT id FROM {name}")) == ids, name
    assert BARE.encode() not in bytes_around(place.parent)
    desk.load(path.rename(path.with_name("again.jsonl")))
    assert BARE not in str(versions(desk))
    desk.add_up()
