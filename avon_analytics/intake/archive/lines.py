"""Reading one archive file as batches of whole lines, in memory bounded by the batch."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, cast

import numpy as np
import zstandard

from avon_analytics.arguments import whole_number
from avon_analytics.errors import DamagedFile
from avon_analytics.intake.archive.batch import (
    BOM,
    HEAVY_BYTES,
    NEWLINE,
    ROWS_AT_A_TIME,
    Batch,
    LongLine,
    without_marks,
)
from avon_analytics.intake.archive.compressed import decompressed
from avon_analytics.intake.archive.files import open_file, unreadable

LINE_LIMIT = 16 * 1024 * 1024
_LONGEST_LIMIT = 1024 * 1024 * 1024
BATCH_BYTES = 32 * 1024 * 1024
BATCH_LINES = 1 << 18
_READ_BYTES = 4 * 1024 * 1024
_LINE_END = re.compile(rb"[ \t\r]*(\n|\Z)")


def checked_limit(line_limit: int) -> int:
    """How long a line may be; raises UsageError beyond what is held at a time."""
    expected = f"a line limit is a number of bytes from 1 to {_LONGEST_LIMIT:,} (1 GiB)"
    return whole_number(line_limit, 1, _LONGEST_LIMIT, expected)


@dataclass(frozen=True, slots=True)
class Section:
    """Whole lines of a plain file: from one byte up to another, and the number of the first."""

    start: int
    end: int
    first_line: int


class LineReader:
    """Reads one file, plain or compressed as its first bytes tell, as batches of lines.

    ``bytes_read``, ``next_line`` and ``sha256`` tell how far it came: behind the last line that
    was handed out. A last line that has no end and is no JSON is left pending: it is not handed
    out, because the exporter may still be writing it.

    With ``partial``, a compressed file that is damaged or cut short ends before the damage, at its
    last whole line, and ``is_damaged`` says so; else it raises DamagedFile.

    With a ``section``, only that part of a plain file is read; ``sha256`` is then of that part.
    """

    def __init__(
        self,
        path: str,
        *,
        line_limit: int = LINE_LIMIT,
        batch_bytes: int = BATCH_BYTES,
        partial: bool = False,
        section: Section | None = None,
    ) -> None:
        self.path = path
        self.next_line = 1
        self.bytes_read = 0
        self.pending_bytes = 0
        self.is_damaged = False
        self._partial = partial
        self._line_limit = line_limit
        self._batch_bytes = batch_bytes
        self._digest = hashlib.sha256()
        self._sliced_to = 0  # where ``slice`` has come to
        self._open_line: _Measure | None = None  # the line in which an earlier reading ended
        self._raw = open_file(path)
        self._stream = decompressed(self._raw)
        if section is not None:
            self._raw.seek(section.start)
            self._stream = cast(BinaryIO, _Until(self._raw, section.end - section.start))
            self.bytes_read, self.next_line = section.start, section.first_line

    @property
    def is_plain(self) -> bool:
        """Whether the file is not compressed."""
        return self._stream is self._raw

    @property
    def sha256(self) -> str:
        """SHA-256 of the decompressed bytes up to ``bytes_read``."""
        return self._digest.hexdigest()

    @property
    def position(self) -> int:
        """How many bytes of the file on disk have been read, for progress."""
        return self._raw.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def skip(self, n_bytes: int, n_lines: int) -> str:
        """Pass over what an earlier load read; returns the digest of these bytes."""
        last = _Measure()
        while self.bytes_read < n_bytes:
            chunk = self._read(min(n_bytes - self.bytes_read, _READ_BYTES))
            if not chunk:
                break
            self._take(chunk)
            cut = chunk.rfind(b"\n") + 1
            last = _Measure() if cut else last
            last.add(chunk[cut:])
        self._open_line = last if last.length else None
        self.next_line = n_lines + 1
        return self.sha256

    def slice(self, byte_offset: int, byte_length: int) -> bytes | None:
        """Some bytes of the decompressed file, or None if it is shorter; offsets only grow."""
        while self._sliced_to < byte_offset:
            passed = self._read(min(byte_offset - self._sliced_to, _READ_BYTES))
            if not passed:
                return None
            self._sliced_to += len(passed)
        pieces, missing = [], byte_length
        while missing and (piece := self._read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        self._sliced_to += byte_length - missing
        return None if missing else b"".join(pieces)

    def batches(self) -> Iterator[Batch]:
        """The rest of the file."""
        carry, at_end = b"", False
        if self._open_line is not None and self._open_line.length > self._line_limit:
            passed, carry, at_end = self._pass_long_line(b"", self._open_line)
            if passed is not None:
                yield passed
        while not at_end:
            lines, carry, at_end = self._fill(carry)
            if self._open_line is not None:
                lines, carry = _cut(self._close_line(lines + carry))
            if at_end and len(carry) <= self._line_limit:
                if carry and (self.is_damaged or not _is_complete(carry)):
                    self.pending_bytes = len(carry)
                else:
                    lines += carry
                carry = b""
            parts = [lines[start:end] for start, end in _steps(lines)]
            del lines  # one copy of the bytes is held
            parts.reverse()
            while parts:
                yield self._batch(parts.pop())
            if len(carry) > self._line_limit:
                passed, carry, at_end = self._pass_long_line(carry)
                if passed is not None:
                    yield passed

    def _fill(self, carry: bytes) -> tuple[bytes, bytes, bool]:
        """Whole lines that begin with ``carry``, what stands behind them, and if the file ends."""
        held = BytesIO()  # gives its bytes away without a copy
        held.write(carry)
        size = 0
        while size + len(carry) < self._batch_bytes or size == 0:
            chunk = self._read(_READ_BYTES)
            if not chunk:
                return *_cut(held.getvalue()), True
            held.write(chunk)
            size += len(chunk)
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            return *_cut(held.getvalue()), False
        held.truncate(held.tell() - len(chunk) + cut)
        return held.getvalue(), chunk[cut:], False

    def _read(self, size: int) -> bytes:
        if self.is_damaged:
            return b""
        # What stands before the damage comes in small steps: a large one would fail as a whole.
        in_steps = getattr(self._stream, "read1", None) if self._partial else None
        try:
            return (in_steps or self._stream.read)(size)
        except (OSError, EOFError, ValueError, zlib.error, zstandard.ZstdError) as error:
            told = unreadable(self.path, error)
            if not self._partial or not isinstance(told, DamagedFile):
                raise told from None
            self.is_damaged = True
            return b""

    def _take(self, taken: bytes) -> None:
        self._digest.update(taken)
        self.bytes_read += len(taken)

    def _close_line(self, buffer: bytes) -> bytes:
        # The line read last had no end then; its end is no line of its own.
        self._open_line = None
        end = _LINE_END.match(buffer)
        if end is None:
            return buffer
        self._take(end[0])
        return buffer[end.end() :]

    def _batch(self, buffer: bytes) -> Batch:
        byte_offset, first_line = self.bytes_read, self.next_line
        self._take(buffer)
        codes = np.frombuffer(buffer, np.uint8)
        ends = np.flatnonzero(codes == NEWLINE) + 1
        if not len(ends) or ends[-1] != len(buffer):
            ends = np.append(ends, len(buffer))
        bounds = np.concatenate([[0], ends]).astype(np.int32)
        buffer, marked = without_marks(buffer, bounds, codes)
        lines = np.arange(first_line, first_line + len(ends), dtype=np.int64)
        offsets = bounds[:-1].astype(np.int64) + byte_offset
        places = (np.zeros_like(lines), lines, offsets)
        batch = Batch((self.path,), buffer, bounds, *places, marked=marked)
        self.next_line += len(batch)
        for nth in np.flatnonzero((batch.byte_lengths > self._line_limit) & ~batch.blank).tolist():
            digest = hashlib.sha256(batch.content(nth)).hexdigest()
            place = (int(lines[nth]), int(offsets[nth]), int(batch.byte_lengths[nth]))
            batch.long_lines.append(LongLine(self.path, *place, digest))
        return batch

    def _pass_long_line(
        self, start: bytes, begun: _Measure | None = None
    ) -> tuple[Batch | None, bytes, bool]:
        """Read a line over the limit to its end without holding it.

        ``begun`` is what an earlier reading saw of it. Returns no batch where the line is cut by
        the file's damage.
        """
        measure = begun or _Measure()
        byte_offset, line = self.bytes_read - measure.length, self.next_line
        before = self._digest.copy(), self.bytes_read
        chunk, rest, at_end = start, b"", False
        while True:
            end = chunk.find(b"\n")
            measure.add(chunk if end < 0 else chunk[:end])
            self._take(chunk if end < 0 else chunk[: end + 1])
            if end >= 0:
                rest = chunk[end + 1 :]
                break
            chunk = self._read(_READ_BYTES)
            if not chunk:
                at_end = True
                break
        if at_end and self.is_damaged:
            self.pending_bytes = byte_offset + measure.length - before[1]
            self._digest, self.bytes_read = before
            return None, b"", True
        if begun is None:
            self.next_line += 1
        else:
            self._open_line, line = None, line - 1
        place = (line, byte_offset, *measure.without_return)
        long_line = LongLine(self.path, *place, is_continued=begun is not None)
        return Batch((self.path,), long_lines=[long_line]), rest, at_end


def _cut(buffer: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and what stands behind them."""
    cut = buffer.rfind(b"\n") + 1
    return buffer[:cut], buffer[cut:]


