"""Handing lines to the engine, and rows from one of its connections to another."""

from __future__ import annotations

from typing import Any

import duckdb
import nanoarrow as na
from nanoarrow.c_array import c_array_from_buffers
from nanoarrow.c_array_stream import CArrayStream

from avon_analytics.intake.archive.batch import Batch

# One thread scans one array: many small ones keep every core at work. The engine holds what it
# computes of one array, many times over, so that small ones also bound its memory.
_ROWS = 512

_SCHEMA = na.struct(
    {
        "nth": na.int64(),
        "file_no": na.int64(),
        "line": na.int64(),
        "byte_offset": na.int64(),
        "byte_length": na.int64(),
        "content": na.string(),
        "readable": na.uint8(),
    }
)


class ArrowLines:
    """A batch as an Arrow stream: where each line stands, its content, whether it is readable.

    The engine trusts that text is UTF-8: lines that are not are blanked for it.
    """

    def __init__(self, batch: Batch) -> None:
        self._n = len(batch)
        integers = (
            batch.nths,
            batch.file_no,
            batch.lines,
            batch.byte_offsets,
            batch.byte_lengths,
        )
        self._columns: list[tuple[Any, list[Any]]] = [(na.int64(), [None, v]) for v in integers]
        self._columns.append((na.string(), [None, batch.bounds, batch.text_buffer()]))
        self._columns.append((na.uint8(), [None, batch.readable.astype("uint8")]))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        arrays = [self._slice(start) for start in range(0, self._n, _ROWS)]
        stream = CArrayStream.from_c_arrays(arrays, na.c_schema(_SCHEMA), validate=False)
        return stream.__arrow_c_stream__(requested_schema)

    def _slice(self, start: int) -> Any:
        size = min(_ROWS, self._n - start)
        children = [
            c_array_from_buffers(kind, size, buffers, offset=start, null_count=0)
            for kind, buffers in self._columns
        ]
        return c_array_from_buffers(_SCHEMA, size, [None], children=children, null_count=0)


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
