"""Reading one archive file as batches of whole lines, in memory bounded by the batch."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import zstandard

from avon_analytics.errors import DamagedFile, UsageError
from avon_analytics.intake.archive import open_file, unreadable

LINE_LIMIT = 16 * 1024 * 1024
_LONGEST_LIMIT = 1024 * 1024 * 1024
BATCH_BYTES = 32 * 1024 * 1024
BATCH_LINES = 1 << 18
# The engine works on so many rows at a time, and holds what it computes of them many times over.
_ROWS_AT_A_TIME = 2048
_HEAVY_BYTES = 8 * 1024 * 1024
_READ_BYTES = 4 * 1024 * 1024
_DECODED_BYTES = 1024 * 1024
_NEWLINE, _RETURN = 10, 13
BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"[ \t\r]*(\n|\Z)")


def checked_limit(line_limit: int) -> int:
    """How long a line may be; raises UsageError beyond what is held at a time."""
    if not 1 <= line_limit <= _LONGEST_LIMIT:
        raise UsageError(f"a line limit is a number of bytes from 1 to {_LONGEST_LIMIT:,} (1 GiB)")
    return line_limit


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over the limit: its place and digest, never its bytes.

    ``is_continued``: an earlier reading counted it already, and it has grown since.
    """

    file: str
    line: int
    byte_offset: int
    byte_length: int
    sha256: str
    is_continued: bool = False


_NO_LINES = np.zeros(0, np.int64)


@dataclass(slots=True)
class Batch:
    """Whole lines of one or more files, back to back in one buffer, line ends included.

    ``nths`` numbers them from 0. ``lines`` (from 1), ``byte_offsets`` and ``byte_lengths`` (without
    the line's end) say where each stands in its decompressed file.
    """

    files: tuple[str, ...]
    buffer: bytes = b""
    bounds: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(1, np.int32))
    file_no: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    lines: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    byte_offsets: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    long_lines: list[LongLine] = field(default_factory=list)
    marked: frozenset[int] = frozenset()  # lines whose byte-order mark is blanked in the buffer
    byte_lengths: npt.NDArray[np.int64] = field(init=False)
    blank: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        codes = np.frombuffer(self.buffer, np.uint8)
        starts, ends = self.bounds[:-1].astype(np.int64), self.bounds[1:].astype(np.int64)
        for code in (_NEWLINE, _RETURN):
            ends = ends - ((ends > starts) & (codes[np.maximum(ends - 1, 0)] == code))
        self.byte_lengths = ends - starts
        self.blank = _blank(self.buffer, self.bounds)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def nths(self) -> npt.NDArray[np.int64]:
        """The lines of the batch, numbered."""
        return np.arange(len(self), dtype=np.int64)

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """Which lines go to the engine: neither blank nor over-long."""
        readable: npt.NDArray[np.bool_] = ~self.blank
        for long in self.long_lines:
            number = self.files.index(long.file)
            readable &= ~((self.file_no == number) & (self.lines == long.line))
        return readable

    @property
    def is_heavy(self) -> bool:
        """Whether the lines that the engine reads at once are so long that it needs much memory."""
        n_rows = min(len(self), _ROWS_AT_A_TIME)
        at_once = self.bounds[n_rows:] - self.bounds[: len(self) + 1 - n_rows]
        return int(at_once.max()) > _HEAVY_BYTES

    def blank_by_file(self) -> dict[str, int]:
        """How many blank lines each file has."""
        counts = np.bincount(self.file_no[self.blank], minlength=len(self.files))
        return dict(zip(self.files, counts.tolist(), strict=True))

    def file(self, nth: int) -> str:
        """The file of one line."""
        return self.files[int(self.file_no[nth])]

    def text_buffer(self) -> bytes | bytearray:
        """The buffer with blanks in place of lines that are not UTF-8."""
        return _without_bad_text(self.buffer, self.bounds)

    def content(self, nth: int) -> bytes:
        """The bytes of one line, without its end; a byte-order mark is blanked."""
        start = int(self.bounds[nth])
        return self.buffer[start : start + int(self.byte_lengths[nth])]

    def text(self, nth: int) -> str:
        """One line as text; what is no UTF-8 is replaced."""
        return self.content(nth).decode("utf-8", "replace")

    def as_sent(self, nth: int) -> bytes:
        """The bytes of one line as they stand in the file, without its end."""
        content = self.content(nth)
        return BOM + content[len(BOM) :] if nth in self.marked else content


