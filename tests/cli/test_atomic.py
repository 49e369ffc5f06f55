"""Killed or out of space at any moment: the store opens, holds whole files, and a rerun ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.store.tables import LOG_TABLES, object_tables

pytestmark = pytest.mark.kill
# Loaded line by line, so that there are many moments; elsewhere small files share a transaction.
TINY_BATCHES = 2_000
# `make kills` sets 200.
KILLS = int(os.environ.get("AVON_ANALYTICS_KILLS", "20"))
# In the log of what was done, which load did it may differ; what was done may not.
BY_LOAD = ("archive_files", "deliveries", "quarantine")


def whole_files(db: Path, tiny: Any) -> set[str]:
    """The files of a store, after checking that each is there whole."""
    known = {file.file: file for file in tiny.receipt.files}
    with avon.open(db) as store, store._database.reading() as connection:
        files = store.table("archive_files")
        found = connection.sql(
            "SELECT file, count(*) FILTER (WHERE ended = 'loaded') AS loaded, "
            "count(*) FILTER (WHERE ended = 'duplicate') AS duplicate, "
            "count(*) FILTER (WHERE ended = 'quarantined') AS quarantined "
            "FROM deliveries GROUP BY file"
        )
        ended = found.df().set_index("file")
        n_events, n_quarantined = len(store.table("events")), len(store.table("quarantine"))
    for row in files.to_dict("records"):
        assert row["lines"] == known[row["file"]].lines
        for how in ("loaded", "duplicate", "quarantined"):
            told = int(ended[how].get(row["file"], 0))
            assert told == row[how], (row["file"], how)
    assert set(ended.index) <= set(files["file"])
    assert n_events == files["loaded"].sum()
    assert n_quarantined == files["quarantined"].sum()
    return set(files["file"])


def assert_same(db: Path, other: Path) -> None:
    """Two stores hold the same, the numbers of their loads aside."""
    with duckdb.connect() as connection:
        for name, path in (("one", db), ("two", other)):
            connection.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
        for table in (*(t.versions for t in object_tables()), *(log.name for log in LOG_TABLES)):
            if table == "loads":
                continue
            columns = "* EXCLUDE (load_id)" if table in BY_LOAD else "*"
            for a, b in (("one", "two"), ("two", "one")):
                ((n,),) = connection.execute(
                    f"SELECT count(*) FROM (SELECT {columns} FROM {a}.{table} "
                    f"EXCEPT ALL SELECT {columns} FROM {b}.{table})"
                ).fetchall()
                assert n == 0, table


def test_killed_at_random_moments(run: Any, tiny: Any) -> None:
    random, load = Random(20260101), ("load", tiny.archive, "--secrets-file", tiny.secrets)
    whole = run(*load, "--db", run.folder / "whole.duckdb", batch_bytes=TINY_BATCHES)
    assert whole.code == 0
    killed = 0
    states = set()
    for number in range(KILLS // 4):
        db = run.folder / f"killed-{number}.duckdb"
        before: set[str] = set()
        for share in (0.3, 0.9, 0.3, 0.6):  # early, to kill for sure; late, to have something done
            # Mostly in small steps, sometimes as users load: all small files in one transaction.
            batches = TINY_BATCHES if random.random() < 0.8 else 0
            ended = run(
                *load,
                "--db",
                db,
                batch_bytes=batches,
                kill_after=random.uniform(0.02, share * whole.seconds),
            )
            killed += ended.code == -9
            if db.exists():
                after = whole_files(db, tiny)
                assert before <= after, "what was finished stays"
                before = after
                states.add(len(after))
        assert run(*load, "--db", db).code == 0
        assert_same(db, tiny.db)
        assert not Path(f"{db}.wal").exists()
    print(f"{killed} of {KILLS} loads were killed, in {len(states)} states")
    assert killed >= KILLS * 0.4, "the kills came too late to prove anything"
    assert len(states) >= 2


def test_killed_while_the_store_is_made(run: Any, tiny: Any) -> None:
    """A store that was never finished is no store: the next load makes it."""
    db = run.folder / "new.duckdb"
    for after in (0.01, 0.03, 0.06, 0.09, 0.13):
        run("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", db, kill_after=after)
        told = run("tables", "--db", db)
        assert told.code == (0 if db.exists() else 4)
        assert "Traceback" not in told.err
    assert run("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", db).code == 0
    assert_same(db, tiny.db)


def _load_some(run: Any, tiny: Any, db: Path) -> set[str]:
    """A first load, of a third of the archive."""
    assert run("load", tiny.archive / "2024", "--secrets-file", tiny.secrets, "--db", db).code == 0
    return whole_files(db, tiny)


def test_no_room_for_a_new_store(run: Any, tiny: Any) -> None:
    load = ("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", "new.duckdb")
    for limit in (5_000, 100_000, 700_000):
        told = run(*load, file_limit=limit)
        assert (told.code, told.out) == (4, "")
        assert told.is_told_in_a_sentence
        assert "the disk is full; what was finished before stays" in told.err
        assert not [path for path in run.folder.iterdir() if "duckdb" in path.name]
    assert run(*load).code == 0
    assert_same(run.folder / "new.duckdb", tiny.db)


@pytest.mark.parametrize("batch_bytes", [0, TINY_BATCHES])
def test_no_room_for_more_lines(run: Any, tiny: Any, batch_bytes: int) -> None:
    db = run.folder / "some.duckdb"
    before = _load_some(run, tiny, db)
    load = ("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", db)
    told = run(*load, file_limit=40_000, batch_bytes=batch_bytes)
    assert (told.code, told.out) == (4, "")
    assert told.is_told_in_a_sentence
    assert "the disk is full" in told.err
    after = whole_files(db, tiny)
    assert before <= after < {file.file for file in tiny.receipt.files}
    assert run(*load).code == 0
    assert_same(db, tiny.db)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB, where the machine lets us mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here; a limit on files stands in for it")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert filler.stat().st_size < 16 << 20


def test_a_full_disk(run: Any, tiny: Any, small_disk: Path) -> None:
    db = small_disk / "some.duckdb"
    before = _load_some(run, tiny, db)
    filler = small_disk / "filler"
    _fill(filler)
    load = ("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", db)
    told = run(*load, batch_bytes=TINY_BATCHES)
    assert (told.code, told.is_told_in_a_sentence) == (4, True)
    assert "the disk is full" in told.err
    told = run("outcomes", "--db", db, "--format", "csv", "--out", small_disk / "out.csv")
    assert (told.code, told.is_told_in_a_sentence) == (2, True)
    filler.unlink()
    assert before <= whole_files(db, tiny)
    assert {path.name for path in small_disk.iterdir()} <= {"some.duckdb", "some.duckdb.wal"}
    assert run(*load).code == 0
    assert_same(db, tiny.db)
