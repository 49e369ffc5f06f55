"""Writing a store's file anew, so that nothing stays in it of rows that were deleted.

The engine marks deleted rows as free and leaves their bytes where they are. Only a new file, into
which the living rows are copied, is without them. `clean_copy` says why that is done apart.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import duckdb

from avon_analytics.errors import StoreError
from avon_analytics.store.clean_copy import run_apart
from avon_analytics.store.database import Database
from avon_analytics.store.journal import journal_of
from avon_analytics.store.making import ROW_GROUPS
from avon_analytics.store.private import PrivateFolder
from avon_analytics.store.schema import literal
from avon_analytics.store.trouble import store_error

_TRIES = 3


def rewrite(database: Database) -> None:
    """Copy a store into a new file that takes the old one's place, whole or not at all.

    Writers are kept out meanwhile; who reads the old file reads on. Raises StoreError if the disk
    has no room for a second file or somebody holds the store; then the old file stays.
    """
    if database.in_memory:
        return
    place = Path(os.path.realpath(database.path))
    for _ in range(_TRIES):
        with database.writing() as connection:
            connection.execute("CHECKPOINT store")
        # Held for reading only: letting go of it then touches no journal of the new file.
        with database.reading() as connection:
            if journal_of(str(place)).exists():
                continue  # somebody has written in between
            folder = PrivateFolder(str(place))
            try:
                part = folder.make() / "anew.duckdb"
                if not run_apart(database.config, _apart(place, part)):
                    _copy(connection, part)
                _sync(part)
                part.chmod(stat.S_IMODE(place.stat().st_mode))
                os.replace(part, place)
                _sync(place.parent)
                database.begin_anew()  # what was computed from the old rows, and spilled, goes
                return
            except (duckdb.Error, OSError) as error:
                raise store_error(database.path, error) from None
            finally:
                folder.remove()
    raise StoreError(f"{database.path} is written by others all the time")


def _apart(store: Path, part: Path) -> list[str]:
    """What a process of its own runs; what does not fit into memory it puts beside the copy."""
    return [
        f"SET temp_directory = {literal(str(part.parent / 'spilled'))}",
        f"ATTACH {literal(str(store))} AS store (TYPE duckdb, READ_ONLY)",
        *_copying(part),
    ]


def _copying(part: Path) -> list[str]:
    return [
        f"ATTACH {literal(str(part))} AS fresh (TYPE duckdb, {ROW_GROUPS})",
        "COPY FROM DATABASE store TO fresh",
        "CHECKPOINT fresh",
        "DETACH fresh",
    ]


def _copy(connection: duckdb.DuckDBPyConnection, part: Path) -> None:
    try:
        for statement in _copying(part):
            connection.execute(statement)
    finally:
        connection.execute("DETACH DATABASE IF EXISTS fresh")


def _sync(path: Path) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
