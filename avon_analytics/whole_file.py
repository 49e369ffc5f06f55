"""Writing a result to a file: whole or not at all, and never in place of what it was read from."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from stat import S_IMODE
from tempfile import TemporaryDirectory
from uuid import uuid4

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import UsageError

StrPath = str | os.PathLike[str]
_STORE_BEGINS = slice(8, 12), b"DUCK"


def write_whole(
    out: StrPath,
    write: Callable[[Path], object],
    *,
    never: Iterable[StrPath] = (),
    is_raw: bool = False,
) -> Path:
    """Let ``write`` make a file and give it the name ``out``; returns that path.

    What stood there before stays until the new file is complete. A link is followed, and what is
    no file (a pipe, a device such as /dev/null) is written into, never replaced. What ``is_raw`` is
    its owner's alone.

    Raises UsageError where it cannot be written, and where ``refuse_to_replace`` does.
    """
    path, mode = Path(path_of(out, "out")), 0o600 if is_raw else 0o666
    try:
        if is_no_file(path):  # as it is named: what /dev/stdout leads to may have no name itself
            with TemporaryDirectory() as folder:
                part = Path(folder, path.name)
                part.touch(0o600)
                write(part)
                path.write_bytes(part.read_bytes())
            return path
        place = end_of_links(path)
        refuse_to_replace(place, never)
        # New, of a name that nobody can foresee: nothing that is there, no link, is written into.
        part = place.parent / f".{place.name[:80]}.part-{uuid4().hex}"
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            write(part)
            if place.is_file() and not is_raw:
                part.chmod(S_IMODE(place.stat().st_mode))
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or 'the system refused'}") from None
    return path


def refuse_to_replace(out: StrPath, read: Iterable[StrPath] = ()) -> None:
    """Raises UsageError where a result would replace a store, or one of the files ``read``."""
    path = Path(out)
    if os.path.isfile(path) and is_store(path):
        raise UsageError(f"{path} is a store: name another file for the result")
    place = os.path.realpath(path)
    for other in map(Path, read):
        if os.path.realpath(other) == place or (os.path.isfile(other) and _is_same(other, place)):
            raise UsageError(
                f"{path} is what this is read from, and stays: name another file for the result"
            )


def is_store(path: Path) -> bool:
    """Whether a file is a database of the engine."""
    where, letters = _STORE_BEGINS
    try:
        with path.open("rb") as file:
            return file.read(where.stop)[where] == letters
    except OSError:  # whoever writes it says so
        return False


def _is_same(one: Path, other: str) -> bool:
    return os.path.exists(other) and one.samefile(other)


def is_no_file(path: Path) -> bool:
    """A pipe or a device, such as /dev/stdout: neither a file nor a folder."""
    # What a path of a user's leads to, the system may refuse to tell: pathlib raises then.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def end_of_links(path: Path) -> Path:
    """Where a path leads to, links followed. Raises OSError for links that lead in a circle."""
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return place
