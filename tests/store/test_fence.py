"""The `sql` of a store can read that store and nothing else, in a file, in memory or in a lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
from avon_analytics.errors import QueryError, UsageError

FORBIDDEN = {
    "write a row": "INSERT INTO settings VALUES ('a', 'b')",
    "change a row": "UPDATE settings SET value = 'x'",
    "delete rows": "DELETE FROM events",
    "make a table": "CREATE TABLE t (a INTEGER)",
    "make a temporary table": "CREATE TEMP TABLE t AS SELECT 1",
    "make a macro": "CREATE MACRO m() AS 1",
    "drop a table": "DROP TABLE events",
    "write a file": "COPY events TO '{folder}/out.csv'",
    "read into a table": "COPY settings FROM '{folder}/other.csv'",
    "export": "EXPORT DATABASE '{folder}/out'",
    "attach": "ATTACH '{folder}/other.duckdb' AS o",
    "detach": "DETACH store",
    "read a csv": "SELECT * FROM read_csv('{folder}/other.csv')",
    "read a file by name": "SELECT * FROM '{folder}/other.csv'",
    "read a text": "SELECT * FROM read_text('{folder}/other.csv')",
    "read a blob": "SELECT * FROM read_blob('{folder}/*')",
    "read json": "SELECT * FROM read_json('{folder}/other.csv')",
    "list a folder": "SELECT * FROM glob('{folder}/*')",
    "sniff": "SELECT * FROM sniff_csv('{folder}/other.csv')",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "set": "SET threads = 1",
    "set for all": "SET GLOBAL memory_limit = '1GB'",
    "reset": "RESET enable_external_access",
    "pragma": "PRAGMA enable_profiling",
    "open the fence": "SET enable_external_access = true",
    "call": "CALL pragma_version()",
    "a transaction": "BEGIN",
    "a checkpoint": "CHECKPOINT",
    "two statements": "SELECT 1; DELETE FROM events",
    "a comment between": "SELECT 1 /* ; */; DROP TABLE events --",
    "prepare": "PREPARE p AS DELETE FROM events",
    "explain analyze a write": "EXPLAIN ANALYZE DELETE FROM settings",
    "explain analyze a temporary table": "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1",
    "explain analyze a copy": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
    "explain a copy": "EXPLAIN COPY (SELECT 1) TO '{folder}/out.csv'",
    "explain analyze a setting": "EXPLAIN ANALYZE SET threads = 1",
    "explain analyze a call": "EXPLAIN ANALYZE CALL pragma_version()",
    "explain with options": "EXPLAIN (ANALYZE, FORMAT json) DELETE FROM settings",
    "explain behind a comment": "/* a */ EXPLAIN -- b\n ANALYZE /* c */ DELETE FROM settings",
    "explain two": "EXPLAIN SELECT 1; DELETE FROM settings",
    "a copy in a with": "WITH x AS (COPY settings TO '{folder}/out.csv') SELECT 1",
    "an insert in a with": "WITH x AS (INSERT INTO settings VALUES ('a', 'b')) SELECT 1",
    "a deletion in a with": "EXPLAIN ANALYZE WITH x AS (DELETE FROM settings) SELECT 1",
    "execute": "EXECUTE p",
    "import": "IMPORT DATABASE '{folder}'",
    "a type, for a pivot": "PIVOT settings ON name USING max(value)",
    "a query in a text": "SELECT * FROM query('DELETE FROM events')",
    "a query of a file in a text": "SELECT * FROM query('FROM glob(''{folder}/*'')')",
    "a table in a text": "SELECT * FROM query_table('{folder}/other.csv')",
    "a query as JSON": "SELECT * FROM json_execute_serialized_sql('{{}}')",
    "a function in a subquery": "SELECT (SELECT count(*) FROM main.\"GLOB\"('{folder}/*'))",
    "describe a file": "DESCRIBE SELECT * FROM read_csv('{folder}/other.csv')",
    "summarize a file": "SUMMARIZE '{folder}/other.csv'",
    "read the store's own bytes": "SELECT * FROM read_blob('{store}')",
    "list the store's own file": "SELECT * FROM glob('{store}')",
    "the store by its file": "FROM '{store}'",
    "list what was spilled": "SELECT * FROM glob('{store}.tmp/*')",
    "read what was spilled": "SELECT * FROM read_text('{store}.tmp/left.csv')",
    "read it by name": "FROM '{store}.tmp/left.csv'",
    "write beside it": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{store}.tmp/x.csv'",
    "write in a with beside it": "WITH x AS (COPY settings TO '{store}.tmp/x.csv') SELECT 1",
    "log": "FROM enable_logging(storage = 'file', storage_path = '{folder}/log')",
    "profile": "FROM enable_profiling()",
    "checkpoint as a function": "FROM checkpoint()",
    "extensions": "FROM duckdb_extensions()",
    "half a character": "SELECT '\udcff'",
    "a variable of the program": "SELECT * FROM parameters",
    "nothing": "",
    "a value out of a message": "SELECT error('x') FROM events",
}


@pytest.fixture(scope="module", params=["in a file", "in memory", "in a lake"])
def store(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[avon.Store]:
    tmp_path = tmp_path_factory.mktemp("fenced")
    custom = [{"key": f"cfld_{name}", "value": name} for name in NASTY]
    about = {"id": "user_a", "custom_data": custom}
    archive = tmp_path / "archive.jsonl"
    archive.write_text(json.dumps({"event": "patient.updated", "created_at": 1, "object": about}))
    where = ":memory:" if request.param == "in memory" else tmp_path / "store.duckdb"
    with avon.open(where) as found:
        found.load(archive, policy="skip", progress=False)
        if request.param != "in a lake":
            yield found
            return
        found.write_lake(tmp_path / "lake")
    with avon.open(tmp_path / "lake") as lake:
        yield lake


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_query_reads_the_store_and_nothing_else(
    store: avon.Store, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "else"
    folder.mkdir()
    (folder / "other.csv").write_text("name,value\nQuillfeather,1\n")
    places = [tmp_path]
    if store.path != ":memory:":
        places.append(Path(store.path).parent)
        spilled = Path(f"{store.path}.tmp")
        spilled.mkdir(exist_ok=True)  # as a load that was killed leaves it
        (spilled / "left.csv").write_text("name,value\nQuillfeather,1\n")
    before = sorted(path for place in places for path in place.rglob("*"))
    with pytest.raises((QueryError, UsageError)) as caught:
        store.sql(FORBIDDEN[what].format(folder=folder, store=store.path))
    assert "Quillfeather" not in str(caught.value)
    assert sorted(path for place in places for path in place.rglob("*")) == before
    counts = "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM settings) AS s"
    found = store.sql(counts)
    assert (found["e"].tolist(), found["s"].tolist()[0] >= 2) == ([1], True)


ALLOWED = [
    "SELECT count(*) FROM events",
    "  ; SELECT 1; ",
    "FROM settings",
    "TABLE settings",
    "VALUES (1), (2)",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "WITH x AS (SELECT 1 AS a), y AS (FROM x) SELECT * FROM y",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "DESCRIBE events",
    "SUMMARIZE settings",
    "SHOW TABLES",
    "SELECT * FROM range(3), unnest([1, 2])",
    "SELECT * FROM events, json_each('[1]')",
    "SELECT * FROM information_schema.columns",
    "PIVOT settings ON name IN ('time_zone') USING max(value)",
    "SELECT 'COPY x TO y; DELETE FROM z' AS text",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE FROM settings",
    "explain (format json) select 1",
    "EXPLAIN (ANALYZE, FORMAT json) SELECT 1",
    "-- why\n EXPLAIN /* of */ (SELECT 1)",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_whatever_only_reads_is_let_in(store: avon.Store, text: str) -> None:
    assert len(store.sql(text)) > 0


def test_a_query_writes_nothing_to_standard_output(
    store: avon.Store, capfd: pytest.CaptureFixture[str]
) -> None:
    found = store.sql("EXPLAIN ANALYZE SELECT count(*) FROM events")
    assert "events" in found.to_string().lower() or len(found) == 1
    assert capfd.readouterr() == ("", "")


NASTY = ['x"; DROP TABLE events; --', "x'; DELETE FROM events; --", 'events" WHERE 1=1 --']


@pytest.mark.parametrize("name", NASTY)
def test_names_are_never_code(store: avon.Store, name: str) -> None:
    with pytest.raises(avon.errors.UnknownTable):
        store.table(name)
    visits = store.appointments()
    with pytest.raises(avon.errors.UnknownGroup):
        visits.outcomes(by=[name])
    visits.outcomes(by=[f"custom:cfld_{name}"])
    with pytest.raises(avon.errors.UsageError, match="occurs nowhere"):
        store.appointments(where={"host": name})
    assert store.sql("SELECT $n AS n", n=name)["n"].tolist() == [name]
    assert store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [1]


def test_the_second_wall_stands_alone_from_query_to_query(tmp_path: Path) -> None:
    """The engine of queries is kept: without the first wall it sees no other file either."""
    place = tmp_path / "it's; [a store] ü.duckdb"
    (tmp_path / "other.csv").write_text("name,value\nQuillfeather,1\n")
    with avon.open(place) as store:
        with store._database.writing():
            pass
        for _ in range(2):
            assert store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [0]
            with store._database.beside() as connection:
                for statement in (
                    f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
                    f"SELECT * FROM glob('{tmp_path}/*')",
                    f"ATTACH '{tmp_path}/other.duckdb' AS other",
                    f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
                    "SET enable_external_access = true",
                    "SET allowed_paths = ['/']",
                    "INSERT INTO settings VALUES ('a', 'b')",
                ):
                    with pytest.raises(duckdb.Error):
                        connection.execute(statement)
        # It holds nothing meanwhile: the store can be written, and what is new is seen.
        with store._database.writing() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', 'b')")
        assert store.sql("SELECT value FROM settings WHERE name = 'a'")["value"].tolist() == ["b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [place.name, "other.csv"]


def test_an_engine_that_is_at_a_loss_is_replaced(tmp_path: Path) -> None:
    with avon.open(tmp_path / "store.duckdb") as store:
        with store._database.writing():
            pass
        with store._database.beside() as connection:
            first = connection
            connection.close()  # as good as one that answers nothing any more
        assert store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [0]
        with store._database.beside() as connection:
            assert connection is not first
