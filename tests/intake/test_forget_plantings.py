"""Somebody's words planted in every field of every object type, and looked for byte by byte."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.contract.values import Column
from avon_analytics.intake.person.rows import is_own
from avon_analytics.store.tables import ObjectTable, object_tables
from tests.intake.test_forget import bytes_around

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, OpenDesk

BARE = "5f2c9a7b1e3d4f60a1b2c3d4e5f60718"
HER = f"user_{BARE}"
PERSON = {
    "id": HER,
    "first_name": "Zebulonia",
    "last_name": "Quixwörthy",
    "email": "zebq@mail.example",
    "phone": "+1 555 830 4711",
    "ssn": "078-05-1120",
    "mrn": "MRNX88123",
}
SPELLINGS = (
    f"chart_user_{BARE}.pdf",
    f"{HER.upper()}-2024",
    f"x{BARE}y",
    "quixwörthy, ZEBULONIA",
    "letter_zebulonia_quixwo\u0308rthy.docx",
    "write to ZEBQ@mail.example",
    "(555) 830 4711",
    "ssn 078051120",
    "mrnx88123",
    base64.b64encode("Zebulonia Quixwörthy".encode()).decode(),
    json.dumps("Quixwörthy Zebulonia"),
)
TRACES = ("zebulonia", "quixw", BARE, "zebq@", "8304711", "830 4711", "078051120", "mrnx88123")
AT = 1_740_000_000_000


def assert_in_no_byte(folder: Path) -> None:
    raw = bytes_around(folder)
    there = [
        (spelled, codec)
        for trace in TRACES
        for spelled in (trace, trace.upper(), trace.title())
        for codec in ("utf-8", "utf-16-le", "utf-16-be")
        if spelled.encode(codec) in raw
    ]
    coded = [base64.b64encode(b" " * n + b"Zebulonia Quix")[4:-4] for n in range(3)]
    assert there == []
    assert [one for one in coded if one in raw] == []


def planted(table: ObjectTable, text: str, ids: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects of a type, one for each field that takes texts, with the text in that field."""
    found = []
    for field in table.fields:
        column: Column = field.column
        is_own_id = field.path == ("id",) and table.parent is None
        if column.kind not in ("text", "json", "id") or is_own_id:
            continue
        if is_own(table, field) and BARE not in text.lower():
            continue  # another's own name, address or number
        value: Any = text
        if column.kind == "json":
            value = {"deep": [{"note": text, "well": 1}], text: 2}
        here: Any = value
        for key in reversed(field.path):
            here = {key: here}
        if table.parent is None:
            found.append({**ids, **here})
        else:
            item = here if table.model is not None else value
            found.append({**ids, table.list_field: [item]})
    if table.model is not None:
        extra = {f"of {text}": 1, "unheard_of": {"who": text}, "stays": 7}
        found.append({**ids, **(extra if table.parent is None else {table.list_field: [extra]})})
    return found


EVENTS = {
    "patient": "patient.updated",
    "provider": "provider.updated",
    "support": "support.updated",
    "appointment": "appointment.created",
    "message": "message.created",
    "care_team": "care_team.updated",
    "document": "document.created",
    "task": "task.updated",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "avon.duckdb"


def every_planting(archive: Archive) -> list[str]:
    lines, ms = [], AT
    draw = random.Random(11)

    def tell(event: str, about: dict[str, Any], **more: Any) -> None:
        nonlocal ms
        ms += 60_000
        lines.append(archive.raw({"event": event, "created_at": ms, "object": about, **more}))

    tell("patient.created", PERSON)
    number = 0
    for table in object_tables():
        for spelling in draw.sample(SPELLINGS, 3):
            number += 1
            prefix = "user" if table.object_type in ("patient", "provider", "support") else "o"
            ids = {"id": f"{prefix}_{number:032x}"}
            for about in planted(table, spelling, ids):
                tell(EVENTS[table.object_type], about)
    for spelling in SPELLINGS:
        number += 1
        tell("visit.noted", {"id": f"vst_{number}", "about": [{"text": spelling}], spelling: 1})
        tell("visit.noted", {"id": f"vst_{spelling}"})
        tell("task.updated", {"id": f"task_{number}"}, unheard_of=spelling)
    return lines


def test_in_no_byte_of_the_store_stands_a_word_of_hers(
    archive: Archive, open_desk: OpenDesk, place: Path
) -> None:
    desk = open_desk(place)
    lines = every_planting(archive)
    refused = [
        json.dumps({"body": json.dumps({"event": "x", "object": {"note": one}})}).encode(codec)
        for one in SPELLINGS
        for codec in ("utf-8", "utf-16-le", "utf-16-be")
    ]
    archive.folder.mkdir(parents=True, exist_ok=True)
    (archive.folder / f"{HER}-export.jsonl").write_text("\n".join(lines) + "\n")
    (archive.folder / "refused.jsonl").write_bytes(b"\n".join(refused) + b"\n")
    (archive.folder / "zebulonia quixwörthy.jsonl").write_text("nothing\n")
    desk.load(archive.folder)
    assert BARE.encode() in bytes_around(place.parent)
    quarantined = desk.column("SELECT count(*) FROM quarantine WHERE content IS NOT NULL")
    done = desk.store.forget(f" {HER.upper()}")
    assert done.files == 2
    assert done.reasons["id"] >= 3
    assert done.reasons["name or number"] >= 3
    assert done.withheld >= len(refused)
    assert quarantined[0] > 0
    assert_in_no_byte(place.parent)
    left = desk.column("SELECT CAST(extra AS VARCHAR) FROM tasks_versions WHERE extra IS NOT NULL")
    assert '{"stays":7}' in left or any("stays" in one for one in left)
    told = json.dumps(desk.store.forget(HER).as_dict())
    assert "false" in told, "a second time nothing is found"

    # The archive comes again in other files: what is known by the id does not.
    again = [
        archive.raw({"event": "patient.updated", "created_at": AT - n, "object": about})
        for n, about in enumerate(
            {"id": f"user_{n:032x}", key: spelled}
            for n, spelled in enumerate((f" {HER.upper()}", BARE, f"pat_{BARE}", f"x-{BARE}.pdf"))
            for key in ("caregiver", "note", "account", "nobody_knows")
        )
    ]
    (archive.folder / f"again-{BARE}.jsonl").write_text("\n".join(again) + "\n")
    desk.load(archive.folder)
    raw = bytes_around(place.parent).lower()
    assert BARE.encode() not in raw
    assert desk.load(archive.folder).files_unchanged == 4
