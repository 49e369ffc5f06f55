"""Which events a store has been told already, by hashes: a load asks it for every batch.

To look the ids up themselves would be to read the ids of all events again and again.
"""

from __future__ import annotations

from contextlib import suppress

import duckdb

from avon_analytics.intake.arrow import ArrowRows
from avon_analytics.intake.stage import Stage

# Without a sign bit: DuckDB 1.5 cannot filter an Arrow stream by numbers beyond it.
_HASH = "CAST(hash(event_id) >> 1 AS BIGINT)"


class Told:
    """A hash of the id of each event of a store, for as long as a load lasts.

    One row takes 8 bytes. A hash that is there may be that of another event; one that is not there
    tells that the event is new.
    """

    def __init__(self, store: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self.is_there = False

    def start(self) -> None:
        """Hash what the store has."""
        self._store.execute(f"CREATE OR REPLACE TEMP TABLE told AS SELECT {_HASH} AS h FROM events")
        self.is_there = True

    def add(self, stage: Stage) -> list[int]:
        """Add the events that a batch tells; returns the lines of those that were there before."""
        handed = ArrowRows(stage.connection.sql(f"SELECT DISTINCT {_HASH} AS h FROM tellings"))
        self._store.register("handed", handed)
        known = ArrowRows(
            self._store.sql("SELECT h FROM handed WHERE h IN (SELECT h FROM temp.told)")
        )
        self._store.execute("INSERT INTO temp.told SELECT h FROM handed")
        self._store.unregister("handed")
        handed.release()
        stage.connection.register("known", known)
        lines = stage.run(f"SELECT nth FROM tellings WHERE {_HASH} IN (SELECT h FROM known)")
        stage.connection.unregister("known")
        return sorted(nth for (nth,) in lines)

    def let_go(self) -> None:
        """Forget it all."""
        self.is_there = False
        with suppress(duckdb.Error):  # after a failure that is told elsewhere
            self._store.execute("DROP TABLE IF EXISTS temp.told")
