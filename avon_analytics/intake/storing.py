"""What a batch tells, written into the store: each event once, with its versions."""

from __future__ import annotations

import duckdb

from avon_analytics.intake import flatten
from avon_analytics.intake.arrow import ArrowRows
from avon_analytics.intake.engine import statement
from avon_analytics.intake.stage import Stage
from avon_analytics.intake.words import strength_of, word_of
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import ObjectTable


class Storing:
    """Rows on their way from the stage, which read a batch, to the store."""

    def __init__(self, store: duckdb.DuckDBPyConnection, stage: Stage) -> None:
        self._store = store
        self._stage = stage

    def hand_over(self, rows: str, into: str, **parameters: object) -> None:
        """Run a statement on the store that reads ``handed``: rows selected on the stage."""
        handed = ArrowRows(self._stage.connection.sql(rows, params=parameters or None))
        self._store.register("handed", handed)
        self._store.execute(into)
        self._store.unregister("handed")
        handed.release()

    def insert(self, table: str, rows: str, **parameters: object) -> None:
        """Add rows selected on the stage to a table of the store."""
        self.hand_over(rows, f"INSERT INTO {table} SELECT * FROM handed", **parameters)

    def store(self) -> None:
        """Write what the lines of the batch tell that are not refused."""
        word = word_of("c.strength")
        self._stage.run(statement("classes"))
        self.insert("events", statement("new_events", word=word))
        if self._stage.run("SELECT 1 FROM classes WHERE is_known LIMIT 1"):
            self._tell_again(word)
        for table in self._stage.tables:
            self.insert(quote(table.versions), _version_rows(table))
        if self._stage.run("SELECT 1 FROM unread LIMIT 1"):
            what = "CAST(NULL AS JSON)" if self._stage.is_limited else "u.body -> '$.object'"
            self.insert("other_objects", statement("other_objects", object=what))

    # -- events that the store has already --------------------------------------------------

    def _tell_again(self, word: str) -> None:
        self.hand_over(
            statement("told_again", word=word),
            statement(
                "known_events",
                stored_strength=strength_of("e.signature"),
                is_earlier=_IS_EARLIER,
            ),
        )
        # An earlier receipt orders versions of the same instant anew.
        for versions in self._versions(with_receipt=True):
            self.hand_over(
                "SELECT event_id, received_at FROM classes WHERE is_known",
                f"UPDATE {versions} AS v SET received_at = h.received_at FROM handed AS h "
                f"{_SAME} AND h.received_at IS NOT NULL "
                "AND (v.received_at IS NULL OR v.received_at > h.received_at)",
            )
        if self._stage.run("SELECT 1 FROM classes WHERE is_known AND is_dated_by_receipt LIMIT 1"):
            for versions in self._versions():
                self.hand_over(
                    "SELECT event_id FROM classes WHERE is_known AND is_dated_by_receipt",
                    f"UPDATE {versions} AS v SET occurred_at = e.occurred_at FROM handed AS h "
                    f"{_EVENT} {_SAME} AND v.occurred_at <> e.occurred_at",
                )

    def _versions(self, *, with_receipt: bool = False) -> list[str]:
        """The tables of versions that the batch tells of; perhaps only those with a receipt."""
        tables = self._stage.tables
        if with_receipt:
            return [quote(table.versions) for table in tables if table.parent is None]
        return [*(quote(table.versions) for table in tables), "other_objects"]


def _version_rows(table: ObjectTable) -> str:
    """SQL for the versions that new events tell of a table."""
    names = [field.name for field in table.fields] + (["extra"] if table.model else [])
    fields = ", ".join(f"r.{quote(name)}" for name in names)
    keys = (
        "c.event_id, c.event, c.occurred_at, c.received_at"
        if table.parent is None
        else "c.event_id, c.occurred_at, r.parent_id, r.position"
    )
    return (
        f"SELECT {keys}, {fields} "
        f"FROM {flatten.rows_table(table)} AS r JOIN classes AS c ON c.first_nth = r.nth "
        "WHERE NOT c.is_known"
    )


_SAME = "WHERE v.event_id = h.event_id"
_EVENT = "JOIN events AS e ON e.event_id = h.event_id"
# The place of an event is that of its earliest receipt; the path and line decide a tie.
_IS_EARLIER = (
    "(coalesce(h.received_at, TIMESTAMPTZ 'infinity'), h.file, h.line, h.byte_offset) < "
    "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line, e.byte_offset)"
)
