"""The log of a lake on the driver: its few rows as tables, all else as it stands in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from avon_analytics.errors import StoreError
from avon_analytics.intake.after.quarantined_lines import QuarantineFilter, files_of
from avon_analytics.intake.after.retry import codes_to_retry
from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.write.file_receipts import FileReceipts, ends_by_file
from avon_analytics.intake.write.known_files import KnownFile, OpenFile
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.load_log import LoadLog, recount
from avon_analytics.spark.cluster import Loaded
from avon_analytics.spark.write_task import OF_ALL
from avon_analytics.store.lake import State, rows_of_files
from avon_analytics.store.schema import CREATE_SETTINGS, SCHEMA_VERSION, quote
from avon_analytics.store.tables import stored_tables

LOGS = ("loads", "archive_files")


@contextmanager
def lake_log(
    lake: Path, state: State, time_zone: str | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees a lake as a store whose ``settings``, ``loads`` and ``archive_files``
    can be written; they are in memory until they are written into the lake.

    Raises StoreError for a lake that knows of forgotten people: the key to their marks stays in
    the store that it was written from.
    """
    if state.files("forgotten"):
        raise StoreError(
            f"the lake {lake} was written from a store that people were removed from, and only "
            "that store can tell them again: load into the store, and write the lake from it"
        )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(CREATE_SETTINGS)
        settings = {"time_zone": time_zone or "UTC", **state.settings}
        settings["schema_version"] = str(SCHEMA_VERSION)
        for name, value in settings.items():
            connection.execute("INSERT INTO settings VALUES (?, ?)", [name, value])
        for table in OF_ALL:  # nobody is forgotten in a lake, and a load looks who is
            connection.execute(f"CREATE TABLE {table} AS {_rows(lake, state, table)}")
        show(connection, lake, state)
        yield connection


def show(connection: duckdb.DuckDBPyConnection, lake: Path, state: State) -> None:
    """Make a state of a lake what the connection sees of it, but for the log."""
    for table in stored_tables():
        if table not in OF_ALL:
            rows = _rows(lake, state, table)
            connection.execute(f"CREATE OR REPLACE VIEW {quote(table)} AS {rows}")


def _rows(lake: Path, state: State, table: str) -> str:
    return rows_of_files([f"{lake}/{path}" for path in state.files(table)], stored_tables()[table])


def settings_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The settings of the lake, as they are to be published."""
    return dict(connection.execute("SELECT name, value FROM settings ORDER BY name").fetchall())


def close_files(
    connection: duckdb.DuckDBPyConnection,
    log: LoadLog,
    files: Sequence[ArchiveFile],
    known: Mapping[str, KnownFile],
    loaded: Loaded,
) -> FileReceipts:
    """Write down how far each file was read and where its lines ended; the receipts of all."""
    ended, receipts = ends_by_file(connection, log.load_id), FileReceipts(connection, log)
    opened = []
    for file in files:
        read, of_file = loaded.files[file.path], ended[file.path]
        of_file.blank = read.blank
        opened.append(OpenFile(file, known.get(file.path), of_file, read.notes, read.end))
        receipts.add(opened[-1])
    if opened:
        log.add_files(opened)
    for path, n in sorted(loaded.moved.items()):  # the log has counted them
        receipts.add_moved(path, n, LineCounts())
    if loaded.has_moved_lines:
        recount(connection)
        log.has_moved_lines = True
    return receipts


def with_lines_to_retry(
    connection: duckdb.DuckDBPyConnection, policy: Policy, files: Sequence[ArchiveFile]
) -> dict[str, str | None]:
    """The files of which lines are in quarantine that this load may trust, and their URLs."""
    found = set(files_of(connection, QuarantineFilter(codes_to_retry(policy))))
    return {file.path: file.url for file in files if file.path in found}
