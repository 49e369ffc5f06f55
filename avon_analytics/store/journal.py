"""The journal of a store: what was committed and is not yet written into the store's file.

The engine makes it as readable as the process makes any file, whenever it finds none: so an empty
one that only the owner reads stands ready for it. And so that it does not remove and make it anew
by itself, it never writes the journal's rows into the store unasked: ``shorten`` asks.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from avon_analytics.errors import StoreError
from avon_analytics.store.parsed import run

LIMIT = 16 << 20  # from when on the engine would do it by itself
NEVER_BY_ITSELF = {"wal_autocheckpoint": "1TB"}
_OWNERS = 0o600


def journal_of(store: str) -> Path:
    """Where the journal of a store is."""
    return Path(f"{store}.wal")


def files_of(store: str) -> tuple[str, ...]:
    """The files of a store: its own, its journal, and those that replace a journal for a while."""
    journal = str(journal_of(store))
    return store, journal, f"{journal}.checkpoint", f"{journal}.recovery"


def make(store: str) -> None:
    """Make an empty journal, unless there is one."""
    with suppress(FileExistsError):
        os.close(os.open(journal_of(store), os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNERS))


def refuse_alone(store: str) -> None:
    """Raises StoreError where a store is gone and its journal is not, which no new one can use."""
    journal = journal_of(store)
    if journal.exists() and journal.stat().st_size and not Path(store).exists():
        raise StoreError(
            f"{journal} is the journal of a store that is gone: remove it, or bring {store} back "
            "beside it"
        )


def drop_empty(store: str) -> None:
    """Remove a journal into which nothing was written."""
    journal = journal_of(store)
    with suppress(OSError):
        if journal.stat().st_size == 0:
            journal.unlink()


def shorten(connection: duckdb.DuckDBPyConnection, limit: int = LIMIT) -> None:
    """Write a long journal's rows into the store; to be called after each large transaction."""
    found = run(
        connection,
        "SELECT path FROM duckdb_databases() WHERE database_name = 'store' AND path IS NOT NULL",
    ).fetchall()
    for (store,) in found:
        with suppress(FileNotFoundError, duckdb.TransactionException):  # somebody is at work
            if journal_of(store).stat().st_size > limit:
                connection.execute("CHECKPOINT store")
                make(store)
