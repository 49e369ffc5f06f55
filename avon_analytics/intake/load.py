"""Loading an archive: file by file, each in one transaction, with a receipt that adds up."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, chain

import duckdb

from avon_analytics.arguments import flag
from avon_analytics.errors import ArchiveError, DamagedFile, UsageError
from avon_analytics.intake.after.quarantined_lines import QuarantineFilter, files_of, places
from avon_analytics.intake.after.retry import codes_to_retry, retry
from avon_analytics.intake.after.tried_secrets import TriedSecrets
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.files import (
    Found,
    Paths,
    find_some_files,
    open_file,
)
from avon_analytics.intake.archive.lines import BATCH_BYTES, LINE_LIMIT, FileRules, checked_limit
from avon_analytics.intake.person.tombstones import Tombstones
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.process import ReadingProcesses
from avon_analytics.intake.read.read_lines import ReadRules
from avon_analytics.intake.read.signature import Secrets, SecretsLike
from avon_analytics.intake.write.clock import Clock
from avon_analytics.intake.write.file_receipts import FileReceipts
from avon_analytics.intake.write.known_files import OpenFile
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.load_log import LoadLog, with_unique_paths
from avon_analytics.intake.write.read_ahead import Chunk, Chunks, read_ahead
from avon_analytics.intake.write.receipt import Receipt
from avon_analytics.intake.write.staging import Staging
from avon_analytics.printable import counted
from avon_analytics.store.database import Database
from avon_analytics.store.memory import LOADING, Bound
from avon_analytics.store.privacy import Privacy, agree_on
from avon_analytics.store.trouble import store_error
from avon_analytics.store.waiting import WAIT_TO_LOAD, OnWait

READ_APART_FROM = 48 * 1024 * 1024  # bytes of lines
_READERS = 2  # two keep up with what is stored; each holds a batch


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come: files and bytes on disk that are stored, and lines that are read."""

    files_done: int
    files: int
    bytes_done: int
    bytes: int
    lines: int


OnProgress = Callable[[Progress], None]


def load(
    database: Database,
    paths: Paths,
    *,
    secrets: SecretsLike = None,
    policy: Policy = "require",
    privacy: Privacy | None = None,
    line_limit: int = LINE_LIMIT,
    batch_bytes: int = BATCH_BYTES,
    recheck: bool = False,
    allow_truncated: bool = False,
    wait: float = WAIT_TO_LOAD,
    on_wait: OnWait | None = None,
    on_progress: OnProgress | None = None,
) -> Receipt:
    """Load the files that ``paths`` name; a file is loaded whole or not at all.

    Raises ArchiveError for a path that cannot be read, MissingSecret before a line is read and
    StoreError for a store that cannot be written. What earlier files brought stays; running the
    same load again goes on where it ended. A compressed file that is damaged or cut short raises
    DamagedFile; with ``allow_truncated`` its whole lines before the damage are loaded.
    """
    checked_limit(line_limit)
    recheck = flag(recheck, "recheck")
    rules = FileRules(line_limit, batch_bytes, flag(allow_truncated, "allow_truncated"))
    found = files_to_load(paths, secrets)
    given = Secrets.for_policy(policy, secrets)
    with database.writing(wait=wait, on_wait=on_wait) as connection:
        try:
            agreed = agree_on(connection, privacy)
            found = with_unique_paths(connection, found)
            n_readers = min(database.threads, _READERS)
            with database.side_by_side(), database.bounded(LOADING) as bound:
                loader = _Loader(connection, policy, given, agreed, found, bound, n_readers)
                chunks = Chunks(found.files, loader.known, rules, recheck)
                if n_readers > 1 and chunks.n_bytes >= READ_APART_FROM:
                    loader.read_apart()
                return loader.load(iter(chunks), on_progress)
        except duckdb.Error as error:
            raise store_error(database.path, error) from None


def files_to_load(paths: Paths, secrets: SecretsLike) -> Found:
    """The files that ``paths`` name.

    Raises ArchiveError where there is none or one is closed, UsageError where one is the file of
    the secrets or a store: its lines would be kept in quarantine.
    """
    found = find_some_files(paths)
    local = [file.path for file in found.files if not file.is_remote]
    if isinstance(secrets, os.PathLike):
        own = os.path.realpath(secrets)
        if any(os.path.realpath(path) == own for path in local):
            raise UsageError(f"{os.fspath(secrets)} holds the secrets: it is no file to load")
    for path in local:  # to open a remote one is a request, for which a store may want money
        open_file(path).close()
    return found


