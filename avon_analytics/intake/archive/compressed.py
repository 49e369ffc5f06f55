"""Reading through compression, as a file's first bytes tell."""

from __future__ import annotations

import bz2
import gzip
import re
from io import BufferedReader
from typing import Any, BinaryIO, cast

import zstandard


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
