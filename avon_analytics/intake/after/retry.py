"""Lines of the quarantine that come in again, because they are trusted or nothing is wrong now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from avon_analytics.intake.after.quarantined_lines import QuarantinedLine, contents, parts_of
from avon_analytics.intake.archive.batch import batch_of
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.read.codes import SIGNATURE_CODES, Policy
from avon_analytics.intake.read.reader import LineReader
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.log_lines import take_out
from avon_analytics.intake.write.writer import StoreWriter

_Lines = list[tuple[QuarantinedLine, bytes]]


@dataclass(slots=True)
class Retried:
    """What became of lines that were tried again.

    ``stayed`` are the codes of those that stay as they are; ``unreadable`` counts those among them
    that stand nowhere any more. ``ended`` says where the others of each file ended, ``n_moved``.
    """

    stayed: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    n_moved: int = 0
    ended: dict[str, LineCounts] = field(default_factory=lambda: defaultdict(LineCounts))


def retry(
    connection: duckdb.DuckDBPyConnection,
    writer: StoreWriter,
    found: Iterable[QuarantinedLine],
    archive: ArchivedLines,
    secrets: Secrets | None,
) -> Retried:
    """Take lines out of the quarantine and in again that no longer belong there for the reason that
    is written there; the caller holds the transaction.

    These are the lines that load now, and those that are trusted now and fail in their body.
    ``secrets`` is None where all is trusted.
    """
    retried = Retried()
    is_trusted = trusted_under(secrets)
    for part in parts_of(found):
        read = contents(connection, part, archive)
        there = [(place, one) for place, one in zip(part, read, strict=True) if one is not None]
        moving = [*_trusted(there, is_trusted), *_loadable(there, writer.staging.reader)]
        retried.unreadable += len(part) - len(there)
        retried.n_moved += len(moving)
        retried.stayed.update(place.code for place in part)
        retried.stayed.subtract(place.code for place, _ in moving)
        for file, ended in _move(connection, writer, moving).items():
            retried.ended[file].add(ended)
    return retried


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


def _trusted(lines: _Lines, is_trusted: Callable[[bytes], bool]) -> _Lines:
    """Lines that were not trusted, and are now."""
    return [
        (place, content)
        for place, content in lines
        if place.code in SIGNATURE_CODES and is_trusted(content)
    ]


def _loadable(lines: _Lines, reader: LineReader) -> Iterator[tuple[QuarantinedLine, bytes]]:
    """Lines with which nothing is wrong any more; of a conflict, only one that is verified now."""
    others = [(place, content) for place, content in lines if place.code not in SIGNATURE_CODES]
    read = reader.read([content.removeprefix(BOM) for _, content in others])
    for (place, content), line in zip(others, read, strict=True):
        if line.verdict is None and (place.code != "conflict" or line.secret is not None):
            yield place, content


def _move(
    connection: duckdb.DuckDBPyConnection,
    writer: StoreWriter,
    moving: Sequence[tuple[QuarantinedLine, bytes]],
) -> dict[str, LineCounts]:
    """Take lines out and in again; returns where the lines of each file ended."""
    if not moving:
        return {}
    writer.has_moved_lines = True
    take_out(connection, [place.key for place, _ in moving])
    batch = batch_of([(*place.key[1:], content) for place, content in moving])
    return writer.take(writer.staging.read(batch))
