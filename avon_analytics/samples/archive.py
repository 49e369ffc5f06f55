"""The archive's files: which there are, how each is written, and what a load must find in them.

Names begin with the month, so that the order of the paths is the order of time: where the same
delivery stands in two files, the later file holds the duplicate.
"""

from __future__ import annotations

import bz2
import gzip
from bisect import bisect
from collections import Counter
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import IO, NamedTuple, Protocol

import zstandard

from avon_analytics.samples.instants import iso

MIXES: dict[str, dict[str, float]] = {
    "webhooks": {
        "plain": 78,
        "plain_other_case": 6,
        "parsed": 3,
        "parsed_spaced": 3,
        "pairs": 4,
        "top_level": 4,
        "top_level_dashed": 2,
    },
    "lambda": {"base64": 50, "gateway": 44, "plain": 4, "parsed": 2},
    "relay": {"pairs": 30, "top_level": 30, "top_level_short": 34, "parsed_spaced": 6},
}


class Layout(NamedTuple):
    """One file: its share of its month's lines, and what is special about it."""

    path: str
    weight: float = 1
    bom: bool = False
    crlf: bool = False
    open_end: bool = False  # the last line has no end
    members: bool = False  # compressed in several members, as appending makes them

    @property
    def month(self) -> str:
        return self.path.rsplit("/", 1)[1][:7]

    @property
    def exporter(self) -> str:
        return self.path.rsplit("/", 1)[1][8:].split(".")[0]


FILES = (
    Layout("2024/q3/2024-09-webhooks.jsonl.gz"),
    Layout("2024/q4/2024-10-webhooks.jsonl.zst"),
    Layout("2024/q4/2024-11-relay.jsonl.bz2", 1),
    Layout("2024/q4/2024-11-webhooks.jsonl.zst", 3),
    Layout("2024/q4/2024-12-webhooks.jsonl.gz", members=True),
    Layout("2025/q1/2025-01-lambda.jsonl.zst", 3),
    Layout("2025/q1/2025-01-webhooks.jsonl.gz", 2, open_end=True),
    Layout("2025/q1/2025-02-lambda.jsonl.zst", 5),
    Layout("2025/q1/2025-02-relay.ndjson", 1, crlf=True),
    Layout("2025/q1/2025-03-lambda.jsonl.zst", members=True),
    Layout("2025/q2/2025-04-lambda.jsonl.zst"),
    Layout("2025/q2/2025-05-relay.json.gz", 1),
    Layout("2025/q2/2025-05-webhooks.jsonl.zst", 2),
    Layout("2025/q2/2025-06-webhooks.jsonl.zst"),
    Layout("2025/q3/2025-07-webhooks.jsonl.zst", 3),
    Layout("2025/q3/2025-07-zapier.jsonl", 0),  # an exporter that was never switched on
    Layout("2025/q3/2025-08-lambda.jsonl.bz2", 1),
    Layout("2025/q3/2025-08-webhooks.jsonl.zst", 3),
    Layout("2025/q3/2025-09-webhooks.jsonl.zst"),
    Layout("2025/q4/2025-10-lambda.jsonl.zst", 1),
    Layout("2025/q4/2025-10-webhooks.jsonl.zst", 2),
    Layout("2025/q4/2025-11-webhooks.jsonl", bom=True, open_end=True),
)
PASSED_OVER = "2025/q4/export.log"


class _Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...

    def close(self) -> None: ...


class ArchiveFile:
    """One file being written: lines a little out of order, some of them blank."""

    WINDOW = 12

    def __init__(self, root: Path, layout: Layout, rng: Random) -> None:
        self.layout = layout
        self.counts: Counter[str] = Counter(lines=0, blank=0, loaded=0, duplicate=0, quarantined=0)
        self.codes: Counter[str] = Counter()
        self._rng = rng
        self._path = root / layout.path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._path.open("wb")
        self._out = self._member()
        self._held: list[bytes] = []  # written together: packing line by line is slow
        self._end = b"\r\n" if layout.crlf else b"\n"
        self._waiting: list[tuple[bytes, bool]] = []
        if layout.bom:
            self._held.append(b"\xef\xbb\xbf")
        mix = MIXES.get(layout.exporter, MIXES["webhooks"])
        self._forms = tuple(mix)
        self._reach = tuple(accumulate(mix.values()))

    def _member(self) -> _Sink:
        """Where bytes go: the file, or a new compressed member of it. Never a time stamp."""
        if self._path.suffix == ".gz":
            return gzip.GzipFile("", "wb", 6, self._file, mtime=0)
        if self._path.suffix == ".bz2":
            return bz2.BZ2File(self._file, "wb")
        if self._path.suffix == ".zst":
            return zstandard.ZstdCompressor().stream_writer(self._file, closefd=False)
        return self._file

    def form(self) -> str:
        """The form of the next line, in this exporter's proportions."""
        return self._forms[bisect(self._reach, self._rng.random() * self._reach[-1])]

    def add(self, line: bytes, end: str, code: str | None = None) -> None:
        """Takes a line, and where a correct load ends it."""
        counts = self.counts
        counts["lines"] += 1
        counts[end] += 1
        if code is not None:
            self.codes[code] += 1
        waiting = self._waiting
        waiting.append((line, code is None))
        if len(waiting) > self.WINDOW:
            self._put(waiting.pop(int(self._rng.random() * len(waiting)))[0])

    def _put(self, line: bytes) -> None:
        waiting = self._held
        if self._rng.random() < 0.006:
            self.counts["lines"] += 1
            self.counts["blank"] += 1
            waiting.append(self._end)
        waiting.append(line)
        waiting.append(self._end)
        if len(waiting) > 200:
            self._write()

    def _write(self) -> None:
        self._out.write(b"".join(self._held))
        self._held.clear()
        if self.layout.members and self._out is not self._file:
            self._out.close()
            self._out = self._member()

    def close(self) -> None:
        waiting = self._waiting
        last = None
        if self.layout.open_end and (good := [one for one in waiting if one[1]]):
            last = good[-1]
            waiting.remove(last)
        for line, _ in waiting:
            self._put(line)
        if last is not None:
            self._held.append(last[0])
        self._out.write(b"".join(self._held))
        if self._out is not self._file:
            self._out.close()
        self._file.close()


class Archive:
    """All files of the archive, in the order of their paths."""

    def __init__(self, root: Path, rng: Random) -> None:
        self._rng = rng
        self.files = [ArchiveFile(root, layout, rng) for layout in FILES]
        self._months: dict[str, tuple[list[int], list[float]]] = {}
        for i, layout in enumerate(FILES):
            if layout.weight:
                files, reach = self._months.setdefault(layout.month, ([], []))
                files.append(i)
                reach.append(layout.weight + (reach[-1] if reach else 0))
        passed_over = root / PASSED_OVER
        passed_over.write_text("This file is no archive: a loader passes it over.\n")

    def place(self, received_at: int, not_before: int = 0) -> int:
        """The number of a file of this month; never one before another line's file."""
        files, reach = self._months[iso(received_at)[:7]]
        i = 0 if len(files) == 1 else bisect(reach, self._rng.random() * reach[-1])
        return max(files[i], not_before)

    def close(self) -> None:
        for file in self.files:
            file.close()
