"""What is written beside a store is its owner's alone, and goes with whoever wrote it.

The engine makes its files as readable as the process makes any, and the process is not ours. So
what it spills, and a file that is not finished, stand in folders that nobody else may enter. A
folder is locked as long as its maker lives: one that is not locked was left behind, and goes with
the next call that writes the store.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows removes no file that is open
    fcntl = None  # type: ignore[assignment]

_OWNERS_FOLDER, _OWNERS_FILE = 0o700, 0o600
_LEFT_BEHIND = re.compile(r"[0-9a-f]{32}|duckdb_temp_.*")  # folders of ours, files of the engine


class PrivateFolder:
    """A folder in ``STORE.tmp``, there from ``make`` to ``remove``."""

    def __init__(self, store: str) -> None:
        self.path = _of_all(store) / uuid4().hex
        self._handle: int | None = None

    def make(self) -> Path:
        """Make it, unless it is there. Raises OSError where it cannot be, as without a folder."""
        while self._handle is None:
            _make(self.path.parent)
            with suppress(FileNotFoundError):  # gone again, before something was in it
                _make(self.path)
                self._handle = _locked(self.path)
        return self.path

    def remove_if_empty(self) -> None:
        """Remove it, unless something is in it."""
        if self._handle is not None:
            with suppress(OSError):
                self.path.rmdir()
                self._let_go()

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._handle is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._let_go()

    def _let_go(self) -> None:
        handle, self._handle = self._handle, None
        _unlocked(handle)
        with suppress(OSError):
            self.path.parent.rmdir()  # unless somebody else is in it


def _of_all(store: str) -> Path:
    return Path(f"{store}.tmp")


def _make(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(_OWNERS_FOLDER)
        folder.chmod(_OWNERS_FOLDER)  # whatever the process takes away from what is new


def _locked(folder: Path) -> int | None:
    """A lock on a folder, -1 where there are none; None where somebody else has it."""
    if fcntl is None:
        return -1
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(folder)
    except BlockingIOError:
        os.close(handle)
        return None
    except FileNotFoundError:
        os.close(handle)
        raise
    except OSError:  # a file system that knows no locks
        os.close(handle)
        return -1
    return handle


def _unlocked(handle: int | None) -> None:
    if handle is not None and handle >= 0:
        os.close(handle)


def remove_leftovers(store: str) -> None:
    """Remove what processes that were killed have left beside a store that nobody else holds."""
    folder = _of_all(store)
    for path in _in(folder):
        if _LEFT_BEHIND.fullmatch(path.name):
            _remove_leftover(path)
    with suppress(OSError):
        folder.rmdir()


def _in(folder: Path) -> list[Path]:
    try:
        return [] if folder.is_symlink() else list(folder.iterdir())
    except OSError:
        return []


def _remove_leftover(path: Path) -> None:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        handle = _locked(path)
        if handle is not None:
            shutil.rmtree(path, ignore_errors=True)
            _unlocked(handle)


def for_owner_alone(file: Path) -> None:
    """Let nobody but its owner read a file."""
    file.chmod(_OWNERS_FILE)
