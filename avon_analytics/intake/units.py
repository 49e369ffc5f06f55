"""Reading ahead: the files of a load, cut into units that are read while others are stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from threading import Event

from avon_analytics.intake.archive.batch import Batch, merged
from avon_analytics.intake.archive.files import ArchiveFile
from avon_analytics.intake.archive.lines import BATCH_LINES, LineReader
from avon_analytics.intake.reading import KnownFile, Reading
from avon_analytics.intake.stage import Stage


@dataclass(frozen=True, slots=True)
class Unit:
    """Some lines that are stored together: small files whole, or a batch of a large one.

    A transaction ends with the unit that ``is_last``. ``file_no`` and ``position`` (bytes on disk,
    of that file) tell how far the load has come.
    """

    readings: Sequence[Reading]
    batch: Batch | None
    is_last: bool
    file_no: int
    position: int


class Units:
    """The units of the files that are to be read; unchanged files are passed over."""

    def __init__(
        self,
        files: Sequence[ArchiveFile],
        known: Mapping[str, KnownFile],
        read: Callable[[ArchiveFile], LineReader],
        batch_bytes: int,
        recheck: bool,
    ) -> None:
        self._files = files
        self._known = known
        self._read = read
        self._batch_bytes = batch_bytes
        self._recheck = recheck
        self._waiting: list[tuple[Reading, Batch | None]] = []
        self._held_bytes = self._held_lines = 0  # of the small files that wait

    def __iter__(self) -> Generator[Unit]:
        number = 0
        for number, file in enumerate(self._files):
            known = self._known.get(file.path)
            if self._recheck or known is None or known.has_changed(file):
                yield from self._of_file(number, file, known)
        yield from self._small_ones(number)

    def _of_file(self, number: int, file: ArchiveFile, known: KnownFile | None) -> Iterator[Unit]:
        is_new = known is None or known.is_renamed
        reading = Reading(file, self._read(file), is_new=is_new)
        try:
            if known is not None and not is_continued(reading.reader, known):
                reading.reader.close()
                reading.reader = self._read(file)
                if not is_new:
                    reading.notes.append("its earlier part has changed, so it was read whole again")
            batches = reading.reader.batches()
            first, second = next(batches, None), next(batches, None)
            if second is None:
                if self._waits(reading, first):
                    yield from self._small_ones(number)
                return
            yield from self._small_ones(number)
            yield Unit([reading], first, False, number, reading.reader.position)
            while second is not None:
                yield Unit([reading], second, False, number, reading.reader.position)
                second = next(batches, None)
            yield Unit([reading], None, True, number, reading.reader.position)
        except Exception:
            # What was read before goes in before the failure is told.
            yield from self._small_ones(number)
            raise
        finally:
            reading.reader.close()

    def _waits(self, reading: Reading, batch: Batch | None) -> bool:
        """Let a small file wait for others; whether those that wait fill a batch together."""
        self._waiting.append((reading, batch))
        if batch is not None:
            self._held_bytes += len(batch.buffer)
            self._held_lines += len(batch)
        return self._held_bytes >= self._batch_bytes or self._held_lines >= BATCH_LINES

    def _small_ones(self, number: int) -> Iterator[Unit]:
        waiting, self._waiting = self._waiting, []
        self._held_bytes = self._held_lines = 0
        if waiting:
            batches = [batch for _, batch in waiting if batch is not None]
            batch = merged(batches) if batches else None
            yield Unit([reading for reading, _ in waiting], batch, True, number, 0)


def is_continued(reader: LineReader, known: KnownFile) -> bool:
    """Pass over what is known of a file; whether it still stands as it did."""
    return reader.skip(known.bytes_read, known.last_line, known.rest_offset) == known.sha256


@contextmanager
def read_ahead(
    units: Iterator[Unit], stages: Sequence[Stage]
) -> Iterator[Iterator[tuple[Unit, Stage]]]:
    """Each unit with the stage that has read it; the next are read meanwhile, on the other stages.

    The caller is done with a unit when it asks for the next; until then there is room for it.
    """

    def read(stage: Stage, before: Event, found: Event) -> tuple[Unit | None, ExitStack]:
        before.wait()
        try:
            with stage.clock.timing("find lines"):
                unit = next(units, None)
        finally:
            found.set()
        with ExitStack() as room:
            if unit is not None and unit.batch is not None:
                room.enter_context(stage.room_for(unit.batch))
                unit = replace(unit, batch=stage.read(unit.batch))
            return unit, room.pop_all()

    def steps(pool: ThreadPoolExecutor) -> Iterator[tuple[Unit, Stage]]:
        coming: deque[tuple[Stage, Future[tuple[Unit | None, ExitStack]]]] = deque()
        last_found = Event()
        last_found.set()

        def start(stage: Stage) -> None:
            nonlocal last_found
            before, last_found = last_found, Event()
            coming.append((stage, pool.submit(read, stage, before, last_found)))

        for stage in stages[1:]:
            start(stage)
        idle = stages[0]
        while True:
            idle.bound.keep()
            start(idle)
            idle, reading = coming.popleft()
            unit, room = reading.result()
            with room:
                if unit is None:
                    return
                yield unit, idle

    with ThreadPoolExecutor(len(stages) - 1, "read-ahead") as pool:
        yield steps(pool)
