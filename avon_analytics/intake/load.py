"""Loading an archive: file by file, each in one transaction, with a receipt that adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb
import numpy as np

from avon_analytics.errors import ArchiveError, UsageError, unknown_choice
from avon_analytics.intake.archive import ArchiveFile, Paths, find_files
from avon_analytics.intake.batch import Ended, Intake
from avon_analytics.intake.engine import prepare
from avon_analytics.intake.envelope import signed_of
from avon_analytics.intake.lines import BATCH_BYTES, LINE_LIMIT, Batch, LineReader, batch_of
from avon_analytics.intake.receipt import FileReceipt, Receipt
from avon_analytics.intake.signature import Secrets, SecretsLike
from avon_analytics.intake.words import POLICIES, SIGNATURE_CODES, Policy
from avon_analytics.store.database import Database, store_error
from avon_analytics.version import VERSION


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come; sizes are bytes on disk."""

    file: str
    files_done: int
    files: int
    bytes_done: int
    bytes: int
    lines: int


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class _KnownFile:
    """What an earlier load says of a file."""

    size: int
    modified_ns: int
    bytes_read: int
    last_line: int
    sha256: str


@dataclass(slots=True)
class _Tally:
    """Counts of one file while it is read."""

    blank: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    pending_bytes: int = 0
    note: str = ""
    is_read: bool = False

    def add(self, ended: Ended) -> None:
        self.blank += ended.blank
        self.loaded += ended.loaded
        self.duplicate += ended.duplicate
        self.quarantined += ended.quarantined
        self.by_code.update(ended.quarantined_by_code)

    @property
    def lines(self) -> int:
        return self.blank + self.loaded + self.duplicate + self.quarantined

    def receipt(self, path: str) -> FileReceipt:
        counts = (self.blank, self.loaded, self.duplicate, self.quarantined)
        return FileReceipt(path, *counts, dict(self.by_code), self.pending_bytes, self.note)


def load(
    database: Database,
    paths: Paths,
    *,
    secrets: SecretsLike = None,
    policy: Policy = "require",
    line_limit: int = LINE_LIMIT,
    batch_bytes: int = BATCH_BYTES,
    recheck: bool = False,
    on_progress: OnProgress | None = None,
) -> Receipt:
    """Load the files that ``paths`` name; a file is loaded whole or not at all.

    Raises MissingSecret before a line is read, ArchiveError for a path that cannot be read and
    StoreError for a store that cannot be written. What earlier files brought stays; running the
    same load again goes on where it ended.
    """
    given = _secrets_for(policy, secrets)
    found = find_files(paths)
    if not found.files:
        raise ArchiveError(
            "the given folders hold no archive file (.jsonl, .ndjson or .json, plain or as .gz, "
            f".zst or .bz2); {found.passed_over} other files were passed over"
        )
    for file in found.files:
        LineReader(file.path).close()
    with database.writing() as connection:
        loader = _Loader(connection, policy, given, line_limit, batch_bytes)
        try:
            return loader.load(found.files, found.passed_over, recheck, on_progress)
        except duckdb.Error as error:
            raise store_error(database.path, error) from None


def _secrets_for(policy: str, secrets: SecretsLike) -> Secrets | None:
    if policy not in POLICIES:
        raise UsageError(unknown_choice("policy", policy, POLICIES))
    return None if policy == "skip" else Secrets.read(secrets)