def merged(batches: Sequence[Batch]) -> Batch:
    """One batch of the lines of several."""
    if len(batches) == 1:
        return batches[0]
    files = tuple(dict.fromkeys(file for batch in batches for file in batch.files))
    places = np.cumsum([0, *(len(batch.buffer) for batch in batches)])
    bounds = [batch.bounds[:-1] + place for batch, place in zip(batches, places, strict=False)]
    firsts = np.cumsum([0, *(len(batch) for batch in batches)]).tolist()
    numbers = [
        np.array([files.index(file) for file in batch.files], np.int64)[batch.file_no]
        for batch in batches
    ]
    return Batch(
        files=files,
        buffer=b"".join(batch.buffer for batch in batches),
        bounds=np.concatenate([*bounds, places[-1:]]).astype(np.int32),
        file_no=np.concatenate(numbers),
        lines=np.concatenate([batch.lines for batch in batches]),
        byte_offsets=np.concatenate([batch.byte_offsets for batch in batches]),
        long_lines=[long for batch in batches for long in batch.long_lines],
        marked=frozenset(
            first + nth
            for first, batch in zip(firsts, batches, strict=False)
            for nth in batch.marked
        ),
    )


def batch_of(lines: Sequence[tuple[str, int, int, bytes]]) -> Batch:
    """A batch of single lines: the file, the line, its place and its bytes of each."""
    numbers = {file: n for n, file in enumerate(dict.fromkeys(file for file, *_ in lines))}
    return batch_from(
        tuple(numbers),
        b"".join(content + b"\n" for *_, content in lines),
        np.cumsum([0, *(len(content) + 1 for *_, content in lines)]).astype(np.int32),
        file_no=np.array([numbers[file] for file, *_ in lines], np.int64),
        lines=np.array([line for _, line, _, _ in lines], np.int64),
        byte_offsets=np.array([offset for _, _, offset, _ in lines], np.int64),
    )


def batch_from(
    files: tuple[str, ...],
    buffer: bytes,
    bounds: npt.NDArray[np.int32],
    *,
    file_no: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    byte_offsets: npt.NDArray[np.int64],
) -> Batch:
    """A batch of lines as they stand in their files, back to back, each with its place."""
    buffer, marked = _without_marks(buffer, bounds, np.frombuffer(buffer, np.uint8))
    return Batch(files, buffer, bounds, file_no, lines, byte_offsets, marked=marked)


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
        self._stream = _decompressed(self._raw)
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
            buffer, at_end = self._fill(carry)
            if self._open_line is not None:
                buffer = self._close_line(buffer)
            cut = buffer.rfind(b"\n") + 1
            carry = buffer[cut:]
            if at_end and len(carry) <= self._line_limit:
                if carry and (self.is_damaged or not _is_complete(carry)):
                    self.pending_bytes = len(carry)
                else:
                    cut = len(buffer)
                carry = b""
            parts = [buffer[start:end] for start, end in _steps(buffer, cut)]
            del buffer  # one copy of the bytes is held
            parts.reverse()
            while parts:
                yield self._batch(parts.pop())
            if len(carry) > self._line_limit:
                passed, carry, at_end = self._pass_long_line(carry)
                if passed is not None:
                    yield passed

    def _fill(self, carry: bytes) -> tuple[bytes, bool]:
        pieces, size = [carry], 0
        while size + len(carry) < self._batch_bytes or size == 0:
            chunk = self._read(_READ_BYTES)
            if not chunk:
                return b"".join(pieces), True
            pieces.append(chunk)
            size += len(chunk)
        return b"".join(pieces), False

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
        ends = np.flatnonzero(codes == _NEWLINE) + 1
        if not len(ends) or ends[-1] != len(buffer):
            ends = np.append(ends, len(buffer))
        bounds = np.concatenate([[0], ends]).astype(np.int32)
        buffer, marked = _without_marks(buffer, bounds, codes)
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


