"""Trying lines of the quarantine again: a secret was added, or the contract was widened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from avon_analytics.display import Counts, Shown
from avon_analytics.errors import StoreError
from avon_analytics.intake.after.quarantined_lines import (
    QuarantinedLine,
    QuarantineFilter,
    contents,
    parts_of,
    places,
)
from avon_analytics.intake.archive.batch import batch_of
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.lines import LINE_LIMIT, checked_limit
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.read.codes import SIGNATURE_CODES, Policy, meaning
from avon_analytics.intake.read.read_lines import ReadRules
from avon_analytics.intake.read.reader import LineReader
from avon_analytics.intake.read.signature import Secrets, SecretsLike
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.load_log import LoadLog
from avon_analytics.intake.write.log_lines import take_out
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.writer import StoreWriter
from avon_analytics.store.database import Database
from avon_analytics.store.privacy import privacy_of
from avon_analytics.store.trouble import store_error


@dataclass(frozen=True, slots=True, repr=False)
class Replay(Shown):
    """Where lines of the quarantine ended that were tried again.

    ``tried = loaded + duplicate + quarantined``. Of those that stay, ``quarantined_by_code`` says
    why; ``unreadable`` counts those among them whose bytes the store does not keep and which no
    longer stand in the archive as they stood. ``events`` is what the store holds afterwards.
    """

    loaded: int
    duplicate: int
    quarantined_by_code: Mapping[str, int] = field(default_factory=dict)
    unreadable: int = 0
    events: int = 0
    secrets: tuple[str, ...] = ()
    policy: str = "require"

    @property
    def quarantined(self) -> int:
        """Lines that stay in quarantine."""
        return sum(self.quarantined_by_code.values())

    @property
    def tried(self) -> int:
        """``loaded + duplicate + quarantined``."""
        return self.loaded + self.duplicate + self.quarantined

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        counts = {name: getattr(self, name) for name in ("tried", *_ENDS, "unreadable", "events")}
        return {
            **counts,
            "quarantined_by_code": dict(self.quarantined_by_code),
            "policy": self.policy,
            "secrets": list(self.secrets),
        }

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        yield "Lines tried again", f"{self.tried:,}", ""
        yield "  loaded", f"{self.loaded:,}", "new events"
        yield "  duplicate", f"{self.duplicate:,}", "events reported again"
        yield "  quarantined", f"{self.quarantined:,}", "stay where they are"
        for code, count in self.quarantined_by_code.items():
            yield f"    {code}", f"{count:,}", meaning(code)
        if self.unreadable:
            text = "not kept, and no longer in the archive as they stood"
            yield "    unreadable among them", f"{self.unreadable:,}", text
        yield "Events in the store", f"{self.events:,}", f"policy {self.policy}"

    def _summary(self) -> Counts:
        return Counts("Lines tried again", list(self._rows()))


_ENDS = ("loaded", "duplicate", "quarantined")


def replay(
    database: Database,
    *,
    secrets: SecretsLike = None,
    policy: Policy = "require",
    code: str | Iterable[str] | None = None,
    file: str | None = None,
    line_limit: int = LINE_LIMIT,
) -> Replay:
    """Try lines of the quarantine again, and move what now loads, all in one transaction.

    Raises MissingSecret without a secret, UsageError for an unknown code or file, StoreError for a
    store that is not there or cannot be written.
    """
    checked_limit(line_limit)
    given = Secrets.for_policy(policy, secrets)
    if not database.exists:
        raise StoreError(f"there is no store at {database.path}: load an archive into it first")
    with database.writing() as connection:
        try:
            is_limited = privacy_of(connection) == "limited"
            staging = Staging(connection.cursor(), ReadRules(policy, given, is_limited))
            wanted = QuarantineFilter.of(connection, code, file)
            found = [
                place
                for place in places(connection, wanted)
                if place.code != "too_long" or place.byte_length <= line_limit
            ]
            log = LoadLog(connection, policy, given)
            with (
                database.side_by_side(),
                ArchivedLines() as archive,
                log.transaction(staging) as writer,
            ):
                moving, unreadable = lines_to_move(
                    connection, staging, found, archive, given if policy == "require" else None
                )
                ended = move(connection, writer, moving, archive)
            return _replayed(connection, found, moving, ended, unreadable, given, policy)
        except duckdb.Error as error:
            raise store_error(database.path, error) from None


def _replayed(
    connection: duckdb.DuckDBPyConnection,
    found: Sequence[QuarantinedLine],
    moving: Sequence[QuarantinedLine],
    ended: Mapping[str, LineCounts],
    unreadable: int,
    secrets: Secrets | None,
    policy: Policy,
) -> Replay:
    codes = Counter(place.code for place in found)
    codes.subtract(place.code for place in moving)
    for one in ended.values():
        codes.update(one.quarantined_by_code)
    ((events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    return Replay(
        loaded=sum(one.loaded for one in ended.values()),
        duplicate=sum(one.duplicate for one in ended.values()),
        quarantined_by_code={code: n for code, n in codes.most_common() if n},
        unreadable=unreadable,
        events=events,
        secrets=secrets.names if secrets else (),
        policy=policy,
    )


def lines_to_move(
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    found: Sequence[QuarantinedLine],
    archive: ArchivedLines,
    secrets: Secrets | None,
) -> tuple[list[QuarantinedLine], int]:
    """Which lines of the quarantine no longer belong there for the reason that is written there.

    These are the lines that load now, and those that are trusted now and fail in their body.
    ``secrets`` is None where all is trusted. Also returns how many lines could not be read again.
    """
    moving: list[QuarantinedLine] = []
    is_trusted = trusted_under(secrets)
    unreadable = 0
    for part in parts_of(found):
        others: list[tuple[QuarantinedLine, bytes]] = []
        for place, content in zip(part, contents(connection, part, archive), strict=True):
            if content is None:
                unreadable += 1
            elif place.code not in SIGNATURE_CODES:
                others.append((place, content))
            elif is_trusted(content):
                moving.append(place)
        if others:
            moving += _loadable(staging.reader, others)
    return moving, unreadable


def codes_to_retry(policy: Policy) -> tuple[str, ...]:
    """The codes of lines that a later load may trust."""
    if policy == "require":  # what carries no signature is trusted under no secret
        return ("signature_mismatch", "unverifiable")
    return SIGNATURE_CODES


def trusted_under(secrets: Secrets | None) -> Callable[[bytes], bool]:
    """Says whether a line is signed under one of some secrets; without any, each is trusted."""
    if secrets is None:
        return lambda content: True
    reader = LineReader("record", secrets, only_signatures=True)

    def is_trusted(content: bytes) -> bool:
        return reader.read_one(content.removeprefix(BOM)).word == "verified"

    return is_trusted


def _loadable(
    reader: LineReader, lines: Sequence[tuple[QuarantinedLine, bytes]]
) -> list[QuarantinedLine]:
    """Lines with which nothing is wrong any more; of a conflict, only one that is verified now."""
    found = reader.read([content.removeprefix(BOM) for _, content in lines])
    return [
        place
        for (place, _), line in zip(lines, found, strict=True)
        if line.verdict is None and (place.code != "conflict" or line.secret is not None)
    ]


def move(
    connection: duckdb.DuckDBPyConnection,
    writer: StoreWriter,
    moving: Sequence[QuarantinedLine],
    archive: ArchivedLines,
) -> dict[str, LineCounts]:
    """Take lines out of the quarantine and in again; the caller holds the transaction.

    Returns where the lines of each file ended.
    """
    ended: dict[str, LineCounts] = defaultdict(LineCounts)
    writer.has_moved_lines |= bool(moving)
    for part in parts_of(moving):
        read = contents(connection, part, archive)
        there = [(place, one) for place, one in zip(part, read, strict=True) if one is not None]
        take_out(connection, [place.key for place, _ in there])
        batch = batch_of([(*place.key[1:], content) for place, content in there])
        for file, one in writer.take(writer.staging.read(batch)).items():
            ended[file].add(one)
    return ended
