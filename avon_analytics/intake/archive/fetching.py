"""Lines fetched again from where they stand in the archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from avon_analytics.errors import ArchiveError
from avon_analytics.intake.archive.compressed import READ_BYTES, FileBytes


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
        self._open: FileBytes | None = None

    def whole(self, place: Place, sha256: str | None) -> bytes | None:
        """The bytes of a line with this digest; None if it no longer stands there."""
        if sha256 is None:  # nobody can tell
            return None
        content = b"".join(self.pieces(place))
        return content if sha256 == hashlib.sha256(content).hexdigest() else None

    def pieces(self, place: Place) -> Iterator[bytes]:
        """The same piece by piece, so that a line of any length can pass; unchecked."""
        try:
            file = self._file_at(place)
            at, end = place.byte_offset, place.byte_offset + place.byte_length
            while at < end:
                piece = file.slice(at, min(READ_BYTES, end - at))
                if piece is None:
                    self.close()
                    return
                at += len(piece)
                yield piece
        except ArchiveError:
            self.close()

    def _file_at(self, place: Place) -> FileBytes:
        file = self._open
        if file is None or file.path != place.file or file.at > place.byte_offset:
            self.close()
            self._open = file = FileBytes(place.file, self._urls.get(place.file))
        return file

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def __enter__(self) -> ArchivedLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
