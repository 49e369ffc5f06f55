"""The first task of a load: reads its share of the archive, and sends each line to its bucket.

All lines of one event meet in one bucket, those that turn out not to be believed, too. For most
lines the head of the body tells the event; the others are read whole. A line that tells none goes
where its place in the archive sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from avon_analytics.intake.archive.batch import Batch, batch_of, merged
from avon_analytics.intake.archive.lines import BATCH_LINES, LineReader
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.units import is_continued
from avon_analytics.intake.words import Policy
from avon_analytics.spark.rows import (
    IN,
    SENT_SCHEMA,
    Batches,
    Shared,
    bucket_of,
    buckets_of,
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
        """Rows as ``SENT`` says. Small files share a batch."""
        with duckdb.connect(config={"threads": 1}) as connection:
            sender = Sender(connection, self.how)
            waiting: list[Batch] = []
            for batch in numbers:
                for number in batch.column(0).to_pylist():
                    for piece in self.shares[number]:
                        for one in self._read(piece):
                            if isinstance(one, Batch):
                                waiting.append(one)
                                if self._is_enough(waiting):
                                    yield from sender.send(merged(waiting))
                                    waiting = []
                            else:
                                yield one
            if waiting:
                yield from sender.send(merged(waiting))
            yield from sender.flush()

    def _is_enough(self, batches: list[Batch]) -> bool:
        held, lines = sum(len(batch.buffer) for batch in batches), sum(map(len, batches))
        return held >= self.how.batch_bytes or lines >= BATCH_LINES

    def _read(self, piece: Piece) -> Iterator[Batch | pa.RecordBatch]:
        """The lines of a piece, then how far it was read; in between, what is no line."""
        reader, notes = self._reader(piece), []
        try:
            if piece.known is not None and not is_continued(reader, piece.known):
                reader.close()
                reader = self._reader(piece)
                if not piece.known.is_renamed:
                    notes.append("its earlier part has changed, so it was read whole again")
            blank = 0
            for batch in reader.batches():
                blank += int(batch.blank.sum())
                yield batch
                if batch.long_lines:
                    yield from self._long_lines(batch)
        finally:
            reader.close()
        end = {
            "start": 0 if piece.section is None else piece.section.start,
            "blank": blank,
            "bytes_read": reader.bytes_read,
            "next_line": reader.next_line,
            "sha256": reader.sha256,
            "rest_offset": reader.rest_offset,
            "hint": reader.hint,
            "pending_bytes": reader.pending_bytes,
            "is_damaged": reader.is_damaged,
            "notes": notes,
        }
        yield word(0, IN, "file", file=piece.path, told={"file": piece.path, **end})

    def _reader(self, piece: Piece) -> LineReader:
        return LineReader(
            piece.path,
            url=piece.url,
            line_limit=self.how.line_limit,
            batch_bytes=self.how.batch_bytes,
            partial=self.how.partial,
            section=piece.section,
        )

    def _long_lines(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        keys = [f"{long.file}:{long.line}" for long in batch.long_lines]
        buckets = buckets_of(keys, self.how.n_buckets)
        for long, bucket in zip(batch.long_lines, buckets, strict=True):
            place = {name: getattr(long, name) for name in ("line", "byte_offset", "byte_length")}
            how = {"sha256": long.sha256, "is_continued": long.is_continued}
            yield word(bucket, IN, "long", file=long.file, told=how, **place)


class Sender:
    """Sends lines to their buckets, batch by batch; what only a full reading tells waits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, how: How, turn: int = IN) -> None:
        # Who is believed is decided in the buckets.
        self._stage = Stage(connection, "skip", None)
        self._how = how
        self._turn = turn
        self._unclear: list[Batch] = []

    def send(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """The lines of a batch, each with its bucket, and some of those that wait."""
        if not batch.readable.any():
            return
        self._stage.identify(batch)
        found = self._found("event_id", "identities")
        is_clear = found.column("event_id").is_valid()
        yield _rows(batch, found.filter(is_clear), self._turn)
        unclear = found.filter(pyarrow.compute.invert(is_clear)).column("nth").to_numpy()
        if len(unclear):
            self._unclear.append(_part(batch, unclear))
            if sum(len(one.buffer) for one in self._unclear) >= self._how.batch_bytes:
                yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        """The lines that wait."""
        unclear, self._unclear = self._unclear, []
        if unclear:
            batch = merged(unclear)
            batch = self._stage.read(batch)
            told = "arrivals LEFT JOIN (SELECT nth, event_id FROM tellings) USING (nth)"
            key = f"coalesce(event_id, {KEY_OF_PLACE})"
            yield _rows(batch, self._found(key, told), self._turn)

    def _found(self, key: str, rows: str) -> pa.Table:
        """Each line, its bucket and the event that it tells."""
        return self._stage.connection.sql(
            f"SELECT nth, {bucket_of(key, self._how.n_buckets)} AS bucket, event_id "
            f"FROM {rows} ORDER BY nth"
        ).to_arrow_table()


def _part(batch: Batch, nths: npt.NDArray[np.int64]) -> Batch:
    """Some lines of a batch."""
    places = zip(
        batch.file_no[nths].tolist(),
        batch.lines[nths].tolist(),
        batch.byte_offsets[nths].tolist(),
        map(batch.as_sent, nths.tolist()),
        strict=True,
    )
    return batch_of([(batch.files[file_no], *place) for file_no, *place in places])


def _rows(batch: Batch, found: pa.Table, turn: int) -> pa.RecordBatch:
    """Those lines of a batch as rows; ``told`` is the event of each."""
    nths = found.column("nth").to_numpy()
    n = len(nths)
    buffers = [None, pa.py_buffer(batch.bounds), pa.py_buffer(_as_sent(batch))]
    content = pa.Array.from_buffers(pa.binary(), len(batch), buffers)
    columns = {
        "bucket": found.column("bucket").cast(pa.int32()).combine_chunks(),
        "turn": pa.array(np.full(n, turn), pa.int32()),
        "what": pa.array(["line"]).take(pa.array(np.zeros(n, np.int64))),
        "file": pa.array(batch.files, pa.string()).take(pa.array(batch.file_no[nths])),
        "line": pa.array(batch.lines[nths]),
        "byte_offset": pa.array(batch.byte_offsets[nths]),
        "byte_length": pa.array(batch.byte_lengths[nths]),
        "content": content.take(pa.array(nths)),
        "told": found.column("event_id").cast(pa.string()).combine_chunks(),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=SENT_SCHEMA)


def _as_sent(batch: Batch) -> bytes | bytearray:
    """The lines as they stand in their files, with their byte-order marks."""
    if not batch.marked:
        return batch.buffer
    restored = bytearray(batch.buffer)
    for nth in batch.marked:
        start = int(batch.bounds[nth])
        restored[start : start + len(BOM)] = BOM
    return restored
