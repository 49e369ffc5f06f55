"""The archive that the jobs read: a made-up clinic's deliveries as one plain and one gzip file."""

from __future__ import annotations

import bz2
import gzip
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from avon_analytics.samples import write_sample

PLAIN = "archive.jsonl"
GZIP = "archive.jsonl.gz"
SECRETS = "secrets.toml"
_OPEN: dict[str, Callable[[Path, str], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".zst": zstandard.open,
}


def make(folder: Path, n_appointments: int) -> int:
    """Make the two files in a folder, unless they are there; returns the number of lines."""
    count = folder / "lines"
    if not count.exists():
        clinic = folder / "clinic"
        write_sample(clinic, n_appointments=n_appointments)
        n_lines = _in_one(clinic / "archive", folder / PLAIN)
        with (folder / PLAIN).open("rb") as plain, gzip.open(folder / GZIP, "wb", 6) as packed:
            shutil.copyfileobj(plain, packed)
        shutil.copy(clinic / SECRETS, folder / SECRETS)
        shutil.rmtree(clinic)
        count.write_text(str(n_lines))
    return int(count.read_text())


def _in_one(archive: Path, into: Path) -> int:
    n_lines = 0
    with into.open("wb") as out:
        for path in sorted(archive.rglob("*")):
            if path.is_file() and path.suffix != ".log":
                with io.BufferedReader(_OPEN.get(path.suffix, open)(path, "rb")) as lines:
                    for line in lines:
                        out.write(line if line.endswith(b"\n") else line + b"\n")
                        n_lines += 1
    return n_lines
