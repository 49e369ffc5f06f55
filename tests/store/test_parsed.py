"""Statements that are read once: they run as their text would, wherever and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from avon_analytics.store.parsed import parsed, run

_COPY = "CREATE OR REPLACE TEMP TABLE copied AS SELECT * FROM told WHERE n >= $least"


def _connection(rows: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"CREATE TEMP TABLE told AS {rows}")
    return connection


def test_a_statement_is_planned_anew_each_time() -> None:
    with _connection("SELECT unnest([1, 2, 3]) AS n") as one:
        run(one, _COPY, {"least": 2})
        assert one.execute("FROM copied ORDER BY ALL").fetchall() == [(2,), (3,)]
        run(one, _COPY, {"least": 3})
        assert one.execute("FROM copied").fetchall() == [(3,)]
        one.execute("CREATE OR REPLACE TEMP TABLE told AS SELECT 'four' AS word, 4.5 AS n")
        run(one, _COPY, {"least": 3})
        assert [name for name, *_ in one.execute("FROM copied").description or ()] == ["word", "n"]


def test_it_outlives_the_connection_that_read_it() -> None:
    text = "SELECT n + 1 AS next_one FROM told"
    with _connection("SELECT 1 AS n") as one:
        known = parsed(one, text)
    with _connection("SELECT 7 AS n") as other:
        assert parsed(other, text) is known
        assert other.execute(known).fetchall() == [(8,)]
        assert other.sql(known).fetchall() == [(8,)]


def test_threads_run_the_same_one_at_once() -> None:
    def copied(least: int) -> int:
        with _connection("SELECT range AS n FROM range(100)") as one:
            for _ in range(20):
                run(one, _COPY, {"least": least})
            ((n,),) = one.execute("SELECT count(*) FROM copied").fetchall()
        return int(n)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(copied, [0, 10, 60, 100])) == [100, 90, 40, 0]


def test_texts_are_not_kept_without_end() -> None:
    with _connection("SELECT 1 AS n") as one:
        first = parsed(one, "SELECT 'first' FROM told")
        for nth in range(1000):
            parsed(one, f"SELECT {nth}")
        assert parsed(one, "SELECT 'first' FROM told") is not first


def test_one_statement_at_a_time() -> None:
    with _connection("SELECT 1 AS n") as one, pytest.raises(ValueError, match="unpack"):
        parsed(one, "SELECT 1; SELECT 2")
