"""Files that only their process appends to, one a day: ``DIR/2026/11/28-4711-9f3c2a1b.jsonl``.

A name is never used twice, whatever the clock or the number of a process. The lock on a file says
others that somebody still writes it; the kernel lets go of it when the process ends, however.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

SUFFIX = ".jsonl"


class DayFile:
    """An open file of one day. What was kept is never written into again."""

    def __init__(self, folder: Path, day: datetime) -> None:
        self.day = day.date()
        place = folder / f"{day:%Y}" / f"{day:%m}"
        make_private(place)
        name = f"{day:%d}-{os.getpid()}-{token_hex(4)}{SUFFIX}"
        # Seen by others only once it is locked.
        hidden = place / f".{name}"
        self.is_sound = True
        self._fd = os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self.path, self.size = hidden, 0
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self.path = hidden.rename(place / name)
            sync_folder(place)
        except BaseException:
            self.close()
            raise

    @property
    def is_there(self) -> bool:
        """Whether nobody has removed it."""
        return os.fstat(self._fd).st_nlink > 0

    def append(self, data: bytes, *, is_synced: bool) -> None:
        """Write some lines whole, and onto the disk if they must be.

        Raises OSError; then nothing of them stays, unless the file is not sound any more.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self.is_sound = False
            os.ftruncate(self._fd, self.size)
            self.is_sound = True
            raise
        if is_synced:
            self.is_sound = False  # after a failed sync nobody knows what of it is on disk
            sync(self._fd)
            self.is_sound = True
        self.size += len(data)

    def close(self) -> None:
        """Let others have it, unless it is empty."""
        with suppress(OSError):
            if os.fstat(self._fd).st_size == 0:
                self.path.unlink(missing_ok=True)
        with suppress(OSError):
            os.close(self._fd)


class Journal:
    """Where verified deliveries go. One thread at a time uses it."""

    is_synced = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: DayFile | None = None

    def append(self, lines: bytes, now: float) -> None:
        """Have some whole lines in the file of the day, and on disk where that was promised.

        Raises OSError; then none of them is kept, or they are at the end of a file that nothing is
        added to any more.
        """
        day = datetime.fromtimestamp(now, UTC)
        if self._file is not None and not self._goes_on(self._file, day, len(lines)):
            self.close()
        if self._file is None:
            self._file = self._open(day, len(lines))
        try:
            self._file.append(lines, is_synced=self.is_synced)
        except OSError:
            if not self._file.is_sound:
                self.close()
            raise

    def _open(self, day: datetime, _: int) -> DayFile:
        return DayFile(self._folder, day)

    def _goes_on(self, file: DayFile, day: datetime, _: int) -> bool:
        return file.day == day.date() and file.is_there

    def close(self) -> None:
        """Close the file of the day."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Rejects(Journal):
    """Where deliveries go that nothing vouches for: kept within a bound, the oldest go first."""

    is_synced = False
    _PIECES = 8

    def __init__(self, folder: Path, bound: int) -> None:
        super().__init__(folder)
        self._bound = bound
        self._piece = bound // self._PIECES

    def append(self, lines: bytes, now: float) -> None:
        """Keep some lines. Raises OSError, also where they are more than there may be in all."""
        if len(lines) > self._bound:
            raise OSError(errno.EFBIG, "more than may be kept")
        super().append(lines, now)

    def _goes_on(self, file: DayFile, day: datetime, n_bytes: int) -> bool:
        return super()._goes_on(file, day, n_bytes) and file.size + n_bytes <= self._piece

    def _open(self, day: datetime, n_bytes: int) -> DayFile:
        self._make_room(max(self._piece, n_bytes))
        return super()._open(day, n_bytes)

    def _make_room(self, wanted: int) -> None:
        known = []
        for path in self._folder.rglob(f"*{SUFFIX}"):
            with suppress(OSError):
                about = path.stat()
                known.append((about.st_mtime_ns, path, about.st_size))
        used = sum(size for _, _, size in known)
        for _, path, size in sorted(known):
            if used + wanted <= self._bound:
                break
            path.unlink(missing_ok=True)
            used -= size


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the owner alone; durably."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync(fd: int) -> None:
    """Have what was written on the disk itself."""
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync stops at the disk's own memory
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
