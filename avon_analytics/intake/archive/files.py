"""Files of an archive: finding them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from glob import has_magic
from io import BufferedReader
from pathlib import Path
from typing import TypeAlias

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import ArchiveError, UsageError
from avon_analytics.intake.archive.folders import Search, matches, unreadable
from avon_analytics.intake.archive.masking import is_url
from avon_analytics.intake.archive.remote import find_remote, open_remote
from avon_analytics.printable import counted
from avon_analytics.store.lake import is_lake
from avon_analytics.suggestions import did_you_mean
from avon_analytics.whole_file import is_store

Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"

DATA_SUFFIXES = (".jsonl", ".ndjson", ".json")
COMPRESSED_SUFFIXES = (".gz", ".zst", ".bz2")
_PACKED = 8  # lines are so much longer than they are compressed


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of an archive, as the disk or the object store lists it.

    ``path`` is what it is known by. ``url`` opens it where that does not: it holds credentials.
    """

    path: str
    size: int | None
    modified_ns: int | None  # missing where a store does not say
    url: str | None = field(default=None, repr=False)

    @property
    def is_remote(self) -> bool:
        """Whether it stands behind a URL."""
        return is_url(self.path)

    @property
    def line_bytes(self) -> int:
        """About how many bytes of lines it holds."""
        return (self.size or 0) * (_PACKED if is_compressed(self.path) else 1)


@dataclass(frozen=True, slots=True)
class Found:
    """What some paths name: archive files in a fixed order, and what was passed over.

    ``irregular`` names what is neither a file nor a folder, such as a named pipe; it counts in
    ``passed_over``, too.
    """

    files: tuple[ArchiveFile, ...]
    passed_over: int
    irregular: tuple[str, ...] = ()


NOTHING = Found((), 0)


def find_files(paths: Paths) -> Found:
    """The archive files that files, folders and globs name, each once, sorted by path.

    Folders are searched recursively for .jsonl, .ndjson and .json, plain or compressed as .gz,
    .zst or .bz2; other files in them are counted as passed over. Links are followed; what stands
    under several names is found once, under one that no link leads to where there is one. A file
    named as such is taken whatever its name. URLs name files, folders and globs of object stores
    (``remote``).

    Raises ArchiveError if a path does not exist, matches nothing or cannot be read, and if a link
    in a folder leads nowhere.
    """
    if isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable):
        paths = [paths]
    remote: dict[str, ArchiveFile] = {}
    passed_over = 0
    named, search = Search(), Search()
    for given in paths:
        text = path_of(given, "paths")
        if is_url(text):
            for one in find_remote(text):
                if one.is_in_folder and not is_archive_name(one.last):
                    passed_over += 1
                else:
                    file = ArchiveFile(one.name, one.size, one.modified_ns, one.url)
                    remote[one.url or one.name] = file
            continue
        for path in _expand(text):
            (search if os.path.isdir(path) else named).add(os.path.abspath(path))
        if named.irregular and os.path.abspath(text) in named.irregular:
            raise ArchiveError(f"cannot read {text}: it is no regular file")
    search.follow_links()
    local = named.files | {
        real: path
        for real, path in search.files.items()
        if real in named.files or is_archive_name(os.path.basename(path))
    }
    irregular = named.irregular | search.irregular
    passed_over += len(search.files.keys() - local.keys()) + len(irregular)
    files = [*remote.values(), *map(_of_disk, local.values())]
    return Found(
        tuple(sorted(files, key=lambda file: file.path)), passed_over, tuple(sorted(irregular))
    )


def find_some_files(paths: Paths) -> Found:
    """The same, where there must be one. Raises ArchiveError where there is none, too, and
    UsageError where one is a store or a lake, whose bytes are no lines."""
    if isinstance(paths, Iterable) and not isinstance(paths, str):
        paths = list(paths)
        if not paths:
            raise ArchiveError("no path was given: name files, folders or globs")
    for path in paths if isinstance(paths, list) else [paths]:
        if is_lake(path_of(path, "paths")):
            raise UsageError(f"{path} is a lake: name the archive that is to be loaded")
    found = find_files(paths)
    if not found.files:
        raise ArchiveError(
            "the given folders hold no archive file (.jsonl, .ndjson or .json, plain or as .gz, "
            f".zst or .bz2); {counted(found.passed_over, 'other file')} passed over"
        )
    for file in found.files:
        if not file.is_remote and is_store(Path(file.path)):
            raise UsageError(f"{file.path} is a store: name the archive, and the store with --db")
    return found


def open_file(path: str, url: str | None = None) -> BufferedReader:
    """Open a file of an archive to read its bytes as they stand; ``url`` as in ``ArchiveFile``.

    Raises ArchiveError where that is refused.
    """
    if url is not None or is_url(path):
        return open_remote(url or path)
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        for other in otherwise_compressed(path):  # it was compressed meanwhile
            with suppress(OSError):
                return open(other, "rb")
        raise unreadable(path, error) from None
    except OSError as error:
        raise unreadable(path, error) from None


def otherwise_compressed(name: str) -> list[str]:
    """What a file is called before and after it is compressed, but for its own name."""
    plain = name
    for suffix in COMPRESSED_SUFFIXES:
        plain = plain.removesuffix(suffix)
    return [
        one for one in (plain, *(plain + suffix for suffix in COMPRESSED_SUFFIXES)) if one != name
    ]


def is_compressed(name: str) -> bool:
    """Whether a file's name says that it is compressed."""
    return name.lower().endswith(COMPRESSED_SUFFIXES)


def is_archive_name(name: str) -> bool:
    """Whether a file of this name in a folder belongs to an archive."""
    lowered = name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        lowered = lowered.removesuffix(suffix)
    return lowered.endswith(DATA_SUFFIXES) and not name.startswith(".")


def _expand(text: str) -> list[str]:
    if not text:
        raise ArchiveError("a path is empty: name a file, a folder or a glob")
    try:
        os.lstat(text)
        return [text]
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as error:
        raise unreadable(text, error) from None
    if has_magic(text):
        found = matches(text)
        if not found:
            raise ArchiveError(f"no file matches {text}")
        return found
    raise ArchiveError(f"there is no file or folder {text}.{did_you_mean(text)}".rstrip("."))


def _of_disk(name: str) -> ArchiveFile:
    try:
        info = os.stat(name)
    except OSError as error:
        raise unreadable(name, error) from None
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "replace")
        raise ArchiveError(f"cannot read {shown}: its name is no UTF-8; rename it") from None
    return ArchiveFile(name, info.st_size, info.st_mtime_ns)
