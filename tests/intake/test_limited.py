"""A limited data set: what identifies a person, or was typed, never reaches the store file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.model import Part, columns_of, lists_of, objects_of
from avon_analytics.errors import UsageError
from avon_analytics.store.tables import object_tables

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

NAME = "Zebulonia Quixworthy"
# What 45 CFR 164.514(e) and our page on privacy let stay; the other texts of people may not.
STAYS = {
    "patients": {"pronouns", "gender", "sex", "sexual_orientation", "preferred_language"},
    "patient_addresses": {"city", "state", "postal_code", "country", "id", "parent", "account"},
    "appointments": {"name", "type", "interaction_type", "location_city", "location_postal_code"},
    "appointment_status_history": {"status", "reason"},
    "providers": {"first_name", "last_name", "email", "phone", "npi"},
}
GOES = {
    "patients": {"mrn", "first_name", "middle_name", "last_name", "preferred_name", "ssn"}
    | {"email", "phone", "alternate_phone", "note"}
    | {"copay", "emergency_contacts", "guarantors", "external_accounts"},
    "patient_addresses": {"nickname", "line1", "line2", "special_instructions"},
    "patient_peer_groups": {"peer_group"},
    "patient_status_history": {"reason"},
    "provider_status_history": {"reason"},
    "support_status_history": {"reason"},
    "document_status_history": {"reason"},
    "task_status_history": {"reason"},
    "providers": {"bio"},
    "document_tags": {"tag"},
    "task_tags": {"tag"},
    "appointments": {"description", "external_id", "location_line1", "location_line2"}
    | {"video_call_join_url", "video_call_meeting_id"},
    "messages": {"text", "filename", "memo"},
    "documents": {"name", "filename", "file", "sections"},
    "document_reviews": {"review"},
    "document_signers": {"signer"},
    "tasks": {"name", "description", "link_to_name"},
    "patient_custom_data": {"value"},
}


def full_of_her(model: type[Part], kind: str) -> dict[str, Any]:
    """An object in which every text tells her name where it is hidden, and its own path if not."""
    found: dict[str, Any] = {}
    for field in columns_of(model):
        text = f"{NAME} {field.name}" if field.column.privacy else f"stays-{field.name}"
        value = {
            "text": text,
            "json": {"who": text} if field.column.privacy else text,
            "id": f"{field.column.prefix}_{field.name}",
            "instant": "2025-03-01T10:00:00Z",
            "date": "1931-07-19",
            "flag": False,
            "number": 5,
        }[field.column.kind]
        into = found
        for step in field.path[:-1]:
            into = into.setdefault(step, {})
        into[field.path[-1]] = value
    for name in objects_of(model):
        found[name]["surprise"] = f"{NAME} within"
    for nested in lists_of(model):
        if isinstance(nested.item, type):
            found[nested.field] = [full_of_her(nested.item, kind)]
        else:
            is_json = nested.item.column.kind == "json"
            text = NAME if nested.item.column.privacy else f"stays-{nested.field}"
            found[nested.field] = [{"who": NAME} if is_json else text]
    if "custom_data" in found:
        values = (NAME, [NAME], {"who": NAME}, 5_550_177, "1931-07-19", True, 7.5, None)
        found["custom_data"] = [{"key": f"cfld_{n}", "value": v} for n, v in enumerate(values)]
    found["surprise"] = {"of": NAME}
    return found


def lines_about_her(archive: Archive) -> Iterator[str]:
    for number, (kind, model) in enumerate(OBJECTS.items()):
        about = full_of_her(model, kind)
        body = {
            "event": f"{kind}.updated",
            "created_at": 1_740_000_000_000 + number,
            "object": about,
            "told_beside": NAME,
        }
        yield archive.raw(body)
        # A later receipt: of two at once, what is kept decides in a limited store.
        otherwise = {**body, "object": {**about, "told_otherwise": NAME}}
        yield archive.raw(otherwise, received="2025-03-10T13:00:00Z")
        yield archive.raw({**body, "created_at": "soon"})
        yield archive.raw(body, secret="another")
        yield archive.raw(body)[:-30]
    yield archive.raw({"event": "invoice.paid", "created_at": 1, "object": {"id": "i", "by": NAME}})
    odd = {"id": "user_odd", "pronouns": {"say": NAME}, "account": [NAME]}
    yield archive.raw({"event": "patient.updated", "created_at": 2, "object": odd})


def bytes_around(store: Path) -> bytes:
    """All that stands in the store's file and in whatever was left beside it."""
    return b"".join(p.read_bytes() for p in sorted(store.parent.rglob("*")) if p.is_file())


