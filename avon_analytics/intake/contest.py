"""Conflicts: one event id that came with two contents. One wins, by a rule that knows no order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import duckdb

from avon_analytics.intake.archive.batch import Batch
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.engine import statement
from avon_analytics.intake.envelope import line_digest, signed_of
from avon_analytics.intake.reread import Place, Rereader
from avon_analytics.intake.stage import Stage
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import tables_of

_NEVER = 2**63


@dataclass(frozen=True, slots=True)
class Contestant:
    """A line of the batch, or the stored event (without an ``nth``), that claims an event id."""

    event_id: str
    digest: str  # of its body as spelled
    says: str  # of what its body says, however it is spelled
    nth: int | None
    rank: tuple[int, int, str]  # verified first, then received first, then the smaller SHA-256

    @property
    def is_stored(self) -> bool:
        """Whether the store has it already."""
        return self.nth is None


def contestants(
    stage: Stage, store: duckdb.DuckDBPyConnection, batch: Batch, again: Callable[[], Rereader]
) -> list[Contestant]:
    """All that claim an event id which came with more than one digest, by event id.

    Bodies of one digest say the same. Bodies of two may do so in other words (keys in another
    order, other spellings of a number): only now is that found out. What a limited store keeps
    has one spelling alone.
    """
    is_limited = stage.is_limited
    rows = stage.run(statement("contested"))
    found = [
        Contestant(
            event_id,
            str(digest),
            (None if is_limited else line_digest(batch.content(nth))) or str(digest),
            nth,
            _rank(strength == 0, received_us, batch.content(nth)),
        )
        for event_id, digest, nth, strength, received_us in rows
        if nth is not None
    ]
    stored = {event_id: str(digest) for event_id, digest, nth, *_ in rows if nth is None}
    if stored:
        found += _stored(store, stored, again(), is_limited=is_limited)
    return sorted(found, key=lambda c: c.event_id)


def _stored(
    store: duckdb.DuckDBPyConnection,
    digests: Mapping[str, str],
    again: Rereader,
    *,
    is_limited: bool,
) -> Iterator[Contestant]:
    """Every line that told one of some stored events: each may be the one that wins."""
    lines = store.execute(
        "SELECT event_id, signature = 'verified', epoch_us(received_at), "
        "file, byte_offset, byte_length "
        "FROM deliveries WHERE event_id IN (SELECT unnest($ids)) AND ended <> 'quarantined'",
        {"ids": list(digests)},
    ).fetchall()
    contents = again.lines(
        [Place(*line[3:]) for line in lines], [digests[event_id] for event_id, *_ in lines]
    )
    said: dict[str, str] = {}
    for (event_id, *_), content in zip(lines, contents, strict=True):
        if content is not None and event_id not in said and not is_limited:
            said[event_id] = line_digest(content.removeprefix(BOM)) or digests[event_id]
    for (event_id, is_verified, received_us, *_), content in zip(lines, contents, strict=True):
        digest = digests[event_id]
        says = said.get(event_id, digest)
        yield Contestant(event_id, digest, says, None, _rank(is_verified, received_us, content))


def _rank(
    is_verified: bool, received_us: int | None, content: bytes | None
) -> tuple[int, int, str]:
    received = _NEVER if received_us is None else received_us
    return int(not is_verified), received, _signed_digest(content)


@dataclass(frozen=True, slots=True)
class Spelling:
    """The line of the batch from which an event that came in several spellings is told."""

    event_id: str
    nth: int
    is_anew: bool  # the store has told it from another one


def settled(found: Iterable[Contestant]) -> tuple[list[Contestant], list[Spelling]]:
    """Everyone whose content is not that of the best of its event id; of the rest, who tells it.

    What says the same is told in the spelling with the smallest digest, whichever came first.
    """
    lost: list[Contestant] = []
    spellings = []
    for event_id, group in groupby(found, key=lambda c: c.event_id):
        rivals = list(group)
        best = min(rivals, key=lambda c: (c.rank, c.says))
        lost += [c for c in rivals if c.says != best.says]
        agreed = [c for c in rivals if c.says == best.says]
        _, nth = min((c.digest, -1 if c.nth is None else c.nth) for c in agreed)
        if nth >= 0:
            spellings.append(Spelling(event_id, nth, any(c.is_stored for c in agreed)))
    return lost, spellings


def _signed_digest(content: bytes | None) -> str:
    if content is None:
        return ""
    signed = signed_of(content.decode("utf-8", "replace"))
    return hashlib.sha256(signed.candidates[0] if signed else content).hexdigest()


def displace(
    connection: duckdb.DuckDBPyConnection,
    event_id: str,
    errors: str,
    again: Rereader,
    *,
    keeps_lines: bool,
) -> None:
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
    contents = again.lines(
        [Place(file, offset, length) for _, file, _, offset, length in lines],
        [str(body)] * len(lines),
    )
    for (first_load, file, line, offset, length), content in zip(lines, contents, strict=True):
        digest = None if content is None else hashlib.sha256(content).hexdigest()
        connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, 'conflict', ?, NULL, ?)",
            [
                first_load,
                file,
                line,
                offset,
                length,
                digest,
                errors,
                content if keeps_lines else None,
            ],
        )
    connection.execute(
        "UPDATE deliveries SET ended = 'quarantined', code = 'conflict' "
        "WHERE event_id = $id AND ended <> 'quarantined'",
        {"id": event_id},
    )
