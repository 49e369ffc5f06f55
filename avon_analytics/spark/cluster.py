"""The two tasks of a load as jobs of Spark, and what they send the driver."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from avon_analytics.errors import ArchiveError, AvonError, StoreError
from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.write.known_files import KnownFile
from avon_analytics.spark.messages import (
    FOR_DRIVER,
    SENT,
    Batches,
    divided_otherwise,
    error_of,
    for_driver,
    in_our_words,
)
from avon_analytics.spark.read_task import FileRead, ReadOptions, ReadTask
from avon_analytics.spark.retry_task import RetryTask
from avon_analytics.spark.session import rows_in_files, without_pandas_warning
from avon_analytics.spark.shares import Survey, is_large, shares_of, survey
from avon_analytics.spark.write_task import IN_BUCKETS, WriteTask
from avon_analytics.store.lake import Files, State

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(slots=True)
class Loaded:
    """What the tasks of a load sent to the driver."""

    files: dict[str, FileRead] = field(default_factory=dict)
    has_buckets: bool = False
    has_moved_lines: bool = False
    moved: Counter[str] = field(default_factory=Counter)  # lines out of the quarantine, by file
    replaced: set[str] = field(default_factory=set)
    written: list[tuple[str, str, str]] = field(default_factory=list)

    def tables_after(self, before: State, n_buckets: int) -> dict[str, Files]:
        """The files of the lake's next state: those stay whose rows were not written anew."""
        tables: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for table, months in before.tables.items():
            for month, paths in months.items():
                replaced = self.replaced
                if self.has_buckets:
                    replaced = replaced.union(divided_otherwise(paths, n_buckets))
                kept = tuple(path for path in paths if path not in replaced)
                tables[table][month] = kept if table in IN_BUCKETS else paths
        for table, month, path in sorted(self.written):
            tables[table][month] = (*tables[table].get(month, ()), path)
        return {table: {m: paths for m, paths in t.items() if paths} for table, t in tables.items()}


@dataclass(frozen=True)
class SurveyTask:
    """Reads plain files once, to find where they can be cut."""

    files: tuple[tuple[str, int], ...]
    share_bytes: int

    @in_our_words
    def run(self, numbers: Batches) -> Batches:
        """Rows as ``FOR_DRIVER`` says, one for each file that is not compressed."""
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                path, size = self.files[number]
                found = survey(path, size, self.share_bytes)
                yield for_driver("survey", [asdict(found)] if found else [])


class Cluster:
    """Runs the jobs of one load."""

    def __init__(self, session: SparkSession, lake: str, state: State, share_bytes: int) -> None:
        self._session = session
        self._lake = lake
        self._state = state
        self._share_bytes = share_bytes

    @property
    def n_cores(self) -> int:
        """How many tasks run at a time."""
        return self._session.sparkContext.defaultParallelism

    def load(
        self,
        options: ReadOptions,
        load_id: int,
        files: Sequence[ArchiveFile],
        known: Mapping[str, KnownFile],
        in_quarantine: Mapping[str, str | None],
    ) -> Loaded:
        """Read files and take their lines into the lake's folder, in files of no state yet.

        Of the files ``in_quarantine``, lines that are trusted now come in again; each is named with
        the URL that opens it where its path does not.
        """
        surveys = self._surveys([f for f in files if is_large(f, known, self._share_bytes)])
        shares = shares_of(files, known, surveys, self._share_bytes, self.n_cores)
        if not shares and not in_quarantine:
            return Loaded()
        rows = _map(self._numbers(len(shares)), ReadTask(options, tuple(shares)).run, SENT)
        if in_quarantine:
            quarantined = rows_in_files(self._session, self._lake, self._state, "quarantine")
            rows = rows.unionByName(_map(quarantined, RetryTask(options, in_quarantine).run, SENT))
        tables = {table: self._state.files(table) for table in IN_BUCKETS}
        if divided_otherwise(chain.from_iterable(tables.values()), options.n_buckets):
            rows = rows.unionByName(self._every_bucket(options.n_buckets))
        write = WriteTask(options, self._lake, load_id, tables)
        met = rows.repartitionById(options.n_buckets, "bucket")
        ordered = met.sortWithinPartitions("turn", "file", "line", "byte_offset")
        return _loaded(_collect(_map(ordered, write.run, FOR_DRIVER)), surveys)

    def _surveys(self, files: Sequence[ArchiveFile]) -> dict[str, Survey]:
        if not files:
            return {}
        task = SurveyTask(tuple((f.path, f.size or 0) for f in files), self._share_bytes)
        surveyed = _collect(_map(self._numbers(len(files)), task.run, FOR_DRIVER))
        found = msgspec.convert([value for _, value in surveyed], list[Survey])
        return {one.path: one for one in found}

    def _numbers(self, n: int) -> DataFrame:
        """The numbers from 0, each for a task of its own."""
        return self._session.range(0, n, 1, max(n, 1))

    def _every_bucket(self, n: int) -> DataFrame:
        """A row for each bucket, so that each is written."""
        values = {"bucket": "id", "turn": "0", "what": "'none'"}
        columns = (column.split() for column in SENT.split(", "))
        return self._session.range(n).selectExpr(
            *(f"CAST({values.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in columns)
        )


def _map(rows: DataFrame, task: Callable[[Batches], Batches], schema: str) -> DataFrame:
    with without_pandas_warning():
        return rows.mapInArrow(task, schema)


def _collect(rows: DataFrame) -> list[tuple[str, Any]]:
    from pyspark.errors import PySparkException

    try:
        return [(row.what, json.loads(row.message)) for row in rows.collect()]
    except PySparkException as error:
        raise _error(str(error)) from None


def _error(text: str) -> AvonError:
    error = error_of(text)
    if isinstance(error, ArchiveError):
        return type(error)(f"{error}; nothing was loaded")
    return error or StoreError(
        "the load failed on the cluster, and the lake is as it was: the log of its tasks says why"
    )


def _loaded(rows: Iterable[tuple[str, Any]], surveys: Mapping[str, Survey]) -> Loaded:
    loaded = Loaded()
    pieces: dict[str, list[FileRead]] = defaultdict(list)
    for what, value in rows:
        if what == "file":
            read = msgspec.convert(value, FileRead)
            pieces[read.path].append(read)
        elif what == "bucket":
            loaded.has_buckets = True
            loaded.has_moved_lines |= value
        elif what == "replaced":
            loaded.replaced.add(value)
        elif what == "moved":
            loaded.moved[value[0]] += value[1]
        else:
            table, month, path = value
            loaded.written.append((table, month, path))
    for path, parts in pieces.items():
        loaded.files[path] = _whole(parts, surveys.get(path))
    return loaded


def _whole(pieces: list[FileRead], found: Survey | None) -> FileRead:
    """What the sections of a file say of it together."""
    pieces = sorted(pieces, key=lambda piece: piece.start)
    first, last = pieces[0], pieces[-1]
    if found is None:
        return last
    cuts = [section.end for section in found.sections[:-1]]
    if [piece.end.bytes_read for piece in pieces[:-1]] != cuts:
        raise ArchiveError(f"cannot read {found.path}: it changed while it was read")
    sha256 = found.sha256_up_to(last.end.bytes_read)
    end = replace(last.end, sha256=sha256, hint=first.end.hint)
    return replace(last, blank=sum(piece.blank for piece in pieces), end=end)