class _Loader:
    """One load into an open store."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        secrets: Secrets | None,
        line_limit: int,
        batch_bytes: int,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._secrets = secrets
        self._line_limit = line_limit
        self._batch_bytes = batch_bytes
        self._load_id = 0
        self._stage = connection.cursor()
        self._stage.execute("SET TimeZone = 'UTC'")
        prepare(self._stage)

    def load(
        self,
        files: tuple[ArchiveFile, ...],
        passed_over: int,
        recheck: bool,
        on_progress: OnProgress | None,
    ) -> Receipt:
        self._open_log(passed_over)
        receipts: list[FileReceipt] = []
        unchanged = done = lines = 0
        total = sum(file.size for file in files)
        for number, file in enumerate(files):

            def tell(position: int, more: int = 0, file: ArchiveFile = file) -> None:
                if on_progress is not None:
                    at = min(done + position, total)
                    on_progress(Progress(file.path, number, len(files), at, total, lines + more))  # noqa: B023

            tell(0)
            try:
                tally = self._whole(lambda f=file, t=tell: self._file(f, recheck, t))  # type: ignore[misc]
            except ArchiveError as error:
                before = f"; {number} files before it are done" if number else ""
                raise ArchiveError(f"{error}; nothing of it was loaded{before}") from None
            done += file.size
            if tally.is_read:
                receipts.append(tally.receipt(file.path))
                lines += tally.lines
            else:
                unchanged += 1
        if on_progress is not None and files:
            on_progress(Progress(files[-1].path, len(files), len(files), total, total, lines))
        return self._close_log(files, receipts, unchanged, passed_over)

    def _whole(self, work: Callable[[], _Tally]) -> _Tally:
        """Run some work in one transaction."""
        self._connection.execute("BEGIN")
        try:
            tally = work()
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return tally

    # -- one file ---------------------------------------------------------------------------

    def _file(self, file: ArchiveFile, recheck: bool, tell: Callable[..., None]) -> _Tally:
        known = self._known(file.path)
        tally = _Tally()
        is_settled = known is not None and (
            (known.size, known.modified_ns) == (file.size, file.modified_ns) and not recheck
        )
        if not is_settled:
            self._read(file, known, tally, tell)
        if known is not None:
            self._retry(file.path, tally)
        return tally

    def _known(self, path: str) -> _KnownFile | None:
        rows = self._connection.execute(
            "SELECT size, modified_ns, bytes_read, last_line, sha256 FROM archive_files "
            "WHERE file = $file",
            {"file": path},
        ).fetchall()
        return _KnownFile(*rows[0]) if rows else None

    def _read(
        self,
        file: ArchiveFile,
        known: _KnownFile | None,
        tally: _Tally,
        tell: Callable[..., None],
    ) -> None:
        reader = self._reader(file.path)
        try:
            if known is not None and reader.skip(known.bytes_read, known.last_line) != known.sha256:
                reader.close()
                reader = self._reader(file.path)
                tally.note = "its earlier part has changed, so it was read whole again"
            intake = self._intake(file.path)
            for batch in reader.batches():
                tally.add(intake.take(batch))
                tell(reader.position, tally.lines)
            tally.is_read = known is None or tally.lines > 0 or bool(tally.note)
            tally.pending_bytes = reader.pending_bytes
            if reader.pending_bytes:
                note = "its last line is not complete; it is read again when the file has grown"
                tally.note = f"{tally.note}; {note}" if tally.note else note
            self._log_file(file, reader, tally)
        finally:
            reader.close()

    def _reader(self, path: str) -> LineReader:
        return LineReader(path, line_limit=self._line_limit, batch_bytes=self._batch_bytes)

    def _intake(self, path: str) -> Intake:
        return Intake(
            self._connection,
            self._stage,
            load_id=self._load_id,
            file=path,
            policy=self._policy,
            secrets=self._secrets,
        )

    def _retry(self, path: str, tally: _Tally) -> None:
        """Take what an earlier load did not believe and this one does: there is another secret."""
        rows = self._connection.execute(
            f"""SELECT line, byte_offset, content FROM quarantine
            WHERE file = $file AND content IS NOT NULL AND load_id <> $load_id
              AND code IN {SIGNATURE_CODES}
            ORDER BY line""",
            {"file": path, "load_id": self._load_id},
        ).fetchall()
        rows = [row for row in rows if self._is_believed(row[2])]
        if not rows:
            return
        place = {"file": path, "lines": [line for line, _, _ in rows]}
        for log in ("quarantine", "deliveries"):
            self._connection.execute(
                f"DELETE FROM {log} WHERE file = $file AND list_contains($lines, line)", place
            )
        tally.add(self._intake(path).take(_batch_from(rows)))
        tally.is_read = True
        tally.note = f"{len(rows):,} lines from the quarantine are believed now"
        self._recount()

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

    def _log_file(self, file: ArchiveFile, reader: LineReader, tally: _Tally) -> None:
        counts = {
            "lines": tally.lines,
            "blank": tally.blank,
            "loaded": tally.loaded,
            "duplicate": tally.duplicate,
            "quarantined": tally.quarantined,
        }
        place = {
            "load_id": self._load_id,
            "size": file.size,
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
            f"UPDATE loads SET files = files + 1, {sums} WHERE load_id = $load_id",
            {"load_id": self._load_id, **counts},
        )

    def _recount(self) -> None:
        """Make the sums of the log agree again after lines have moved."""
        for table, key in (("archive_files", "file"), ("loads", "load_id")):
            self._connection.execute(
                f"""UPDATE {table} SET
                    loaded = coalesce(n.loaded, 0), duplicate = coalesce(n.duplicate, 0),
                    quarantined = coalesce(n.quarantined, 0),
                    lines = blank + coalesce(n.loaded + n.duplicate + n.quarantined, 0)
                FROM (SELECT {key} AS moved_key,
                        count(*) FILTER (WHERE ended = 'loaded') AS loaded,
                        count(*) FILTER (WHERE ended = 'duplicate') AS duplicate,
                        count(*) FILTER (WHERE ended = 'quarantined') AS quarantined
                    FROM deliveries GROUP BY {key}) AS n
                WHERE n.moved_key = {table}.{key}"""
            )

    def _close_log(
        self,
        files: tuple[ArchiveFile, ...],
        receipts: list[FileReceipt],
        unchanged: int,
        passed_over: int,
    ) -> Receipt:
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
            files=tuple(receipts),
            files_unchanged=unchanged,
            files_passed_over=passed_over,
            policy=self._policy,
            secrets=self._secrets.names if self._secrets else (),
            events=events,
            nothing_believed=believed == 0 and unbelieved > 0,
        )


def _batch_from(rows: list[tuple[int, int, bytes]]) -> Batch:
    """Lines from the quarantine as a batch of the file that they came from."""
    buffer = b"".join(content + b"\n" for _, _, content in rows)
    bounds = np.cumsum([0, *(len(content) + 1 for _, _, content in rows)]).astype(np.int32)
    lines = np.array([line for line, _, _ in rows], dtype=np.int64)
    return batch_of(buffer, bounds, lines, np.array([o for _, o, _ in rows], dtype=np.int64))
