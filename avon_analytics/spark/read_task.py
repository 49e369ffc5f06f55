"""The first task of a load: reads its share of the archive, and sends each line to its bucket.

The stage tells the event of a line, so that all lines of one event meet in one bucket. A line that
tells none goes where its place in the archive sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from avon_analytics.intake.lines import BOM, Batch, LineReader
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.units import is_continued
from avon_analytics.intake.words import Policy
from avon_analytics.spark.rows import (
    IN,
    SENT_SCHEMA,
    Batches,
    Shared,
    bucket_of,
    in_our_words,
    word,
)
from avon_analytics.spark.shares import Piece, Share

KEY_OF_PLACE = "file || ':' || line"


@dataclass(frozen=True)
class How:
    """How a load reads lines."""

    policy: Policy
    shared: Shared
    is_limited: bool
    line_limit: int
    batch_bytes: int
    n_buckets: int
    partial: bool = False

    def stage(self, connection: duckdb.DuckDBPyConnection) -> Stage:
        """A stage under the policy and the secrets of the load."""
        secrets = self.shared.secrets()
        return Stage(connection, self.policy, secrets, is_limited=self.is_limited)


@dataclass(frozen=True)
class ReadTask:
    """Reads the shares whose numbers it is given."""

    how: How
    shares: tuple[Share, ...]

    @in_our_words
    def run(self, numbers: Batches) -> Batches:
        """Rows as ``SENT`` says."""
        with duckdb.connect(config={"threads": 1}) as connection:
            stage = self.how.stage(connection)
            for batch in numbers:
                for number in batch.column(0).to_pylist():
                    for piece in self.shares[number]:
                        yield from self._read(piece, stage)

    def _read(self, piece: Piece, stage: Stage) -> Batches:
        reader, notes = self._reader(piece), []
        try:
            if piece.known is not None and not is_continued(reader, piece.known):
                reader.close()
                reader = self._reader(piece)
                notes.append("its earlier part has changed, so it was read whole again")
            blank = 0
            for batch in reader.batches():
                blank += int(batch.blank.sum())
                yield from sent(stage, batch, self.how.n_buckets)
                yield from self._long_lines(batch)
        finally:
            reader.close()
        end = {
            "blank": blank,
            "bytes_read": reader.bytes_read,
            "next_line": reader.next_line,
            "sha256": reader.sha256,
            "pending_bytes": reader.pending_bytes,
            "is_damaged": reader.is_damaged,
            "notes": notes,
        }
        yield word(0, IN, "file", file=piece.path, told={"file": piece.path, **end})

    def _reader(self, piece: Piece) -> LineReader:
        return LineReader(
            piece.path,
            line_limit=self.how.line_limit,
            batch_bytes=self.how.batch_bytes,
            partial=self.how.partial,
            section=piece.section,
        )

    def _long_lines(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        for long in batch.long_lines:
            key = f"{long.file}:{long.line}"
            ((bucket,),) = duckdb.execute(
                f"SELECT {bucket_of('$key', self.how.n_buckets)}", {"key": key}
            ).fetchall()
            place = {name: getattr(long, name) for name in ("line", "byte_offset", "byte_length")}
            how = {"sha256": long.sha256, "is_continued": long.is_continued}
            yield word(bucket, IN, "long", file=long.file, told=how, **place)


def sent(stage: Stage, batch: Batch, n_buckets: int, turn: int = IN) -> Iterator[pa.RecordBatch]:
    """The lines of a batch, each with its bucket."""
    if not batch.readable.any():
        return
    stage.read(batch)
    found = stage.connection.execute(
        f"SELECT nth, {bucket_of(f'coalesce(event_id, {KEY_OF_PLACE})', n_buckets)} AS bucket "
        "FROM arrivals LEFT JOIN (SELECT nth, event_id FROM tellings) USING (nth) ORDER BY nth"
    ).fetchnumpy()
    nths = np.asarray(found["nth"])
    files = pa.array(batch.files, pa.string())
    content = pa.Array.from_buffers(
        pa.binary(),
        len(batch),
        [None, pa.py_buffer(batch.bounds), pa.py_buffer(_as_sent(batch))],
    )
    n = len(nths)
    columns = {
        "bucket": pa.array(np.asarray(found["bucket"]), pa.int32()),
        "turn": pa.array(np.full(n, turn), pa.int32()),
        "what": pa.array(["line"]).take(pa.array(np.zeros(n, np.int64))),
        "file": files.take(pa.array(batch.file_no[nths])),
        "line": pa.array(batch.lines[nths]),
        "byte_offset": pa.array(batch.byte_offsets[nths]),
        "byte_length": pa.array(batch.byte_lengths[nths]),
        "content": content.take(pa.array(nths)),
        "told": pa.nulls(n, pa.string()),
    }
    yield pa.RecordBatch.from_arrays(list(columns.values()), schema=SENT_SCHEMA)


def _as_sent(batch: Batch) -> bytes | bytearray:
    """The lines as they stand in their files, with their byte-order marks."""
    if not batch.marked:
        return batch.buffer
    restored = bytearray(batch.buffer)
    for nth in batch.marked:
        start = int(batch.bounds[nth])
        restored[start : start + len(BOM)] = BOM
    return restored
