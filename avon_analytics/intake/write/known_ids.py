"""Which events a store has already, by hashes: a load asks it for every batch.

To look the ids up themselves would be to read the ids of all events again and again.
"""

from __future__ import annotations

from contextlib import suppress

import duckdb

from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.intake.write.staging import Staging
from avon_analytics.store.parsed import parsed, run
from avon_analytics.store.slim import EVENTS

# Without a sign bit: DuckDB 1.5 cannot filter an Arrow stream by numbers beyond it.
_HASH = "CAST(hash(event_id) >> 1 AS BIGINT)"
_STAGED = f"SELECT DISTINCT {_HASH} AS h FROM event_lines"
_KNOWN = "SELECT h FROM staged_rows WHERE h IN (SELECT h FROM temp.known_ids)"


class KnownIds:
    """A hash of the id of each event of a store, for as long as a load lasts.

    One row takes 8 bytes. A hash that is there may be that of another event; one that is not there
    shows that the event is new.
    """

    def __init__(self, store: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self.is_there = False

    def start(self) -> None:
        """Hash what the store has."""
        self._store.execute(
            f"CREATE OR REPLACE TEMP TABLE known_ids AS SELECT {_HASH} AS h FROM {EVENTS}"
        )
        self.is_there = True

    def add(self, staging: Staging) -> list[int]:
        """Add the events that a batch reports; returns the lines of known ones."""
        staged = ArrowRows.of_query(staging.connection, parsed(staging.connection, _STAGED))
        with staged.as_table("staged_rows", self._store):
            known = ArrowRows.of_query(self._store, parsed(self._store, _KNOWN))
            run(self._store, "INSERT INTO temp.known_ids SELECT h FROM staged_rows")
        with known.as_table("known", staging.connection):
            lines = staging.run(
                f"SELECT nth FROM event_lines WHERE {_HASH} IN (SELECT h FROM known)"
            )
        return sorted(nth for (nth,) in lines)

    def let_go(self) -> None:
        """Forget it all."""
        self.is_there = False
        with suppress(duckdb.Error):  # after a failure that is reported elsewhere
            self._store.execute("DROP TABLE IF EXISTS temp.known_ids")
