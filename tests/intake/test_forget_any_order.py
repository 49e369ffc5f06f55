"""Before a load, between two or after it: who is forgotten leaves the same store behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.intake.archive.lines import FileReader
from avon_analytics.store.frames import frame
from avon_analytics.store.tables import object_tables

TABLES = (*(table.versions for table in object_tables()), "other_objects")


def content(store: avon.Store) -> dict[str, str]:
    """All rows of a store, sorted; of events, those that forgetting and loading must agree on."""
    queries = {name: f'SELECT * FROM "{name}" ORDER BY ALL' for name in TABLES}
    queries["events"] = "SELECT * EXCLUDE (extra) FROM events ORDER BY event_id"
    with store._database.reading() as connection:
        return {name: frame(connection, query).to_csv() for name, query in queries.items()}


def adds_up(store: avon.Store) -> bool:
    """Whether the sums of the log agree with where each line ended."""
    query = """SELECT
        (SELECT sum(lines) FROM archive_files) = (SELECT sum(lines) FROM loads)
        AND (SELECT sum(lines - blank) FROM archive_files) = (SELECT count(*) FROM deliveries)
        AND (SELECT count(*) FROM quarantine)
            = (SELECT count(*) FROM deliveries WHERE ended = 'quarantined')
        AND (SELECT sum(loaded) FROM archive_files) = (SELECT count(*) FROM events)
        AND (SELECT sum(loaded + duplicate) FROM archive_files)
            = (SELECT sum(n_deliveries) FROM events) AS adds_up"""
    return bool(store.sql(query)["adds_up"][0])


def lines_of(archive: Path) -> Iterator[bytes]:
    for path in sorted(archive.rglob("*.json*")):
        with closing(FileReader(str(path))) as reader:
            for batch in reader.batches():
                yield from map(batch.content, range(len(batch)))


def backwards(value: Any) -> Any:
    """The same with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: backwards(inner) for key, inner in reversed(value.items())}
    return [backwards(one) for one in value] if isinstance(value, list) else value


def test_what_was_forgotten_is_not_told_anew_in_another_spelling(tiny: Any, tmp_path: Path) -> None:
    again = tmp_path / "again.jsonl"
    with again.open("w") as out:
        for line in lines_of(tiny.archive):
            with suppress(ValueError, KeyError, TypeError):
                sent = json.loads(line)
                body = json.dumps(backwards(json.loads(sent["body"])))
                out.write(json.dumps({**sent, "body": body}) + "\n")
    how: dict[str, Any] = {"secrets": tiny.secrets, "policy": "record", "progress": False}
    late, early = avon.open(":memory:"), avon.open(":memory:")
    late.load(tiny.archive, **how)
    gone = sorted(
        set(late.table("patients")["id"]) & set(late.table("appointment_attendees")["attendee"])
    )[:3]
    digests = set(late.sql("SELECT body_digest FROM events")["body_digest"])
    late.load(again, **how)
    assert set(late.sql("SELECT body_digest FROM events")["body_digest"]) == digests
    for person in gone:
        assert late.forget(person).events > 0
    early.load(tiny.archive, **how)
    for person in gone:
        early.forget(person)
    early.load(again, **how)
    expected, found = content(late), content(early)
    assert [name for name in found if found[name] != expected[name]] == []
    assert adds_up(early)
    assert not any(person in text for person in gone for text in found.values())


def visitors(tiny: Any) -> list[str]:
    """The patients of the clinic who took part in anything."""
    with avon.open(tiny.db) as whole:
        seen = set(whole.table("appointment_attendees")["attendee"])
        return sorted(set(whole.table("patients")["id"]) & seen)


@pytest.fixture(scope="module")
def three_gone(tiny: Any) -> tuple[list[str], dict[str, str]]:
    """Three people, and what a store holds that was loaded whole before they were forgotten."""
    gone = Random(0).sample(visitors(tiny), 3)
    late = avon.open(":memory:")
    late.load(tiny.archive, secrets=tiny.secrets, progress=False)
    assert sum(late.forget(person).events for person in gone) >= 5
    assert adds_up(late)
    return gone, content(late)


@pytest.mark.parametrize("seed", range(2))
def test_the_moment_does_not_matter(
    tiny: Any, three_gone: tuple[list[str], dict[str, str]], tmp_path: Path, seed: int
) -> None:
    """One is forgotten before anything was loaded, the others between two loads each."""
    random = Random(seed)
    gone, expected = three_gone
    files = sorted(str(p) for p in tiny.archive.rglob("*") if ".json" in p.name)
    random.shuffle(files)
    cuts = sorted(random.sample(range(1, len(files) - 1), 2))
    parts = [files[: cuts[0]], files[cuts[0] : cuts[1]], files[cuts[1] :]]
    store = avon.open(tmp_path / "avon.duckdb")
    (tmp_path / "empty.jsonl").touch()
    store.load(tmp_path / "empty.jsonl", policy="skip", progress=False)
    for person, part in zip([*gone[seed:], *gone[:seed]], parts, strict=True):
        store.forget(person)
        store.load(part, secrets=tiny.secrets, progress=False)
    found = content(store)
    assert [name for name in found if found[name] != expected[name]] == []
    assert adds_up(store)
    for person in gone:
        assert person.removeprefix("user_").encode() not in Path(store.path).read_bytes()