class _Loader:
    """One load into an open store.

    Small files share a batch, and with it a transaction; a large file has one of its own. Either
    way a file is loaded whole or not at all.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        secrets: Secrets | None,
        privacy: Privacy,
        found: Found,
        bound: Bound,
        n_readers: int,
    ) -> None:
        self._connection = connection
        self._privacy = privacy
        self._clock = Clock()

        has_forgotten = bool(Tombstones(connection))
        rules = ReadRules(policy, secrets, privacy == "limited", with_bodies=has_forgotten)
        self._processes = ReadingProcesses(rules)

        def staging() -> Staging:
            cursor = connection.cursor()
            processes, clock = self._processes, self._clock
            return Staging(cursor, rules, processes=processes, bound=bound, clock=clock)

        self._staging_areas = tuple(staging() for _ in range(n_readers + 1))
        self._log = LoadLog(connection, policy, secrets, found)
        self._receipts = FileReceipts(connection, self._log)
        self.known = self._log.known_files()

    def read_apart(self) -> None:
        """Have lines read in processes of their own: to start them takes a second of work."""
        self._processes.start(len(self._staging_areas) - 1)

    def load(self, chunks: Generator[Chunk], on_progress: OnProgress | None) -> Receipt:
        """Store the chunks of the files, try what is in quarantine again, and close the log."""
        files = self._log.found.files
        before = list(accumulate((file.size or 0 for file in files), initial=0))

        stored = (0, 0)

        def report(number: int, position: int) -> None:
            nonlocal stored
            stored = number, position
            if on_progress is not None:
                done = min(before[number] + position, before[-1])
                n_lines = self._receipts.n_lines
                if number < len(files):
                    n_lines = max(n_lines, self._n_read)
                on_progress(Progress(number, len(files), done, before[-1], n_lines))

        report(0, 0)
        with (
            closing(self._log),
            closing(chunks),
            closing(self._processes),
            read_ahead(chunks, self._staging_areas, lambda: report(*stored)) as read,
        ):
            try:
                for chunk, staging in read:
                    self._take(chunk, staging, read, report)
            except ArchiveError as error:
                raise self._not_loaded(error) from None
        self._retry_quarantined()
        report(len(files), 0)
        return self._receipts.close(self._privacy, self._clock)

    @property
    def _n_read(self) -> int:
        """How many lines have been read, those included that are not stored yet."""
        return sum(staging.reader.n_read for staging in self._staging_areas)

    # -- files ------------------------------------------------------------------------------

    def _take(
        self,
        chunk: Chunk,
        staging: Staging,
        rest: Iterator[tuple[Chunk, Staging]],
        report: Callable[[int, int], None],
    ) -> None:
        """Store a chunk and those after it that belong to the same transaction."""
        with self._log.transaction(staging) as writer:
            while True:
                writer.staging = staging
                if chunk.batch is not None:
                    ended = writer.take(chunk.batch, may_wait=not chunk.is_last)
                    _add(ended, chunk.files)
                report(chunk.file_no, chunk.position)
                if chunk.is_last:
                    break
                chunk, staging = next(rest)
            _add(writer.take_rest(), chunk.files)
            self._log.add_files(chunk.files)
        for file in chunk.files:
            self._receipts.add(file)

    def _not_loaded(self, error: ArchiveError) -> ArchiveError:
        n = len(self._receipts)
        before = f"; {counted(n, 'file before it was', 'files before it were')}" if n else ""
        hint = ""
        if isinstance(error, DamagedFile):
            hint = " (--partial, allow_truncated=True, loads what stands before the damage)"
        return type(error)(f"{error}; nothing of it was loaded{hint}{before}")

    def _retry_quarantined(self) -> None:
        """Try again what an earlier load did not trust, where this one has another secret."""
        needed = self._log.secrets if self._log.policy == "require" else None
        tried = TriedSecrets(self._connection, needed) if needed else None
        codes = codes_to_retry(self._log.policy)
        paths = {file.path for file in self._log.found.files}
        for path in files_of(self._connection, QuarantineFilter(codes)):
            if path not in paths:
                continue
            were_all_read = True
            if path in self.known:
                after = tried.up_to(path) if tried else 0
                which = QuarantineFilter(
                    codes, path, after_load=after, before_load=self._log.load_id
                )
                were_all_read = self._retry(which, path, needed)
            if tried and were_all_read:
                tried.add(path, self._log.load_id)
        if tried:
            tried.save()

    def _retry(self, which: QuarantineFilter, path: str, secrets: Secrets | None) -> bool:
        """Take in what loads before this one did not trust and this one does, of a file.

        Returns whether each of these lines could be read again.
        """
        with (
            closing(places(self._connection, which)) as found,
            ArchivedLines(self._log.urls) as archive,
        ):
            first = next(found, None)
            if first is None:
                return True
            with self._log.transaction(self._staging_areas[0]) as writer:
                every = chain([first], found)
                retried = retry(self._connection, writer, every, archive, secrets)
        if retried.n_moved:
            self._receipts.add_moved(path, retried.n_moved, retried.ended[path])
        return retried.unreadable == 0


def _add(ended: Mapping[str, LineCounts], files: Sequence[OpenFile]) -> None:
    """Count where lines ended, with the files in which they stand."""
    for file in files:
        if file.path in ended:
            file.ended.add(ended[file.path])
