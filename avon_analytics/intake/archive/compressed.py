"""The bytes of an archive file, through compression as its first bytes say."""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from io import BufferedReader
from typing import Any, BinaryIO, cast

import zstandard

from avon_analytics.errors import ArchiveError, DamagedFile
from avon_analytics.intake.archive.files import open_file
from avon_analytics.intake.archive.folders import unreadable

READ_BYTES = 4 * 1024 * 1024


class FileBytes:
    """The decompressed bytes of one file, from its start on; ``at`` is how many were read.

    With ``allow_truncated``, a compressed file that is damaged or cut short ends before the
    damage, and ``is_damaged`` says so; else it raises DamagedFile. ``url`` opens the file where its
    path does not (``ArchiveFile``).
    """

    def __init__(self, path: str, url: str | None = None, *, allow_truncated: bool = False) -> None:
        self.path = path
        self.at = 0
        self.is_damaged = False
        self._allow_truncated = allow_truncated
        self._raw = open_file(path, url)
        try:
            self._stream = decompressed(self._raw)
        except OSError as error:
            self._raw.close()
            raise unreadable(path, error) from None
        self._end: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the file is not compressed."""
        return self._stream is self._raw

    @property
    def position(self) -> int:
        """How many bytes of the file on disk have been read, for progress."""
        return self._raw.tell()

    def narrow(self, start: int, end: int) -> None:
        """Of a plain file, read from one byte up to another alone."""
        self._raw.seek(start)
        self.at, self._end = start, end

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` of them or fewer; none at the end."""
        if self.is_damaged:
            return b""
        if self._end is not None:
            size = min(size, self._end - self.at)
        # What stands before the damage comes in small steps: a large one would fail as a whole.
        in_steps = getattr(self._stream, "read1", None) if self._allow_truncated else None
        try:
            piece: bytes = (in_steps or self._stream.read)(size)
        except CannotDecompressError as error:
            raise ArchiveError(f"cannot read {self.path}: {error}") from None
        except (OSError, EOFError, ValueError, zlib.error, zstandard.ZstdError) as error:
            refusal = unreadable(self.path, error)
            if not self._allow_truncated or not isinstance(refusal, DamagedFile):
                raise refusal from None
            self.is_damaged = True
            return b""
        self.at += len(piece)
        return piece

    def slice(self, start: int, length: int) -> bytes | None:
        """So many bytes from ``start`` on, or None if the file is shorter; never before ``at``."""
        while self.at < start:
            if not self.read(min(start - self.at, READ_BYTES)):
                return None
        parts, end = [], start + length
        while self.at < end and (part := self.read(end - self.at)):
            parts.append(part)
        return b"".join(parts) if self.at == end else None

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()


def decompressed(raw: BufferedReader) -> BinaryIO:
    """The bytes of a file that is plain, or compressed as ``.gz``, ``.bz2`` or ``.zst``."""
    magic = raw.peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if magic[:3] == b"BZh":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if magic == b"\x28\xb5\x2f\xfd" or _SKIPPABLE.match(magic):
        return cast(BinaryIO, _ZstdStream(raw))
    return raw


# A frame that holds no data of the file: pzstd begins with one.
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")


class CannotDecompressError(Exception):
    """The file is whole, but more is needed to read it; the message says what."""


class _ZstdStream:
    """Decompressed frames, one after another; a frame that is cut short is an error."""

    # The largest that there is. Memory is taken as the frame says that it needs it.
    _WINDOW_BYTES = 1 << zstandard.WINDOWLOG_MAX

    # A few bytes can stand for very many: little is decompressed at a time.
    _INPUT_BYTES = 8 * 1024

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame: Any = None
        self._input = b""
        self._output = b""
        self._is_damaged = False

    def read(self, size: int) -> bytes:
        while len(self._output) < size and not self._is_damaged:
            self._input = self._input or self._raw.read(self._INPUT_BYTES)
            if not self._input:
                self._is_damaged = self._frame is not None
                break
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor(
                    max_window_size=self._WINDOW_BYTES
                ).decompressobj()
            try:
                self._output += self._frame.decompress(self._input)
            except zstandard.ZstdError as error:
                if "Dictionary mismatch" in str(error):
                    raise CannotDecompressError(_NEEDS_DICTIONARY) from None
                self._is_damaged = True
                break
            self._input = b""
            if self._frame.eof:
                self._input, self._frame = self._frame.unused_data, None
        if self._is_damaged and not self._output:
            raise EOFError
        taken, self._output = self._output[:size], self._output[size:]
        return taken


_NEEDS_DICTIONARY = (
    "it was compressed with a dictionary, which is needed to read it; decompress it first, with: "
    "zstd -d -D DICTIONARY FILE"
)
