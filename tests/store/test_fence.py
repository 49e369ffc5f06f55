"""The `sql` of a store can read that store and nothing else, in a file as in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.errors import QueryError

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
    "a query in a text": "SELECT * FROM query('DELETE FROM events')",
    "a table in a text": "SELECT * FROM query_table('{folder}/other.csv')",
    "nothing": "",
    "a value out of a message": "SELECT error('x') FROM events",
}


@pytest.fixture(params=["in a file", "in memory"])
def store(request: Any, tmp_path: Path) -> Iterator[avon.Store]:
    custom = [{"key": f"cfld_{name}", "value": name} for name in NASTY]
    about = {"id": "user_a", "custom_data": custom}
    archive = tmp_path / "archive.jsonl"
    archive.write_text(json.dumps({"event": "patient.updated", "created_at": 1, "object": about}))
    where = ":memory:" if request.param == "in memory" else tmp_path / "store.duckdb"
    with avon.open(where) as found:
        found.load(archive, policy="skip", progress=False)
        yield found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_query_reads_the_store_and_nothing_else(
    store: avon.Store, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "else"
    folder.mkdir()
    (folder / "other.csv").write_text("name,value\nQuillfeather,1\n")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(QueryError) as caught:
        store.sql(FORBIDDEN[what].format(folder=folder))
    assert "Quillfeather" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    counts = "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM settings) AS s"
    found = store.sql(counts)
    assert (found["e"].tolist(), found["s"].tolist()[0] >= 2) == ([1], True)


NASTY = ['x"; DROP TABLE events; --', "x'; DELETE FROM events; --", 'events" WHERE 1=1 --']


@pytest.mark.parametrize("name", NASTY)
def test_names_are_never_code(store: avon.Store, name: str) -> None:
    with pytest.raises(avon.errors.UnknownTable):
        store.table(name)
    visits = store.appointments()
    with pytest.raises(avon.errors.UnknownGroup):
        visits.outcomes(by=[name])
    visits.outcomes(by=[f"custom:cfld_{name}"])
    store.appointments(where={"host": name}).outcomes()
    assert store.sql("SELECT $n AS n", n=name)["n"].tolist() == [name]
    assert store.sql("SELECT count(*) AS n FROM events")["n"].tolist() == [1]
