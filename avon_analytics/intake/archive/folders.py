"""What stands in folders: every link is followed, and nothing is passed over in silence."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from glob import has_magic
from pathlib import Path

from avon_analytics.errors import ArchiveError, DamagedFile


@dataclass(slots=True)
class Search:
    """Searches folders: each folder and each file once, under whichever names it stands.

    ``files`` holds what was found: where each really is, and the name under which it was found.
    ``irregular`` names what is neither a file nor a folder. A link that leads nowhere, and a folder
    that cannot be read, raise ArchiveError.
    """

    files: dict[str, str] = field(default_factory=dict)
    irregular: set[str] = field(default_factory=set)
    _searched: set[str] = field(default_factory=set)
    _links: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Search what was named: a file, or a folder and all in it, but for links in it."""
        mode = _mode(path)
        if stat.S_ISDIR(mode):
            self._search(path, os.path.realpath(path))
        elif stat.S_ISREG(mode):
            self.files.setdefault(os.path.realpath(path), path)
        else:
            self.irregular.add(path)

    def follow_links(self) -> None:
        """Search what the links lead to that were met: it may have been found without them."""
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self.add(link)

    def _search(self, path: str, real: str) -> None:
        waiting = [(path, real)]
        while waiting:
            path, real = waiting.pop()
            if real in self._searched:
                continue
            self._searched.add(real)
            for entry in entries(path):
                inner = os.path.join(real, entry.name)
                if entry.is_symlink():
                    self._links.append(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, inner))
                elif entry.is_file(follow_symlinks=False):
                    self.files.setdefault(inner, entry.path)
                else:
                    self.irregular.add(entry.path)


def entries(path: str) -> list[os.DirEntry[str]]:
    """What stands in a folder, by name."""
    try:
        with os.scandir(path or os.curdir) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(path, error) from None


def matches(pattern: str) -> list[str]:
    """What a glob names; hidden files and folders only where it says so."""
    anchor, *parts = Path(pattern).parts
    if not Path(pattern).anchor:
        anchor, parts = "", [anchor, *parts]
    return list(dict.fromkeys(_matching(anchor, parts, set())))


def _matching(base: str, parts: list[str], searched: set[str]) -> Iterator[str]:
    if not parts:
        yield base or os.curdir
        return
    first, *rest = parts
    if first == "**":
        if (real := os.path.realpath(base)) in searched:
            return
        searched.add(real)
        yield from _matching(base, rest, set())
        inner = [entry for entry in entries(base) if not entry.name.startswith(".")]
        for entry in sorted(inner, key=lambda entry: entry.is_symlink()):
            if entry.is_dir():
                yield from _matching(os.path.join(base, entry.name), parts, searched)
    elif not has_magic(first):
        path = os.path.join(base, first)
        if os.path.lexists(path):
            yield from _matching(path, rest, set())
    elif not base or os.path.isdir(base):
        for entry in entries(base):
            is_seen = first.startswith(".") or not entry.name.startswith(".")
            if is_seen and fnmatch(entry.name, first) and (not rest or entry.is_dir()):
                yield from _matching(os.path.join(base, entry.name), rest, set())


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError as error:
        if os.path.islink(path) and not isinstance(error, PermissionError):
            raise ArchiveError(f"cannot read {path}: it is a link that leads nowhere") from None
        raise unreadable(path, error) from None


def unreadable(path: str, error: Exception) -> ArchiveError:
    """The error for a file that the system or a decompressor refuses."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else None
    if reason is None:
        return DamagedFile(f"cannot read {path}: it is damaged or cut short")
    return ArchiveError(f"cannot read {path}: {reason}")
