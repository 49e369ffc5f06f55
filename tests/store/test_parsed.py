"""Statements that are read once: they run as their text would, wherever and however often."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics as avon
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


def _line(event: str, ms: int, **about: Any) -> str:
    body = {"event": event, "created_at": 1_741_600_000_000 + ms, "object": about}
    return json.dumps({"headers": {}, "received_at": 1_741_700_000_000, "body": json.dumps(body)})


def test_no_text_that_is_kept_holds_anybodys_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her id, visit, words and mail are loaded, asked for, explained and forgotten."""
    known: dict[str, duckdb.Statement] = {}
    monkeypatch.setattr("avon_analytics.store.parsed.known_texts", known)
    her, visit = {"id": "user_quix", "email": "quix@example.com"}, {"id": "appt_quix"}
    planned = {"name": "quix visit", "start_time": 1_741_610_000_000, "host": "host_quix"}
    attended = {"attendees": [{"attendee": "user_quix"}]}
    field = {"custom_data": [{"key": "cfld_1", "value": "quix value"}]}
    lines = [
        _line("patient.created", 1, **her, first_name="quix"),
        _line("patient.created", 1, **her, first_name="quixanne"),  # a conflict
        _line("appointment.created", 2, **visit, **planned, **attended, **field),
        _line("message.created", 3, id="mesg_quix", created_by="user_quix", text="quix asks"),
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join([*lines, lines[2], "quix is no JSON"]))
    with avon.open(tmp_path / "quix.duckdb") as store:
        store.load(tmp_path / "calls.jsonl", policy="skip", progress=False)
        chosen = {"name": "quix visit", "custom:cfld_1": "quix value", "host": "host_quix"}
        for visits in (store.appointments(), store.appointments(where=chosen)):
            outcomes = visits.outcomes(by="host")
            assert outcomes.n_slots.tolist() == [1]
            assert len(visits.behind(outcomes, 0, "n_slots")) == 1
            visits.trace("outcomes", "appt_quix")
        store.appointments(where={"host": "host_quix"}).replies()
        store.explain("appt_quix")
        store.sql("SELECT * FROM patients WHERE email = 'quix@example.com'")
        assert len(store.quarantine.lines()) == 2
        store.forget("user_quix")
    assert len(known) > 100
    assert [text for text in known if "quix" in text.replace("quix.duckdb", "")] == []
