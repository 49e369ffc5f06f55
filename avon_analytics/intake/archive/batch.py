"""Whole lines of one or more files, held back to back, each with its place."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BOM = b"\xef\xbb\xbf"
NEWLINE, RETURN = 10, 13
# The engine works on so many rows at a time, and holds what it computes of them many times over.
ROWS_AT_A_TIME = 2048
HEAVY_BYTES = 8 * 1024 * 1024
_LONG_LINE = 32 * 1024
_DECODED_BYTES = 1024 * 1024


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
        for code in (NEWLINE, RETURN):
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
        """Whether the engine needs much memory for it: lines that it reads at once are long."""
        n_rows = min(len(self), ROWS_AT_A_TIME)
        at_once = self.bounds[n_rows:] - self.bounds[: len(self) + 1 - n_rows]
        long_ones = self.byte_lengths[self.byte_lengths > _LONG_LINE].sum()
        return int(at_once.max()) > HEAVY_BYTES or int(long_ones) > HEAVY_BYTES // 2

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
    buffer, marked = without_marks(buffer, bounds, np.frombuffer(buffer, np.uint8))
    return Batch(files, buffer, bounds, file_no, lines, byte_offsets, marked=marked)


def without_marks(
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
    blank: npt.NDArray[np.bool_] = first == NEWLINE
    for index in np.flatnonzero((first <= 32) & ~blank):
        blank[index] = buffer[starts[index] : ends[index]].isspace()
    return blank
