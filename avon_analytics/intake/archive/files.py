"""Files of an archive: finding them."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import ArchiveError, DamagedFile
from avon_analytics.intake.archive.remote import find_remote, is_url, open_remote
from avon_analytics.near import did_you_mean

Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"

DATA_SUFFIXES = (".jsonl", ".ndjson", ".json")
COMPRESSED_SUFFIXES = (".gz", ".zst", ".bz2")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of an archive, as the disk or the object store tells it."""

    path: str
    size: int | None
    modified_ns: int | None  # missing where a store does not tell

    @property
    def is_remote(self) -> bool:
        """Whether it stands behind a URL."""
        return is_url(self.path)


@dataclass(frozen=True, slots=True)
class Found:
    """What some paths name: archive files in a fixed order, and how many others were passed."""

    files: tuple[ArchiveFile, ...]
    passed_over: int


def find_files(paths: Paths) -> Found:
    """The archive files that files, folders and globs name, each once, sorted by path.

    Folders are searched recursively for .jsonl, .ndjson and .json, plain or compressed as .gz,
    .zst or .bz2; other files in them are counted as passed over. A file named as such is taken
    whatever its name. URLs name files, folders and globs of object stores (``remote``).

    Raises ArchiveError if a path does not exist, matches nothing or cannot be read.
    """
    if isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable):
        paths = [paths]
    found: dict[str, ArchiveFile] = {}
    passed_over = 0
    for given in paths:
        text = path_of(given, "paths")
        if is_url(text):
            for name, last, size, modified_ns, in_folder in find_remote(text):
                if in_folder and not is_archive_name(last):
                    passed_over += 1
                else:
                    found[name] = ArchiveFile(name, size, modified_ns)
            continue
        for path in _expand(text):
            if path.is_dir():
                for inner in sorted(p for p in path.rglob("*") if p.is_file()):
                    if is_archive_name(inner.name):
                        _add(found, inner)
                    else:
                        passed_over += 1
            else:
                _add(found, path)
    return Found(tuple(found[name] for name in sorted(found)), passed_over)


def open_file(path: str) -> BinaryIO:
    """Open a file of an archive to read its bytes as they stand.

    Raises ArchiveError where that is refused.
    """
    if is_url(path):
        return open_remote(path)
    try:
        return open(path, "rb")
    except OSError as error:
        raise unreadable(path, error) from None


def is_archive_name(name: str) -> bool:
    """Whether a file of this name in a folder belongs to an archive."""
    lowered = name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        lowered = lowered.removesuffix(suffix)
    return lowered.endswith(DATA_SUFFIXES) and not name.startswith(".")


def _expand(text: str) -> list[Path]:
    if not text:
        raise ArchiveError("a path is empty: name a file, a folder or a glob")
    if Path(text).exists():
        return [Path(text)]
    if glob.has_magic(text):
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
        if not matches:
            raise ArchiveError(f"no file matches {text}")
        return matches
    raise ArchiveError(f"there is no file or folder {text}.{did_you_mean(text)}")


def _add(found: dict[str, ArchiveFile], path: Path) -> None:
    name = os.path.abspath(path)
    try:
        info = path.stat()
    except OSError as error:
        raise unreadable(name, error) from None
    if not stat.S_ISREG(info.st_mode):
        raise ArchiveError(f"cannot read {name}: it is no regular file")
    if not _is_text(name):
        shown = os.fsencode(name).decode("utf-8", "replace")
        raise ArchiveError(f"cannot read {shown}: its name is no UTF-8; rename it")
    found[name] = ArchiveFile(name, info.st_size, info.st_mtime_ns)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def unreadable(path: str, error: Exception) -> ArchiveError:
    """The error for a file that the system or a decompressor refuses."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else None
    if reason is None:
        return DamagedFile(f"cannot read {path}: it is damaged or cut short")
    return ArchiveError(f"cannot read {path}: {reason}")
