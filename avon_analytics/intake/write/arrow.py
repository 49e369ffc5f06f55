"""Handing rows to the engine, and from one connection to another, as Arrow streams."""

from __future__ import annotations

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


class ArrowColumns:
    """Columns of equal length as an Arrow stream."""

    def __init__(self, **columns: Column) -> None:
        self._columns = [(_TYPES[one.type](), one.buffers) for one in columns.values()]
        kinds = (kind for kind, _ in self._columns)
        self._schema = na.struct(dict(zip(columns, kinds, strict=True)))
        self._n = next(iter(columns.values())).n

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        arrays = [self._slice(start) for start in range(0, self._n, _ROWS)]
        stream = CArrayStream.from_c_arrays(arrays, na.c_schema(self._schema), validate=False)
        return stream.__arrow_c_stream__(requested_schema)

    def _slice(self, start: int) -> Any:
        size = min(_ROWS, self._n - start)
        children = [
            c_array_from_buffers(
                kind, size, buffers, offset=start, null_count=0 if buffers[0] is None else -1
            )
            for kind, buffers in self._columns
        ]
        return c_array_from_buffers(self._schema, size, [None], children=children, null_count=0)


class ArrowRows:
    """The rows of a query as an Arrow stream, for another connection to read.

    They are computed once and held: the engine asks for a stream three times where it scans one.
    ``release`` lets go of them; the engine keeps a registered object until its transaction ends.
    A query that reads such rows itself is run by one thread (``Database.side_by_side``).
    """

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        stream = na.c_array_stream(relation)
        self._schema = stream.get_schema()
        self._arrays = list(stream)

    def release(self) -> None:
        """Let go of the rows."""
        self._arrays.clear()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        stream = CArrayStream.from_c_arrays(self._arrays, self._schema, validate=False)
        return stream.__arrow_c_stream__(requested_schema)


def run_with_rows(
    source: duckdb.DuckDBPyConnection, store: duckdb.DuckDBPyConnection, rows: str, into: str
) -> None:
    """Run a statement on the store that reads ``staged_rows``: a query of another connection.

    Neither binds values: with them DuckDB 1.5 runs a query at once, under Python's lock, for which
    a stream waits that another thread reads.
    """
    staged_rows = ArrowRows(source.sql(parsed(source, rows)))
    store.register("staged_rows", staged_rows)
    run(store, into)
    store.unregister("staged_rows")
    staged_rows.release()


def insert_rows(
    source: duckdb.DuckDBPyConnection, store: duckdb.DuckDBPyConnection, table: str, rows: str
) -> None:
    """Add the rows of a query of another connection to a table of the store."""
    run_with_rows(source, store, rows, f"INSERT INTO {table} SELECT * FROM staged_rows")
