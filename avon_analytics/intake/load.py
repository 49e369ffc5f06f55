"""Loading an archive: file by file, each in one transaction, with a receipt that adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial as partial_of
from itertools import chain

import duckdb

from avon_analytics.errors import ArchiveError, DamagedFile
from avon_analytics.intake.again import Archive, Which, places
from avon_analytics.intake.archive import ArchiveFile, Paths, find_files, open_file
from avon_analytics.intake.lines import (
    BATCH_BYTES,
    BATCH_LINES,
    LINE_LIMIT,
    Batch,
    LineReader,
    checked_limit,
    merged,
)
from avon_analytics.intake.log import KnownFile, LoadLog
from avon_analytics.intake.receipt import FileReceipt, Receipt
from avon_analytics.intake.replay import move, that_move
from avon_analytics.intake.signature import Secrets, SecretsLike
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.take import Ended
from avon_analytics.intake.words import SIGNATURE_CODES, Policy
from avon_analytics.store.database import Database, store_error
from avon_analytics.store.privacy import Privacy, agree_on
from avon_analytics.store.waiting import WAIT_TO_LOAD, OnWait


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
    privacy: Privacy | None = None,
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
    checked_limit(line_limit)
    given = Secrets.for_policy(policy, secrets)
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
        try:
            held = agree_on(connection, privacy)
            loader = _Loader(connection, policy, given, held, found.passed_over, read, batch_bytes)
            return loader.load(found.files, recheck, on_progress)
        except duckdb.Error as error:
            raise store_error(database.path, error) from None


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
        privacy: Privacy,
        passed_over: int,
        read: Callable[[str], LineReader],
        batch_bytes: int,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._secrets = secrets
        self._privacy = privacy
        self._passed_over = passed_over
        self._reader = read
        self._batch_bytes = batch_bytes
        is_limited = privacy == "limited"
        self._stage = Stage(connection.cursor(), policy, secrets, is_limited=is_limited)
        self._log = LoadLog(connection, policy, secrets, passed_over)
        self._waiting: list[tuple[_Reading, Batch | None]] = []
        self._receipts: dict[str, FileReceipt] = {}

    def load(
        self, files: tuple[ArchiveFile, ...], recheck: bool, on_progress: OnProgress | None
    ) -> Receipt:
        total = sum(file.size or 0 for file in files)
        bytes_done = 0
        for number, file in enumerate(files):

            def tell(position: int, done: int = bytes_done, number: int = number) -> None:
                if on_progress is not None:
                    lines = sum(receipt.lines for receipt in self._receipts.values())
                    at = min(done + position, total)
                    on_progress(Progress(number, len(files), at, total, lines))

            tell(0)
            known = self._log.known(file.path)
            if recheck or known is None or known.has_changed(file):
                self._read(file, known, tell)
            if known is not None:
                self._retry(file.path)
            bytes_done += file.size or 0
        self._take_waiting()
        if on_progress is not None:
            lines = sum(receipt.lines for receipt in self._receipts.values())
            on_progress(Progress(len(files), len(files), total, total, lines))
        return self._close_log(files)

    # -- files ------------------------------------------------------------------------------

    def _read(
        self, file: ArchiveFile, known: KnownFile | None, tell: Callable[[int], None]
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
            with self._log.transaction(self._stage) as intake:
                for batch in chain((first, second), batches):
                    reading.ended.add(intake.take(batch)[file.path])
                    tell(reading.reader.position)
                self._add_file(reading)
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
        with self._log.transaction(self._stage) as intake:
            ended = intake.take(merged(batches)) if batches else {}
            for reading, _ in waiting:
                reading.ended = ended.get(reading.file.path, reading.ended)
                self._add_file(reading)
        for reading, _ in waiting:
            self._close(reading)

    def _add_file(self, reading: _Reading) -> None:
        is_told = reading.is_worth_telling
        self._log.add_file(reading.file, reading.reader, reading.ended, is_told=is_told)

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
        _tell_wrong_secret(reading)
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
        codes, secrets = SIGNATURE_CODES, None
        if self._policy == "require":  # what carries no signature is believed under no secret
            codes, secrets = ("signature_mismatch", "unverifiable"), self._secrets
        found = places(self._connection, Which(codes, path))
        found = [place for place in found if place.load_id != self._log.load_id]
        with Archive() as archive:
            moving, _ = that_move(self._connection, self._stage, found, archive, secrets)
            if not moving:
                return
            self._take_waiting()
            with self._log.transaction(self._stage) as intake:
                ended = move(self._connection, intake, moving, archive)
                self._log.recount()
        note = f"{len(moving):,} lines from the quarantine are believed now"
        self._tell(FileReceipt.of(path, ended[path]), [note])

    # -- the receipt ------------------------------------------------------------------------

    def _count_receipts_anew(self) -> None:
        """A line that was loaded may have lost against one that a later file brought."""
        ends: dict[str, Ended] = defaultdict(Ended)
        for file, word, code, n in self._connection.execute(
            "SELECT file, ended, code, count(*) FROM deliveries WHERE load_id = $id GROUP BY ALL",
            {"id": self._log.load_id},
        ).fetchall():
            ends[file].count(word, code, n)
        for path, before in self._receipts.items():
            ends[path].blank = before.blank
            self._receipts[path] = before.counted_as(ends[path])

    def _close_log(self, files: tuple[ArchiveFile, ...]) -> Receipt:
        unchanged = len(files) - len(self._receipts)
        if self._log.has_moved_lines:
            self._count_receipts_anew()
        self._connection.execute(
            "UPDATE loads SET files_unchanged = $n WHERE load_id = $id",
            {"n": unchanged, "id": self._log.load_id},
        )
        ((events,),) = self._connection.execute("SELECT count(*) FROM events").fetchall()
        return Receipt(
            files=tuple(self._receipts[name] for name in sorted(self._receipts)),
            files_unchanged=unchanged,
            files_passed_over=self._passed_over,
            policy=self._policy,
            privacy=self._privacy,
            secrets=self._secrets.names if self._secrets else (),
            events=events,
            nothing_believed=self._is_nothing_believed(files),
        )

    def _is_nothing_believed(self, files: tuple[ArchiveFile, ...]) -> bool:
        """Whether these files have lines in doubt, and none that is believed: a wrong secret.

        Files that an earlier load read count, so a wrong secret is told every night.
        """
        right = "signature IN ('verified', 'unchecked')"
        doubt = f"code IN {SIGNATURE_CODES}"
        if self._policy == "record":
            doubt += " OR signature = 'mismatch'"
        else:
            right += " OR ended <> 'quarantined'"
        ((believed, in_doubt),) = self._connection.execute(
            f"SELECT count(*) FILTER (WHERE {right}), count(*) FILTER (WHERE {doubt}) "
            "FROM deliveries WHERE file IN (SELECT unnest($files))",
            {"files": [file.path for file in files]},
        ).fetchall()
        return bool(believed == 0 and in_doubt > 0)


def _tell_wrong_secret(reading: _Reading) -> None:
    """A word on a file all of whose signatures match no secret; others of the archive may."""
    ended = reading.ended
    wrong = ended.quarantined_by_code["signature_mismatch"]
    if wrong and ended.loaded + ended.duplicate == 0:
        reading.notes.append(
            f"not one of its {wrong:,} signatures matched: was it signed with another secret?"
        )


def _is_continued(reader: LineReader, known: KnownFile) -> bool:
    """Pass over what is known of a file; whether it still stands as it did."""
    return reader.skip(known.bytes_read, known.last_line) == known.sha256
