"""A folder that shows what a number rests on, for somebody who trusts neither us nor the store.

It holds the rows behind the number, every delivery behind the rows with its place in the archive
and the digest of its line, and a script that compares them with the archive. Of deliveries it holds
nothing but what these rows show.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files as package_files
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

import pandas as pd

from avon_analytics.arguments import path as path_of
from avon_analytics.errors import ArchiveError, UsageError
from avon_analytics.intake.archive.compressed import FileBytes
from avon_analytics.intake.archive.lines import FileReader
from avon_analytics.printable import counted
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame
from avon_analytics.version import VERSION
from avon_analytics.whole_file import StrPath, end_of_links

_DELIVERIES = """
SELECT
    d.file, d.line, d.byte_offset, d.byte_length, d.form, d.ended, d.signature, d.secret,
    d.received_at, e.event_id, e.event, e.object_type, e.object_id, e.occurred_at
FROM deliveries AS d INNER JOIN events AS e ON d.event_id = e.event_id
WHERE
    d.ended IN ('loaded', 'duplicate')
    AND e.occurred_at <= $as_of
    AND list_contains($ids, e.object_id)
QUALIFY row_number() OVER (PARTITION BY d.file, d.byte_offset ORDER BY d.load_id DESC) = 1
ORDER BY d.file, d.byte_offset
"""
_FILES = """
SELECT file, bytes_read AS bytes, sha256 FROM archive_files
WHERE list_contains($files, file) ORDER BY file
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a folder of evidence holds, and the files that nothing can be said of any more."""

    folder: Path
    n_rows: int
    n_deliveries: int
    changed: tuple[str, ...]
    gone: tuple[str, ...]

    def __str__(self) -> str:
        rows = counted(self.n_rows, "row")
        deliveries = counted(self.n_deliveries, "delivery", "deliveries")
        sentences = [f"{rows} and {deliveries} are in {self.folder}"]
        sentences += [f"{file} is gone: its lines have no digest" for file in self.gone]
        sentences += [
            f"{file} is not what was loaded: its lines have no digest" for file in self.changed
        ]
        return "\n".join(sentences)


def write_evidence(
    database: Database,
    out: StrPath,
    number: Mapping[str, Any],
    rows: pd.DataFrame,
    ids: Sequence[str],
    as_of: datetime,
) -> Evidence:
    """Write the folder, whole or not at all, for its owner alone.

    number: what is known of the number, as plain values. ids: of all objects that the rows rest on.

    Raises UsageError where the folder cannot be written, or is there and not empty.
    """
    folder = Path(path_of(out, "out"))
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is there already: name a new folder, or an empty one")
        with database.reading() as connection:
            found = frame(connection, _DELIVERIES, {"ids": list(ids), "as_of": as_of})
            archive = frame(connection, _FILES, {"files": sorted(set(found["file"]))})
        deliveries, archive = _digested(found, archive)
        tables = {"rows.csv": rows, "deliveries.csv": deliveries, "files.csv": archive}
        place = end_of_links(folder)
        part = place.with_name(f".{folder.name[:80]}.part-{uuid4().hex}")
        part.mkdir(mode=0o700)
        part.chmod(0o700)  # whatever the process takes away from what is new
        try:
            _write(part, tables, number)
            if folder.exists():
                folder.rmdir()
            part.replace(place)
        finally:
            rmtree(part, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise UsageError(f"cannot write {folder}: {reason}") from None
    return Evidence(
        folder=folder,
        n_rows=len(rows),
        n_deliveries=len(deliveries),
        changed=tuple(archive.loc[archive.state == "changed", "file"]),
        gone=tuple(archive.loc[archive.state == "gone", "file"]),
    )


def _digested(found: pd.DataFrame, archive: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The deliveries with the digests of their lines, and the files with what became of them."""
    states, digests = [], dict[tuple[str, int], str]()
    for row in archive.to_dict("records"):
        file = str(row["file"])
        state, lines = _read(file, row["bytes"], row["sha256"], found[found["file"] == file])
        states.append(state)
        digests |= {(file, start): digest for start, digest in lines}
    keys = zip(found["file"], found["byte_offset"], strict=True)
    sha256 = pd.Series([digests.get(key) for key in keys], found.index, dtype="str")
    place = list(found.columns).index("byte_length") + 1
    found.insert(place, "sha256", sha256)
    return found, archive.assign(state=pd.Series(states, archive.index, dtype="str"))


def _read(
    file: str, n_bytes: int, sha256: str, places: pd.DataFrame
) -> tuple[str, list[tuple[int, str]]]:
    """What became of a file, and the digest of each line in it, if it is what was loaded."""
    digests = []
    try:
        with closing(FileReader(file)) as reader:
            if reader.skip(int(n_bytes), 0) != sha256:
                return "changed", []
        with closing(FileBytes(file)) as opened:
            for start, length in zip(places["byte_offset"], places["byte_length"], strict=True):
                line = opened.slice(int(start), int(length))
                if line is not None:
                    digests.append((int(start), hashlib.sha256(line).hexdigest()))
    except ArchiveError:
        return "gone", []
    return "unchanged", digests


def _write(folder: Path, tables: Mapping[str, pd.DataFrame], number: Mapping[str, Any]) -> None:
    texts = {name: table.to_csv(index=False, lineterminator="\n") for name, table in tables.items()}
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    here = package_files("avon_analytics.intake.after")
    texts |= {
        "README.md": here.joinpath("evidence.md").read_text("utf-8").format(**number),
        "number.toml": _toml({**number, "version": VERSION, "sha256": digests}),
        "check.py": here.joinpath("check_evidence.py").read_text("utf-8"),
    }
    for name, text in texts.items():
        handle = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())


def _toml(document: Mapping[str, Any]) -> str:
    """Plain values as TOML: tables last, missing values left out."""
    values = [(name, value) for name, value in document.items() if not isinstance(value, Mapping)]
    lines = [f"{_key(name)} = {_quoted(value)}" for name, value in values if value is not None]
    for name, table in document.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{_key(name)}]", _toml(table).rstrip()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: Any) -> str:
    # A text of JSON is one of TOML, too, but for this sign.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
