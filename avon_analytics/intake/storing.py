"""What a batch tells, written into the store: each event once, with its versions."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from avon_analytics.intake import flatten, limited
from avon_analytics.intake.contest import Spelling
from avon_analytics.intake.engine import statement
from avon_analytics.intake.hand_over import ArrowRows
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

    def store(self, spellings: Sequence[Spelling]) -> None:
        """Write what the lines of the batch tell that are not refused.

        An event that came in several spellings is told from the one that ``spellings`` names.
        """
        word = word_of("c.strength")
        extra = limited.emptied("t.extra") if self._stage.is_limited else "t.extra"
        self._stage.run(statement("classes"))
        self._choose(spellings)
        self.insert("events", statement("new_events", word=word, extra=extra))
        if self._stage.run("SELECT 1 FROM classes WHERE is_known LIMIT 1"):
            self._tell_again(word)
        for versions, rows in self._versions_where("NOT c.is_known").items():
            self.insert(versions, rows)
        if any(one.is_anew for one in spellings):
            self._tell_anew(extra)

    def _choose(self, spellings: Sequence[Spelling]) -> None:
        if spellings:
            self._stage.run(
                "UPDATE classes AS c SET told_nth = s.nth, is_told_anew = s.is_anew FROM ("
                "SELECT unnest($ids) AS event_id, unnest($nths) AS nth, unnest($anew) AS is_anew"
                ") AS s WHERE c.event_id = s.event_id",
                ids=[one.event_id for one in spellings],
                nths=[one.nth for one in spellings],
                anew=[one.is_anew for one in spellings],
            )

    def _versions_where(self, which: str) -> dict[str, str]:
        """For each table of versions that the batch tells of, SQL for the rows of some events."""
        is_limited = self._stage.is_limited
        found = {
            quote(table.versions): _version_rows(table, which, is_limited=is_limited)
            for table in self._stage.tables
        }
        if self._stage.run("SELECT 1 FROM unread LIMIT 1"):
            what = "CAST(NULL AS JSON)" if is_limited else "u.body -> '$.object'"
            found["other_objects"] = statement("other_objects", object=what, which=which)
        return found

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

    def _tell_anew(self, extra: str) -> None:
        """Spell what the store has of some events as the batch does."""
        self.hand_over(statement("spelled_anew", extra=extra), statement("known_spellings"))
        for versions, rows in self._versions_where("c.is_told_anew").items():
            if not self._stage.run(f"SELECT 1 FROM ({rows}) LIMIT 1"):
                continue
            told = self._stage.connection.sql(rows).columns
            names = [name for name in told if name not in _SAME_HOWEVER_SPELLED]
            columns = ", ".join(f"{quote(name)} = h.{quote(name)}" for name in names)
            place = " AND v.position = h.position" if "position" in told else ""
            self.hand_over(
                rows, f"UPDATE {versions} AS v SET {columns} FROM handed AS h {_SAME}{place}"
            )

    def _versions(self, *, with_receipt: bool = False) -> list[str]:
        """The tables of versions that the batch tells of; perhaps only those with a receipt."""
        tables = self._stage.tables
        if with_receipt:
            return [quote(table.versions) for table in tables if table.parent is None]
        return [*(quote(table.versions) for table in tables), "other_objects"]


def _version_rows(table: ObjectTable, which: str, *, is_limited: bool) -> str:
    """SQL for the versions that some events tell of a table."""
    columns = limited.columns(table, "r", is_limited=is_limited)
    fields = ", ".join(f"{sql} AS {quote(name)}" for name, sql in columns.items())
    keys = (
        "c.event_id, c.event, c.occurred_at, c.received_at"
        if table.parent is None
        else "c.event_id, c.occurred_at, r.parent_id, r.position"
    )
    return (
        f"SELECT {keys}, {fields} "
        f"FROM {flatten.rows_table(table)} AS r JOIN classes AS c ON c.told_nth = r.nth "
        f"WHERE {which}"
    )


_SAME_HOWEVER_SPELLED = ("event_id", "event", "occurred_at", "received_at", "parent_id", "position")
_SAME = "WHERE v.event_id = h.event_id"
_EVENT = "JOIN events AS e ON e.event_id = h.event_id"
# The place of an event is that of its earliest receipt; the path and line decide a tie.
_IS_EARLIER = (
    "(coalesce(h.received_at, TIMESTAMPTZ 'infinity'), h.file, h.line, h.byte_offset) < "
    "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line, e.byte_offset)"
)
