"""Reading ahead: the files of a load, cut into chunks that are read while others are stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from threading import Event

from avon_analytics.intake.archive.batch import Batch, merged
from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.archive.lines import BATCH_LINES, FileRules
from avon_analytics.intake.write.known_files import FileEnd, KnownFile, OpenFile, resumed
from avon_analytics.intake.write.staging import Staging

LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines that are stored together: small files whole, or a batch of a large one.

    A transaction ends with the chunk that ``is_last``. ``file_no`` and ``position`` (bytes on disk,
    of that file) say how far the load has come.
    """

    files: Sequence[OpenFile]
    batch: Batch | None
    is_last: bool
    file_no: int
    position: int


class Chunks:
    """The chunks of the files that are to be read; unchanged files are passed over."""

    def __init__(
        self,
        files: Sequence[ArchiveFile],
        known: Mapping[str, KnownFile],
        rules: FileRules,
        recheck: bool,
    ) -> None:
        self._files = files
        self._known = known
        self._rules = rules
        self._recheck = recheck
        self._waiting: list[tuple[OpenFile, Batch | None]] = []
        self._held_bytes = self._held_lines = 0  # of the small files that wait

    @property
    def n_bytes(self) -> int:
        """About how many bytes of lines are to be read."""
        n_bytes = 0
        for file in self._files:
            known = self._known.get(file.path)
            if self._recheck or known is None:
                n_bytes += file.line_bytes
            elif known.has_changed(file):
                n_bytes += max((file.size or 0) - (known.size or 0), 0)
        return n_bytes

    def __iter__(self) -> Generator[Chunk]:
        number = 0
        for number, file in enumerate(self._files):
            known = self._known.get(file.path)
            if self._recheck or known is None or known.has_changed(file):
                yield from self._of_file(number, file, known)
        yield from self._small_ones(number)

    def _of_file(self, number: int, file: ArchiveFile, known: KnownFile | None) -> Iterator[Chunk]:
        opened = OpenFile(file, known)
        try:
            reader, opened.notes = resumed(file.path, self._rules, known, url=file.url)
            with closing(reader):
                batches = reader.batches()
                first, second = next(batches, None), next(batches, None)
                if second is None:
                    opened.end = FileEnd.of(reader)
                    if self._waits(opened, first):
                        yield from self._small_ones(number)
                    return
                yield from self._small_ones(number)
                yield Chunk([opened], first, False, number, reader.position)
                while second is not None:
                    yield Chunk([opened], second, False, number, reader.position)
                    second = next(batches, None)
                opened.end = FileEnd.of(reader)
                yield Chunk([opened], None, True, number, reader.position)
        except Exception:
            # What was read before goes in before the failure is reported.
            yield from self._small_ones(number)
            raise

    def _waits(self, file: OpenFile, batch: Batch | None) -> bool:
        """Let a small file wait for others; whether those that wait fill a batch together."""
        self._waiting.append((file, batch))
        if batch is not None:
            self._held_bytes += len(batch.buffer)
            self._held_lines += len(batch)
        return self._held_bytes >= self._rules.batch_bytes or self._held_lines >= BATCH_LINES

    def _small_ones(self, number: int) -> Iterator[Chunk]:
        waiting, self._waiting = self._waiting, []
        self._held_bytes = self._held_lines = 0
        if waiting:
            batches = [batch for _, batch in waiting if batch is not None]
            batch = merged(batches) if batches else None
            yield Chunk([file for file, _ in waiting], batch, True, number, 0)


@contextmanager
def read_ahead(
    chunks: Iterator[Chunk],
    staging_areas: Sequence[Staging],
    while_waiting: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[tuple[Chunk, Staging]]]:
    """Each chunk with its staging tables; the next are read meanwhile, into the others.

    ``while_waiting`` is called now and then while the next chunk is not read yet.
    The caller is done with a chunk when it asks for the next; until then there is room for it.
    """

    def read(staging: Staging, before: Event, found: Event) -> tuple[Chunk | None, ExitStack]:
        before.wait()
        try:
            with staging.clock.timing("find lines"):
                chunk = next(chunks, None)
        finally:
            found.set()
        with ExitStack() as room:
            if chunk is not None and chunk.batch is not None:
                room.enter_context(staging.room_for(chunk.batch))
                chunk = replace(chunk, batch=staging.read(chunk.batch))
            return chunk, room.pop_all()

    def steps(pool: ThreadPoolExecutor) -> Iterator[tuple[Chunk, Staging]]:
        coming: deque[tuple[Staging, Future[tuple[Chunk | None, ExitStack]]]] = deque()
        last_found = Event()
        last_found.set()

        def start(staging: Staging) -> None:
            nonlocal last_found
            before, last_found = last_found, Event()
            coming.append((staging, pool.submit(read, staging, before, last_found)))

        for staging in staging_areas[1:]:
            start(staging)
        idle = staging_areas[0]
        while True:
            idle.bound.keep()
            start(idle)
            idle, next_chunk = coming.popleft()
            while wait([next_chunk], LOOK_SECONDS).not_done:
                while_waiting()
            chunk, room = next_chunk.result()
            with room:
                if chunk is None:
                    return
                yield chunk, idle

    with ThreadPoolExecutor(len(staging_areas) - 1, "read-ahead") as pool:
        yield steps(pool)
