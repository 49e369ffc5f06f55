"""Reading one archive file as batches of whole lines, in memory bounded by the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt

from avon_analytics.arguments import whole_number
from avon_analytics.intake.archive.batch import (
    HEAVY_BYTES,
    NEWLINE,
    ROWS_AT_A_TIME,
    Batch,
    LongLine,
    Measure,
    batch_of,
)
from avon_analytics.intake.archive.compressed import READ_BYTES, FileBytes
from avon_analytics.intake.archive.hint import FOOT_BYTES, HEAD_BYTES, hint
from avon_analytics.intake.archive.values import (
    Span,
    after_blanks,
    begins_object,
    holds_several,
    objects,
)

LINE_LIMIT = 16 * 1024 * 1024
_LONGEST_LIMIT = 1024 * 1024 * 1024
BATCH_BYTES = 32 * 1024 * 1024
BATCH_LINES = 1 << 18
_SCANNED_BYTES = 1 << 18  # at a time: they stay in the processor's caches
_LONG_BYTES = 64 * 1024  # lines up to this are cut only where they cannot be read as one value


def checked_limit(line_limit: int) -> int:
    """How long a line may be; raises UsageError beyond what is held at a time."""
    expected = f"a line limit is a number of bytes from 1 to {_LONGEST_LIMIT:,} (1 GiB)"
    return whole_number(line_limit, 1, _LONGEST_LIMIT, expected)


@dataclass(frozen=True, slots=True)
class FileRules:
    """How files are read: how long a line may be, how many bytes a batch has, about, and whether a
    damaged file is read as far as it goes."""

    line_limit: int = LINE_LIMIT
    batch_bytes: int = BATCH_BYTES
    allow_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Whole lines of a plain file: from one byte up to another, and the number of the first."""

    start: int
    end: int
    first_line: int


