"""Loading an archive: file by file, each in one transaction, with a receipt that adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial as partial_of
from itertools import chain, groupby

import duckdb

from avon_analytics.errors import ArchiveError, DamagedFile, UsageError, unknown_choice
from avon_analytics.intake.archive import ArchiveFile, Paths, find_files, open_file
from avon_analytics.intake.envelope import signed_of
from avon_analytics.intake.lines import (
    BATCH_BYTES,
    BATCH_LINES,
    LINE_LIMIT,
    Batch,
    LineReader,
    batch_of,
    merged,
)
from avon_analytics.intake.receipt import FileReceipt, Receipt
from avon_analytics.intake.signature import Secrets, SecretsLike
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.take import Ended, Intake
from avon_analytics.intake.words import POLICIES, SIGNATURE_CODES, Policy
from avon_analytics.store.database import Database, store_error
from avon_analytics.store.waiting import WAIT_TO_LOAD, OnWait
from avon_analytics.version import VERSION


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come; sizes are bytes on disk."""

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
    line_limit: int = LINE_LIMIT,
    batch_bytes: int = BATCH_BYTES,
    recheck: bool = False,
    partial: bool = False,
    wait: float = WAIT_TO_LOAD,
    on_wait: OnWait | None = None,
    on_progress: OnProgress | None = None,
) -> Receipt:
    """Load the files that ``paths`` name; a file is loaded whole or not at all.

    Raises MissingSecret before a line is read, ArchiveError for a path that cannot be read and
    StoreError for a store that cannot be written. What earlier files brought stays; running the
    same load again goes on where it ended. A compressed file that is damaged or cut short raises
    DamagedFile; with ``partial`` its whole lines before the damage are loaded.
    """
    given = _secrets_for(policy, secrets)
    found = find_files(paths)
    if not found.files:
        raise ArchiveError(
            "the given folders hold no archive file (.jsonl, .ndjson or .json, plain or as .gz, "
            f".zst or .bz2); {found.passed_over} other files were passed over"
        )
    for file in found.files:
        if not file.is_remote:  # to open one is a request, for which a store may want money
            open_file(file.path).close()
    with database.writing(wait=wait, on_wait=on_wait) as connection:
        read = partial_of(
            LineReader, line_limit=line_limit, batch_bytes=batch_bytes, partial=partial
        )
        loader = _Loader(connection, policy, given, read, batch_bytes)
        try:
            return loader.load(found.files, found.passed_over, recheck, on_progress)
        except duckdb.Error as error:
            raise store_error(database.path, error) from None


def _secrets_for(policy: str, secrets: SecretsLike) -> Secrets | None:
    if policy not in POLICIES:
        raise UsageError(unknown_choice("policy", policy, POLICIES))
    return None if policy == "skip" else Secrets.read(secrets)


@dataclass(frozen=True, slots=True)
class _KnownFile:
    """What an earlier load says of a file."""

    size: int | None
    modified_ns: int | None
    bytes_read: int
    last_line: int
    sha256: str