def texts_of(desk: Desk) -> str:
    tables = desk.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE'"
    )
    return "\n".join(str(desk.rows(f'SELECT * FROM {schema}."{one}"')) for schema, one in tables)


@pytest.fixture
def planted(archive: Archive) -> Path:
    path: Path = archive.write(*lines_about_her(archive))
    return path


def test_her_name_is_nowhere_in_the_file(
    planted: Path, open_desk: OpenDesk, tmp_path: Path
) -> None:
    """Nor in a journal beside it; the full store shows that looking for it finds it."""
    held = {}
    for mode in ("limited", "full"):
        (tmp_path / mode).mkdir()
        held[mode] = open_desk(tmp_path / mode / "avon.duckdb")
        held[mode].load(planted, privacy=mode, within=None)
        held[mode].add_up()
    for word in (b"Zebul", b"Quixw", b"5550177"):
        assert word not in bytes_around(tmp_path / "limited" / "avon.duckdb")
    assert b"Zebul" in bytes_around(tmp_path / "full" / "avon.duckdb")
    assert "Quix" not in texts_of(held["limited"])
    assert "Quix" in texts_of(held["full"])
    # Everything else is as in the full store: where lines ended, the drift, the events.
    for query in (
        "SELECT file, line, ended, code, event_id, signature FROM deliveries ORDER BY line",
        "SELECT * FROM drift ORDER BY ALL",
        "SELECT * EXCLUDE (body_digest, conflict_rank, extra) FROM events ORDER BY event_id",
        "SELECT file, line, code, errors, sha256, cause FROM quarantine ORDER BY line",
    ):
        assert held["limited"].rows(query) == held["full"].rows(query)
    assert set(held["limited"].ends()) >= {"loaded", "conflict", "contract", "not_json"}


