"""Writing a result to a file: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import UsageError


def write_whole(out: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let ``write`` make a file and give it the name ``out``; returns that path.

    What stood there before stays until the new file is complete. A link is followed, and what is
    no file (a pipe, a device such as /dev/null) is written into, never replaced.

    Raises UsageError where it cannot be written.
    """
    path = Path(path_of(out, "out"))
    try:
        place = path.resolve()
        if place.exists() and not place.is_file() and not place.is_dir():
            with TemporaryDirectory() as folder:
                part = Path(folder, place.name)
                write(part)
                place.write_bytes(part.read_bytes())
            return path
        part = place.with_name(f".{place.name}.part-{os.getpid()}")
        try:
            part.touch()
            write(part)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or 'the system refused'}") from None
    return path
