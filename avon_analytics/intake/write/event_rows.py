"""What a batch tells, written into the store: each event once, with its versions."""

from __future__ import annotations

import duckdb

from avon_analytics.intake.read.codes import strength_of, word_of
from avon_analytics.intake.write.arrow import insert_rows, run_with_rows
from avon_analytics.intake.write.flatten import version_rows
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.statements import statement
from avon_analytics.intake.write.waiting_events import WaitingEvents
from avon_analytics.store.schema import quote


class EventRows:
    """Rows on their way from the staging tables, which read a batch, to the store."""

    def __init__(
        self, store: duckdb.DuckDBPyConnection, staging: Staging, waiting: WaitingEvents
    ) -> None:
        self._store = store
        self._staging = staging
        self._waiting = waiting

    def run_with_rows(self, rows: str, into: str) -> None:
        """Run a statement on the store that reads ``staged_rows``: rows that were staged."""
        run_with_rows(self._staging.connection, self._store, rows, into)

    def insert(self, table: str, rows: str) -> None:
        """Add rows selected on the staging side to a table of the store."""
        insert_rows(self._staging.connection, self._store, table, rows)

    def store(self) -> None:
        """Write what the lines of the batch tell that are not refused."""
        word = word_of("c.strength")
        self._staging.run(statement("batch_events"))
        self.insert("events", statement("new_events", word=word))
        if self._staging.run("SELECT 1 FROM batch_events WHERE is_known LIMIT 1"):
            self._tell_again(word)
        for table in self._staging.tables:
            rows = version_rows(table, self._staging.rows_of(table), "batch_events")
            self.insert(quote(table.versions), rows)
        self._waiting.add(self._staging)
        if self._staging.run("SELECT 1 FROM unread LIMIT 1"):
            what = "CAST(NULL AS JSON)" if self._staging.is_limited else "u.body -> '$.object'"
            self.insert("other_objects", statement("other_objects", object=what))

    # -- events that the store has already --------------------------------------------------

    def _tell_again(self, word: str) -> None:
        self.run_with_rows(
            statement("repeated_events", word=word),
            statement(
                "known_events",
                stored_strength=strength_of("e.signature"),
                is_earlier=_IS_EARLIER,
            ),
        )
        # An earlier receipt orders versions of the same instant anew.
        for versions in self._versions(with_receipt=True):
            self.run_with_rows(
                "SELECT event_id, received_at FROM batch_events WHERE is_known",
                f"UPDATE {versions} AS v SET received_at = h.received_at FROM staged_rows AS h "
                f"{_SAME} AND h.received_at IS NOT NULL "
                "AND (v.received_at IS NULL OR v.received_at > h.received_at)",
            )
        if self._staging.run(
            "SELECT 1 FROM batch_events WHERE is_known AND is_dated_by_receipt LIMIT 1"
        ):
            for versions in self._versions():
                self.run_with_rows(
                    "SELECT event_id FROM batch_events WHERE is_known AND is_dated_by_receipt",
                    f"UPDATE {versions} AS v SET occurred_at = e.occurred_at FROM staged_rows AS h "
                    f"{_EVENT} {_SAME} AND v.occurred_at <> e.occurred_at",
                )

    def _versions(self, *, with_receipt: bool = False) -> list[str]:
        """The tables of versions that the batch tells of; perhaps only those with a receipt."""
        tables = self._staging.filled_tables
        if with_receipt:
            return [quote(table.versions) for table in tables if table.parent is None]
        return [*(quote(table.versions) for table in tables), "other_objects"]


_SAME = "WHERE v.event_id = h.event_id"
_EVENT = "JOIN events AS e ON e.event_id = h.event_id"
# The place of an event is that of its earliest receipt; the path and line decide a tie.
_IS_EARLIER = (
    "(coalesce(h.received_at, TIMESTAMPTZ 'infinity'), h.file, h.line, h.byte_offset) < "
    "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line, e.byte_offset)"
)