def _steps(buffer: bytes) -> Iterator[tuple[int, int]]:
    """Where to cut whole lines so that no part takes too much memory: very many, or long ones."""
    start, end = 0, len(buffer)
    while start < end:
        size, stop = _size_of_part(buffer, start, end), end
        if end - start > size:
            stop = buffer.rfind(b"\n", start, start + size) + 1
            stop = stop or buffer.find(b"\n", start) + 1 or end
        yield start, stop
        start = stop


def _size_of_part(buffer: bytes, start: int, end: int) -> int:
    size = end - start
    if size > BATCH_LINES:
        n_lines = buffer.count(b"\n", start, end)
        if n_lines > BATCH_LINES:
            return BATCH_LINES
        if size * ROWS_AT_A_TIME > HEAVY_BYTES * n_lines:
            return HEAVY_BYTES
    return size


class _Measure:
    """Length and digest of a line that is not held."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = hashlib.sha256()
        self._held = b""

    def add(self, part: bytes) -> None:
        """Some more of the line."""
        if part:
            # A carriage return is part of the line only if something follows it.
            self._digest.update(self._held)
            self._digest.update(memoryview(part)[: len(part) - part.endswith(b"\r")])
            self._held = b"\r" if part.endswith(b"\r") else b""
            self.length += len(part)

    @property
    def without_return(self) -> tuple[int, str]:
        """Length and digest, but for a carriage return at the line's end."""
        return self.length - len(self._held), self._digest.hexdigest()


class _Until:
    """The next bytes of a file, so many and no more."""

    def __init__(self, raw: BinaryIO, size: int) -> None:
        self._raw = raw
        self._left = size

    def read(self, size: int) -> bytes:
        piece = self._raw.read(min(size, self._left))
        self._left -= len(piece)
        return piece


def _is_complete(tail: bytes) -> bool:
    """Whether a last line without an end is all there: blank, or JSON."""
    try:
        json.loads(tail.removeprefix(BOM) or b"0")
    except RecursionError:
        return True
    except ValueError:
        return tail.isspace()
    return True
