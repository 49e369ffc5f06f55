"""What a batch says, written into the store: each event once, with its versions.

To plan a statement takes the engine as long for one row as for thousands, and an object type has up
to ten tables. So versions of a type of which every batch brings a few wait, and are written for
many batches at once, at the latest when the transaction ends.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb

from avon_analytics.intake.read.codes import SIGNATURE_ENUM
from avon_analytics.intake.read.columns import integers, texts
from avon_analytics.intake.read.read_lines import Contents
from avon_analytics.intake.write import flatten
from avon_analytics.intake.write.arrow import ArrowRows, insert_rows, run_with_rows
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.statements import statement
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import quote
from avon_analytics.store.slim import EVENTS, log_only_lines, stored

_MOST_WAITING_BYTES = 16 * 1024 * 1024
_NEW_EVENT: dict[str, Any] = {
    "event_no": integers,
    "event_id": texts,
    "event": texts,
    "occurred_us": integers,
    "received_us": integers,
}


class EventRows:
    """Writes the rows of events during one transaction.

    Events whose versions wait stand in ``events`` already. Whoever changes versions of events that
    the store knows calls ``write_waiting`` first.
    """

    def __init__(self, store: duckdb.DuckDBPyConnection, load_id: int) -> None:
        self._store = store
        self._load_id = load_id
        ((self._last_no,),) = run(store, _LAST_NO).fetchall()
        self._waiting: dict[str, list[tuple[list[Any], bytes]]] = defaultdict(list)
        self._n_waiting_bytes = 0

    def store(self, staging: Staging) -> None:
        """Write what the lines of a batch say that are not refused."""
        staging.run(statement("batch_events"), last_no=self._last_no, load_id=self._load_id)
        ((self._last_no,),) = staging.run(
            "SELECT coalesce(max(event_no), $last_no) FROM batch_events WHERE NOT is_known",
            last_no=self._last_no,
        )
        self._insert(staging, EVENTS, statement("new_events"))
        if staging.run("SELECT 1 FROM batch_events WHERE is_known LIMIT 1"):
            self._tell_again(staging)
        for table in staging.tables:
            rows = flatten.select_versions(table, staging.rows_of(table), "batch_events")
            self._insert(staging, stored(table.versions), rows)
        self._let_few_wait(staging)
        if staging.run("SELECT 1 FROM unknown_events LIMIT 1"):
            what = "CAST(NULL AS JSON)" if staging.is_limited else "u.body -> '$.object'"
            self._insert(staging, "other_objects", statement("other_objects", object=what))

    def _insert(self, staging: Staging, table: str, rows: str) -> None:
        insert_rows(staging.connection, self._store, table, rows)

    # -- events that the store has already --------------------------------------------------

    def _tell_again(self, staging: Staging) -> None:
        run_with_rows(
            staging.connection,
            self._store,
            statement("repeated_events"),
            *log_only_lines("event_no IN (SELECT event_no FROM staged_rows)"),
            statement("known_events", word=SIGNATURE_ENUM, is_earlier=_IS_EARLIER),
        )
        versions = [stored(one.versions) for one in staging.filled_tables if one.parent is None]
        # An earlier receipt orders versions of the same instant anew.
        run_with_rows(
            staging.connection,
            self._store,
            "SELECT event_no, received_at FROM batch_events WHERE is_known",
            *(
                f"UPDATE {table} AS v SET received_at = h.received_at FROM staged_rows AS h "
                "WHERE v.event_no = h.event_no AND h.received_at IS NOT NULL "
                "AND (v.received_at IS NULL OR v.received_at > h.received_at)"
                for table in versions
            ),
        )
        dated = "FROM batch_events WHERE is_known AND is_dated_by_receipt"
        if staging.run(f"SELECT 1 {dated} LIMIT 1"):
            keys = {**dict.fromkeys(versions, "event_no"), "other_objects": "event_id"}
            run_with_rows(
                staging.connection,
                self._store,
                f"SELECT event_no {dated}",
                *(
                    f"UPDATE {table} AS v SET occurred_at = e.occurred_at "
                    f"FROM staged_rows AS h JOIN {EVENTS} AS e ON e.event_no = h.event_no "
                    f"WHERE v.{key} = e.{key} AND v.occurred_at <> e.occurred_at"
                    for table, key in keys.items()
                ),
            )

    # -- versions that wait -----------------------------------------------------------------

    def _let_few_wait(self, staging: Staging) -> None:
        if not staging.few:
            return
        found = staging.run(
            "SELECT first_nth, event_no, event_id, event, epoch_us(occurred_at), "
            "epoch_us(received_at) FROM batch_events "
            "WHERE NOT is_known AND first_nth IN (SELECT unnest($nths))",
            nths=[nth for contents in staging.few.values() for nth, _ in contents],
        )
        new = {nth: columns for nth, *columns in found}
        for object_type, contents in staging.few.items():
            for nth, content in contents:
                if nth in new:
                    self._waiting[object_type].append((new[nth], content))
                    self._n_waiting_bytes += len(content)
        if self._n_waiting_bytes > _MOST_WAITING_BYTES:
            self.write_waiting()

    def write_waiting(self) -> None:
        """Write the versions that wait."""
        waiting, self._waiting, self._n_waiting_bytes = self._waiting, defaultdict(list), 0
        if not waiting:
            return
        # A connection of its own: on those that read, the next batches wait.
        with self._store.cursor() as connection:
            for object_type, events in sorted(waiting.items()):
                self._write(connection, object_type, events)

    def _write(
        self,
        connection: duckdb.DuckDBPyConnection,
        object_type: str,
        events: list[tuple[list[Any], bytes]],
    ) -> None:
        rows = [(nth, *columns) for nth, (columns, _) in enumerate(events)]
        with ArrowRows.of_values(rows, first_nth=integers, **_NEW_EVENT).as_table(
            "waiting", connection
        ):
            run(
                connection,
                "CREATE OR REPLACE TEMP TABLE new_events AS "
                "SELECT first_nth, event_no, event_id, event, "
                "make_timestamptz(occurred_us) AS occurred_at, "
                "make_timestamptz(received_us) AS received_at, false AS is_known FROM waiting",
            )
        contents = Contents.of([(nth, content) for nth, (_, content) in enumerate(events)])
        for table in flatten.open_objects(connection, object_type, contents):
            versions = flatten.select_versions(table, flatten.select_rows(table), "new_events")
            insert_rows(connection, self._store, stored(table.versions), versions)
        run(connection, f"DROP TABLE {quote(flatten.opened_table(object_type))}")


_LAST_NO = f"SELECT coalesce(max(event_no), 0) FROM {EVENTS}"
# The place of an event is that of its earliest receipt; the path and line decide a tie.
_IS_EARLIER = (
    "(coalesce(h.received_at, TIMESTAMPTZ 'infinity'), h.file, h.line, h.byte_offset) < "
    "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line, e.byte_offset)"
)
