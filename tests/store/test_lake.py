"""A lake is what the store was, seen whole or not at all."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.lake import newest_state, publish, state_numbers
from avon_analytics.store.trouble import store_error
from tests.conftest import Loaded


@pytest.fixture(scope="module")
def lake(tiny: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with avon.open(tiny.db) as store:
        return store.write_lake(tmp_path_factory.mktemp("lakes") / "lake")


def test_it_has_the_tables_and_figures_of_the_store(tiny: Loaded, lake: Path) -> None:
    with avon.open(lake) as read, avon.open(tiny.db) as store:
        assert read.tables().equals(store.tables())
        found, expected = (one.appointments().outcomes("host", "month") for one in (read, store))
        assert found.equals(expected)
        with pytest.raises(StoreError, match="only read"):
            read.load(tiny.archive, policy="skip", progress=False)
    assert stat.S_IMODE(lake.stat().st_mode) == 0o700


def test_each_month_has_a_folder(lake: Path) -> None:
    state = newest_state(lake)
    assert state is not None
    with avon.open(lake) as read:
        rows = read.sql("SELECT DISTINCT strftime(occurred_at, '%Y-%m') AS month FROM events")
    assert set(state.tables["events"]) == set(rows["month"])
    assert len(rows) > 1


def test_writing_again_keeps_two_states_and_their_files(tiny: Loaded, tmp_path: Path) -> None:
    with avon.open(tiny.db) as store:
        for _ in range(4):
            store.write_lake(tmp_path / "lake")
    assert state_numbers(tmp_path / "lake") == [3, 4]
    state = newest_state(tmp_path / "lake")
    assert state is not None
    n_files = sum(len(state.files(table)) for table in state.tables)
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == 2 * n_files


def test_an_open_lake_shows_the_new_state(tiny: Loaded, tmp_path: Path) -> None:
    with avon.open(tiny.db) as store, avon.open(tmp_path / "lake") as read:
        store.write_lake(tmp_path / "lake")
        before, rows = read.appointments().outcomes(), read.sql("FROM events ORDER BY event_id")
        assert read.sql("FROM events ORDER BY event_id").equals(rows)
        assert len(rows) > 1
        store.write_lake(tmp_path / "lake")
        store.write_lake(tmp_path / "lake")  # the files that were read before are gone
        assert read.appointments().outcomes().equals(before)
        assert read.sql("FROM events ORDER BY event_id").equals(rows)


def test_of_two_writers_one_is_kept(lake: Path) -> None:
    state = newest_state(lake)
    assert state is not None
    with pytest.raises(StoreError, match="another process"):
        publish(lake, replace(state, settings={}))
    assert newest_state(lake) == state


def test_a_damaged_state_is_told(tiny: Loaded, tmp_path: Path) -> None:
    with avon.open(tiny.db) as store:
        lake = store.write_lake(tmp_path / "lake")
    (lake / "_states" / "000001.json").write_text("{", "utf-8")
    with avon.open(lake) as read, pytest.raises(StoreError, match="damaged"):
        read.tables()


def test_a_lake_of_a_limited_store_says_so(tiny: Loaded, tmp_path: Path) -> None:
    with avon.open(tmp_path / "limited.duckdb") as store:
        store.load(tiny.archive, policy="skip", privacy="limited", progress=False)
        lake = store.write_lake(tmp_path / "lake")
    with avon.open(lake) as read:
        assert "a limited data set" in repr(read)
        assert read.sql("SELECT count(first_name) AS n FROM patients")["n"].tolist() == [0]


def test_a_store_in_memory_writes_none(tmp_path: Path) -> None:
    with avon.open(":memory:") as store:
        with pytest.raises(StoreError, match="in memory writes no files"):
            store.write_lake(tmp_path / "lake")
        assert not (tmp_path / "lake").exists()


def test_a_lake_begins_in_a_folder_of_its_own(
    tiny: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of another lake were taken for its own that nobody needs any more, and removed."""
    theirs = tmp_path / "theirs" / "events" / "2025" / "theirs.parquet"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    (tmp_path / "theirs" / "archive.jsonl").touch()
    with avon.open(tiny.copy(tmp_path / "store.duckdb")) as store:
        with pytest.raises(
            UsageError, match=r"archive\.jsonl stands in it: name a new or an empty"
        ):
            store.write_lake(tmp_path / "theirs")
        assert theirs.read_bytes() == b"theirs"
        monkeypatch.chdir(tmp_path)
        for url in ("s3://bucket/lake", "hdfs://host/lake"):
            with pytest.raises(UsageError, match="its path is no URL"):
                store.write_lake(url)
        (tmp_path / "begun" / "events" / "month=2025-01").mkdir(parents=True)
        assert (store.write_lake("begun") / "_states").is_dir()  # as a killed process leaves it
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(StoreError, match="no permission"):
            store.write_lake("begun")
    with pytest.raises(UsageError, match="its path is no URL"):
        avon.open("s3://bucket/store.duckdb")
    assert not (tmp_path / "s3:").exists()


def test_a_lake_is_no_archive(lake: Path, tmp_path: Path) -> None:
    with (
        avon.open(tmp_path / "store.duckdb") as store,
        pytest.raises(UsageError, match="is a lake: name the archive"),
    ):
        store.load(lake, policy="skip", progress=False)


def test_what_the_engine_says_of_a_lake_is_no_word_on_folders(lake: Path) -> None:
    told = str(store_error(str(lake), duckdb.CatalogException("Table with name x does not exist")))
    assert told == f"cannot use {lake}: the engine refused (CatalogException)"
    other = str(store_error(str(lake.parent), duckdb.IOException("Could not read from file")))
    assert other.startswith(f"{lake.parent} is a folder, and a store is a file: name one, such as")
