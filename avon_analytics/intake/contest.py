"""Conflicts: one event id that came with two contents. One wins, by a rule that knows no order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import duckdb

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.envelope import line_digest, signed_of
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


def contestants(stage: Stage, store: duckdb.DuckDBPyConnection, batch: Batch) -> list[Contestant]:
    """All lines that claim an event id which came with more than one content, by event id."""
    found = []
    for row in stage.run(statement("contested")):
        event_id, digest, nth, strength, received_us = row
        if nth is None:
            found += _stored(store, event_id, str(digest))
        else:
            rank = _rank(strength == 0, received_us, batch.content(nth))
            found.append(Contestant(event_id, str(digest), nth, rank))
    return found


def _stored(store: duckdb.DuckDBPyConnection, event_id: str, digest: str) -> list[Contestant]:
    """Every line that told a stored event: each may be the one that wins."""
    lines = store.execute(
        "SELECT signature = 'verified', epoch_us(received_at), file, byte_offset, byte_length "
        "FROM deliveries WHERE event_id = $id AND ended <> 'quarantined'",
        {"id": event_id},
    ).fetchall()
    return [
        Contestant(event_id, digest, None, _rank(good, received, read_again(digest, *place)))
        for good, received, *place in lines
    ]


def _rank(
    is_verified: bool, received_us: int | None, content: bytes | None
) -> tuple[int, int, str]:
    received = _NEVER if received_us is None else received_us
    return int(not is_verified), received, _signed_digest(content)


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


def read_again(digest: str, file: str, byte_offset: int, byte_length: int) -> bytes | None:
    """A line of the archive from where it stood; None if it no longer says there what it said."""
    try:
        reader = LineReader(file)
    except ArchiveError:
        return None
    try:
        content = reader.slice(byte_offset, byte_length)
    except ArchiveError:
        return None
    finally:
        reader.close()
    said = None if content is None else line_digest(content.removeprefix(b"\xef\xbb\xbf"))
    return content if said is not None and UUID(said) == UUID(digest) else None


def displace(connection: duckdb.DuckDBPyConnection, event_id: str, errors: str) -> None:
    """Move an event that lost against a later line out of the tables, into the quarantine."""
    ((object_type, body),) = connection.execute(
        "SELECT object_type, body_digest FROM events WHERE event_id = $id", {"id": event_id}
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
        content = read_again(str(body), file, offset, length)
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
