"""The first task of a load: reads its share of the archive, and sends each line to its bucket.

The lines of one event meet in one bucket. A line that reports none goes where its place in the
archive sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avon_analytics.intake.archive.batch import Batch, merged
from avon_analytics.intake.archive.lines import BATCH_LINES, FileRules
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.read_lines import ReadRules
from avon_analytics.intake.read.reader import Line, read_batch
from avon_analytics.intake.write.known_files import FileEnd, resumed
from avon_analytics.spark.messages import (
    ARCHIVED,
    SENT_SCHEMA,
    Batches,
    SharedSecrets,
    buckets_of,
    in_our_words,
    key_of_place,
    words,
)
from avon_analytics.spark.shares import Piece, Share

_PACK = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class ReadOptions:
    """How a load reads files and their lines, and among how many buckets it divides these."""

    policy: Policy
    secrets: SharedSecrets
    is_limited: bool
    of_files: FileRules
    n_buckets: int

    @property
    def rules(self) -> ReadRules:
        """How lines are read under the policy and the secrets of the load."""
        return ReadRules(self.policy, self.secrets.in_task(), self.is_limited, with_bodies=False)


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was read of a file, or of a section of one: from where, how far, and what to report."""

    path: str
    start: int
    blank: int
    notes: list[str]
    end: FileEnd


@dataclass(frozen=True)
class ReadTask:
    """Reads the shares whose numbers it is given."""

    options: ReadOptions
    shares: tuple[Share, ...]

    @in_our_words
    def run(self, numbers: Batches) -> Batches:
        """Rows as ``SENT`` says. Small files share a batch."""
        sender = Sender(self.options)
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

    def _is_enough(self, batches: list[Batch]) -> bool:
        size, lines = sum(len(batch.buffer) for batch in batches), sum(map(len, batches))
        return size >= self.options.of_files.batch_bytes or lines >= BATCH_LINES

    def _read(self, piece: Piece) -> Iterator[Batch | pa.RecordBatch]:
        """The lines of a piece, then how far it was read; in between, what is no line."""
        reader, notes = resumed(
            piece.path, self.options.of_files, piece.known, url=piece.url, section=piece.section
        )
        blank = 0
        with closing(reader):
            for batch in reader.batches():
                blank += int(batch.blank.sum())
                yield batch
                if batch.long_lines:
                    yield self._long_lines(batch)
        start = 0 if piece.section is None else piece.section.start
        read = asdict(FileRead(piece.path, start, blank, notes, FileEnd.of(reader)))
        yield words(ARCHIVED, "file", [{"bucket": 0, "file": piece.path, "message": read}])

    def _long_lines(self, batch: Batch) -> pa.RecordBatch:
        keys = [key_of_place(long.file, long.line) for long in batch.long_lines]
        buckets = buckets_of(keys, self.options.n_buckets)
        rows = []
        for long, bucket in zip(batch.long_lines, buckets, strict=True):
            place = {"file": long.file, "line": long.line, "byte_offset": long.byte_offset}
            rows.append({**place, "bucket": bucket, "message": asdict(long)})
        return words(ARCHIVED, "long", rows)


class Sender:
    """Sends lines to their buckets: those of one event to one, in which it is settled who wins."""

    def __init__(self, options: ReadOptions, turn: int = ARCHIVED) -> None:
        self._reader = options.rules.reader()
        self._n_buckets = options.n_buckets
        self._turn = turn

    def send(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """The lines of a batch, each with its bucket and its event."""
        batch, nths, read = read_batch(self._reader, batch)
        if not read:
            return
        keys = [
            line.event_id or key_of_place(batch.file(nth), batch.lines[nth])
            for nth, line in zip(nths.tolist(), read, strict=True)
        ]
        yield _rows(batch, nths, buckets_of(keys, self._n_buckets), read, self._turn)


def _rows(
    batch: Batch,
    nths: npt.NDArray[np.int64],
    buckets: list[int],
    read: Sequence[Line],
    turn: int,
) -> pa.RecordBatch:
    """Some lines of a batch as rows, each with what it says."""
    n = len(nths)
    buffers = [None, pa.py_buffer(batch.bounds), pa.py_buffer(batch.buffer_as_sent())]
    content = pa.Array.from_buffers(pa.binary(), len(batch), buffers)
    columns = {
        "bucket": pa.array(buckets, pa.int32()),
        "turn": pa.array(np.full(n, turn), pa.int32()),
        "what": pa.array(["line"]).take(pa.array(np.zeros(n, np.int64))),
        "file": pa.array(batch.files, pa.string()).take(pa.array(batch.file_no[nths])),
        "line": pa.array(batch.lines[nths]),
        "byte_offset": pa.array(batch.byte_offsets[nths]),
        "byte_length": pa.array(batch.byte_lengths[nths]),
        "content": content.take(pa.array(nths)),
        "read": pa.array(list(map(_PACK, read)), pa.binary()),
        "message": pa.array([line.event_id for line in read], pa.string()),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=SENT_SCHEMA)