def _steps(buffer: bytes, end: int) -> Iterator[tuple[int, int]]:
    """Where to cut whole lines so that no part takes too much memory: very many, or long ones."""
    start = 0
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
        if size * _ROWS_AT_A_TIME > _HEAVY_BYTES * n_lines:
            return _HEAVY_BYTES
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


def _decompressed(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if magic[:3] == b"BZh":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if magic == b"\x28\xb5\x2f\xfd":
        return cast(BinaryIO, _ZstdStream(raw))
    return raw


class _Until:
    """The next bytes of a file, so many and no more."""

    def __init__(self, raw: BinaryIO, size: int) -> None:
        self._raw = raw
        self._left = size

    def read(self, size: int) -> bytes:
        piece = self._raw.read(min(size, self._left))
        self._left -= len(piece)
        return piece


class _ZstdStream:
    """Decompressed frames, one after another; a frame that is cut short is an error."""

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
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                self._output += self._frame.decompress(self._input)
            except zstandard.ZstdError:
                self._is_damaged = True
                break
            self._input = b""
            if self._frame.eof:
                self._input, self._frame = self._frame.unused_data, None
        if self._is_damaged and not self._output:
            raise EOFError
        taken, self._output = self._output[:size], self._output[size:]
        return taken


def _is_complete(tail: bytes) -> bool:
    """Whether a last line without an end is all there: blank, or JSON."""
    try:
        json.loads(tail.removeprefix(BOM) or b"0")
    except RecursionError:
        return True
    except ValueError:
        return tail.isspace()
    return True


def _without_marks(
    buffer: bytes, bounds: npt.NDArray[np.int32], codes: npt.NDArray[np.uint8]
) -> tuple[bytes, frozenset[int]]:
    """The buffer with blanks in place of marks at the starts of lines, and which lines had one."""
    starts = bounds[:-1]
    candidates = np.flatnonzero(codes[starts] == BOM[0]).tolist()
    marked = frozenset(n for n in candidates if buffer[starts[n] : starts[n] + 3] == BOM)
    if not marked:
        return buffer, marked
    changed = bytearray(buffer)
    for nth in marked:
        changed[starts[nth] : starts[nth] + 3] = b"   "
    return bytes(changed), marked


def _without_bad_text(buffer: bytes, bounds: npt.NDArray[np.int32]) -> bytes | bytearray:
    changed, at = None, 0
    while (bad := _first_bad(buffer, at)) is not None:
        nth = int(np.searchsorted(bounds, bad, side="right")) - 1
        start, at = int(bounds[nth]), int(bounds[nth + 1])
        changed = bytearray(buffer) if changed is None else changed
        changed[start:at] = b" " * (at - start)
    return buffer if changed is None else changed


def _first_bad(buffer: bytes, start: int) -> int | None:
    """Where the first bytes after ``start`` stand that are no UTF-8."""
    view = memoryview(buffer)
    while start < len(buffer):
        piece = view[start : start + _DECODED_BYTES]
        try:
            # A character that the piece cuts is left for the next one.
            _, read = codecs.utf_8_decode(piece, "strict", start + len(piece) == len(buffer))
        except UnicodeDecodeError as error:
            return start + error.start
        start += read
    return None


def _blank(buffer: bytes, bounds: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which lines hold nothing but white space."""
    starts, ends = bounds[:-1], bounds[1:]
    first = np.frombuffer(buffer, np.uint8)[starts]
    blank: npt.NDArray[np.bool_] = first == _NEWLINE
    for index in np.flatnonzero((first <= 32) & ~blank):
        blank[index] = buffer[starts[index] : ends[index]].isspace()
    return blank
