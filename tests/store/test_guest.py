"""A library is a guest in its process: it changes nothing there, and its files are private."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import AvonError, StoreError, UsageError
from avon_analytics.store import journal
from avon_analytics.store.database import Database
from avon_analytics.store.private import PrivateFolder, remove_leftovers
from avon_analytics.store.trouble import store_error
from avon_analytics.whole_file import write_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def store(tmp_path: Path, tiny: Any) -> Iterator[avon.Store]:
    with avon.open(tiny.copy(tmp_path / "guest.duckdb")) as found:
        yield found


# What the process is


def test_no_call_touches_the_umask_or_the_signals(
    tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("the process is not ours")

    monkeypatch.setattr(os, "umask", never)
    monkeypatch.setattr(os, "chdir", never)
    monkeypatch.setattr("signal.signal", never)
    environment = dict(os.environ)
    with avon.open(tmp_path / "a.duckdb") as store:
        store.load(tiny.archive, secrets=tiny.secrets, progress=False)
        store.sql("SELECT 1")
        store.appointments().outcomes()
        store.quarantine.export(tmp_path / "lines.jsonl")
        store.forget("user_nobody0000000000000000000000")
    assert dict(os.environ) == environment


def test_a_journal_stays_private_when_it_is_made_anew(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.duckdb")
    place = journal.journal_of(os.path.realpath(tmp_path / "a.duckdb"))
    with umask(0), database.writing() as connection:
        for n in range(3):
            connection.execute("INSERT INTO settings VALUES ($n, 'x')", {"n": str(n)})
            assert (mode(place), place.stat().st_size > 0) == (0o600, True)
            journal.shorten(connection, limit=0)
            assert (mode(place), place.stat().st_size) == (0o600, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.duckdb"]


def test_a_journal_does_not_grow_with_the_load(
    tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine does not write it into the store by itself; the loader asks after each file."""
    asked: list[None] = []
    shorten = journal.shorten
    monkeypatch.setattr(journal, "shorten", lambda connection: asked.append(shorten(connection, 0)))
    with avon.open(tmp_path / "a.duckdb") as store:
        store.load(tiny.archive, secrets=tiny.secrets, progress=False)
    assert asked


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    place = str(tmp_path / "a.duckdb")
    Database(place).writing().__enter__()  # a store, as a side effect
    living = PrivateFolder(place)
    (living.make() / "spilled").write_text("x")
    folder = Path(f"{place}.tmp")
    (folder / "duckdb_temp_storage-0.tmp").write_text("x")
    left = folder / ("0123" * 8)
    left.mkdir()
    (left / "new.duckdb").write_text("x")
    (folder / "letter.txt").write_text("somebody's own")
    other = tmp_path / "b.duckdb.tmp"
    other.mkdir()
    remove_leftovers(place)
    assert {path.name for path in folder.iterdir()} == {living.path.name, "letter.txt"}
    assert other.is_dir()
    (folder / "letter.txt").unlink()
    living.remove()
    assert not folder.exists()


def test_the_next_load_removes_the_folder_of_a_killed_one(tmp_path: Path, store: Any) -> None:
    folder = Path(f"{store.path}.tmp")
    folder.mkdir()
    (folder / "duckdb_temp_storage-0.tmp").write_text("Quillfeather")
    store.table("events")
    assert folder.exists(), "another reader's, perhaps"
    (tmp_path / "more.jsonl").write_text("")
    store.load(tmp_path / "more.jsonl", policy="skip", progress=False)
    assert not folder.exists()


_SPILL = """
import os, sys, time
from avon_analytics.store.database import Database
os.umask(0)
with Database(sys.argv[1], memory_limit="90MB", threads=1).writing() as connection:
    connection.execute("CREATE TEMP TABLE big AS SELECT i, md5(i::VARCHAR) AS a, "
                       "sha256(i::VARCHAR) AS b FROM range(1500000) t(i)")
    print("spilled", flush=True)
    time.sleep(60)
"""


