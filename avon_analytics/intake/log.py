"""The log of a load: what was done, file by file, in sums that agree with where lines ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import duckdb

from avon_analytics.intake.marks import Marks
from avon_analytics.intake.reading import KnownFile, Reading
from avon_analytics.intake.signature import Secrets
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.take import Intake
from avon_analytics.intake.told import Told
from avon_analytics.intake.words import Policy
from avon_analytics.store import journal
from avon_analytics.version import VERSION


class LoadLog:
    """One row of ``loads``, and the transactions that belong to it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        secrets: Secrets | None,
        passed_over: int = 0,
    ) -> None:
        self._connection = connection
        self._told = Told(connection)
        self._marks = Marks(connection)
        self.has_moved_lines = False
        ((last,),) = connection.execute("SELECT max(load_id) FROM loads").fetchall()
        self.load_id: int = (last or 0) + 1
        connection.execute(
            "INSERT INTO loads VALUES ($id, $at, $version, $policy, $names, 0, 0, $passed, "
            "0, 0, 0, 0, 0)",
            {
                "id": self.load_id,
                "at": datetime.now(UTC),
                "version": VERSION,
                "policy": policy,
                "names": ", ".join(secrets.names) if secrets else None,
                "passed": passed_over,
            },
        )

    @contextmanager
    def transaction(self, stage: Stage) -> Iterator[Intake]:
        """A transaction that takes lines in; all of it is stored, or nothing."""
        intake = Intake(self._connection, stage, self.load_id, self._told)
        self._connection.execute("BEGIN")
        try:
            yield intake
            with stage.clock.timing("settle"):
                if intake.settle():
                    self.recount()
                    self.has_moved_lines = True
            with stage.clock.timing("commit"):
                self._connection.execute("COMMIT")
                journal.shorten(self._connection)
        except BaseException:
            with suppress(duckdb.Error):  # what went wrong first is what has to be told
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of what was only needed meanwhile."""
        self._told.let_go()

    def known_files(self, paths: Sequence[str]) -> dict[str, KnownFile]:
        """What is known of some files, by path; new ones have no entry."""
        told_as = {self.name_of(path): path for path in paths}
        rows = self._connection.execute(
            "SELECT file, size, modified_ns, bytes_read, last_line, sha256 FROM archive_files "
            "WHERE file IN (SELECT unnest($files))",
            {"files": list(told_as)},
        ).fetchall()
        return {told_as[file]: KnownFile(*told) for file, *told in rows}

    def name_of(self, path: str) -> str:
        """What the log calls a file: its path, without what names a forgotten person."""
        return self._marks.masked_path(path)

    def add_file(self, reading: Reading) -> None:
        """Write down how far a file was read and where its lines ended."""
        file, reader, ended = reading.file, reading.reader, reading.ended
        counts = {
            "lines": ended.lines,
            "blank": ended.blank,
            "loaded": ended.loaded,
            "duplicate": ended.duplicate,
            "quarantined": ended.quarantined,
        }
        place = {
            "load_id": self.load_id,
            # A damaged file is looked at again, also where it seems unchanged.
            "size": None if reader.is_damaged else file.size,
            "modified_ns": file.modified_ns,
            "bytes_read": reader.bytes_read,
            "last_line": reader.next_line - 1,
            "sha256": reader.sha256,
        }
        sets = ", ".join([f"{k} = ${k}" for k in place] + [f"{k} = {k} + ${k}" for k in counts])
        if self.known_files([file.path]):
            sql = f"UPDATE archive_files SET {sets} WHERE file = $file"
        else:
            names = ("file", *place, *counts)
            values = ", ".join(f"${name}" for name in names)
            sql = f"INSERT INTO archive_files ({', '.join(names)}) VALUES ({values})"
        name = self.name_of(file.path)
        self._connection.execute(sql, {"file": name, **place, **counts})
        if name != file.path:
            for table in ("deliveries", "quarantine", "events"):
                self._connection.execute(
                    f"UPDATE {table} SET file = $name WHERE file = $path",
                    {"name": name, "path": file.path},
                )
        sums = ", ".join(f"{k} = {k} + ${k}" for k in counts)
        self._connection.execute(
            f"UPDATE loads SET files = files + $read, {sums} WHERE load_id = $load_id",
            {"load_id": self.load_id, "read": int(reading.is_worth_telling), **counts},
        )

    def recount(self) -> None:
        """Make the sums of the log agree again after lines have moved."""
        recount(self._connection)


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
