"""Whether a lake holds what a store holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

import avon_analytics as avon
from avon_analytics.store.tables import object_tables, stored_tables

VIEWS = tuple(table.name for table in object_tables())
EVERYTHING = (*stored_tables(), *VIEWS, "drift")
# The clock, and what a conflict is told by only where nothing else decides it.
_CLOCK = {"loads": "loaded_at"}


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """The rows of a table in one order, without what a clock tells."""
    but = f"EXCLUDE ({_CLOCK[table]})" if table in _CLOCK else ""
    return connection.sql(f'SELECT * {but} FROM "{table}" ORDER BY ALL').to_arrow_table()


def assert_same(lake: Path, store: avon.Store, tables: Sequence[str] = EVERYTHING) -> None:
    """Table for table, row for row: every table that is stored, the views of now, and the drift."""
    with (
        avon.open(lake) as read,
        read._database.reading() as here,
        store._database.reading() as there,
    ):
        for table in tables:
            found, expected = rows(here, table), rows(there, table)
            assert found.schema == expected.schema, table
            if found != expected:
                assert found.to_pylist() == expected.to_pylist(), table