def test_nobody_else_reads_what_is_spilled_and_a_kill_leaves_it_for_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", _SPILL, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "spilled\n"
        (own,) = Path(f"{path}.tmp").iterdir()
        assert list(own.iterdir()), "nothing was spilled: give the test less memory"
        assert (mode(own.parent), mode(own)) == (0o700, 0o700)
        process.kill()
        process.wait()
    assert own.is_dir()
    with Database(path).writing():
        assert not own.exists()


def test_two_who_spill_do_not_share_their_files(tmp_path: Path) -> None:
    path, query = tmp_path / "a.duckdb", "SELECT count(*), sum(i) FROM big"
    databases = [Database(path, memory_limit="90MB", threads=1) for _ in range(2)]
    for n, database in enumerate(databases):
        with database.writing() as connection:
            connection.execute(
                "CREATE TEMP TABLE big AS SELECT $n AS i, md5(j::VARCHAR) AS a, "
                "sha256(j::VARCHAR) AS b FROM range(1200000) t(j)",
                {"n": n},
            )
    for n, database in enumerate(databases):
        with database.reading() as connection:
            assert connection.execute(query).fetchall() == [(1_200_000, n * 1_200_000)]
        database.close()
    assert [one.name for one in tmp_path.iterdir()] == ["a.duckdb"]


# Threads


def test_one_store_serves_several_threads(store: avon.Store) -> None:
    wanted = store.appointments().outcomes().to_dict()
    n = len(store.table("events"))

    def ask(nth: int) -> bool:
        if nth % 4 == 0:
            return store.appointments().outcomes().to_dict() == wanted
        if nth % 4 == 1:
            return store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [n]
        if nth % 4 == 2:
            return len(store.table("events")) == n
        return "events" in repr(store)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(24))) == [True] * 24


def test_two_stores_of_one_file_and_a_load_take_turns(tmp_path: Path, tiny: Any) -> None:
    path = tmp_path / "a.duckdb"

    def load(_: int) -> int:
        with avon.open(path) as store:
            receipt = store.load(tiny.archive, secrets=tiny.secrets, progress=False)
            return receipt.loaded + len(store.table("events"))

    with ThreadPoolExecutor(3) as pool:
        counts = sorted(pool.map(load, range(3)))
    n = tiny.receipt.loaded
    assert counts == [n, n, 2 * n]


