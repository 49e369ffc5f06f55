"""Conflicts: one event id that came with two contents. One wins, by a rule that knows no order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import duckdb

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.envelope import signed_of
from avon_analytics.intake.lines import Batch, LineReader
from avon_analytics.intake.stage import Stage, statement
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import tables_of

_NEVER = 2**63


@dataclass(frozen=True, slots=True)
class Contestant:
    """A line of the batch, or the stored event (without an ``nth``), that claims an event id."""

    event_id: str
    body_digest: str
    nth: int | None
    rank: tuple[int, int, str]  # verified first, then received first, then the smaller SHA-256

    @property
    def is_stored(self) -> bool:
        """Whether the store has it already."""
        return self.nth is None


def contestants(stage: Stage, batch: Batch) -> list[Contestant]:
    """All that claim an event id which came with more than one content, by event id."""
    found = []
    for row in stage.run(statement("contested")):
        event_id, digest, nth, strength, received_us, file, offset, length = row
        content = read_again(file, offset, length) if nth is None else batch.content(nth)
        rank = (
            int(strength != 0),
            _NEVER if received_us is None else int(received_us),
            _signed_digest(content),
        )
        found.append(Contestant(event_id, str(digest), nth, rank))
    return found


def losers(found: Iterable[Contestant]) -> list[Contestant]:
    """Everyone whose content is not that of the best of its event id."""
    lost = []
    for _, group in groupby(found, key=lambda c: c.event_id):
        rivals = list(group)
        best = min(rivals, key=lambda c: (c.rank, c.body_digest))
        lost += [c for c in rivals if c.body_digest != best.body_digest]
    return lost


def _signed_digest(content: bytes | None) -> str:
    if content is None:
        return ""
    signed = signed_of(content.decode("utf-8", "replace"))
    return hashlib.sha256(signed.candidates[0] if signed else content).hexdigest()


def read_again(file: str, byte_offset: int, byte_length: int) -> bytes | None:
    """A line of the archive, from where it stands; None if it is no longer there."""
    try:
        reader = LineReader(file)
    except ArchiveError:
        return None
    try:
        return reader.slice(byte_offset, byte_length)
    except ArchiveError:
        return None
    finally:
        reader.close()


def displace(connection: duckdb.DuckDBPyConnection, event_id: str, errors: str) -> None:
    """Move an event that lost against a later line out of the tables, into the quarantine."""
    ((object_type,),) = connection.execute(
        "SELECT object_type FROM events WHERE event_id = $event_id", {"event_id": event_id}
    ).fetchall()
    tables = [quote(table.versions) for table in tables_of(object_type)]
    for table in (*tables, "other_objects", "events"):
        connection.execute(f"DELETE FROM {table} WHERE event_id = $id", {"id": event_id})
    lines = connection.execute(
        "SELECT load_id, file, line, byte_offset, byte_length FROM deliveries "
        "WHERE event_id = $id AND ended <> 'quarantined'",
        {"id": event_id},
    ).fetchall()
    for first_load, file, line, offset, length in lines:
        content = read_again(file, offset, length)
        digest = None if content is None else hashlib.sha256(content).hexdigest()
        connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, 'conflict', ?, NULL, ?)",
            [first_load, file, line, offset, length, digest, errors, content],
        )
    connection.execute(
        "UPDATE deliveries SET ended = 'quarantined', code = 'conflict' "
        "WHERE event_id = $id AND ended <> 'quarantined'",
        {"id": event_id},
    )
