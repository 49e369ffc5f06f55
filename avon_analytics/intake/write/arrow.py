"""Handing rows to the engine, and from one connection to another, as Arrow streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import nanoarrow as na
import numpy as np
from nanoarrow.c_array import c_array_from_buffers
from nanoarrow.c_array_stream import CArrayStream

# The engine holds what it computes of one array many times over: small ones bound its memory.
_ROWS = 1024


class ArrowColumns:
    """Columns of equal length as an Arrow stream."""

    def __init__(self, **columns: tuple[Any, list[Any], int]) -> None:
        self._columns = list(columns.values())
        self._schema = na.struct({name: kind for name, (kind, _, _) in columns.items()})
        self._n = self._columns[0][2]

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
            for kind, buffers, _ in self._columns
        ]
        return c_array_from_buffers(self._schema, size, [None], children=children, null_count=0)


def texts(values: Sequence[str | None]) -> tuple[Any, list[Any], int]:
    """A column of texts."""
    encoded = [None if value is None else value.encode() for value in values]
    return _of_bytes(na.string(), encoded)


def blobs(values: Sequence[bytes | None], *, are_texts: bool = False) -> tuple[Any, list[Any], int]:
    """A column of bytes; ``are_texts``: of texts that are UTF-8 already."""
    return _of_bytes(na.string() if are_texts else na.binary(), values)


def _of_bytes(kind: Any, values: Sequence[bytes | None]) -> tuple[Any, list[Any], int]:
    n = len(values)
    ends = np.zeros(n + 1, np.int32)
    validity = None
    if None in values:
        validity = _bits([value is not None for value in values], n)
        values = [value or b"" for value in values]
    np.cumsum(np.fromiter(map(len, values), np.int64, n), out=ends[1:])  # type: ignore[arg-type]
    return kind, [validity, ends, b"".join(values)], n  # type: ignore[arg-type]


def integers(values: Any) -> tuple[Any, list[Any], int]:
    """A column of whole numbers."""
    n = len(values)
    if isinstance(values, np.ndarray):
        return na.int64(), [None, np.ascontiguousarray(values, np.int64)], n
    validity = None
    if None in values:
        validity = _bits([value is not None for value in values], n)
        values = [value or 0 for value in values]
    return na.int64(), [validity, np.fromiter(values, np.int64, n)], n


def _bits(flags: Iterable[bool], n: int) -> Any:
    return np.packbits(np.fromiter(flags, np.bool_, n), bitorder="little")


class ArrowRows:
    """The rows of a query as an Arrow stream, for another connection to read.

    They are computed once and held: the engine asks for a stream three times where it scans one.
    ``release`` lets go of them; the engine keeps a registered object until its transaction ends.
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
    source: duckdb.DuckDBPyConnection,
    store: duckdb.DuckDBPyConnection,
    rows: str,
    into: str,
    **parameters: object,
) -> None:
    """Run a statement on the store that reads ``staged_rows``: a query of another connection."""
    staged_rows = ArrowRows(source.sql(rows, params=parameters or None))
    store.register("staged_rows", staged_rows)
    store.execute(into)
    store.unregister("staged_rows")
    staged_rows.release()


def insert_rows(
    source: duckdb.DuckDBPyConnection,
    store: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    **parameters: object,
) -> None:
    """Add the rows of a query of another connection to a table of the store."""
    into = f"INSERT INTO {table} SELECT * FROM staged_rows"
    run_with_rows(source, store, rows, into, **parameters)