@dataclass(slots=True)
class _Reading:
    """A file while it is read: its lines so far, and what is to be told of it."""

    file: ArchiveFile
    reader: LineReader
    is_new: bool
    ended: Ended = field(default_factory=Ended)
    notes: list[str] = field(default_factory=list)

    @property
    def is_worth_telling(self) -> bool:
        """Whether the file is new or brought anything."""
        reader = self.reader
        is_whole = not (reader.pending_bytes or reader.is_damaged)
        return self.is_new or self.ended.lines > 0 or bool(self.notes) or not is_whole


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
        read: Callable[[str], LineReader],
        batch_bytes: int,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._secrets = secrets
        self._reader = read
        self._batch_bytes = batch_bytes
        self._stage = Stage(connection.cursor(), policy, secrets)
        self._load_id = 0
        self._waiting: list[tuple[_Reading, Batch | None]] = []
        self._receipts: dict[str, FileReceipt] = {}
        self._has_moved_lines = False

    def load(
        self,
        files: tuple[ArchiveFile, ...],
        passed_over: int,
        recheck: bool,
        on_progress: OnProgress | None,
    ) -> Receipt:
        self._open_log(passed_over)
        total = sum(file.size or 0 for file in files)
        bytes_done = 0
        for number, file in enumerate(files):

            def tell(position: int, done: int = bytes_done, number: int = number) -> None:
                if on_progress is not None:
                    lines = sum(receipt.lines for receipt in self._receipts.values())
                    at = min(done + position, total)
                    on_progress(Progress(number, len(files), at, total, lines))

            tell(0)
            known = self._known(file.path)
            if recheck or known is None or _has_changed(file, known):
                self._read(file, known, tell)
            if known is not None:
                self._retry(file.path)
            bytes_done += file.size or 0
        self._take_waiting()
        if on_progress is not None:
            lines = sum(receipt.lines for receipt in self._receipts.values())
            on_progress(Progress(len(files), len(files), total, total, lines))
        return self._close_log(files, passed_over)

    @contextmanager
    def _transaction(self) -> Iterator[Intake]:
        intake = Intake(self._connection, self._stage, self._load_id)
        self._connection.execute("BEGIN")
        try:
            yield intake
            if intake.settle():
                self._recount()
                self._has_moved_lines = True
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # what went wrong first is what has to be told
                self._connection.execute("ROLLBACK")
            raise

    # -- files ------------------------------------------------------------------------------

    def _known(self, path: str) -> _KnownFile | None:
        rows = self._connection.execute(
            "SELECT size, modified_ns, bytes_read, last_line, sha256 FROM archive_files "
            "WHERE file = $file",
            {"file": path},
        ).fetchall()
        return _KnownFile(*rows[0]) if rows else None

    def _read(
        self, file: ArchiveFile, known: _KnownFile | None, tell: Callable[[int], None]
    ) -> None:
        reading = _Reading(file, self._reader(file.path), is_new=known is None)
        try:
            if known is not None and not _is_continued(reading.reader, known):
                reading.reader.close()
                reading.reader = self._reader(file.path)
                reading.notes.append("its earlier part has changed, so it was read whole again")
            batches = reading.reader.batches()
            first, second = next(batches, None), next(batches, None)
            if second is None:
                self._wait(reading, first)
                return
            assert first is not None
            self._take_waiting()
            with self._transaction() as intake:
                for batch in chain((first, second), batches):
                    reading.ended.add(intake.take(batch)[file.path])
                    tell(reading.reader.position)
                self._log_file(reading)
            self._close(reading)
        except ArchiveError as error:
            self._take_waiting()
            before = f"; {len(self._receipts):,} files before it were" if self._receipts else ""
            hint = ""
            if isinstance(error, DamagedFile):
                hint = " (--partial, partial=True, loads what stands before the damage)"
            told = f"{error}; nothing of it was loaded{hint}{before}"
            raise type(error)(told) from None
        finally:
            reading.reader.close()

    def _wait(self, reading: _Reading, batch: Batch | None) -> None:
        """Let a small file wait for others, until together they fill a batch."""
        self._waiting.append((reading, batch))
        batches = [batch for _, batch in self._waiting if batch is not None]
        held, lines = sum(len(batch.buffer) for batch in batches), sum(map(len, batches))
        if held >= self._batch_bytes or lines >= BATCH_LINES:
            self._take_waiting()

    def _take_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        batches = [batch for _, batch in waiting if batch is not None]
        with self._transaction() as intake:
            ended = intake.take(merged(batches)) if batches else {}
            for reading, _ in waiting:
                reading.ended = ended.get(reading.file.path, reading.ended)
                self._log_file(reading)
        for reading, _ in waiting:
            self._close(reading)

    def _close(self, reading: _Reading) -> None:
        reader, pending = reading.reader, reading.reader.pending_bytes
        if reader.is_damaged:
            reading.notes.append(
                f"it is damaged or cut short: only its first {reader.next_line - 1:,} lines are "
                "loaded; load it again when it is whole"
            )
        elif pending:
            reading.notes.append(
                "its last line is not complete; it is read again when the file has grown"
            )
        if reading.is_worth_telling:
            told = FileReceipt.of(reading.file.path, reading.ended, pending)
            self._tell(replace(told, is_partial=reader.is_damaged), reading.notes)

    def _tell(self, told: FileReceipt, notes: list[str]) -> None:
        before = self._receipts.get(told.file)
        if before is not None:
            told = told.after(before)
            notes = [before.note, *notes] if before.note else notes
        self._receipts[told.file] = replace(told, note="; ".join(notes))

    def _retry(self, path: str) -> None:
        """Take what an earlier load did not believe and this one does: there is another secret."""
        rows = self._connection.execute(
            f"""SELECT load_id, line, byte_offset, content FROM quarantine
            WHERE file = $file AND content IS NOT NULL AND load_id <> $load_id
              AND code IN {SIGNATURE_CODES}
            ORDER BY load_id, line""",
            {"file": path, "load_id": self._load_id},
        ).fetchall()
        rows = [row for row in rows if self._is_believed(row[-1])]
        if not rows:
            return
        self._take_waiting()
        with self._transaction() as intake:
            # A file that was rewritten has lines of the same number in several loads.
            for load_id, of_load in groupby(rows, key=lambda row: row[0]):
                place = {"file": path, "id": load_id, "lines": [row[1] for row in of_load]}
                for log in ("quarantine", "deliveries"):
                    self._connection.execute(
                        f"DELETE FROM {log} WHERE file = $file AND load_id = $id "
                        "AND list_contains($lines, line)",
                        place,
                    )
            ended = intake.take(batch_of([(path, *row[1:]) for row in rows]))[path]
            self._recount()
        told = f"{len(rows):,} lines from the quarantine are believed now"
        self._tell(FileReceipt.of(path, ended), [told])

    def _is_believed(self, content: bytes) -> bool:
        if self._policy != "require" or self._secrets is None:
            return True
        signed = signed_of(content.decode("utf-8", "replace"))
        return signed is not None and any(
            self._secrets.matching(body, signed.signature) for body in signed.candidates
        )

    # -- the log ----------------------------------------------------------------------------

    def _open_log(self, passed_over: int) -> None:
        names = ", ".join(self._secrets.names) if self._secrets else None
        ((last,),) = self._connection.execute("SELECT max(load_id) FROM loads").fetchall()
        self._load_id = (last or 0) + 1
        self._connection.execute(
            "INSERT INTO loads VALUES ($id, $at, $version, $policy, $names, 0, 0, $passed, "
            "0, 0, 0, 0, 0)",
            {
                "id": self._load_id,
                "at": datetime.now(UTC),
                "version": VERSION,
                "policy": self._policy,
                "names": names,
                "passed": passed_over,
            },
        )

    def _log_file(self, reading: _Reading) -> None:
        file, reader, ended = reading.file, reading.reader, reading.ended
        counts = {
            "lines": ended.lines,
            "blank": ended.blank,
            "loaded": ended.loaded,
            "duplicate": ended.duplicate,
            "quarantined": ended.quarantined,
        }
        place = {
            "load_id": self._load_id,
            # A damaged file is looked at again, also where it seems unchanged.
            "size": None if reader.is_damaged else file.size,
            "modified_ns": file.modified_ns,
            "bytes_read": reader.bytes_read,
            "last_line": reader.next_line - 1,
            "sha256": reader.sha256,
        }
        known = self._known(file.path)
        sets = ", ".join([f"{k} = ${k}" for k in place] + [f"{k} = {k} + ${k}" for k in counts])
        if known is not None:
            sql = f"UPDATE archive_files SET {sets} WHERE file = $file"
        else:
            names = ("file", *place, *counts)
            values = ", ".join(f"${name}" for name in names)
            sql = f"INSERT INTO archive_files ({', '.join(names)}) VALUES ({values})"
        self._connection.execute(sql, {"file": file.path, **place, **counts})
        sums = ", ".join(f"{k} = {k} + ${k}" for k in counts)
        self._connection.execute(
            f"UPDATE loads SET files = files + $read, {sums} WHERE load_id = $load_id",
            {"load_id": self._load_id, "read": int(reading.is_worth_telling), **counts},
        )

    def _recount(self) -> None:
        """Make the sums of the log agree again after lines have moved."""
        for table, key in (("archive_files", "file"), ("loads", "load_id")):
            self._connection.execute(
                f"""UPDATE {table} AS l SET
                    loaded = n.loaded, duplicate = n.duplicate, quarantined = n.quarantined,
                    lines = l.blank + n.loaded + n.duplicate + n.quarantined
                FROM (
                    SELECT t.{key} AS counted,
                        count(*) FILTER (WHERE d.ended = 'loaded') AS loaded,
                        count(*) FILTER (WHERE d.ended = 'duplicate') AS duplicate,
                        count(*) FILTER (WHERE d.ended = 'quarantined') AS quarantined
                    FROM {table} AS t LEFT JOIN deliveries AS d ON d.{key} = t.{key}
                    GROUP BY t.{key}
                ) AS n
                WHERE n.counted = l.{key}"""
            )

    def _count_receipts_anew(self) -> None:
        """A line that was loaded may have lost against one that a later file brought."""
        ends: dict[str, Ended] = defaultdict(Ended)
        for file, word, code, n in self._connection.execute(
            "SELECT file, ended, code, count(*) FROM deliveries WHERE load_id = $id GROUP BY ALL",
            {"id": self._load_id},
        ).fetchall():
            ends[file].count(word, code, n)
        for path, before in self._receipts.items():
            ends[path].blank = before.blank
            self._receipts[path] = before.counted_as(ends[path])

    def _close_log(self, files: tuple[ArchiveFile, ...], passed_over: int) -> Receipt:
        unchanged = len(files) - len(self._receipts)
        if self._has_moved_lines:
            self._count_receipts_anew()
        self._connection.execute(
            "UPDATE loads SET files_unchanged = $n WHERE load_id = $id",
            {"n": unchanged, "id": self._load_id},
        )
        ((events,),) = self._connection.execute("SELECT count(*) FROM events").fetchall()
        ((believed, unbelieved),) = self._connection.execute(
            f"""SELECT count(*) FILTER (WHERE ended <> 'quarantined'),
                count(*) FILTER (WHERE code IN {SIGNATURE_CODES})
            FROM deliveries WHERE list_contains($files, file)""",
            {"files": [file.path for file in files]},
        ).fetchall()
        return Receipt(
            files=tuple(self._receipts[name] for name in sorted(self._receipts)),
            files_unchanged=unchanged,
            files_passed_over=passed_over,
            policy=self._policy,
            secrets=self._secrets.names if self._secrets else (),
            events=events,
            nothing_believed=believed == 0 and unbelieved > 0,
        )


def _has_changed(file: ArchiveFile, known: _KnownFile) -> bool:
    if file.size is None or file.modified_ns is None:
        return True  # its store does not tell
    return (known.size, known.modified_ns) != (file.size, file.modified_ns)


def _is_continued(reader: LineReader, known: _KnownFile) -> bool:
    """Pass over what is known of a file; whether it still stands as it did."""
    return reader.skip(known.bytes_read, known.last_line) == known.sha256
