"""Whole lines of one or more files, held back to back, each with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from avon_analytics.intake.archive.values import BOM, Span, spans_of

NEWLINE, RETURN = 10, 13
# The engine works on so many rows at a time, and holds what it computes of them many times over.
ROWS_AT_A_TIME = 2048
HEAVY_BYTES = 8 * 1024 * 1024
_LONG_LINE = 32 * 1024


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over the limit: its place and digest, never its bytes.

    ``is_continued``: an earlier reading counted this line already, whatever its length was then,
    and it has grown since.
    """

    file: str
    line: int
    byte_offset: int
    byte_length: int
    sha256: str
    is_continued: bool = False


class Measure:
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


_NO_LINES = np.zeros(0, np.int64)


@dataclass(slots=True)
class Batch:
    """Whole lines of one or more files, back to back in one buffer, line ends included.

    ``nths`` numbers them from 0. ``lines`` (from 1), ``byte_offsets`` and ``byte_lengths`` (without
    the line's end) say where each stands in its decompressed file. Deliveries that share a line
    are told apart by ``byte_offsets``; ``cut`` makes them of lines that cannot be read as one.

    The buffer has blanks in place of a byte-order mark at the start of a line, and a comma in place
    of the first byte of what is left of a line behind its deliveries: that is no JSON, whatever it
    holds. ``first_bytes`` has what stands there, by the number of the line.
    """

    files: tuple[str, ...]
    buffer: bytes = b""
    bounds: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(1, np.int32))
    file_no: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    lines: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    byte_offsets: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_LINES)
    long_lines: list[LongLine] = field(default_factory=list)
    first_bytes: Mapping[int, bytes] = field(default_factory=dict)
    byte_lengths: npt.NDArray[np.int64] = field(init=False)
    blank: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._blank_marks()
        codes = np.frombuffer(self.buffer, np.uint8)
        starts, ends = self.bounds[:-1].astype(np.int64), self.bounds[1:].astype(np.int64)
        for code in (NEWLINE, RETURN):
            ends = ends - ((ends > starts) & (codes[np.maximum(ends - 1, 0)] == code))
        self.byte_lengths = ends - starts
        self.blank = _blank(self.buffer, self.bounds)

    def _blank_marks(self) -> None:
        starts = self.bounds[:-1]
        candidates = np.flatnonzero(np.frombuffer(self.buffer, np.uint8)[starts] == BOM[0]).tolist()
        marked = [nth for nth in candidates if self.buffer.startswith(BOM, starts[nth])]
        if marked:
            changed = bytearray(self.buffer)
            for nth in marked:
                changed[starts[nth] : starts[nth] + len(BOM)] = b" " * len(BOM)
            self.buffer = bytes(changed)
            self.first_bytes = {**self.first_bytes, **dict.fromkeys(marked, BOM)}

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
            readable &= ~((self.file_no == number) & (self.byte_offsets == long.byte_offset))
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

    def place(self, nth: int) -> tuple[str, int, int]:
        """The file, the line and the byte offset of one line."""
        return self.file(nth), int(self.lines[nth]), int(self.byte_offsets[nth])

    def content(self, nth: int) -> bytes:
        """The bytes of one line as they are read, without its end."""
        start = int(self.bounds[nth])
        return self.buffer[start : start + int(self.byte_lengths[nth])]

    def as_sent(self, nth: int) -> bytes:
        """The bytes of one line as they stand in the file, without its end."""
        content, first = self.content(nth), self.first_bytes.get(nth, b"")
        return first + content[len(first) :]

    def buffer_as_sent(self) -> bytes | bytearray:
        """The buffer with the bytes of all lines as they stand in their files."""
        if not self.first_bytes:
            return self.buffer
        restored = bytearray(self.buffer)
        for nth, first in self.first_bytes.items():
            start = int(self.bounds[nth])
            restored[start : start + len(first)] = first
        return restored

    def cut(self, nths: Iterable[int]) -> Batch:
        """The same, where each of these lines that holds several values is one line for each."""
        found = {nth: spans_of(self.content(nth)) for nth in nths}
        return self.cut_at({nth: spans for nth, spans in found.items() if len(spans) > 1})

    def cut_at(self, spans: Mapping[int, Sequence[Span]]) -> Batch:
        """The same with these spans of some lines, each a line, in place of them."""
        if not spans:
            return self
        counts = np.ones(len(self), np.int64)
        counts[list(spans)] = [len(found) for found in spans.values()]
        old = np.repeat(self.nths, counts)
        firsts = np.cumsum(counts) - counts
        sizes, offsets = np.diff(self.bounds)[old], self.byte_offsets[old]
        parts, first_bytes, at = [], {}, 0
        for nth in sorted(spans):
            start, first = int(self.bounds[nth]), int(firsts[nth])
            parts.append(self.buffer[at:start])
            for new, (begin, end) in enumerate(spans[nth], first):
                content = self.buffer[start + begin : start + end]
                if content[:1] in _OTHER_VALUES:
                    first_bytes[new], content = content[:1], b"," + content[1:]
                parts += [content, b"\n"]
                sizes[new] = end - begin + 1
                offsets[new] += begin
            at = int(self.bounds[nth + 1])
        parts.append(self.buffer[at:])
        first_bytes |= {
            int(firsts[nth]): sent for nth, sent in self.first_bytes.items() if nth not in spans
        }
        return Batch(
            self.files,
            b"".join(parts),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
            self.file_no[old],
            self.lines[old],
            offsets,
            self.long_lines,
            first_bytes,
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a batch, where they stand in its buffer."""

    buffer: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, batch: Batch, nths: npt.NDArray[np.int64]) -> Lines:
        """The lines with these numbers."""
        starts = batch.bounds[nths].astype(np.int64)
        return cls(batch.buffer, starts, starts + batch.byte_lengths[nths])

    def parts(self, n: int) -> Iterator[list[bytes]]:
        """The bytes of each, without its end: so many at a time, once where there is no line."""
        for at in range(0, max(len(self.starts), 1), n):
            starts, ends = self.starts[at : at + n].tolist(), self.ends[at : at + n].tolist()
            yield [self.buffer[a:b] for a, b in zip(starts, ends, strict=True)]

    def pieces(self, n_bytes: int) -> Iterator[Lines]:
        """The same in order, about so many bytes at a time, each with its part of the buffer."""
        at = 0
        while at < len(self.starts):
            until = int(np.searchsorted(self.ends, self.starts[at] + n_bytes, "right"))
            here = slice(at, max(until, at + 1))
            first, last = int(self.starts[at]), int(self.ends[here][-1])
            starts, ends = self.starts[here] - first, self.ends[here] - first
            yield Lines(self.buffer[first:last], starts, ends)
            at = here.stop


# How a JSON value begins that is no object.
_OTHER_VALUES = frozenset(bytes([code]) for code in b'["-0123456789tfn')


def merged(batches: Sequence[Batch]) -> Batch:
    """One batch of the lines of several."""
    if len(batches) == 1:
        return batches[0]
    numbers = {file: n for n, file in enumerate(dict.fromkeys(f for b in batches for f in b.files))}
    places = np.cumsum([0, *(len(batch.buffer) for batch in batches)])
    bounds = [batch.bounds[:-1] + place for batch, place in zip(batches, places, strict=False)]
    firsts = np.cumsum([0, *(len(batch) for batch in batches)]).tolist()
    return Batch(
        files=tuple(numbers),
        buffer=b"".join(batch.buffer for batch in batches),
        bounds=np.concatenate([*bounds, places[-1:]]).astype(np.int32),
        file_no=np.concatenate(
            [np.array([numbers[f] for f in b.files], np.int64)[b.file_no] for b in batches]
        ),
        lines=np.concatenate([batch.lines for batch in batches]),
        byte_offsets=np.concatenate([batch.byte_offsets for batch in batches]),
        long_lines=[long for batch in batches for long in batch.long_lines],
        first_bytes={
            first + nth: sent
            for first, batch in zip(firsts, batches, strict=False)
            for nth, sent in batch.first_bytes.items()
        },
    )


def batch_of(lines: Sequence[tuple[str, int, int, bytes]]) -> Batch:
    """A batch of single lines: the file, the line, its place and its bytes of each."""
    numbers = {file: n for n, file in enumerate(dict.fromkeys(file for file, *_ in lines))}
    return Batch(
        tuple(numbers),
        b"".join(content + b"\n" for *_, content in lines),
        np.cumsum([0, *(len(content) + 1 for *_, content in lines)]).astype(np.int32),
        file_no=np.array([numbers[file] for file, *_ in lines], np.int64),
        lines=np.array([line for _, line, _, _ in lines], np.int64),
        byte_offsets=np.array([offset for _, _, offset, _ in lines], np.int64),
    )


def _blank(buffer: bytes, bounds: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which lines hold nothing but white space."""
    starts, ends = bounds[:-1], bounds[1:]
    first = np.frombuffer(buffer, np.uint8)[starts]
    blank: npt.NDArray[np.bool_] = first == NEWLINE
    for index in np.flatnonzero((first <= 32) & ~blank):
        blank[index] = buffer[starts[index] : ends[index]].isspace()
    return blank
