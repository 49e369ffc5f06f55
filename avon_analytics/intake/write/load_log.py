"""The log of a load: what was done, file by file, in sums that agree with where lines ended."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from avon_analytics.intake.archive.files import NOTHING, Found, otherwise_compressed
from avon_analytics.intake.person.tombstones import Tombstones
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.columns import integers, texts
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.intake.write.known_files import KnownFile, OpenFile
from avon_analytics.intake.write.known_ids import KnownIds
from avon_analytics.intake.write.log_lines import rename_file
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.writer import StoreWriter
from avon_analytics.store import journal
from avon_analytics.store.parsed import run
from avon_analytics.store.settings import random_key
from avon_analytics.version import VERSION


class LoadLog:
    """One row of ``loads``, for the files that were ``found``, and the transactions that belong to
    it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        secrets: Secrets | None,
        found: Found = NOTHING,
    ) -> None:
        self._connection = connection
        self.policy = policy
        self.secrets = secrets
        self.found = found
        # Of files that their paths do not open.
        self.urls = {file.path: file.url for file in found.files if file.url is not None}
        self._known_ids = KnownIds(connection)
        self._tombstones = Tombstones(connection)
        self.has_moved_lines = False
        ((last,),) = run(connection, "SELECT max(load_id) FROM loads").fetchall()
        self.load_id: int = (last or 0) + 1
        run(
            connection,
            "INSERT INTO loads VALUES ($id, $at, $version, $policy, $names, 0, 0, $passed, "
            "0, 0, 0, 0, 0)",
            {
                "id": self.load_id,
                "at": datetime.now(UTC),
                "version": VERSION,
                "policy": policy,
                "names": ", ".join(secrets.names) if secrets else None,
                "passed": found.passed_over,
            },
        )

    @contextmanager
    def transaction(self, staging: Staging) -> Iterator[StoreWriter]:
        """A transaction that takes lines in; all of it is stored, or nothing."""
        writer = StoreWriter(self._connection, staging, self.load_id, self._known_ids, self.urls)
        self._connection.execute("BEGIN")
        try:
            yield writer
            writer.settle()
            if writer.has_moved_lines:
                recount(self._connection)
                self.has_moved_lines = True
            with staging.clock.timing("commit"):
                self._connection.execute("COMMIT")
                journal.shorten(self._connection)
        except BaseException:
            with suppress(duckdb.Error):  # what went wrong first is what has to be said
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of what was only needed meanwhile."""
        self._known_ids.let_go()

    def known_files(self) -> dict[str, KnownFile]:
        """What is known of the files, by path; new ones have no entry.

        A file that is known by a name that differs in the suffix of compression alone is not new.
        """
        paths = [file.path for file in self.found.files]
        known = self._known(paths)
        others = {path: otherwise_compressed(path) for path in paths if path not in known}
        known_as = self._known([other for names in others.values() for other in names])
        for path, names in others.items():
            found = [known_as[name] for name in names if name in known_as]
            if found:
                longest = max(found, key=lambda one: one.bytes_read)
                known[path] = replace(longest, is_renamed=True)
        return known

    def _known(self, paths: Iterable[str]) -> dict[str, KnownFile]:
        path_of = {self.name_of(path): path for path in paths}
        rows = run(
            self._connection,
            "SELECT file, size, modified_ns, bytes_read, last_line, sha256, rest_offset, "
            "pending_bytes FROM archive_files WHERE file IN (SELECT unnest($files))",
            {"files": list(path_of)},
        ).fetchall()
        return {path_of[file]: KnownFile(*known) for file, *known in rows}

    def name_of(self, path: str) -> str:
        """What the log calls a file: its path, without what names a forgotten person."""
        tombstones = self._tombstones
        if not tombstones:
            return path
        return tombstones.masked_path(path, lambda part: bool(tombstones.people_in([part])))

    def add_files(self, files: Sequence[OpenFile]) -> None:
        """Write down how far files were read and where their lines ended."""
        rows = [self._row_of(file) for file in files]
        sets = ", ".join(
            [f"{name} = r.{name}" for name in _HOW_FAR]
            + [f"{name} = a.{name} + r.{name}" for name in _COUNTS]
        )
        columns = ArrowRows.of_values(rows, file=texts, **_HOW_FAR, **_COUNTS)
        with columns.as_table("read_files", self._connection):
            run(
                self._connection,
                f"UPDATE archive_files AS a SET {sets} FROM read_files AS r WHERE a.file = r.file",
            )
            run(
                self._connection,
                "INSERT INTO archive_files BY NAME SELECT * FROM read_files AS r "
                "WHERE NOT EXISTS (SELECT 1 FROM archive_files AS a WHERE a.file = r.file)",
            )
        for file in files:
            if (name := self.name_of(file.path)) != file.path:
                rename_file(self._connection, file.path, name)
        sums = ", ".join(f"{name} = {name} + ${name}" for name in _COUNTS)
        run(
            self._connection,
            f"UPDATE loads SET files = files + $read, {sums} WHERE load_id = $load_id",
            {
                "load_id": self.load_id,
                "read": sum(file.is_worth_telling for file in files),
                **{name: sum(getattr(file.ended, name) for file in files) for name in _COUNTS},
            },
        )

    def _row_of(self, read: OpenFile) -> tuple[Any, ...]:
        file, end = read.file, read.end
        # A damaged file is looked at again, also where it seems unchanged.
        size, pending_bytes = (None, 0) if end.is_damaged else (file.size, end.pending_bytes)
        place = (end.bytes_read, end.next_line - 1, end.sha256, end.rest_offset, pending_bytes)
        counts = (getattr(read.ended, name) for name in _COUNTS)
        name = self.name_of(file.path)
        return (name, self.load_id, size, file.modified_ns, *place, *counts)

    def pending(self) -> dict[str, int]:
        """Those of the files that end in the middle of a delivery, and how many bytes of it."""
        known = self._known(file.path for file in self.found.files)
        return {path: n for path in sorted(known) if (n := known[path].pending_bytes)}


def with_unique_paths(connection: duckdb.DuckDBPyConnection, found: Found) -> Found:
    """The same files, where those behind URLs with credentials have names of their own.

    Two URLs may differ in what is not shown alone: a digest of the whole, under a random key of
    the store, tells them apart and gives nothing away.
    """
    if all(file.url is None for file in found.files):
        return found
    key = random_key(connection, "url_key")
    files = [
        file if file.url is None else replace(file, path=f"{file.path}#{_digest(key, file.url)}")
        for file in found.files
    ]
    return replace(found, files=tuple(sorted(files, key=lambda file: file.path)))


def _digest(key: bytes, url: str) -> str:
    return hmac.new(key, url.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:16]


def recount(connection: duckdb.DuckDBPyConnection) -> None:
    """Count anew, for each file and each load, where its lines ended."""
    for table, key in (("archive_files", "file"), ("loads", "load_id")):
        connection.execute(
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


_HOW_FAR: dict[str, Any] = {
    "load_id": integers,
    "size": integers,
    "modified_ns": integers,
    "bytes_read": integers,
    "last_line": integers,
    "sha256": texts,
    "rest_offset": integers,
    "pending_bytes": integers,
}
_COUNTS: dict[str, Any] = dict.fromkeys(
    ("lines", "blank", "loaded", "duplicate", "quarantined"), integers
)
