"""Lines fetched again from where they stand in the archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.archive.lines import FileReader

_PIECE = 4 * 1024 * 1024


class Place(Protocol):
    """Where a line stands in its decompressed file."""

    @property
    def file(self) -> str: ...
    @property
    def byte_offset(self) -> int: ...
    @property
    def byte_length(self) -> int: ...


class ArchivedLines:
    """Reads lines where they stand in the archive; those of one file best in their order.

    ``urls`` opens files that their paths do not.
    """

    def __init__(self, urls: Mapping[str, str] | None = None) -> None:
        self._urls = urls or {}
        self._reader: FileReader | None = None
        self._at = 0

    def whole(self, place: Place, sha256: str | None) -> bytes | None:
        """The bytes of a line with this digest; None if it no longer stands there."""
        if sha256 is None:  # nobody can tell
            return None
        content = b"".join(self.pieces(place, place.byte_length))
        return content if sha256 == hashlib.sha256(content).hexdigest() else None

    def pieces(self, place: Place, size: int = _PIECE) -> Iterator[bytes]:
        """The same piece by piece, so that a line of any length can pass; unchecked."""
        try:
            reader = self._reader_at(place)
            end = place.byte_offset + place.byte_length
            self._at = place.byte_offset
            while self._at < end:
                piece = reader.slice(self._at, min(size, end - self._at))
                if piece is None:
                    self.close()
                    return
                self._at += len(piece)
                yield piece
        except ArchiveError:
            self.close()

    def _reader_at(self, place: Place) -> FileReader:
        if self._reader is None or self._reader.path != place.file or self._at > place.byte_offset:
            self.close()
            self._reader = FileReader(place.file, url=self._urls.get(place.file))
        return self._reader

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._at = None, 0

    def __enter__(self) -> ArchivedLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
