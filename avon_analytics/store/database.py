"""Opening, holding and letting go of a store file.

A store is one DuckDB file. It is attached only while something reads or writes it, so that a
notebook left open does not keep the nightly load from its work, and many readers can share it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.near import did_you_mean
from avon_analytics.store.lake import is_lake, newest_state, view_of_lake
from avon_analytics.store.memory import Bound
from avon_analytics.store.migration import migrate
from avon_analytics.store.schema import SCHEMA_VERSION, create_statements
from avon_analytics.store.waiting import WAIT_TO_READ, OnWait, holder, seconds, when_free

# A load holds the newest row group of each table in memory: small ones bound it.
ROW_GROUPS = "ROW_GROUP_SIZE 30720"
MEMORY = ":memory:"


class Database:
    """A store file, or a lake, and the one in-memory connection that works on it.

    Temporary tables belong to that connection and outlive a reading; tables of the store are
    visible by their bare names inside ``reading()`` and ``writing()``, and only there.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        time_zone: str | None = None,
        threads: int | None = None,
        memory_limit: str | None = None,
        wait: float = WAIT_TO_READ,
        on_create: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
    ) -> None:
        self.path = path_of(path, "the store")
        self.wait = seconds(wait)
        if time_zone is not None:
            check_time_zone(time_zone)
        self._time_zone = time_zone
        self._on_create = on_create
        self.config = _config(self.path, threads, memory_limit)
        self._connection = _connect(self.config)
        self._mode: str | None = None
        self._state = 0  # the number of the lake's state that is attached
        if self.path == MEMORY:
            self._connection.execute("SET temp_directory = ''")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("ATTACH ':memory:' AS store")
            self._connection.execute("USE store")
            self._create()

    @property
    def in_memory(self) -> bool:
        """Whether the store lives in this process alone."""
        return self.path == MEMORY

    @property
    def is_lake(self) -> bool:
        """Whether it is a folder of Parquet tables, which is only read here."""
        return not self.in_memory and is_lake(self.path)

    @property
    def exists(self) -> bool:
        """Whether there is a store to read."""
        return self.in_memory or Path(self.path).is_file() or self.is_lake

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        if self._time_zone is None:
            with self.reading() as connection:
                found = connection.execute(
                    "SELECT value FROM settings WHERE name = 'time_zone'"
                ).fetchall()
            self._time_zone = found[0][0] if found else "UTC"
        return self._time_zone

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, with the store attached for reading.

        Raises StoreError if there is no store, if it is no store, or if another process writes it
        for longer than ``wait``.
        """
        with self._attached(read_only=True, wait=self.wait) as connection:
            yield connection

    @contextmanager
    def writing(
        self, *, wait: float | None = None, on_wait: OnWait | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, with the store attached for writing; makes the store if it is new.

        Where another process holds it, ``on_wait`` is told so, and it is tried again for ``wait``
        seconds. Raises StoreError if the store cannot be written or is held for longer.
        """
        wait = self.wait if wait is None else seconds(wait)
        with self._attached(read_only=False, wait=wait, on_wait=on_wait) as connection:
            yield connection

    @contextmanager
    def _attached(
        self, *, read_only: bool, wait: float, on_wait: OnWait | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        if self.in_memory or self._mode == "write" or (self._mode == "read" and read_only):
            yield self._connection
            return
        if self._mode == "read":
            raise StoreError("the store is being read; it cannot be written before that ends")
        if self.is_lake:
            with self._lake(read_only) as connection:
                yield connection
            return
        with owner_only():
            self._attach(read_only, wait, on_wait)
            try:
                yield self._connection
            except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
                raise store_error(self.path, error) from None
            finally:
                self._detach()

    @contextmanager
    def _lake(self, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if not read_only:
            raise StoreError(
                f"{self.path} is a lake, which is only read here: load into it with "
                "'avon-analytics spark load', or into the store that it was written from"
            )
        try:
            self._state = self.show_lake(self._connection, self._state)
            self._mode = "read"
            yield self._connection
        except duckdb.Error as error:
            if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                raise store_error(self.path, error) from None
            raise
        finally:
            self._mode = None

    def show_lake(self, connection: duckdb.DuckDBPyConnection, shown: int = 0) -> int:
        """Make a lake's newest state what a connection uses, unless ``shown`` is its number.

        Nothing of it is held: a state's files are there until the lake is written twice more.
        """
        state = newest_state(self.path)
        if state is None:
            raise StoreError(f"the lake {self.path} is empty: write a store into it")
        if state.number != shown:
            connection.execute("USE memory.main")
            connection.execute("DETACH DATABASE IF EXISTS store")
            connection.execute("ATTACH ':memory:' AS store")
            connection.execute("USE store")
            for statement in view_of_lake(self.path, state):
                connection.execute(statement)
            if self._on_create is not None:
                self._on_create(connection)
        return state.number

    def _attach(self, read_only: bool, wait: float, on_wait: OnWait | None) -> None:
        try:
            if not Path(self.path).exists():
                if read_only:
                    raise StoreError(
                        f"there is no store at {self.path}: load an archive into it first, "
                        f"with 'avon-analytics load PATH --db {self.path}'."
                        f"{did_you_mean(self.path)}"
                    )
                self._create_file()
            mode = "READ_ONLY" if read_only else "READ_WRITE"
            when_free(self.path, lambda: self._use(self.path, mode), wait, on_wait)
            self._mode = "read" if read_only else "write"
            version = self._check_version()
            if version < SCHEMA_VERSION and not read_only:
                migrate(self._connection, version, self._on_create)
        except (duckdb.Error, OSError) as error:
            self._detach()
            raise store_error(self.path, error, waited=wait) from None
        except StoreError:
            self._detach()
            raise

    def _use(self, path: str, mode: str) -> None:
        literal = path.replace("'", "''")
        how = mode if mode == "READ_ONLY" else f"{mode}, {ROW_GROUPS}"
        self._connection.execute(f"ATTACH '{literal}' AS store ({how})")
        self._connection.execute("USE store")

    def _create_file(self) -> None:
        # Made under another name: a store that was cut short while it was made is never seen.
        part = f"{self.path}.new-{uuid4().hex}"
        try:
            self._use(part, "READ_WRITE")
            self._create()
            # Letting go of a file does the same, but says nothing where the disk is full.
            self._connection.execute("CHECKPOINT store")
            self._detach()
            with suppress(FileExistsError):  # another process was faster: its store it is
                _rename(part, self.path)
        finally:
            self._detach()
            for leftover in (part, f"{part}.wal"):
                Path(leftover).unlink(missing_ok=True)

    def _detach(self) -> None:
        self._mode = None
        try:
            # With its schema: a bare name is looked up in the store first, which may be broken.
            self._connection.execute("USE memory.main")
            self._connection.execute("DETACH DATABASE IF EXISTS store")
        except duckdb.Error:
            # A failed transaction is rolled back first; then the file can be let go.
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            self._connection.execute("USE memory.main")
            self._connection.execute("DETACH DATABASE IF EXISTS store")

    def _create(self) -> None:
        self._connection.execute("BEGIN")
        for statement in create_statements():
            self._connection.execute(statement)
        self._connection.execute(
            "INSERT INTO settings VALUES ('schema_version', $version), ('time_zone', $zone)",
            {"version": str(SCHEMA_VERSION), "zone": self._time_zone or "UTC"},
        )
        if self._on_create is not None:
            self._on_create(self._connection)
        self._connection.execute("COMMIT")

    def _check_version(self) -> int:
        try:
            found = self._connection.execute(
                "SELECT value FROM settings WHERE name = 'schema_version'"
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            found = []
        if not found or not str(found[0][0]).isdigit():
            raise StoreError(
                f"{self.path} is a DuckDB file, but no store of avon_analytics: "
                "name another file with --db"
            )
        if int(found[0][0]) > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer avon_analytics (store version "
                f"{found[0][0]}, this one knows {SCHEMA_VERSION}): upgrade avon_analytics"
            )
        return int(found[0][0])

    @property
    def threads(self) -> int:
        """How many threads the engine uses."""
        ((threads,),) = self._connection.execute("SELECT current_setting('threads')").fetchall()
        return int(threads)

    @contextmanager
    def side_by_side(self) -> Iterator[None]:
        """Let several connections work at once, each on a thread of its own.

        One thread also stores rows in their order quicker than two do.
        """
        before = self.threads
        self._connection.execute("SET threads = 1")
        try:
            yield
        finally:
            self._connection.execute(f"SET threads = {before}")

    @contextmanager
    def bounded(self, limit: str) -> Iterator[Bound]:
        """Let the engine work in little memory, and spill beside the store what does not fit.

        Where somebody has set a limit it stays: whoever did has said what the engine may use.
        """
        if self.in_memory or "memory_limit" in self.config:
            yield Bound()
            return
        # A cursor of its own: a setting that is refused would end a transaction.
        with self._connection.cursor() as settings:
            bound = Bound(settings, limit)
            bound.keep()
            try:
                yield bound
            finally:
                bound.drop()

    def close(self) -> None:
        """Let go of the store and of everything computed from it."""
        self._connection.close()


@contextmanager
def owner_only() -> Iterator[None]:
    """What the engine writes meanwhile, its journal and what it spills, is its owner's alone."""
    previous = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(previous)


def _rename(part: str, path: str) -> None:
    """Give a file its name, unless another one has it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.rename(part, path)


def _config(path: str, threads: int | None, memory_limit: str | None) -> dict[str, Any]:
    """How the engine is set up: it never looks for an extension, and spills beside the store."""
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Freed memory goes back to the system after a while.
        "allocator_background_threads": True,
    }
    if path != MEMORY:
        config["temp_directory"] = f"{path}.tmp"
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    return config


def _connect(config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(MEMORY, config=config)
    except duckdb.Error:
        raise UsageError(
            "threads is a whole number from 1, memory_limit a size such as '1GB'"
        ) from None
    connection.execute("SET TimeZone = 'UTC'")
    with suppress(duckdb.Error):  # in a notebook it is off, and setting it asks for ipywidgets
        connection.execute("SET enable_progress_bar = false")
    return connection


def check_time_zone(name: str) -> None:
    """Raises UsageError for a name that is no time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise UsageError(
            f"unknown time zone {name!r}: give an IANA name such as 'America/New_York'"
        ) from None


def store_error(path: str, error: Exception, waited: float = 0.0) -> StoreError:
    """What the engine or the operating system said about a store file, in a sentence of ours.

    The engine's own text is not passed on: it can quote what a row holds.
    """
    if isinstance(error, duckdb.TransactionException) and isinstance(error.__context__, Exception):
        error = error.__context__  # that a failed transaction cannot be rolled back says nothing
    text = str(error)
    if found := holder(error):
        after = f", {waited:g} s later too" if waited else ""
        return StoreError(
            f"{path} is in use by {found}{after}: wait until it is done (--wait SECONDS, wait=), "
            "or end it"
        )
    if isinstance(error, OSError):
        return StoreError(f"cannot use {path}: {error.strerror or 'the system refused'}")
    if Path(path).is_dir():
        return StoreError(f"{path} is a folder: name a file with --db")
    if not Path(path).parent.is_dir():
        return StoreError(f"cannot use {path}: there is no folder {Path(path).parent}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(f"cannot use {path}: the engine has too little memory or disk for this")
    lowered = text.lower()
    if "no space left" in lowered or "could not write" in lowered or "disk" in lowered:
        return StoreError(f"cannot write {path}: the disk is full; nothing was half-loaded")
    if "permission denied" in lowered or "read-only" in lowered:
        return StoreError(f"cannot open {path}: no permission to read or write it")
    if "not a valid duckdb" in lowered or "magic bytes" in lowered:
        return StoreError(f"{path} is not a DuckDB file: name another file with --db")
    if "newer version" in lowered or "storage version" in lowered:
        return StoreError(f"{path} was written by a newer DuckDB: upgrade the duckdb package")
    return StoreError(f"cannot use {path}: the engine refused ({type(error).__name__})")
