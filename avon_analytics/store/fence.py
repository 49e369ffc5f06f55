"""The fence around a query that somebody wrote: it reads the store, and nothing else.

Two walls. The text is read by the engine's own parser, and only one SELECT, or EXPLAIN of one, is
let in: no part of it may write, and of the table functions only those that make rows out of values
or describe the store. The connection on which it runs sees the store's own files alone; it may not
change a setting, and its transaction may only read. It works in memory: a folder to spill into
would be a folder in reach.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from avon_analytics.errors import QueryError
from avon_analytics.store.database import Database

_READS_ONLY = "BEGIN TRANSACTION READ ONLY"

# What a query is made of; in a WITH, DuckDB 2.0 also takes INSERT, UPDATE, DELETE and COPY.
_QUERIES = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "STATEMENT_NODE"}
)
# Table functions that make rows out of values, or describe the store.
_TABLE_FUNCTIONS = frozenset(
    {
        "generate_series",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
        "json_each",
        "json_tree",
        "histogram",
        "histogram_values",
        "summary",
        "pragma_database_size",
        "pragma_metadata_info",
        "pragma_show",
        "pragma_storage_info",
        "pragma_table_info",
        "pragma_version",
        "icu_calendar_names",
        "pg_timezone_names",
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_databases",
        "duckdb_functions",
        "duckdb_indexes",
        "duckdb_keywords",
        "duckdb_memory",
        "duckdb_schemas",
        "duckdb_sequences",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
    }
)
_BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"
_OPTION = rf"{_BLANK}*(?:ANALYZE|FORMAT{_BLANK}+\w+){_BLANK}*"
_EXPLAIN = re.compile(
    rf"{_BLANK}*EXPLAIN\b(?P<how>{_BLANK}*\({_OPTION}(?:,{_OPTION})*\)|{_BLANK}+ANALYZE\b)?",
    re.IGNORECASE | re.DOTALL,
)


@contextmanager
def fenced(database: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads a store and nothing else.

    Raises StoreError if there is no store, or another process writes it for too long.
    """
    if database.in_memory:
        # Where the rest of this process works, too: no settings of its own, and no files anyway.
        with database.reading() as connection, connection.cursor() as cursor:
            cursor.execute("USE store")
            cursor.execute(_READS_ONLY)
            yield cursor
        return
    with database.beside() as connection:
        connection.execute(_READS_ONLY)
        yield connection


def only_reads(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The text of a query, if all that it does is read.

    Raises QueryError for any other, and the engine's error for what is no SQL.
    """
    statement, how = _one_statement(connection, text), ""
    if statement.type == duckdb.StatementType.EXPLAIN:
        found = _EXPLAIN.match(statement.query or text)
        if found is None:
            raise _refused("write EXPLAIN, EXPLAIN ANALYZE or EXPLAIN (FORMAT json), then a SELECT")
        text = (statement.query or text)[found.end() :]
        statement, how = _one_statement(connection, text), f"EXPLAIN {found['how'] or ''} "
    if statement.type != duckdb.StatementType.SELECT:
        raise _refused("a store is read-only here")
    _check_parts(connection, text)
    return how + text


def _one_statement(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    statements = connection.extract_statements(text)
    if len(statements) == 1:
        return statements[0]
    raise _refused(
        "a PIVOT names its values: PIVOT … ON column IN (…)"
        if re.search(r"\bPIVOT", text, re.IGNORECASE)
        else "one statement, not several"
        if statements
        else "there is none"
    )


def _check_parts(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raises QueryError unless each part of a SELECT only reads, and reads the store alone."""
    ((tree,),) = connection.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
    try:
        found = json.loads(tree)
    except RecursionError:
        raise _refused("it is nested too deeply") from None
    if found["error"]:
        raise _refused("a store is read-only here")
    parts: list[Any] = [found["statements"]]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            _check(part)
            parts += part.values()


def _check(part: dict[str, Any]) -> None:
    kind = str(part.get("type"))
    if "cte_map" in part and kind not in _QUERIES:
        raise _refused("a store is read-only here")
    if kind == "TABLE_FUNCTION":
        name = str((part.get("function") or {}).get("function_name")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise _refused(f"the table function {name} is out of reach, as are all files")
    if kind == "BASE_TABLE" and re.search(r"[/\\]", str(part.get("table_name"))):
        raise _refused("files are out of reach")


def _refused(why: str) -> QueryError:
    return QueryError(
        "expected one query that reads, a SELECT or EXPLAIN of one, "
        f"such as SELECT count(*) FROM events: {why}"
    )
