"""The life of a store file: made whole, held briefly, private, and never half of anything."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.database import Database
from avon_analytics.store.schema import SCHEMA_VERSION


@contextmanager
def umask(value: int) -> Iterator[None]:
    previous = os.umask(value)
    try:
        yield
    finally:
        os.umask(previous)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def make(path: Path, **options: Any) -> Database:
    database = Database(path, **options)
    with database.writing():
        pass
    return database


# Made


def test_a_new_store_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    make(tmp_path / "new.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["new.duckdb"]
    with Database(tmp_path / "new.duckdb").reading() as connection:
        found = connection.execute("SELECT * FROM settings ORDER BY name").fetchall()
        assert found == [("schema_version", str(SCHEMA_VERSION)), ("time_zone", "UTC")]
        assert connection.execute("SELECT count(*) FROM patients").fetchall() == [(0,)]


def test_a_store_that_cannot_be_made_whole_is_not_made(tmp_path: Path) -> None:
    def fail(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("SELECT * FROM no_such_table")

    database = Database(tmp_path / "new.duckdb", on_create=fail)
    with pytest.raises(StoreError), database.writing():
        pass
    assert list(tmp_path.iterdir()) == []
    assert not database.exists


def test_each_new_store_is_empty_and_in_its_own_zone(tmp_path: Path) -> None:
    """The second of a kind is a copy of the first as it was made, not as it has become."""

    def of_whom(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("INSERT INTO settings VALUES ('made_by', 'another')")

    def settings(name: str, **options: Any) -> tuple[Database, dict[str, str]]:
        database = make(tmp_path / name, **options)
        with database.reading() as connection:
            rows = connection.execute("SELECT name, value FROM settings").fetchall()
        return database, dict(rows)

    new = {"schema_version": str(SCHEMA_VERSION), "time_zone": "UTC"}
    first, found = settings("first.duckdb")
    assert found == new
    with first.writing() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', 'b')")
    second, found = settings("second.duckdb")
    assert found == new
    assert mode(tmp_path / "second.duckdb") == 0o600
    with first.reading() as one, second.reading() as other:
        names = "SELECT database_name, table_name FROM duckdb_columns() ORDER BY ALL"
        assert one.execute(names).fetchall() == other.execute(names).fetchall() != []
    assert settings("there.duckdb", time_zone="America/Chicago")[1]["time_zone"] == (
        "America/Chicago"
    )
    assert settings("here.duckdb")[1] == new
    assert settings("theirs.duckdb", on_create=of_whom)[1] == {**new, "made_by": "another"}


def test_whoever_was_faster_made_the_store(tmp_path: Path) -> None:
    """Two loads into a new store: the second finds the first one's, and does not replace it."""
    path = tmp_path / "new.duckdb"

    def meanwhile(_: duckdb.DuckDBPyConnection) -> None:
        if not path.exists():
            make(path, time_zone="America/Chicago")

    slower = Database(path, on_create=meanwhile)
    with slower.writing():
        pass
    assert slower.time_zone == "America/Chicago"
    assert [one.name for one in tmp_path.iterdir()] == ["new.duckdb"]


