"""The second task of a load: takes the lines of one bucket in, and writes its part of the lake.

A bucket is a store of its own, small and on the disk of the executor. What the lake holds of the
events is fetched, the lines are taken in as into any store, and its rows are written as files that
no state of the lake names yet. A task that is lost leaves files that nobody sees.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute

from avon_analytics.intake.archive.batch import Batch, LongLine
from avon_analytics.intake.read.read_lines import ReadLines
from avon_analytics.intake.read.reader import Line
from avon_analytics.intake.write.log_lines import take_out
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.writer import StoreWriter
from avon_analytics.spark.messages import SENT_SCHEMA, Batches, for_driver, in_our_words
from avon_analytics.spark.read_task import ReadOptions
from avon_analytics.spark.recall import Recall
from avon_analytics.store.database import Database
from avon_analytics.store.lake import write_tables
from avon_analytics.store.tables import stored_tables

# The driver's: a few rows that belong to no bucket.
OF_ALL = ("loads", "archive_files", "forgotten")
IN_BUCKETS = tuple(table for table in stored_tables() if table not in OF_ALL)

_UNPACK = msgspec.msgpack.Decoder(Line).decode
_MEMORY = "1GB"  # of the engine, which then goes on on disk
# A transaction keeps what it wrote in memory, and nobody sees a bucket's store before its end.
_TRANSACTION_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class WriteTask:
    """Takes the lines of a bucket in; ``files`` are those of the lake's state, by table."""

    options: ReadOptions
    lake: str
    load_id: int
    files: Mapping[str, Sequence[str]]

    @in_our_words
    def run(self, batches: Batches) -> Batches:
        """Rows as ``FOR_DRIVER`` says: the files written, and those that the first task read."""
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return
        number = int(first.column("bucket")[0].as_py())
        with (
            TemporaryDirectory(prefix="avon-", dir=_local_folder()) as folder,
            closing(Database(f"{folder}/bucket.duckdb", threads=1, memory_limit=_MEMORY)) as data,
            data.writing() as store,
        ):
            bucket = Bucket(self, number, store, Path(folder))
            for rows in bucket.prepared(chain([first], batches)):
                yield from bucket.take(rows)
            yield from bucket.write()


class Bucket:
    """A bucket while a task works on it: its store, and the lines that wait to be taken in."""

    def __init__(
        self, task: WriteTask, number: int, store: duckdb.DuckDBPyConnection, folder: Path
    ) -> None:
        self._task = task
        self._number = number
        self._store = store
        self._spool = folder / "lines.arrow"
        self._waiting: list[pa.RecordBatch] = []
        self._held = 0
        self._in_transaction = 0
        self._staging = Staging(store.cursor(), task.options.rules)
        self._recall = Recall(store, task.lake, task.files, number, task.options.n_buckets)
        self._writer = StoreWriter(store, self._staging, task.load_id)

    def prepared(self, batches: Batches) -> Batches:
        """The same rows, once what the lake holds of their events has been fetched."""
        if self._recall.is_divided_otherwise:
            self._recall.fetch_all()
        elif self._recall.has_files:
            batches = self._spooled(batches)
            self._recall.fetch()
        self._store.execute("BEGIN")
        return batches

    def _spooled(self, batches: Batches) -> Batches:
        """The same rows, read again from the disk after all of them were seen."""
        with pa.ipc.new_file(str(self._spool), SENT_SCHEMA) as spool:
            for rows in batches:
                self._recall.want(rows)
                spool.write_batch(rows)
        reader = pa.ipc.open_file(pa.OSFile(str(self._spool)))
        return (reader.get_batch(number) for number in range(reader.num_record_batches))

    # -- lines ------------------------------------------------------------------------------

    def take(self, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take some rows in, batch by batch; passes on what is meant for the driver."""
        if set(rows.column("bucket").unique().to_pylist()) != {self._number}:
            raise AssertionError("a task got the lines of another bucket")
        what = rows.column("what")
        for kind in what.unique().to_pylist():
            of_kind = rows.filter(pyarrow.compute.equal(what, kind))
            if kind == "line":
                self._waiting.append(of_kind)
                self._held += of_kind.nbytes
                if self._held >= self._task.options.of_files.batch_bytes:
                    self._take_waiting()
            elif kind == "moved":
                yield self._take_out(of_kind)
            elif kind == "long":
                self._set_aside(of_kind)
            elif kind == "file":
                yield for_driver(
                    "file", [json.loads(one) for one in of_kind.column("message").to_pylist()]
                )

    def _take_waiting(self) -> None:
        waiting, self._waiting, self._held = self._waiting, [], 0
        if waiting:
            rows = pa.Table.from_batches(waiting).combine_chunks()
            batch, read = _batch(rows), list(map(_UNPACK, rows.column("read").to_pylist()))
            self._staging.take_over(batch, ReadLines.of(read, with_bodies=False))
            self._writer.take(batch)
            self._in_transaction += rows.nbytes
            if self._in_transaction >= _TRANSACTION_BYTES:
                self._store.execute("COMMIT")
                self._store.execute("BEGIN")
                self._in_transaction = 0

    def _take_out(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Lines that come in again from the quarantine, perhaps into another bucket."""
        self._writer.has_moved_lines = True
        files = rows.column("file").to_pylist()
        load_ids = map(json.loads, rows.column("message").to_pylist())
        places = (rows.column(name).to_pylist() for name in ("line", "byte_offset"))
        take_out(self._store, list(zip(load_ids, files, *places, strict=True)))
        return for_driver("moved", list(Counter(files).items()))

    def _set_aside(self, rows: pa.RecordBatch) -> None:
        for message in rows.column("message").to_pylist():
            long = LongLine(**json.loads(message))
            self._writer.take(Batch((long.file,), long_lines=[long]))

    # -- the lake ---------------------------------------------------------------------------

    def write(self) -> Iterator[pa.RecordBatch]:
        """Write the rows of the bucket; sends the driver which files they are in."""
        self._take_waiting()
        self._writer.settle()
        self._store.execute("COMMIT")
        tag = f"{uuid4().hex}-b{self._number}of{self._task.options.n_buckets}"
        written = write_tables(self._store, Path(self._task.lake), tag, IN_BUCKETS)
        yield for_driver("bucket", [self._writer.has_moved_lines])
        yield for_driver("replaced", self._recall.replaced)
        yield for_driver(
            "written",
            [
                [table, month, path]
                for table, months in written.items()
                for month, paths in months.items()
                for path in paths
            ],
        )


def _batch(rows: pa.Table) -> Batch:
    """The lines of some rows, without a copy of each."""
    content = rows.column("content").combine_chunks().cast(pa.binary())
    _, offsets, data = content.buffers()
    bounds = np.frombuffer(offsets, np.int32)[content.offset : content.offset + len(content) + 1]
    files = rows.column("file").combine_chunks().dictionary_encode()
    return Batch(
        tuple(files.dictionary.to_pylist()),
        bytes(memoryview(data)[int(bounds[0]) : int(bounds[-1])]),
        bounds - bounds[0],
        file_no=files.indices.to_numpy().astype(np.int64),
        lines=rows.column("line").to_numpy(),
        byte_offsets=rows.column("byte_offset").to_numpy(),
    )


def _local_folder() -> str | None:
    """The executor's own disk, where Spark keeps what it shuffles."""
    folder = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0]
    return folder if folder and os.path.isdir(folder) else None
