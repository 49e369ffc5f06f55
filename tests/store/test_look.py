"""Looking into a store: what is shown, what is hidden, and what a query cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.errors import QueryError, UnknownTable, UsageError
from avon_analytics.store.database import Database
from avon_analytics.store.frames import DTYPES
from avon_analytics.store.tables import LOG_TABLES, object_tables, table_infos

TABLES = [info.name for info in table_infos()]
# What section 8 of the definitions calls direct identifiers and free text, by their columns.
HIDDEN = {
    "patients": {
        *("first_name", "middle_name", "last_name", "preferred_name", "date_of_birth", "ssn"),
        *("email", "phone", "alternate_phone", "mrn", "note", "emergency_contacts", "guarantors"),
        *("external_accounts", "extra"),
    },
    "patient_addresses": {"line1", "line2", "nickname", "special_instructions", "extra"},
    "appointments": {"description", "location_line1", "location_line2", "video_call_join_url"},
    "messages": {"text", "filename", "memo", "extra"},
    "documents": {"name", "filename", "file", "sections"},
    "tasks": {"name", "description"},
    "events": {"extra"},
    "other_objects": {"object"},
    "quarantine": {"content"},
}
SHOWN = {
    "patients": {"id", "timezone", "created_at", "gender", "caregiver_only"},
    "patient_addresses": {"patient_id", "city", "state", "postal_code"},
    "providers": {"first_name", "last_name", "id"},
    "supports": {"first_name", "last_name"},
    "appointments": {"host", "start_time", "name"},
}


@pytest.fixture(scope="module")
def store(tiny: Any) -> avon.Store:
    return avon.open(tiny.db)


@pytest.fixture(scope="module")
def held(store: avon.Store) -> Iterator[avon.Store]:
    """The same store, held open, so that looking at many tables is quick."""
    with store._database.reading():
        yield store


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[avon.Store]:
    """A store that was made, and into which nothing was loaded."""
    store = avon.open(tmp_path_factory.mktemp("empty") / "empty.duckdb")
    with store._database.writing():
        yield store


# tables


def test_every_table_is_listed_with_its_rows(store: avon.Store) -> None:
    told = store.tables()
    assert told["table"].tolist() == TABLES
    assert set(told["kind"]) == {"current", "history", "figures", "provenance"}
    assert told["description"].str.len().min() > 5
    counted = {row["table"]: row["n_rows"] for row in told.to_dict("records")}
    figures = ("appointment_slots", "appointment_lifecycle")  # which are not counted in the views
    for name in ("events", "patients", *figures, "quarantine", "patients_versions"):
        assert counted[name] == len(store.table(name)) > 0


def test_tables_are_listed_where_there_is_no_instant_to_count_up_to(tmp_path: Path) -> None:
    """The only event says that it happened years after it was received."""
    visit = {"id": "appt_1", "start_time": 1, "attendees": [{"attendee": "user_ann"}]}
    body = {"event": "appointment.created", "created_at": 4102444800000, "object": visit}
    line = {"body": json.dumps(body), "received_at": "2025-03-10T12:00:00Z"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    with avon.open(tmp_path / "x.duckdb") as store:
        store.load(tmp_path / "a.jsonl", policy="skip", progress=False)
        counted = store.tables().set_index("table")["n_rows"]
        assert counted["appointments"] == 1
        assert counted["appointment_slots"] == len(store.table("appointment_slots"))


def test_the_history_of_visits_is_described_as_the_union_that_it_is() -> None:
    described = {info.name: info.description for info in table_infos()}
    each = "(of each appointment)"
    assert described["appointment_status_history"] == (
        f"Every change of status that any version reports, each once {each}"
    )
    assert described["appointment_status_history_versions"] == (
        f"Every version: Every status so far, as this version reports it {each}"
    )


def test_the_listed_tables_are_those_of_the_store(store: avon.Store) -> None:
    found = store.sql(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'main' AND table_name <> 'settings'"
    )
    assert set(found["table_name"]) == set(TABLES)


# table


@pytest.mark.parametrize("name", TABLES)
def test_identifiers_are_hidden_unless_asked_for(held: avon.Store, name: str) -> None:
    shown = held.table(name)
    raw = held.table(name, identifiers=True)
    hidden = set(shown.attrs["hidden"])
    assert set(raw.columns) - set(shown.columns) == hidden
    assert raw.attrs["hidden"] == []
    assert [column for column in raw.columns if column not in hidden] == list(shown.columns)
    assert len(raw) == len(shown)


def test_what_is_hidden_derives_from_the_contract() -> None:
    """Every column that the contract or the log marks is hidden in each table that has it."""
    with Database(":memory:").reading() as connection:
        columns = connection.execute(
            "SELECT table_name, list(column_name) FROM information_schema.columns "
            "WHERE table_catalog = 'store' AND table_schema = 'main' GROUP BY table_name"
        ).fetchall()
    marked = {
        name: {column.name for column in table.columns if column.privacy}
        for table in object_tables()
        for name in (table.name, table.versions)
    }
    marked |= {log.name: {c.name for c in log.columns if c.privacy} for log in LOG_TABLES}
    marked["caregivers"] = marked["caregivers_versions"] = marked["patients"]
    marked["patients_versions"] = marked["people_versions"]
    marked["events"] = marked["events"] | {"extra"}
    marked["other_objects"] = marked["other_objects"] | {"object"}
    marked["drift"] = {"value"}
    database = Database(":memory:")
    store = avon.Store(database)
    for name, its in columns:
        if name != "settings":
            assert set(store.table(name).attrs["hidden"]) == marked.get(name, set()) & set(its)


@pytest.mark.parametrize("name", HIDDEN)
def test_direct_identifiers_and_free_text_are_hidden(store: avon.Store, name: str) -> None:
    assert HIDDEN[name] <= set(store.table(name).attrs["hidden"])
    assert HIDDEN[name] <= set(store.table(name, identifiers=True).columns)
    if name == "patients":
        for other in ("caregivers", "patients_versions", "caregivers_versions", "people_versions"):
            assert HIDDEN[name] <= set(store.table(other).attrs["hidden"])


@pytest.mark.parametrize("name", SHOWN)
def test_the_rest_and_the_names_of_staff_are_shown(store: avon.Store, name: str) -> None:
    assert SHOWN[name] <= set(store.table(name).columns)


def test_an_unknown_table_is_told_with_the_right_one(store: avon.Store) -> None:
    with pytest.raises(UnknownTable, match="Did you mean 'patients'"):
        store.table("patient")
    for wrong in ("settings", "", 'events" --', "store.events"):
        with pytest.raises(UnknownTable, match=r"Choices: .*appointments"):
            store.table(wrong)


@pytest.mark.parametrize("name", TABLES)
def test_types_are_the_same_with_and_without_rows(
    held: avon.Store, empty: avon.Store, name: str
) -> None:
    full, none = (one.table(name, identifiers=True) for one in (held, empty))
    assert len(none) == 0
    assert list(full.columns) == list(none.columns)
    assert full.dtypes.to_dict() == none.dtypes.to_dict()
    known = {*DTYPES.values(), "object"}  # the bytes of a quarantined line are objects
    assert {str(dtype) for dtype in full.dtypes} <= known


# sql


def _write_clinic(path: Path) -> None:
    """Eight visits, the later the smaller their id; two attendees each, and an unknown field."""
    lines: list[dict[str, Any]] = []
    for number in range(8):
        person = {"id": f"user_{8 - number:028x}", f"field_{8 - number}": True}
        visit = {
            "id": f"appt_{8 - number:032x}",
            "start_time": 1735743600000 + number * 3600000,
            "attendees": [{"id": 20 - seat, "attendee": f"user_{seat + 1}"} for seat in range(2)],
        }
        created = 1735689600000 + number
        lines.append({"event": "patient.created", "created_at": created, "object": person})
        lines.append({"event": "appointment.created", "created_at": created, "object": visit})
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.mark.parametrize("threads", [1, 4])
def test_rows_of_a_table_have_an_order(tmp_path: Path, threads: int) -> None:
    _write_clinic(tmp_path / "archive.jsonl")
    store = avon.open(tmp_path / "clinic.duckdb", threads=threads)
    store.load(tmp_path / "archive.jsonl", policy="skip", progress=False)
    eight = [f"{number:028x}" for number in range(1, 9)]
    assert store.table("patients")["id"].tolist() == [f"user_{number}" for number in eight]
    visits = [f"appt_0000{number}" for number in eight]
    assert store.table("appointments")["id"].tolist() == visits
    seats = store.table("appointment_attendees")
    assert seats["appointment_id"].tolist() == [visit for visit in visits for _ in range(2)]
    assert seats["position"].tolist() == [0, 1] * 8
    by_start = visits[::-1]
    slots = store.table("appointment_slots")
    assert slots["appointment_id"].tolist() == [visit for visit in by_start for _ in range(2)]
    assert slots["patient_id"].tolist() == ["user_1", "user_2"] * 8
    assert store.table("appointment_lifecycle")["appointment_id"].tolist() == by_start
    paths = [f"patient.field_{number}" for number in range(1, 9)]
    assert store.table("drift")["path"].tolist() == paths


def test_columns_of_one_name_are_told_apart(store: avon.Store) -> None:
    found = store.sql("SELECT 1 AS a, 'x' AS \"A\", true AS a")
    assert list(found.columns) == ["a", "A_1", "a_2"]
    assert found.dtypes.astype(str).tolist() == ["Int64", "str", "boolean"]


def test_a_parameter_that_the_query_has_not_is_named(store: avon.Store) -> None:
    with pytest.raises(QueryError, match="no parameters of these names: hots;"):
        store.sql("SELECT $host", host="a", hots="b")
    with pytest.raises(QueryError, match="parameters that were not given: host"):
        store.sql("SELECT $host, $hots", hots="b")
    with pytest.raises(QueryError, match="a type that the engine does not know"):
        store.sql("SELECT $host", host=object())


def test_a_query_is_answered_with_bound_parameters(store: avon.Store) -> None:
    event = "appointment.created' OR true --"
    told = store.sql("SELECT count(*) AS n FROM events WHERE event = $event", event=event)
    assert told["n"].tolist() == [0]
    told = store.sql("SELECT $one AS one, $two AS two", one=1, two="zwei")
    assert told.to_dict("records") == [{"one": 1, "two": "zwei"}]


@pytest.mark.parametrize(
    ("query", "params", "named"),
    [
        ("SELECT $one AS one, $two AS two", {"one": 1, "two": "zwei"}, {}),
        ("SELECT $one AS one, $two AS two", {"one": np.int64(1)}, {"two": "zwei"}),
        ("SELECT ? AS one, ? AS two", [1, "zwei"], {}),
        ("SELECT ? AS one, ? AS two", pd.Series([1, "zwei"]), {}),
        ("SELECT $params AS one, $query AS two", {"params": 1, "query": "zwei"}, {}),
    ],
)
def test_values_are_given_by_name_or_in_order(
    store: avon.Store, query: str, params: Any, named: dict[str, Any]
) -> None:
    told = store.sql(query, params, **named)
    assert told.to_dict("records") == [{"one": 1, "two": "zwei"}]


@pytest.mark.parametrize(
    ("params", "named", "why"),
    [
        ({"one": 1}, {"one": 2}, "given by keyword, too: one"),
        ([1], {"one": 2}, "stands alone"),
        ("x", {}, "expected a dict, or a list"),
        (1, {}, "expected a dict, or a list"),
        ({1: 1}, {}, "names as texts"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    store: avon.Store, params: Any, named: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        store.sql("SELECT 1", params, **named)


def test_too_many_or_too_few_values_in_order(store: avon.Store) -> None:
    with pytest.raises(QueryError, match="parameters that were not given: 2"):
        store.sql("SELECT ?, ?", [1])
    with pytest.raises(QueryError, match="no parameters of these names: 2;"):
        store.sql("SELECT ?", [1, 2])


def test_a_missing_parameter_is_named(store: avon.Store) -> None:
    with pytest.raises(QueryError, match="not given: host"):
        store.sql("SELECT * FROM appointments WHERE host = $host")


def test_an_answer_has_fixed_types(store: avon.Store) -> None:
    query = "SELECT id, created_at, 1 AS n, true AS flag, DATE '2025-01-31' AS day FROM patients"
    for rows in (3, 0):
        told = store.sql(f"{query} LIMIT {rows}")
        assert [str(dtype) for dtype in told.dtypes] == [
            *("str", "datetime64[us, UTC]", "Int64", "boolean", "datetime64[us]")
        ]


FORBIDDEN = [
    "CREATE TABLE mine AS SELECT 1 AS n",
    "CREATE TEMP TABLE mine AS SELECT 1 AS n",
    "INSERT INTO stored.events (event_id) VALUES ('x')",
    "UPDATE stored.events SET event = 'x'",
    "DELETE FROM quarantine",
    "DROP VIEW patients",
    "EXPLAIN ANALYZE DELETE FROM stored.events",
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH ':memory:' AS other",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY patients TO '{folder}/out.parquet' (FORMAT parquet)",
    "EXPORT DATABASE '{folder}/out'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{folder}/secrets.toml')",
    "SELECT * FROM '{folder}/secrets.toml'",
    "FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM parquet_scan('https://example.com/x.parquet')",
    "SELECT getenv('AVON_WEBHOOK_SECRET')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET threads = 1",
    "RESET memory_limit",
    "PRAGMA threads = 1",
    "SET VARIABLE name = 1",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "SELECT 1; DELETE FROM quarantine",
    "BEGIN TRANSACTION",
    "",
    "   -- nothing",
    "SELECT * FROM parameters",  # a variable of the program that asks
]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_a_query_reads_the_store_and_nothing_else(
    store: avon.Store, tmp_path: Path, query: str
) -> None:
    (tmp_path / "secrets.toml").write_text('one = "a secret"\n')
    before = Path(store.path).read_bytes()
    with pytest.raises(QueryError) as told:
        store.sql(query.format(folder=tmp_path))
    assert "a secret" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.toml"]
    assert Path(store.path).read_bytes() == before


@pytest.fixture(scope="module")
def in_memory(tiny: Any) -> avon.Store:
    store = avon.open(":memory:")
    store.load(tiny.archive, secrets=tiny.secrets, progress=False)
    return store


@pytest.mark.parametrize("query", FORBIDDEN)
def test_a_query_of_a_store_in_memory_is_fenced_in_as_well(
    in_memory: avon.Store, tmp_path: Path, query: str
) -> None:
    (tmp_path / "secrets.toml").write_text('one = "a secret"\n')
    rows = in_memory.sql("SELECT count(*) AS n FROM quarantine")["n"].tolist()
    with pytest.raises(QueryError):
        in_memory.sql(query.format(folder=tmp_path))
    assert in_memory.sql("SELECT count(*) AS n FROM quarantine")["n"].tolist() == rows
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.toml"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT first_name::INTEGER FROM patients",
        "SELECT last_name::TIMESTAMP FROM patients",
        "SELECT error(last_name) FROM patients",
        "SELECT ('{' || last_name)::JSON FROM patients",
        "SELECT regexp_matches('a', '(' || last_name) FROM patients",
        "SELECT date_trunc(last_name, now()) FROM patients",
        "SELECT last_name::ENUM('a') FROM patients",
        "SELECT email::UUID FROM patients",
        "SELECT timezone(last_name, created_at) FROM patients",
        "SELECT json_extract(last_name, last_name) FROM patients",
    ],
)
def test_an_error_of_a_query_holds_no_value_of_a_row(store: avon.Store, query: str) -> None:
    people = store.table("patients", identifiers=True)
    values = {str(one) for name in ("first_name", "last_name", "email") for one in people[name]}
    with pytest.raises(QueryError) as told:
        store.sql(query)
    assert not [value for value in values if value in str(told.value)]
    assert told.value.__suppress_context__


def test_a_mistake_in_a_query_is_told_in_the_engines_words(store: avon.Store) -> None:
    with pytest.raises(QueryError, match='Did you mean "events"'):
        store.sql("SELECT * FROM evnts")
    for method in ("slots", "lifecycle"):
        with pytest.raises(QueryError, match=f'exist!\nDid you mean "appointment_{method}"\\?\n'):
            store.sql(f"SELECT * FROM {method}")
    with pytest.raises(QueryError, match="syntax error"):
        store.sql("SELEKT 1")


def test_a_number_too_large_for_a_table_is_told(store: avon.Store) -> None:
    with pytest.raises(QueryError, match="cast them to DOUBLE"):
        store.sql("SELECT 99999999999999999999::HUGEINT AS n")
    assert store.sql("SELECT sum(n) AS n FROM range(10) t(n)")["n"].tolist() == [45]


def test_a_query_lets_go_of_the_store(tmp_path: Path, tiny: Any) -> None:
    path = tiny.copy(tmp_path / "mine.duckdb")
    mine = avon.open(path)
    mine.sql("SELECT 1")
    with pytest.raises(QueryError):
        mine.sql("SELEKT 1")
    duckdb.connect(path).close()  # for writing: nobody holds it
    with mine._database.writing():
        pass


# What a store says of itself


def test_what_a_store_shows_of_itself_names_nobody(store: avon.Store, tiny: Any) -> None:
    people = store.table("patients", identifiers=True)
    shown = [repr(store), store._repr_html_(), repr(store.appointments()), repr(tiny.receipt)]
    shown += [store.appointments()._repr_html_(), tiny.receipt._repr_html_()]
    shown += [
        store.quarantine.lines().to_csv(),
        store.tables().to_csv(),
        store.table("drift").to_csv(),
    ]
    for column in ("last_name", "email", "phone", "ssn"):
        for value in people[column].dropna():
            assert not [text for text in shown if value in text]


def test_the_quarantine_tells_where_and_why(store: avon.Store, tiny: Any) -> None:
    told = store.quarantine.lines()
    assert len(told) == tiny.receipt.quarantined
    assert told["code"].value_counts().to_dict() == tiny.receipt.quarantined_by_code
    assert "content" not in told.columns
    assert isinstance(told, pd.DataFrame)
