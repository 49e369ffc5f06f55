"""New events of which a batch has few: they wait for others of their kind.

To plan a statement takes the engine as long for one row as for thousands, and an object type has up
to ten tables. So the rows of a type of which every batch brings some are written for many batches
at once, at the latest when the transaction ends.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import duckdb

from avon_analytics.intake.read.columns import integers, texts
from avon_analytics.intake.read.read_lines import Contents
from avon_analytics.intake.write import flatten
from avon_analytics.intake.write.arrow import ArrowColumns, insert_rows
from avon_analytics.intake.write.staging import Staging
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import quote

_MOST_BYTES = 16 * 1024 * 1024


class _Event(NamedTuple):
    event_id: str
    event: str
    occurred_us: int
    received_us: int | None
    content: bytes


class WaitingEvents:
    """Events that stand in ``events`` already, and in no table of versions yet.

    Whoever changes versions of events that the store knows writes them first.
    """

    def __init__(self, store: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self._by_type: dict[str, list[_Event]] = defaultdict(list)
        self._n_bytes = 0

    def add(self, staging: Staging) -> None:
        """Let those new events of a batch wait of whose types it has few."""
        if not staging.few:
            return
        found = staging.run(
            "SELECT first_nth, event_id, event, epoch_us(occurred_at), epoch_us(received_at) "
            "FROM batch_events WHERE NOT is_known AND first_nth IN (SELECT unnest($nths))",
            nths=[nth for contents in staging.few.values() for nth, _ in contents],
        )
        new = {nth: columns for nth, *columns in found}
        for object_type, contents in staging.few.items():
            for nth, content in contents:
                if nth in new:
                    event_id, event, occurred_us, received_us = new[nth]
                    one = _Event(event_id, event, occurred_us, received_us, content)
                    self._by_type[object_type].append(one)
                    self._n_bytes += len(content)
        if self._n_bytes > _MOST_BYTES:
            self.write()

    def write(self) -> None:
        """Write the versions that they tell."""
        waiting, self._by_type, self._n_bytes = self._by_type, defaultdict(list), 0
        if not waiting:
            return
        # A connection of its own: on those that read, the next batches wait.
        with self._store.cursor() as connection:
            for object_type, events in sorted(waiting.items()):
                self._write(connection, object_type, events)

    def _write(
        self, connection: duckdb.DuckDBPyConnection, object_type: str, events: list[_Event]
    ) -> None:
        columns = ArrowColumns(
            first_nth=integers(range(len(events))),
            event_id=texts([one.event_id for one in events]),
            event=texts([one.event for one in events]),
            occurred_us=integers([one.occurred_us for one in events]),
            received_us=integers([one.received_us for one in events]),
        )
        connection.register("waiting", columns)
        run(
            connection,
            "CREATE OR REPLACE TEMP TABLE new_events AS SELECT first_nth, event_id, event, "
            "make_timestamptz(occurred_us) AS occurred_at, "
            "make_timestamptz(received_us) AS received_at, false AS is_known FROM waiting",
        )
        connection.unregister("waiting")
        contents = Contents.of([(nth, one.content) for nth, one in enumerate(events)])
        for table in flatten.open_objects(connection, object_type, contents):
            rows = flatten.version_rows(table, f"({flatten.rows_of(table)})", "new_events")
            insert_rows(connection, self._store, quote(table.versions), rows)
        run(connection, f"DROP TABLE {quote(flatten.opened_table(object_type))}")
