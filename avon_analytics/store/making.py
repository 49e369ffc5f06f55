"""What makes a file a store: its tables, its settings and its version; and how it gets its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from avon_analytics.contract.zones import zones
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import SCHEMA_VERSION, create_statements
from avon_analytics.suggestions import repeated

# A load holds the newest row group of each table in memory: small ones bound it.
ROW_GROUPS = "ROW_GROUP_SIZE 30720"

OnCreate = Callable[[duckdb.DuckDBPyConnection], None]


class EmptyStore:
    """The store file that this process made last, as bytes: another one like it is a copy.

    To have the engine read a hundred statements takes longer than to load a small file.
    """

    def __init__(self) -> None:
        self._kept: tuple[str | None, OnCreate | None, bytes] = (None, None, b"")

    def keep(self, file: Path, time_zone: str | None, on_create: OnCreate | None) -> None:
        """Keep a file into which nothing was written since it was made."""
        self._kept = (time_zone, on_create, file.read_bytes())

    def write(self, file: Path, time_zone: str | None, on_create: OnCreate | None) -> bool:
        """Write a file like the one that is kept, unless that was made otherwise."""
        *made_with, content = self._kept
        if not content or made_with != [time_zone, on_create]:
            return False
        with file.open("xb") as to:
            to.write(content)
            to.flush()
            os.fsync(to.fileno())
        return True


EMPTY_STORE = EmptyStore()


def make_tables(
    connection: duckdb.DuckDBPyConnection, time_zone: str | None, on_create: OnCreate | None
) -> None:
    """Make all tables of a store in the database in use, in one transaction."""
    connection.execute("BEGIN")
    for statement in create_statements():
        run(connection, statement)
    connection.execute(
        "INSERT INTO settings VALUES ('schema_version', $version), ('time_zone', $zone)",
        {"version": str(SCHEMA_VERSION), "zone": time_zone or "UTC"},
    )
    if on_create is not None:
        on_create(connection)
    connection.execute("COMMIT")


def check_version(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    """Raises StoreError for a file that is no store, or one of another version."""
    try:
        found = run(
            connection, "SELECT value FROM settings WHERE name = 'schema_version'"
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        found = []
    if not found or not str(found[0][0]).isdigit():
        raise StoreError(
            f"{path} is a DuckDB file, but no store of avon_analytics: name another file with --db"
        )
    version = int(found[0][0])
    if version < SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by an earlier avon_analytics (store version {version}, "
            f"this one knows {SCHEMA_VERSION}): load the archive into a new file"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer avon_analytics (store version "
            f"{version}, this one knows {SCHEMA_VERSION}): upgrade avon_analytics"
        )


def name_new(part: Path, path: str) -> None:
    """Give a file its name, unless another one has it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.rename(part, path)


def check_time_zone(name: str) -> None:
    """Raises UsageError for a name that is no time zone."""
    if not isinstance(name, str) or name not in zones().values():
        given = f" {repeated(name)}" if isinstance(name, str) else ""
        raise UsageError(f"unknown time zone{given}: give an IANA name such as 'America/New_York'")