def test_a_thread_waits_for_one_that_writes_as_long_as_it_said(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.duckdb")
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        with database.writing():
            written.set()
            done.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert written.wait(30)
        other = Database(tmp_path / "a.duckdb", wait=0)
        with pytest.raises(StoreError, match="this very process"), other.reading():
            pass
    finally:
        done.set()
        thread.join()
    with other.reading():
        pass


# Closed and damaged


def test_a_closed_store_says_so(store: avon.Store, tiny: Any) -> None:
    visits = store.appointments()
    store.close()
    store.close()
    asks: list[Any] = [
        store.tables,
        lambda: store.table("events"),
        lambda: store.sql("SELECT 1"),
        store.quality,
        store.quarantine.lines,
        store.appointments,
        visits.outcomes,
        lambda: store.load(tiny.archive, policy="skip", progress=False),
        lambda: store.forget("user_x"),
        lambda: store.time_zone,
    ]
    for ask in asks:
        with pytest.raises(AvonError) as told:
            ask()
        assert "closed" in str(told.value)
    assert "closed" in repr(store)
    assert "closed" in store._repr_html_()


@pytest.mark.parametrize("where", [":memory:", "a.duckdb"])
def test_a_store_that_was_never_used_is_closed_as_well(tmp_path: Path, where: str) -> None:
    store = avon.open(where if where == ":memory:" else tmp_path / where)
    store.close()
    assert "closed" in repr(store)
    with pytest.raises(StoreError, match="closed"):
        store.tables()


def _damage(path: Path, nth: int) -> None:
    data = bytearray(path.read_bytes())
    size = len(data)
    if nth == 0:
        del data[size // 2 :]
    elif nth == 1:
        del data[12288 + 1000 :]
    elif nth == 2:
        data[12288:] = bytes(size - 12288)
    else:
        for place in range(12288 + 4096 * nth, size, 262_144):
            data[place : place + 64] = bytes(byte ^ 0xFF for byte in data[place : place + 64])
    path.write_bytes(data)


@pytest.mark.parametrize("nth", range(5))
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, tiny: Any, nth: int) -> None:
    path = tiny.copy(tmp_path / "a.duckdb")
    _damage(path, nth)
    store = avon.open(path)
    for ask in (
        store.tables,
        lambda: store.appointments().outcomes(),
        store.quality,
        lambda: store.sql("SELECT * FROM events"),
        lambda: store.load(tiny.archive, secrets=tiny.secrets, progress=False, recheck=True),
    ):
        with pytest.raises(StoreError) as told:
            ask()
        assert "is damaged" in str(told.value)
        assert "load it into a new file" in str(told.value)
    assert "damaged" in repr(store)
    store.close()


# What is said, and files of results


@pytest.mark.parametrize("name", ["disk", "no space left", "permission denied", "magic bytes"])
@pytest.mark.parametrize("within", ["{folder}/a.duckdb", '{folder}/it\'s "{name}".duckdb'])
def test_words_of_a_path_are_no_reason(tmp_path: Path, name: str, within: str) -> None:
    folder = tmp_path / f"{name} (PID 7)"
    folder.mkdir()
    path = within.format(folder=folder, name=name)
    error = duckdb.IOException(f'IO Error: Cannot open file "{path}": Something else')
    assert "the engine refused" in str(store_error(path, error))
    busy = duckdb.IOException(
        f'IO Error: Could not set lock on file "{path}": Conflicting lock is held in /x (PID 12).'
    )
    assert "another process (PID 12)" in str(store_error(path, busy))


@pytest.mark.parametrize("where", ["a?b.duckdb", "a?b/c.duckdb", "a\\b.duckdb"])
def test_a_path_that_the_engine_reads_otherwise_is_refused_by_all(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "a?b").mkdir()
    with pytest.raises(UsageError, match="cannot hold"):
        avon.open(tmp_path / where)


@pytest.mark.parametrize("name", ["a#b.duckdb", "md:x", ":memory:x", "%41.duckdb", "[a]*.duckdb"])
def test_any_other_path_works_for_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.jsonl").write_text(
        json.dumps({"event": "patient.updated", "created_at": 1, "object": {"id": "user_a"}})
    )
    with avon.open(name) as store:
        assert store.load("one.jsonl", policy="skip", progress=False).loaded == 1
        assert store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [1]
        assert len(store.table("events")) == 1
        store.forget("user_a")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "one.jsonl"])


def test_a_result_is_not_written_through_a_planted_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    out = tmp_path / "out.csv"
    (tmp_path / f".out.csv.part-{os.getpid()}").symlink_to(kept)
    write_whole(out, lambda part: part.write_text("x"))
    assert (kept.read_text(), out.read_text()) == ("mine", "x")

    names: list[str] = []

    def both(part: Path) -> None:
        names.append(part.name)
        if len(names) == 1:
            write_whole(out, both)
        part.write_text("y")

    write_whole(out, both)
    assert len(set(names)) == 2, "two that write one file at once have a part file each"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(
        ["kept", "out.csv", f".out.csv.part-{os.getpid()}"]
    )


def test_a_result_keeps_the_mode_of_what_it_replaces(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with umask(0o022):
        write_whole(out, lambda part: part.write_text("x"))
        assert mode(out) == 0o644
        out.chmod(0o640)
        write_whole(out, lambda part: part.write_text("x"))
        assert mode(out) == 0o640
        write_whole(out, lambda part: part.write_text("x"), is_raw=True)
        assert mode(out) == 0o600


def test_a_finished_load_keeps_its_receipt_whatever_comes_after(
    tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise duckdb.OutOfMemoryException("no room for slots")

    monkeypatch.setattr("avon_analytics.appointments.slots.stored_slots.content", fail)
    monkeypatch.setattr("avon_analytics.appointments.slots.stored_slots.FROM", 1)
    with avon.open(tmp_path / "a.duckdb") as store:
        receipt = store.load(tiny.archive, secrets=tiny.secrets, progress=False)
    assert receipt.loaded == tiny.receipt.loaded
    assert receipt.as_dict()["slots_kept"] is False
    assert "slots could not be kept" in str(receipt)
    assert tiny.receipt.slots_kept
    assert "slots" not in str(tiny.receipt)
