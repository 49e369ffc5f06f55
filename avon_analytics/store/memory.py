"""How much memory the engine may hold while a load, or what follows it, works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

import duckdb

# What does not fit waits beside the store; what can be read from it again goes first. With what
# Python holds, the engine stays below a gibibyte.
LOADING = "450MB"  # a batch that is stored, two that are read, and what is written
COMPUTING_SLOTS = "550MB"
# From how much on freed memory goes back to the system at once, and not in the background.
_FLUSH = "allocator_bulk_deallocation_flush_threshold"


class Bound:
    """Keeps the engine within a limit, but for those who say that they need more.

    Without a connection it keeps nothing. Threads share it.
    """

    def __init__(self, settings: duckdb.DuckDBPyConnection | None = None, limit: str = "") -> None:
        self._settings = settings
        self._limit = limit
        self._lock = Lock()
        self._n_lifted = 0
        self.is_kept = False

    def keep(self) -> None:
        """Keep it from now on, unless somebody needs more.

        The engine refuses where it holds more that cannot go: then it is to be asked again.
        """
        with self._lock, suppress(duckdb.OutOfMemoryException):
            if not self.is_kept and not self._n_lifted:
                self._run(f"SET memory_limit = '{self._limit}'")
                self._run(f"RESET {_FLUSH}")
                self.is_kept = True

    def drop(self) -> None:
        """Keep it no more."""
        with self._lock:
            self._drop()
            self._run(f"RESET {_FLUSH}")

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Meanwhile the engine may hold what it needs, and gives it back at once."""
        with self._lock:
            self._n_lifted += 1
            self._drop()
            self._run(f"SET {_FLUSH} = '2MB'")
        try:
            yield
        finally:
            with self._lock:
                self._n_lifted -= 1
            self.keep()

    def _drop(self) -> None:
        if self.is_kept:
            self._run("RESET memory_limit")
            limits = self._run(
                "SELECT current_setting('memory_limit'), any_value(memory_limit) "
                "FROM pragma_database_size()"
            )
            for shown, true in limits:
                if shown != true:  # DuckDB 1.5 resets what it says, and goes on as before
                    self._run(f"SET memory_limit = '{shown}'")
            self.is_kept = False

    def _run(self, statement: str) -> list[tuple[str, ...]]:
        return self._settings.execute(statement).fetchall() if self._settings else []
