"""An engine of its own for queries that somebody wrote: it opens some files, and no others.

It is kept between queries, for to make one takes longer than most of them do. Meanwhile it holds
nothing of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import duckdb

from avon_analytics.store.connection import connect


class ConfinedEngine:
    """An engine in memory that sees a few files alone; nobody can change its settings."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._files: Sequence[str] = ()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.shown = 0  # the number of the lake's state that it shows

    def seeing(self, files: Sequence[str]) -> duckdb.DuckDBPyConnection:
        """Its connection, which sees these files."""
        if self._connection is None or files != self._files:
            self.close()
            self._connection = connect(self._config)
            self._connection.execute("SET allowed_paths = $files", {"files": list(files)})
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            self._files = files
        return self._connection

    def rest(self, *statements: str) -> None:
        """End what a query has begun, and run some statements; an engine that cannot is ended."""
        if self._connection is None:
            return
        try:
            with suppress(duckdb.Error):  # a transaction may have ended with its query
                self._connection.execute("ROLLBACK")
            for statement in statements:
                self._connection.execute(statement)
        except duckdb.Error:  # after an error within itself it answers nothing any more
            self.close()
        except BaseException:  # interrupted here, of all places
            self.close()
            raise

    def close(self) -> None:
        """End it; the next query makes another."""
        connection, self._connection, self.shown = self._connection, None, 0
        if connection is not None:
            connection.close()
