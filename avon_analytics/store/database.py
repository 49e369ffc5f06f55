"""Opening, holding and letting go of a store file.

A store is one DuckDB file. It is attached only while something reads or writes it, so that a
notebook left open does not keep the nightly load from its work, and many readers can share it.
Threads of one process take turns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import finalize

import duckdb

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import StoreError
from avon_analytics.store import journal
from avon_analytics.store.confined import ConfinedEngine
from avon_analytics.store.connection import MEMORY, Session, connect, engine_config, interruptible
from avon_analytics.store.lake import files_of_lake, is_lake, newest_state, place_of, view_of_lake
from avon_analytics.store.making import (
    EMPTY_STORE,
    ROW_GROUPS,
    OnCreate,
    check_time_zone,
    check_version,
    make_tables,
    name_new,
)
from avon_analytics.store.memory import Bound
from avon_analytics.store.moments import Moments
from avon_analytics.store.private import (
    PrivateFolder,
    for_owner_alone,
    remove_leftovers,
)
from avon_analytics.store.schema import literal
from avon_analytics.store.settings import setting
from avon_analytics.store.trouble import is_file, is_of_the_file, refuse_no_file, store_error
from avon_analytics.store.turns import Turns, turns_at
from avon_analytics.store.waiting import WAIT_TO_READ, OnWait, seconds, when_free
from avon_analytics.suggestions import did_you_mean


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
        on_create: OnCreate | None = None,
    ) -> None:
        self.path = path_of(path, "the store")
        self._place = MEMORY if self.path == MEMORY else place_of(self.path)
        self.wait = seconds(wait)
        if time_zone is not None:
            check_time_zone(time_zone)
        self._time_zone = time_zone
        self._on_create = on_create
        self._own_folder = PrivateFolder(self._place)
        self.config = engine_config(threads, memory_limit)
        self._mode: str | None = None
        self._state = 0  # the number of the lake's state that is attached
        self.moments = Moments()
        self._confined = ConfinedEngine(self.config)
        self._turns = Turns(self.path) if self.in_memory else turns_at(self._place)
        self._connect()
        if self.in_memory:
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("ATTACH ':memory:' AS store")
            self._connection.execute("USE store")
            make_tables(self._connection, self._time_zone, self._on_create)

    def _connect(self) -> None:
        """Begin a session: a connection, and all that is computed on it."""
        self.session = Session()
        self._connection = connect(self.config)
        if not self.in_memory:
            self._connection.execute("SET temp_directory = $at", {"at": str(self._own_folder.path)})
        self._end = finalize(self, _let_go, self._connection, self._own_folder)

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
        """Whether there is a store to read. Raises StoreError where the system does not say."""
        return self.in_memory or is_file(self.path) or self.is_lake

    @property
    def is_closed(self) -> bool:
        """Whether it was let go of for good."""
        return not self._end.alive

    @property
    def time_zone(self) -> str:
        """The time zone of visits whose own and whose patient's zone are unknown."""
        if self._time_zone is None or self.is_closed:  # a closed store answers nothing
            with self.reading() as connection:
                self._time_zone = setting(connection, "time_zone") or "UTC"
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

        Where another process holds it, ``on_wait`` is called, and it is tried again for ``wait``
        seconds. Raises StoreError if the store cannot be written or is held for longer.
        """
        wait = self.wait if wait is None else seconds(wait)
        attached = self._attached(read_only=False, wait=wait, on_wait=on_wait)
        with attached as connection, self.moments.writing():
            yield connection

    @contextmanager
    def _attached(
        self, *, read_only: bool, wait: float, on_wait: OnWait | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        with interruptible(), self._turns.turn(wait):
            self._refuse_closed()
            if self.in_memory or self._mode == "write" or (self._mode == "read" and read_only):
                yield self._connection
                return
            self.moments.end()  # until now, others may have written
            if self._mode == "read":
                raise StoreError("the store is being read; it cannot be written before that ends")
            if self.is_lake:
                with self._lake(read_only) as connection:
                    yield connection
                return
            try:
                with self._faults_of_file():
                    self._attach(read_only, wait, on_wait)
                    yield self._connection
            finally:
                self._detach()

    def _refuse_closed(self) -> None:
        if self.is_closed:
            raise StoreError(
                f"the store {self.path} was closed: open it again with avon_analytics.open"
            )

    def _refuse_missing(self) -> None:
        if not Path(self.path).exists():
            raise StoreError(
                f"there is no store at {self.path}: load an archive into it first, "
                f"with 'avon-analytics load PATH --db {self.path}'.{did_you_mean(self.path)}"
            )

    @contextmanager
    def _faults_of_file(self) -> Iterator[None]:
        """Raise StoreError for an error of the file; errors of a query are left to who asked."""
        try:
            yield
        except duckdb.Error as error:
            if is_of_the_file(error):
                raise store_error(self.path, error) from None
            raise

    @contextmanager
    def beside(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Another connection that reads the store, sees no other file, and works in memory.

        Raises StoreError like ``reading``.
        """
        with interruptible(), self._turns.turn(self.wait):
            self._refuse_closed()
            if self.is_lake:
                with self._lake_beside() as connection:
                    yield connection
                return
            try:
                connection = self._confined.seeing(journal.files_of(self._place))
                try:
                    self._refuse_missing()
                    when_free(self.path, lambda: self._use(connection, "READ_ONLY"), self.wait)
                    check_version(connection, self.path)
                except (duckdb.Error, OSError) as error:
                    raise store_error(self.path, error, waited=self.wait) from None
                with self._faults_of_file():
                    yield connection
            finally:
                self._confined.rest(*_DETACH)

    @contextmanager
    def _lake_beside(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with self._faults_of_file():
                connection = self._confined.seeing(files_of_lake(self.path))
                self._confined.shown = self.show_lake(connection, self._confined.shown)
                yield connection
        finally:
            self._confined.rest("USE store")

    @contextmanager
    def _lake(self, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if not read_only:
            raise StoreError(
                f"{self.path} is a lake, which is only read here: load into it with "
                "'avon-analytics spark load', or into the store that it was written from"
            )
        try:
            with self._faults_of_file():
                self._state = self.show_lake(self._connection, self._state)
                self._mode = "read"
                yield self._connection
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
            if read_only:
                self._refuse_missing()
            elif not Path(self.path).exists():
                journal.refuse_alone(self._place)
                self._create_file()
            mode = "READ_ONLY" if read_only else "READ_WRITE"
            when_free(self.path, lambda: self._use(self._connection, mode), wait, on_wait)
            self._mode = "read" if read_only else "write"
            self._turns.is_writing = not read_only
            self._make_room(read_only)
            check_version(self._connection, self.path)
        except (duckdb.Error, OSError) as error:
            raise store_error(self.path, error, waited=wait) from None

    def _make_room(self, read_only: bool) -> None:
        """Have what the engine writes beside the store written where nobody else can read it."""
        if not read_only:
            remove_leftovers(self._place)  # nobody else has the store: whoever left them is gone
            journal.make(self._place)
        with suppress(*((OSError,) if read_only else ())):  # where nothing can be written
            self._own_folder.make()

    def _use(
        self, connection: duckdb.DuckDBPyConnection, mode: str, place: str | None = None
    ) -> None:
        for file in (self.path, *journal.files_of(self._place)):
            refuse_no_file(file)
        # Without a type the engine would take a table in CSV, JSON or Parquet for a database.
        how = f"TYPE duckdb, {mode}" + ("" if mode == "READ_ONLY" else f", {ROW_GROUPS}")
        connection.execute(f"ATTACH {literal(place or self._place)} AS store ({how})")
        connection.execute("USE store")

    def _create_file(self) -> None:
        # Made elsewhere: a store that was cut short while it was made is never seen.
        part = self._own_folder.make() / "new.duckdb"
        of = self._time_zone, self._on_create
        try:
            if not EMPTY_STORE.write(part, *of):
                self._use(self._connection, "READ_WRITE", str(part))
                make_tables(self._connection, *of)
                # Letting go of a file does the same, but says nothing where the disk is full.
                self._connection.execute("CHECKPOINT store")
                self._detach()
                EMPTY_STORE.keep(part, *of)
            for_owner_alone(part)
            with suppress(FileExistsError):  # another process was faster: its store it is
                name_new(part, self._place)
        finally:
            self._detach()
            self._own_folder.remove()

    def _detach(self) -> None:
        mode, self._mode, self._turns.is_writing = self._mode, None, False
        try:
            if mode == "write":
                journal.drop_empty(self._place)
            self._end_use()
        except duckdb.Error:
            try:
                # A failed transaction is rolled back first; then the file can be let go.
                with suppress(duckdb.Error):
                    self._connection.execute("ROLLBACK")
                self._end_use()
            except duckdb.Error:  # an engine that is at a loss answers nothing any more
                self.begin_anew()
        except BaseException:  # interrupted here, of all places
            self.begin_anew()
            raise
        self._own_folder.remove_if_empty()

    def begin_anew(self) -> None:
        """End whatever is going on; what was not committed is taken back."""
        if self.in_memory:  # it lives in its session
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            return
        self._mode, self._turns.is_writing = None, False
        self._confined.close()
        self._end()
        self._connect()

    def _end_use(self) -> None:
        for statement in _DETACH:
            self._connection.execute(statement)

    @property
    def threads(self) -> int:
        """How many threads the engine uses."""
        ((threads,),) = self._connection.execute("SELECT current_setting('threads')").fetchall()
        return int(threads)

    @contextmanager
    def side_by_side(self) -> Iterator[None]:
        """Let several connections work at once, each on a thread of its own.

        One thread also stores rows in their order quicker than two do. And who makes a stream of
        Arrow of a query that reads one has to: DuckDB 1.5 runs it while it holds Python's lock, for
        which another thread of the engine that begins to read would wait for ever.
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
        with self._turns.turn(self.wait):
            self._confined.close()
            self._end()


def _let_go(connection: duckdb.DuckDBPyConnection, folder: PrivateFolder) -> None:
    connection.close()
    folder.remove()


# With its schema: a bare name is looked up in the store first, which may be broken.
_DETACH = ("USE memory.main", "DETACH DATABASE IF EXISTS store")
