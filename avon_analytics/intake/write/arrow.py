"""Handing rows to the engine, and from one connection to another, as Arrow streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import nanoarrow as na
from nanoarrow.c_array import c_array_from_buffers
from nanoarrow.c_array_stream import CArrayStream

from avon_analytics.intake.read.columns import Column
from avon_analytics.store.parsed import parsed, run

# The engine holds what it computes of one array many times over: small ones bound its memory.
_ROWS = 1024
_TYPES = {"string": na.string, "binary": na.binary, "int64": na.int64}


class ArrowRows:
    """Rows that a connection can read as a table.

    They are held: the engine asks for a stream three times where it scans one. A query that reads
    such rows itself is run by one thread (``Database.side_by_side``).
    """

    def __init__(self, schema: Any, arrays: list[Any]) -> None:
        self._schema = schema
        self._arrays = arrays

    @classmethod
    def of_columns(cls, **columns: Column) -> ArrowRows:
        """Columns of equal length."""
        kinds = {name: _TYPES[column.type]() for name, column in columns.items()}
        schema = na.struct(kinds)
        buffers = [(kinds[name], column.buffers) for name, column in columns.items()]
        n = next(iter(columns.values())).n
        return cls(
            na.c_schema(schema),
            [_slice(schema, buffers, at, min(_ROWS, n - at)) for at in range(0, n, _ROWS)],
        )

    @classmethod
    def of_values(
        cls, rows: Sequence[Sequence[Any]], **kinds: Callable[[Sequence[Any]], Column]
    ) -> ArrowRows:
        """Rows of Python's values; ``kinds`` names the columns and makes each of its values."""
        values = zip(*rows, strict=True) if rows else [()] * len(kinds)
        made = zip(kinds.items(), values, strict=True)
        return cls.of_columns(**{name: kind(column) for (name, kind), column in made})

    @classmethod
    def of_query(
        cls, connection: duckdb.DuckDBPyConnection, query: str | duckdb.Statement
    ) -> ArrowRows:
        """What a query answers, for another connection.

        It binds no values: with them DuckDB 1.5 runs a query at once, under Python's lock, for
        which a stream waits that another thread reads.
        """
        stream = na.c_array_stream(connection.sql(query))
        return cls(stream.get_schema(), list(stream))

    @contextmanager
    def as_table(self, name: str, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Meanwhile the connection reads the rows under this name; then they are let go of.

        The engine would keep them until its transaction ends.
        """
        connection.register(name, self)
        yield
        connection.unregister(name)
        self._arrays.clear()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        stream = CArrayStream.from_c_arrays(self._arrays, self._schema, validate=False)
        return stream.__arrow_c_stream__(requested_schema)


def _slice(schema: Any, columns: list[tuple[Any, list[Any]]], start: int, size: int) -> Any:
    children = [
        c_array_from_buffers(
            kind, size, buffers, offset=start, null_count=0 if buffers[0] is None else -1
        )
        for kind, buffers in columns
    ]
    return c_array_from_buffers(schema, size, [None], children=children, null_count=0)


def run_with_rows(
    source: duckdb.DuckDBPyConnection, store: duckdb.DuckDBPyConnection, rows: str, *into: str
) -> None:
    """Run statements on the store that read ``staged_rows``: a query of another connection."""
    with ArrowRows.of_query(source, parsed(source, rows)).as_table("staged_rows", store):
        for statement in into:
            run(store, statement)


def insert_rows(
    source: duckdb.DuckDBPyConnection, store: duckdb.DuckDBPyConnection, table: str, rows: str
) -> None:
    """Add the rows of a query of another connection to a table of the store."""
    run_with_rows(source, store, rows, f"INSERT INTO {table} SELECT * FROM staged_rows")
