"""What is done to files that nobody writes any more: torn ends put aside, past days compressed.

``python -m avon_analytics.receive.tidy DIR``, which the receiver calls at low priority. It touches
only files named as the receiver names them, and none that is still locked by whoever writes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

import zstandard

from avon_analytics.receive.files import SUFFIX, make_private, sync_folder

COMPRESSED = ".zst"
_NAME = re.compile(r"\.?(\d\d)-\d+-[0-9a-f]{8}" + re.escape(SUFFIX))
_BLOCK = 1024 * 1024
_LEVEL = 6


def rejected_of(archive: Path) -> Path:
    """The folder beside an archive where that goes which ``load`` is not to find."""
    return archive.with_name(f"{archive.name}.rejected")


def tidy(archive: Path, today: date) -> Counter[str]:
    """Go through the archive once; returns how many files were ``compressed``, ``torn``,
    ``completed`` (the line was whole but for its end), and how many ``failed``."""
    done: Counter[str] = Counter()
    for path in sorted(archive.glob(f"[0-9][0-9][0-9][0-9]/[0-9][0-9]/*{SUFFIX}")):
        day = _day_of(path)
        if day is None:
            continue
        try:
            with _alone_with(path) as file:
                if file is None:
                    continue
                if path.name.startswith(".") or not os.fstat(file.fileno()).st_size:
                    path.unlink()  # its process ended before it wrote a line
                    continue
                done[_mend(file, path, rejected_of(archive))] += 1
                if day < today:
                    _compress(file, path)
                    done["compressed"] += 1
        except (OSError, zstandard.ZstdError):
            done["failed"] += 1
    del done[""]
    return done


def _day_of(path: Path) -> date | None:
    named = _NAME.fullmatch(path.name)
    try:
        return named and date(int(path.parts[-3]), int(path.parts[-2]), int(named[1]))
    except ValueError:
        return None


@contextmanager
def _alone_with(path: Path) -> Iterator[BinaryIO | None]:
    """The file, locked, or None where somebody else has it or it is gone."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file if os.fstat(file.fileno()).st_nlink else None


def _mend(file: BinaryIO, path: Path, rejected: Path) -> str:
    """See to a last line without an end. Nobody was told that it is archived."""
    tail = _tail(file)
    if not tail:
        return ""
    size = file.seek(0, os.SEEK_END)
    if _is_whole(tail):
        file.write(b"\n")
        done = "completed"
    else:
        place = rejected.joinpath(*path.parts[-3:-1])
        make_private(place)
        _write_new(place / f"{path.stem}-torn{SUFFIX}", tail + b"\n")
        file.truncate(size - len(tail))
        done = "torn"
    file.flush()
    os.fsync(file.fileno())
    return done


def _tail(file: BinaryIO) -> bytes:
    """What stands behind the last line end."""
    at = file.seek(0, os.SEEK_END)
    tail = b""
    while at and b"\n" not in tail:
        step = min(at, _BLOCK)
        at = file.seek(at - step)
        tail = file.read(step) + tail
    return tail.rpartition(b"\n")[2]


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _compress(file: BinaryIO, path: Path) -> None:
    """Replace a file by its compressed twin, which is there whole before the other goes."""
    twin = path.with_name(path.name + COMPRESSED)
    if not twin.exists():
        part = path.with_name(f".{twin.name}.part")
        part.unlink(missing_ok=True)
        fd = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with open(fd, "wb") as out:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            zstandard.ZstdCompressor(_LEVEL, write_checksum=True).copy_stream(file, out, size=size)
            out.flush()
            os.fsync(fd)
        _assert_same(file, part)
        part.rename(twin)
        sync_folder(path.parent)
    else:
        _assert_same(file, twin)
    path.unlink()
    sync_folder(path.parent)


def _assert_same(file: BinaryIO, compressed: Path) -> None:
    file.seek(0)
    with (
        compressed.open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw) as unpacked,
    ):
        same = _digest(file) == _digest(unpacked)
    if not same:
        raise OSError("the compressed file says something else")


def _digest(file: BinaryIO) -> bytes:
    found = hashlib.sha256()
    while block := file.read(_BLOCK):
        found.update(block)
    return found.digest()


def _write_new(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with open(fd, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(fd)


if __name__ == "__main__":
    json.dump(tidy(Path(sys.argv[1]), datetime.now(UTC).date()), sys.stdout)
