"""Reading lines of earlier loads again, from where they stand in the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from avon_analytics.intake.again import Archive
from avon_analytics.intake.archive.batch import batch_of
from avon_analytics.intake.archive.values import BOM
from avon_analytics.intake.envelope import line_digest
from avon_analytics.intake.stage import Stage
from avon_analytics.store.memory import Bound


class Place(NamedTuple):
    """Where a line stands in its decompressed file."""

    file: str
    byte_offset: int
    byte_length: int


class Rereader:
    """Reads lines again and tells whether they still say what they said.

    A limited store does not know what a whole line said: without ``checks``, whatever delivery
    stands at a place is that line.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        checks: bool = True,
        bound: Bound | None = None,
        urls: Mapping[str, str] | None = None,
    ) -> None:
        self._stage = Stage(connection, "skip", None, bound=bound)
        self._checks = checks
        self._urls = urls or {}

    def lines(self, places: Sequence[Place], digests: Sequence[str]) -> list[bytes | None]:
        """The bytes of each line; None where the archive no longer says what ``digests`` tell.

        Each file is read once, from its beginning to its last place.
        """
        with Archive(self._urls) as archive:
            told = {place: _whole(archive, place) for place in sorted(set(places))}
        found = [told[place] for place in places]
        spelled = self._digests(found)
        if not self._checks:
            return [one if digest else None for one, digest in zip(found, spelled, strict=True)]
        is_same = [digest == stored for digest, stored in zip(spelled, digests, strict=True)]
        if not all(is_same):
            is_same = _says_the_same(found, digests, is_same)
        return [one if same else None for one, same in zip(found, is_same, strict=True)]

    def _digests(self, contents: Sequence[bytes | None]) -> list[str | None]:
        """What the bodies of lines say, as the store knows it."""
        told = [(n, content) for n, content in enumerate(contents) if content]
        digests: list[str | None] = [None] * len(contents)
        if told:
            batch = batch_of([("", n, 0, content.removeprefix(BOM)) for n, content in told])
            with self._stage.room_for(batch):
                for line, digest in self._stage.digests(batch):
                    digests[line] = digest
        return digests


def _says_the_same(
    contents: Sequence[bytes | None], digests: Sequence[str], is_same: Sequence[bool]
) -> list[bool]:
    """Which lines say what their events do: as the store spells it (``is_same``), or otherwise.

    A store of an earlier version may have the digest of what is said, however it is spelled.
    """
    says = [line_digest(one.removeprefix(BOM)) if one else None for one in contents]
    known = {(stored, stored.replace("-", "")) for stored in digests}
    known |= {
        (stored, said)
        for stored, said, same in zip(digests, says, is_same, strict=True)
        if same and said
    }
    return [
        same or (stored, said) in known
        for stored, said, same in zip(digests, says, is_same, strict=True)
    ]


def _whole(archive: Archive, place: Place) -> bytes | None:
    content = b"".join(archive.pieces(place))
    return content if len(content) == place.byte_length else None
