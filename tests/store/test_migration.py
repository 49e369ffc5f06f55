"""Stores of earlier versions: they are read as they are, and a load brings them up to date."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import StoreError
from avon_analytics.samples import write_sample
from avon_analytics.store.schema import SCHEMA_VERSION

FIRST = (Path(__file__).parent / "version_1.sql").read_text("utf-8")


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    write_sample(tmp_path / "clinic", n_appointments=30)
    return tmp_path / "clinic"


@pytest.fixture
def first(tmp_path: Path, clinic: Path) -> Path:
    """A store of version 1 with one file of an archive in it, as that version stored it."""
    new, old = tmp_path / "new.duckdb", tmp_path / "old.duckdb"
    file = sorted((clinic / "archive").rglob("*.jsonl*"))[0]
    with avon.open(new) as store:
        store.load(file, secrets=clinic / "secrets.toml", progress=False)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{new}' AS new (READ_ONLY)")
        connection.execute(f"ATTACH '{old}' AS old")
        connection.execute("USE old")
        connection.execute(FIRST)
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'old'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f'INSERT INTO "{table}" BY NAME SELECT * FROM new."{table}"')
        connection.execute("UPDATE settings SET value = '1' WHERE name = 'schema_version'")
    return old


def schema_of(path: Path) -> list[tuple[str, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_name NOT LIKE 'kept_%' ORDER BY ALL"
        ).fetchall()


def version_of(path: Path) -> str:
    with duckdb.connect(path, read_only=True) as connection:
        told = "SELECT value FROM settings WHERE name = 'schema_version'"
        return str(connection.execute(told).fetchall()[0][0])


def test_the_first_version_is_read_and_stays_as_it_is(first: Path) -> None:
    before = first.read_bytes()
    with avon.open(first) as store:
        n_events = len(store.table("events"))
        assert n_events > 0
        assert int(store.tables().set_index("table").loc["events", "n_rows"]) == n_events
        assert store.appointments().outcomes()["n_slots"].sum() > 0
    assert first.read_bytes() == before


def test_a_load_brings_the_first_version_up_to_date(first: Path, clinic: Path) -> None:
    with avon.open(first) as store:
        kept = set(store.table("events")["event_id"])
        store.load(clinic / "archive", secrets=clinic / "secrets.toml", progress=False)
        assert kept < set(store.table("events")["event_id"])
        assert len(store.table("forgotten")) == 0
    assert version_of(first) == str(SCHEMA_VERSION)
    with avon.open(clinic / "fresh.duckdb") as store:
        store.load(clinic / "archive", secrets=clinic / "secrets.toml", progress=False)
    assert schema_of(first) == schema_of(clinic / "fresh.duckdb")


def test_what_goes_wrong_leaves_the_first_version(first: Path, clinic: Path) -> None:
    with duckdb.connect(first) as connection:
        connection.execute("CREATE TABLE forgotten (unexpected INTEGER)")
    with avon.open(first) as store, pytest.raises(StoreError):
        store.load(clinic / "archive", secrets=clinic / "secrets.toml", progress=False)
    assert version_of(first) == "1"