class FileReader:
    """Reads one file, plain or compressed as its first bytes say, as batches of lines.

    Objects that share a line are a line each. ``bytes_read``, ``next_line`` and ``sha256`` say how
    far it came: behind the last line that was handed out. An object in the middle of which the file
    ends is pending: it is not handed out, because the exporter may still be writing it. Whatever
    else stands behind the last line end is handed out; where it is no whole object,
    ``rest_offset`` says where it begins.

    ``url`` as in ``FileBytes``; a damaged file ends at its last whole line. With a ``section``,
    only that part of a plain file is read; ``sha256`` is then of that part.
    """

    def __init__(
        self,
        path: str,
        rules: FileRules = FileRules(),
        *,
        url: str | None = None,
        section: Section | None = None,
    ) -> None:
        self.next_line = 1
        self.bytes_read = 0
        self.pending_bytes = 0
        self.rest_offset: int | None = None
        self._line_limit = rules.line_limit
        self._batch_bytes = rules.batch_bytes
        self._digest = hashlib.sha256()
        self._is_mid_line = False  # whether something was read of the line before ``next_line``
        self._rest: Measure | None = None  # in what kind of line an earlier reading ended
        self._head = self._foot = b""
        self._path = path
        self._file = FileBytes(path, url, allow_truncated=rules.allow_truncated)
        if section is not None:
            self._file.narrow(section.start, section.end)
            self.bytes_read, self.next_line = section.start, section.first_line

    @property
    def is_damaged(self) -> bool:
        """Whether the file ended before damage."""
        return self._file.is_damaged

    @property
    def sha256(self) -> str:
        """SHA-256 of the decompressed bytes up to ``bytes_read``."""
        return self._digest.hexdigest()

    @property
    def position(self) -> int:
        """How many bytes of the file on disk have been read, for progress."""
        return self._file.position

    @property
    def hint(self) -> str | None:
        """What the file is, and what to do, where it does not look like lines of JSON."""
        return hint(self._head, self._foot)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def skip(self, n_bytes: int, n_lines: int, rest_offset: int | None = None) -> str:
        """Pass over what an earlier load read; returns the digest of these bytes."""
        rest, last = Measure(), b""
        while self.bytes_read < n_bytes:
            chunk = self._file.read(min(n_bytes - self.bytes_read, READ_BYTES))
            if not chunk:
                break
            if rest_offset is not None:
                rest.add(chunk[max(0, rest_offset - self.bytes_read) :])
            self._advance(chunk)
            last = chunk[-1:]
        self._is_mid_line = last not in (b"", b"\n")
        self._rest = rest if rest.length else None
        self.next_line = n_lines + 1
        return self.sha256

    def batches(self) -> Iterator[Batch]:
        """The rest of the file."""
        carry, at_end, look_at = b"", False, self._batch_bytes
        if self._rest is not None:
            carry, at_end = yield from self._pass_over(b"", self._rest)
        while not at_end:
            lines, carry, at_end = self._fill(carry)
            yield from self._whole_lines(lines)
            if at_end:
                yield from self._last_line(carry)
            elif len(carry) > min(self._line_limit, look_at):
                carry = yield from self._objects(carry)
                look_at = max(self._batch_bytes, 2 * len(carry))
                if len(carry) > self._line_limit:
                    carry, at_end = yield from self._pass_over(carry)

    # -- bytes ------------------------------------------------------------------------------

    def _fill(self, carry: bytes) -> tuple[bytes, bytes, bool]:
        """Whole lines that begin with ``carry``, what stands behind them, and if the file ends."""
        buffer = BytesIO()  # gives its bytes away without a copy
        buffer.write(carry)
        size = 0
        while size + len(carry) < self._batch_bytes or size == 0:
            chunk = self._file.read(READ_BYTES)
            if not chunk:
                return *_cut(buffer.getvalue()), True
            buffer.write(chunk)
            size += len(chunk)
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            return *_cut(buffer.getvalue()), False
        buffer.truncate(buffer.tell() - len(chunk) + cut)
        return buffer.getvalue(), chunk[cut:], False

    def _advance(self, passed: bytes) -> None:
        """Count these bytes as handed out."""
        self._digest.update(passed)
        self.bytes_read += len(passed)
        if len(self._head) < HEAD_BYTES:
            self._head += passed[:HEAD_BYTES]
        self._foot = (self._foot + passed[-FOOT_BYTES:])[-FOOT_BYTES:]

    # -- lines ------------------------------------------------------------------------------

    def _whole_lines(self, lines: bytes) -> Iterator[Batch]:
        if lines and self._is_mid_line:
            end = lines.find(b"\n") + 1
            yield from self._end_of_line(lines[:end])
            lines = lines[end:]
        parts = [lines[start:end] for start, end in _steps(lines)]
        del lines  # one copy of the bytes is held
        parts.reverse()
        while parts:
            yield from self._part(parts.pop())

    def _part(self, part: bytes) -> Iterator[Batch]:
        """Some whole lines; long ones that hold several values are cut at once."""
        bounds = _bounds(part)
        first = 0
        for nth in np.flatnonzero(np.diff(bounds) > min(self._line_limit, _LONG_BYTES)).tolist():
            line = part[bounds[nth] : bounds[nth + 1]]
            if holds_several(line[:-1]):
                if first < nth:
                    yield self._batch(part, bounds[first : nth + 1])
                yield from self._end_of_line(line)
                first = nth + 1
        if first < len(bounds) - 1:
            yield self._batch(part, bounds[first:])

    def _batch(self, part: bytes, bounds: npt.NDArray[np.int32]) -> Batch:
        if bounds[0] or bounds[-1] < len(part):
            part, bounds = part[bounds[0] : bounds[-1]], bounds - bounds[0]
        lines = np.arange(self.next_line, self.next_line + len(bounds) - 1, dtype=np.int64)
        batch = Batch(
            (self._path,),
            part,
            bounds,
            file_no=np.zeros_like(lines),
            lines=lines,
            byte_offsets=bounds[:-1].astype(np.int64) + self.bytes_read,
        )
        self._advance(part)
        self.next_line += len(lines)
        return self._with_long_lines(batch)

    def _with_long_lines(self, batch: Batch) -> Batch:
        for nth in np.flatnonzero((batch.byte_lengths > self._line_limit) & ~batch.blank).tolist():
            place = (int(batch.lines[nth]), int(batch.byte_offsets[nth]))
            digest = hashlib.sha256(content := batch.as_sent(nth)).hexdigest()
            batch.long_lines.append(LongLine(self._path, *place, len(content), digest))
        return batch

    # -- lines that hold several values, or have no end ---------------------------------------

    def _objects(self, text: bytes) -> Generator[Batch, None, bytes]:
        """The whole objects with which a line goes on; returns what stands behind them."""
        while True:
            found, rest = objects(text, self._line_limit, BATCH_LINES)
            if not found:
                break
            yield self._piece(text[:rest], found)
            text = text[rest:]
        if self._is_mid_line:
            start = after_blanks(text)
            self._advance(text[:start])
            text = text[start:]
        return text

    def _piece(self, text: bytes, spans: Sequence[Span] = ()) -> Batch:
        """Some of a line, as one line or as one for each of the spans."""
        place = (self.next_line - self._is_mid_line, self.bytes_read)
        batch = batch_of([(self._path, *place, text)])
        if self._is_mid_line and not spans:
            spans = [(0, len(text))]  # it is no JSON, whatever it is
        if spans:
            batch = batch.cut_at({0: spans})
        self._advance(text)
        self.next_line += not self._is_mid_line
        self._is_mid_line = True
        return self._with_long_lines(batch)

    def _end_of_line(self, line: bytes) -> Iterator[Batch]:
        text = yield from self._objects(line[:-1])
        if text:
            yield self._piece(text)
        self._advance(b"\n")
        self._is_mid_line = False

    def _last_line(self, text: bytes) -> Iterator[Batch]:
        """What stands behind the last line end of the file."""
        text = yield from self._objects(text)
        value = text[after_blanks(text) :]
        if self.is_damaged or (len(value) <= self._line_limit and begins_object(value)):
            self.pending_bytes = len(value)
        elif text:
            self.rest_offset = self.bytes_read if value else None
            yield self._piece(text)

    def _pass_over(
        self, text: bytes, begun: Measure | None = None
    ) -> Generator[Batch, None, tuple[bytes, bool]]:
        """Read a line over the limit to its end without holding it.

        ``begun`` is what an earlier reading saw of it. Returns what stands behind it, and whether
        the file ends. Where it is cut by the file's damage, it is not handed out.
        """
        measure = begun or Measure()
        line, byte_offset = self.next_line - self._is_mid_line, self.bytes_read - measure.length
        before = self._digest.copy(), self.bytes_read
        chunk, end, at_end = text, text.find(b"\n"), False
        while end < 0 and not at_end:
            measure.add(chunk)
            self._advance(chunk)
            chunk = self._file.read(READ_BYTES)
            end, at_end = chunk.find(b"\n"), not chunk
        if at_end and self.is_damaged:
            self.pending_bytes = byte_offset + measure.length - before[1]
            self._digest, self.bytes_read = before
            return b"", True
        measure.add(chunk[: max(0, end)])
        self._advance(chunk[: end + 1])
        self.next_line += not self._is_mid_line
        self._is_mid_line = at_end
        self.rest_offset = byte_offset if at_end else None
        is_continued = begun is not None
        place = (line, byte_offset, *measure.without_return)
        yield Batch((self._path,), long_lines=[LongLine(self._path, *place, is_continued)])
        return chunk[end + 1 :], at_end


def _cut(buffer: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and what stands behind them."""
    cut = buffer.rfind(b"\n") + 1
    return buffer[:cut], buffer[cut:]


def _bounds(part: bytes) -> npt.NDArray[np.int32]:
    """Where each of some whole lines begins, and where the last one ends."""
    codes = np.frombuffer(part, np.uint8)
    starts = range(0, len(part), _SCANNED_BYTES)
    ends = [np.flatnonzero(codes[at : at + _SCANNED_BYTES] == NEWLINE) + at for at in starts]
    return np.concatenate([[-1], *ends]).astype(np.int32) + 1


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
