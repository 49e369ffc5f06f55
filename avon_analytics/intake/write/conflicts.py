"""Conflicts: one event id that came with two contents. One wins, by a rule that knows no order.

What each line says was found out when it was read, and of a line that lost it is kept how it stood.
So who wins is one statement, over what the batch, the store and the quarantine say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import duckdb

from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.read.faults import verdict
from avon_analytics.intake.read.reader import LineReader
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.intake.write.log_lines import quarantine
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.statements import statement
from avon_analytics.store.slim import EVENTS, LINES, log_only_lines, same_line, stored
from avon_analytics.store.tables import tables_of

CONFLICT = verdict("conflict", "expected one content for one event id; another line won")


class Displaced(NamedTuple):
    """Where a line stands that reported an event until another content won, and what it said."""

    load_id: int
    file: str
    line: int
    byte_offset: int
    byte_length: int
    body_digest: str


class Conflicts:
    """Settles the conflicts of a transaction, batch by batch."""

    def __init__(
        self, store: duckdb.DuckDBPyConnection, urls: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self._urls = urls
        self._displaced: list[Displaced] = []

    def settle(self, staging: Staging) -> bool:
        """Refuse the lines of a batch that lost, and move what the store has aside where it lost.

        Reads ``event_lines`` and ``known_events`` of the staging tables. Returns whether lines that
        were stored before have now ended elsewhere.
        """
        is_contested = """SELECT 1 FROM (
                SELECT event_id, body_digest FROM event_lines
                UNION SELECT event_id, body_digest FROM known_events)
            GROUP BY event_id HAVING count(*) > 1 LIMIT 1"""
        if not staging.run(is_contested):
            return False
        staging.recall(self._store, _LOST_BEFORE, "lost_lines")
        staging.run(statement("contents"))
        staging.run(
            """INSERT INTO verdicts SELECT t.nth, $code, $errors, NULL, false FROM event_lines AS t
            JOIN contents_of_events AS c USING (event_id, body_digest) WHERE NOT c.wins""",
            code=CONFLICT.code,
            errors=CONFLICT.errors,
        )
        ((has_lost, has_won),) = staging.run(
            "SELECT coalesce(bool_or(is_stored AND NOT wins), false), "
            "coalesce(bool_or(was_lost AND wins), false) FROM contents_of_events"
        )
        if has_lost:
            self._displace(staging)
        if has_won:
            self._bring_back(staging)
        return bool(has_lost or has_won)

    def _displace(self, staging: Staging) -> None:
        """Move events that lost against a later line out of the tables."""
        lost = "SELECT event_id FROM contents_of_events WHERE is_stored AND NOT wins"
        theirs = "event_id IN (SELECT event_id FROM staged_rows)"
        with ArrowRows.of_query(staging.connection, lost).as_table("staged_rows", self._store):
            for logging in log_only_lines(theirs):
                self._store.execute(logging)
            places = self._store.execute(
                f"""SELECT d.load_id, d.file, d.line, d.byte_offset, d.byte_length,
                    CAST(e.body_digest AS VARCHAR)
                FROM {LINES} AS d JOIN {EVENTS} AS e USING (event_id)
                WHERE d.{theirs} AND d.ended <> 'quarantined'"""
            ).fetchall()
            self._displaced += [Displaced(*place) for place in places]
            self._store.execute(
                f"""UPDATE {LINES} AS d SET ended = 'quarantined', code = 'conflict',
                    body_digest = e.body_digest, conflict_rank = e.conflict_rank
                FROM {EVENTS} AS e
                WHERE e.event_id = d.event_id AND d.{theirs} AND d.ended <> 'quarantined'"""
            )
            types = self._store.execute(
                f"SELECT DISTINCT object_type FROM {EVENTS} WHERE {theirs}"
            ).fetchall()
            versions = [stored(table.versions) for (one,) in types for table in tables_of(one)]
            for table in versions:
                self._store.execute(
                    f"DELETE FROM {table} WHERE event_no IN "
                    f"(SELECT event_no FROM {EVENTS} WHERE {theirs})"
                )
            for table in ("other_objects", EVENTS):
                self._store.execute(f"DELETE FROM {table} WHERE {theirs}")
        staging.run(f"DELETE FROM known_events WHERE event_id IN ({lost})")

    def _bring_back(self, staging: Staging) -> None:
        """Let lines that lost report their event again, where their content now won."""
        won = "(SELECT event_id, body_digest FROM contents_of_events WHERE was_lost AND wins)"
        staging.run(
            f"""INSERT INTO event_lines
            SELECT (1::BIGINT << 40) + row_number() OVER (), l.file, l.line,
                t.event_id, t.event, t.event_sent, t.object_type, t.object_id, t.occurred_at,
                t.occurred_at_source, l.received_at, l.signature, l.secret, l.byte_offset,
                l.byte_length, t.body_digest, l.conflict_rank, t.extra
            FROM lost_lines AS l
            JOIN (SELECT * FROM event_lines QUALIFY row_number()
                  OVER (PARTITION BY event_id, body_digest ORDER BY nth) = 1) AS t
                USING (event_id, body_digest)
            WHERE (l.event_id, l.body_digest) IN {won}"""
        )
        back = (
            "SELECT load_id, file, line, byte_offset FROM lost_lines AS l "
            f"WHERE (l.event_id, l.body_digest) IN {won}"
        )
        with ArrowRows.of_query(staging.connection, back).as_table("staged_rows", self._store):
            self._store.execute(
                f"UPDATE {LINES} AS d SET ended = 'duplicate', code = NULL, body_digest = NULL, "
                f"conflict_rank = NULL FROM staged_rows AS h WHERE {same_line('d', 'h')}"
            )
            self._store.execute(
                f"DELETE FROM quarantine AS q USING staged_rows AS h WHERE {same_line('q', 'h')}"
            )

    def keep_lines(self, staging: Staging) -> None:
        """Put the lines that were displaced into the quarantine, as they stand in the archive."""
        displaced = sorted(set(self._displaced), key=lambda one: (one.file, one.byte_offset))
        self._displaced = []
        is_still_so = (
            f"EXISTS (SELECT 1 FROM {LINES} AS d WHERE {same_line('d', 'refused')} "
            "AND d.code = 'conflict')"
        )
        reader = LineReader("skip", None)
        with ArchivedLines(self._urls) as archive:
            for start in range(0, len(displaced), _LINES_AT_A_TIME):
                rows = []
                for one in displaced[start : start + _LINES_AT_A_TIME]:
                    line = _content(archive, reader, one, staging)
                    digest = None if line is None else hashlib.sha256(line).hexdigest()
                    why = (CONFLICT.code, CONFLICT.errors, None)
                    rows.append((*one[:5], digest, *why, None if staging.is_limited else line))
                quarantine(self._store, rows, is_still_so)


def _content(
    archive: ArchivedLines, reader: LineReader, place: Displaced, staging: Staging
) -> bytes | None:
    """The bytes of a line, if it still stands there and says what it said."""
    content = b"".join(archive.pieces(place))
    if len(content) != place.byte_length:
        return None
    if staging.is_limited:  # whose store does not know what a whole line said
        return content
    line = reader.read_one(content.removeprefix(BOM))
    return content if line.digest.hex() == place.body_digest.replace("-", "") else None


_LINES_AT_A_TIME = 5000
_LOST_BEFORE = (
    f"SELECT * FROM {LINES} WHERE code = 'conflict' "
    "AND event_id IN (SELECT event_id FROM staged_rows)"
)