def test_what_goes_and_what_stays(planted: Path, desk: Desk) -> None:
    desk.load(planted, privacy="limited")
    for table, columns in GOES.items():
        for column in columns - ({"value"} if table == "patient_custom_data" else set()):
            assert desk.column(f"SELECT count({column}) FROM {table}") == [0], (table, column)
    for table, columns in STAYS.items():
        for column in columns:
            found = set(desk.column(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"))
            assert any(value.startswith("stays-") for value in found), (table, column)
    hidden = {
        (table.name, column.name)
        for table in object_tables()
        for column in table.field_columns
        if column.privacy
    }
    dates = {(t, "date_of_birth") for t in ("patients", "providers", "supports")}
    told = {(table, column) for table, columns in GOES.items() for column in columns}
    staff = {"provider_addresses", "support_addresses"}
    assert {(t, c) for t, c in hidden - told - dates if t not in staff} == set()
    assert desk.column("SELECT CAST(date_of_birth AS VARCHAR) FROM patients ORDER BY id") == [
        "1931-07-19",
        None,
    ]
    assert desk.column("SELECT value FROM patient_custom_data ORDER BY position") == [
        *(None, None, None, None),
        *('"1931-07-19"', "true", "7.5", None),
    ]
    assert desk.column("SELECT content FROM quarantine WHERE content IS NOT NULL") == []
    assert desk.column("SELECT object FROM other_objects") == [None]
    assert desk.rows("SELECT pronouns, account FROM patients WHERE id = 'user_odd'") == [
        (None, None)
    ]
    (extra,) = desk.column("SELECT extra FROM patients WHERE extra IS NOT NULL")
    assert json.loads(extra) in ({"surprise": {}}, {"surprise": {}, "told_otherwise": ""})


def test_figures_and_receipts_are_those_of_the_full_store(sample: Any, tmp_path: Path) -> None:
    import avon_analytics as avon

    with avon.open(tmp_path / "limited.duckdb") as store:
        receipt = store.load(
            sample.archive, secrets=sample.secrets, privacy="limited", progress=False
        )
        assert receipt.quarantined_by_code == sample.receipt.quarantined_by_code
        assert "a limited data set" in repr(store)
        assert (receipt.loaded, receipt.privacy) == (sample.receipt.loaded, "limited")
        assert "a limited data set" in str(receipt)
        limited = store.appointments()
        with avon.open(sample.db) as full:
            visits = full.appointments()
            for by in ("host", "patient_state", "patient_age_band", "name"):
                assert limited.outcomes(by=by).equals(visits.outcomes(by=by))
            assert limited.cancellations(by="reason").equals(visits.cancellations(by="reason"))
            assert limited.funnel().equals(visits.funnel())


def test_a_store_stays_what_it_is(archive: Archive, open_desk: OpenDesk) -> None:
    good = archive.write(archive.raw(archive.patient(1, first_name=NAME)))
    more = archive.write(archive.raw(archive.patient(2, first_name=NAME)))
    limited, full = open_desk(), open_desk()
    with pytest.raises(UsageError, match="'some'"):
        limited.load(good, privacy="some")
    limited.load(good, privacy="limited")
    assert limited.load(more).privacy == "limited"
    assert limited.column("SELECT count(first_name) FROM people_versions") == [0]
    with pytest.raises(UsageError, match="stays one"):
        limited.load(more, privacy="full")
    full.load(good)
    with pytest.raises(UsageError, match="cannot become a limited data set"):
        full.load(more, privacy="limited")
    assert full.load(more, privacy="full").privacy == "full"
    assert full.column("SELECT first_name FROM people_versions") == [NAME, NAME]


def test_a_store_that_holds_nothing_yet_may_become_either(
    archive: Archive, open_desk: OpenDesk
) -> None:
    empty = archive.write()
    desk = open_desk()
    desk.load(empty, privacy="limited")
    desk.load(empty, privacy="full")
    assert desk.take(archive.raw(archive.patient()), privacy="limited").privacy == "limited"


def test_what_tells_repeats_tells_nothing_that_is_not_kept(archive: Archive, desk: Desk) -> None:
    """Equal digests for bodies that differ in a name alone: nobody can try out names."""
    desk.take(
        archive.raw(archive.patient(1, id="user_a", ssn="000-00-0001", note="x", gender="f")),
        archive.raw(archive.patient(1, id="user_a", ssn="000-00-0002", note="y", gender="f")),
        archive.raw(archive.patient(1, id="user_a", gender="m"), received="2025-03-11T00:00:00Z"),
        archive.raw(archive.patient(2, id="user_a", gender="f")),
        privacy="limited",
    )
    assert desk.ends() == ["loaded", "duplicate", "conflict", "loaded"]
    desk.add_up()


def test_a_conflict_is_settled_without_its_lines(archive: Archive, open_desk: OpenDesk) -> None:
    """Whichever came first, and though the store keeps no line."""
    bodies = [archive.patient(1, gender=g, first_name=NAME) for g in ("f", "m", "x")]
    paths = [
        archive.write(archive.raw(body, received=f"2025-03-1{n}T00:00:00Z"))
        for n, body in enumerate(bodies)
    ]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        desk = open_desk()
        for n in order:
            desk.load(paths[n], privacy="limited")
        assert desk.column("SELECT gender FROM patients") == ["f"], order
        assert desk.ends() == ["loaded", "conflict", "conflict"]
        assert desk.column("SELECT count(content) FROM quarantine") == [0]
        desk.add_up()


def test_replay_reads_the_archive_and_stays_limited(archive: Archive, desk: Desk) -> None:
    path = archive.write(
        archive.raw(archive.patient(1, first_name=NAME), secret="whsec_old"),
        archive.raw(archive.patient(2, first_name=NAME)),
    )
    desk.load(path, privacy="limited")
    assert desk.ends() == ["signature_mismatch", "loaded"]
    assert desk.store.quarantine.replay(secrets="whsec_old").loaded == 1
    assert desk.column("SELECT count(first_name) FROM people_versions") == [0]
    assert desk.ends() == ["loaded", "loaded"]
    desk.add_up()


PLANTED = (
    "her number is 000-98-7654",
    "000987654",
    "(555) 017-7123",
    "+15550177123",
    "write to zebulonia@quixworthy.example",
    {"who": NAME},
    [NAME],
    "1-555-017-7123",
    "tel:+1 (555) 017.7123",
    "+49 30 55501 77",
    "+5 5 5-017 71 23",
    "555\u2013017\u20117123 x12",
    "555\u00a0017\u20097123",
    "０００-９８-７６５４",
    "٥٥٥٠١٧٧١٢٣",
    "000\u200b987\u00ad654",
    "zebulonia＠quixworthy",
)


def test_what_identifies_is_kept_in_no_field_of_people(
    archive: Archive, open_desk: OpenDesk
) -> None:
    """Whatever stands where a word of Avon's should; only ids, and what is of staff, are free."""
    desk, lines = open_desk(), []
    for kind, model in OBJECTS.items():
        if kind in ("provider", "support"):
            continue
        for number, value in enumerate(PLANTED):
            about = full_of_her(model, kind) | {"id": f"x_{kind}{number}"}
            for field in columns_of(model):
                if field.column.kind in ("text", "json"):
                    into = about
                    for step in field.path[:-1]:
                        into = into[step]
                    into[field.path[-1]] = value
            for nested in lists_of(model):
                if isinstance(nested.item, type):
                    for field in columns_of(nested.item):
                        if field.column.kind in ("text", "json") and len(field.path) == 1:
                            about[nested.field][0][field.path[0]] = value
                elif nested.item.column.kind in ("text", "json"):
                    about[nested.field] = [value]
            about["surprise"] = value
            lines.append(
                archive.raw({"event": f"{kind}.updated", "created_at": 9, "object": about})
            )
    desk.take(*lines, privacy="limited")
    assert set(desk.ends()) == {"loaded"}
    told = texts_of(desk)
    for word in ("Zebul", "98-7654", "987654", "017-7123", "0177123", "zebulonia"):
        assert word not in told, word
    for word in (*"２٥\u2013\u2011\u2009\u200b", "7123", "55501", "71 23"):
        assert word not in told, word


def test_every_field_says_what_a_limited_store_keeps_of_it() -> None:
    for table in object_tables():
        for column in table.field_columns:
            assert column.in_limited.partition(":")[0] in ("all", "some", "nothing"), column
            if column.privacy == "free_text":
                assert column.in_limited.startswith("nothing")
    kept = {
        (table.name, field.name): field.column.in_limited
        for table in object_tables()
        for field in table.fields
    }
    assert kept["patients", "sex"] == "all: a code of a known list"
    assert kept["tasks", "due_date"].startswith("some: a date")


def test_codes_places_and_dates_stay(archive: Archive, desk: Desk) -> None:
    address = {"city": "Avon", "postal_code": "12345-6789", "state": "OH"}
    her = archive.patient(
        1, sex="248153007", pronouns="she/her", addresses=[address], account="a_1"
    )
    rule = {"by_day": ["MO", "-1FR", 3], "until": "2025-12-01", "interval": "2"}
    visit = {"id": "appt_1", "recurrence_rules": [rule], "timezone": "America/New_York"}
    odd = {"id": "appt_2", "recurrence_rules": [{"by_day": {"name": NAME}, "until": NAME}]}
    desk.take(
        archive.raw(her),
        archive.raw({"event": "appointment.created", "created_at": 1, "object": visit}),
        archive.raw({"event": "appointment.created", "created_at": 2, "object": odd}),
        archive.raw(
            {
                "event": "task.updated",
                "created_at": 3,
                "object": {"id": "t", "due_date": 1740000000000},
            }
        ),
        privacy="limited",
    )
    assert desk.rows("SELECT sex, pronouns, account FROM patients") == [
        ("248153007", "she/her", "a_1")
    ]
    assert desk.rows("SELECT city, postal_code, state FROM patient_addresses") == [
        ("Avon", "12345-6789", "OH")
    ]
    assert desk.rows(
        "SELECT CAST(by_day AS VARCHAR), until, interval FROM appointment_recurrence_rules "
        "ORDER BY ALL"
    ) == [('["MO","-1FR",3]', "2025-12-01", "2"), (None, None, None)]
    assert desk.column("SELECT due_date FROM tasks") == ["1740000000000"]


def test_what_only_looks_like_a_number_of_a_person_stays(archive: Archive, desk: Desk) -> None:
    words = [
        "2025-03-01 10:00:00",
        "12345-6789",
        "3f9ab1c2-1234-5678-9012-3a4b5c6d7e8f",
        "user_123456789",
        "123456789abcdef0123456789abcdef0",
        "Group 12, 2024-2025, 10:00–11:30",
        "Etc/GMT+12",
    ]
    bodies = (archive.patient(n, account=word) for n, word in enumerate(words, 1))
    desk.take(*map(archive.raw, bodies), privacy="limited")
    assert desk.column("SELECT account FROM people_versions ORDER BY occurred_at") == words


def test_drift_is_that_of_a_full_store(archive: Archive, open_desk: OpenDesk) -> None:
    """Also of instants that are not set, and of numbers on both sides of what is a whole one."""
    whole = (10**18, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1)
    numbers = [*map(str, whole), "1" + "0" * 5000, "1e400", "-0.0", "1.5e1", "0.1"]
    zeros = ["0", '"0"', '"-0"', '"1970-01-01T00:00:00Z"', '"1969-12-31T19:00:00-05:00"']
    fields = ", ".join(f'"n{n}": {number}' for n, number in enumerate(numbers))
    lines = [archive.raw(f'{{"event": "x.y", "created_at": 9, {fields}, "object": {{"id": "x"}}}}')]
    for n, zero in enumerate(zeros):
        inner = f'"start_time": {zero}, "status_history": [{{"changed_at": {zero}}}]'
        about = f'{{"id": "v{n}", {inner}, {fields}}}'
        lines.append(
            archive.raw(
                f'{{"event": "appointment.created", "created_at": {zero}, "object": {about}}}'
            )
        )
    found = []
    for privacy in ("full", "limited"):
        desk = open_desk()
        desk.take(*lines, privacy=privacy)
        assert set(desk.ends()) == {"loaded"}
        found.append(desk.rows("SELECT * FROM drift ORDER BY ALL"))
    assert found[0] == found[1]
    assert {row[3] for row in found[1] if row[0] == "instant"} == {
        zero.strip('"') for zero in zeros
    }


def test_an_object_in_place_of_a_text_is_not_shown(archive: Archive, desk: Desk) -> None:
    odd = archive.patient(1, id="user_odd", pronouns={"say": NAME}, account=[NAME], gender="f")
    rule = {"by_day": {"name": NAME}}
    visit = {"id": "appt_1", "recurrence_rules": [rule]}
    desk.take(
        archive.raw(odd),
        archive.raw({"event": "appointment.created", "created_at": 1, "object": visit}),
    )
    for name in ("patients", "people_versions", "appointment_recurrence_rules"):
        assert "Quix" not in desk.store.table(name).to_string()
        assert "Quix" in desk.store.table(name, identifiers=True).to_string()
    assert desk.store.table("patients")["gender"].tolist() == ["f"]