def test_the_journal_of_a_store_that_is_gone_is_told(tmp_path: Path) -> None:
    """A load was killed, and its store removed: a new one is not damaged by what it left."""
    path, journal = tmp_path / "new.duckdb", tmp_path / "new.duckdb.wal"
    with make(path).writing() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', 'b')")
        left = journal.read_bytes()
    assert left
    path.unlink()
    journal.write_bytes(left)
    with pytest.raises(StoreError, match=r"new\.duckdb\.wal is the journal .* remove it"):
        make(path)
    assert [one.name for one in tmp_path.iterdir()] == [journal.name]
    assert journal.read_bytes() == left
    journal.unlink()
    make(path)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_store_and_its_journal_are_their_owners_alone(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "private.duckdb"
    with umask(mask):
        database = make(path)
        assert mode(path) == 0o600
        with database.writing() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', 'b')")
            journal = tmp_path / "private.duckdb.wal"
            assert mode(journal) == 0o600
        assert os.umask(mask) == mask, "the caller's own files are as before"


def test_what_is_spilled_is_beside_the_store_and_private(tmp_path: Path) -> None:
    path = tmp_path / "small.duckdb"
    database = make(path, memory_limit="90MB", threads=1)
    with umask(0), database.writing() as connection:
        connection.execute(
            "CREATE TEMP TABLE big AS "
            "SELECT i, md5(i::VARCHAR) AS a, sha256(i::VARCHAR) AS b FROM range(1500000) t(i)"
        )
        spilled = tmp_path / "small.duckdb.tmp"
        assert spilled.is_dir(), "nothing was spilled: give the test less memory"
        assert mode(spilled) & 0o077 == 0
    assert not Path(".tmp").exists()
    database.close()


# Held


def test_a_reader_does_not_keep_a_writer_out(tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    reader, other_reader, writer = make(path), Database(path), Database(path)
    with reader.reading() as one, other_reader.reading() as other:
        query = "SELECT count(*) FROM events"
        assert one.execute(query).fetchall() == other.execute(query).fetchall() == [(0,)]
    with writer.writing() as connection:
        connection.execute("INSERT INTO stored.events (event_id) VALUES ('wbhk_1')")
    with reader.reading() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(1,)]


def _read(path: Path, ready: Any, done: Any) -> None:
    with Database(path).reading():
        ready.set()
        done.wait(30)


def test_two_processes_read_and_a_writer_is_told_who(tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    make(path)
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_read, args=(path, ready, done))
    other.start()
    try:
        assert ready.wait(60)
        with Database(path).reading() as connection:
            connection.execute("SELECT count(*) FROM events")
        with (
            pytest.raises(StoreError, match=f"in use by another process .PID {other.pid}."),
            Database(path).writing(wait=0),
        ):
            pass
    finally:
        done.set()
        other.join(30)
    with Database(path).writing():
        pass


def test_tables_of_the_store_are_there_only_while_it_is_held(tmp_path: Path) -> None:
    database = make(tmp_path / "held.duckdb")
    with database.reading() as connection:
        connection.execute("CREATE TEMP TABLE kept AS SELECT count(*) AS n FROM events")
    with pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM events")
    assert connection.execute("SELECT n FROM kept").fetchall() == [(0,)]


def test_a_failed_transaction_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "failed.duckdb"
    database = make(path)

    def fail_halfway() -> None:
        with database.writing() as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO settings VALUES ('half', 'done')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with Database(path).writing() as connection:
        assert connection.execute("SELECT count(*) FROM settings").fetchall() == [(2,)]


def test_reading_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "read.duckdb"
    database = make(path)
    before = path.read_bytes()
    with pytest.raises(duckdb.InvalidInputException), database.reading() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', 'b')")
    with (
        pytest.raises(StoreError, match="is being read"),
        database.reading(),
        database.writing(),
    ):
        pass
    assert path.read_bytes() == before


# Told


def test_the_time_zone_is_remembered_by_a_new_store_alone(tmp_path: Path) -> None:
    path = tmp_path / "zone.duckdb"
    make(path, time_zone="America/Denver")
    assert avon.open(path).time_zone == "America/Denver"
    assert avon.open(path, time_zone="Europe/Paris").time_zone == "Europe/Paris"
    make(path, time_zone="Europe/Paris")
    assert avon.open(path).time_zone == "America/Denver"


@pytest.mark.parametrize(
    "options",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": ""},
        {"time_zone": "../../etc/passwd"},
        {"threads": 0},
        {"threads": 1.5},
        {"threads": 10**9},  # each of them would be started
        {"memory_limit": "much"},
    ],
)
def test_a_setting_that_cannot_be_is_wrong_usage(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        avon.open(tmp_path / "x.duckdb", **options)


def _not_duckdb(path: Path) -> None:
    path.write_bytes(b"event,object\n" * 1000)


def _empty_file(path: Path) -> None:
    path.touch()


def _another_database(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE visits (id INTEGER)")


def _another_settings_table(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE settings (color VARCHAR)")


def _version(number: str) -> Any:
    def write(path: Path) -> None:
        make(path)
        with duckdb.connect(path) as connection:
            connection.execute(
                "UPDATE settings SET value = $number WHERE name = 'schema_version'",
                {"number": number},
            )

    return write


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (_not_duckdb, "is not a DuckDB file"),
        (_empty_file, "is not a DuckDB file"),
        (_another_database, "no store of avon_analytics"),
        (_another_settings_table, "no store of avon_analytics"),
        (_version("99"), "newer avon_analytics"),
        (_version("2"), "earlier avon_analytics.*load the archive into a new file"),
        (_version("new"), "no store of avon_analytics"),
        (Path.mkdir, "is a folder"),
    ],
)
def test_what_is_no_store_is_told_and_left_alone(tmp_path: Path, write: Any, told: str) -> None:
    path = tmp_path / "given.duckdb"
    write(path)
    before = path.read_bytes() if path.is_file() else None
    for hold in (Database(path).reading, Database(path).writing):
        with pytest.raises(StoreError, match=told), hold():
            pass
    assert (path.read_bytes() if path.is_file() else None) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("visits.csv", b"event,object\n1,2\n"),
        ("archive.jsonl", b'{"event": 1}\n'),
        ("archive.jsonl.gz", gzip.compress(b'{"event": 1}\n', mtime=0)),
        ("visits.parquet", b"PAR1"),
        ("visits.db", b"SQLite format 3\0" + bytes(4096)),
    ],
)
def test_a_table_in_another_form_is_no_store(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for hold in (Database(path).reading, Database(path).writing, Database(path).beside):
        with pytest.raises(StoreError, match="is not a DuckDB file: name another file"), hold():
            pass
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_that_is_a_folder_shows_that_it_is_none(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    assert "is a folder, and a store is a file" in " ".join(repr(avon.open(archive)).split())
    assert "nothing yet" in repr(avon.open(tmp_path / "new.duckdb"))


def test_a_missing_store_is_told_with_what_to_do(tmp_path: Path) -> None:
    store = avon.open(tmp_path / "none.duckdb")
    with pytest.raises(StoreError, match="load an archive into it first"):
        store.tables()
    assert "nothing yet" in repr(store)
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / 'it\'s a "store"; DROP.duckdb'
    make(path)
    assert avon.open(path).sql("SELECT count(*) AS n FROM events")["n"].tolist() == [0]


def test_a_store_in_memory_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with avon.open(":memory:") as store:
        receipt = store.load(tiny.archive, secrets=tiny.secrets, progress=False)
        assert len(store.table("events")) == receipt.loaded == tiny.receipt.loaded
        assert len(store.table("appointment_slots")) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_load_that_cannot_begin_leaves_no_store(tmp_path: Path, tiny: Any) -> None:
    store = avon.open(tmp_path / "new.duckdb")
    for wrong in (
        {"paths": tiny.archive},
        {"paths": tmp_path / "nowhere", "policy": "skip"},
        {"paths": tiny.archive, "secrets": tmp_path / "nowhere.toml"},
    ):
        with pytest.raises(avon.errors.AvonError):
            store.load(**wrong)
    assert list(tmp_path.iterdir()) == []


# Memory


def _limit(connection: duckdb.DuckDBPyConnection) -> float:
    """In MiB; it is told in few digits."""
    ((told,),) = connection.execute(
        "SELECT any_value(memory_limit) FROM pragma_database_size()"
    ).fetchall()
    number, unit = told.split()
    return float(number) * (1024 if unit == "GiB" else 1)


def _about(megabytes: float) -> Any:
    return pytest.approx(megabytes, rel=0.02)


def _held(connection: duckdb.DuckDBPyConnection) -> int:
    ((held,),) = connection.execute(
        "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
    ).fetchall()
    return int(held)


LARGE = "SELECT hash(i) AS a, hash(i + 1) AS b, hash(i + 2) AS c FROM range(20_000_000) AS r(i)"


def test_what_a_transaction_holds_is_bounded(tmp_path: Path) -> None:
    database = make(tmp_path / "large.duckdb")
    with database.writing() as connection:
        before = _limit(connection)
        with database.bounded("450MB") as bound:
            assert _limit(connection) == _about(429)
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE large AS " + LARGE)
            assert 300_000_000 < _held(connection) < 450_000_000
            with bound.lifted():
                assert _limit(connection) == _about(before)
                connection.execute("CREATE TEMP TABLE more AS " + LARGE)
                assert _held(connection) > 450_000_000
            assert _limit(connection) == _about(429)
            assert _held(connection) < 450_000_000
            connection.execute("COMMIT")
        assert _limit(connection) == _about(before)
        assert connection.execute("SELECT count(*) FROM large").fetchall() == [(20_000_000,)]


def test_a_bound_ends_with_a_failure(tmp_path: Path) -> None:
    database = make(tmp_path / "large.duckdb")
    with database.writing() as connection:
        before = _limit(connection)
        with pytest.raises(ZeroDivisionError), database.bounded("450MB"):
            _ = 1 // 0
        assert _limit(connection) == _about(before)


def test_a_bound_is_lifted_as_long_as_anybody_needs_it(tmp_path: Path) -> None:
    database = make(tmp_path / "a.duckdb")
    with database.writing(), database.bounded("450MB") as bound:
        with bound.lifted():
            with bound.lifted():
                assert not bound.is_kept
            bound.keep()
            assert not bound.is_kept
        assert bound.is_kept


def test_a_bound_that_is_refused_is_asked_for_again(tmp_path: Path) -> None:
    database = make(tmp_path / "a.duckdb")
    with database.writing() as connection, database.bounded("100MB") as bound:
        with bound.lifted():
            connection.execute("SET temp_directory = ''")  # nothing can go anywhere
            connection.execute("CREATE TEMP TABLE large AS " + LARGE)
        assert not bound.is_kept
        connection.execute("DROP TABLE large")
        bound.keep()
        assert (bound.is_kept, _limit(connection)) == (True, _about(95))


@pytest.mark.parametrize("where", ["large.duckdb", ":memory:"])
def test_a_limit_that_was_set_stays(tmp_path: Path, where: str) -> None:
    database = Database(where if where == ":memory:" else tmp_path / where, memory_limit="1GB")
    with database.writing() as connection:
        before = _limit(connection)
        connection.execute(
            "CREATE TEMP TABLE large AS SELECT hash(i) AS a FROM range(70_000_000) AS r(i)"
        )
        assert _held(connection) > 500_000_000
        with database.bounded("450MB") as bound:
            assert _limit(connection) == _about(before)
            with bound.lifted():
                assert _limit(connection) == _about(before)


def test_connections_side_by_side_take_a_thread_each(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.duckdb", threads=3)
    assert database.threads == 3
    with database.side_by_side():
        assert database.threads == 1
    assert database.threads == 3
    with pytest.raises(ZeroDivisionError), database.side_by_side():
        _ = 1 // 0
    assert database.threads == 3
