"""The quarantine: what did not load, why, and its lines as they were archived."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import duckdb

from avon_analytics.arguments import flag
from avon_analytics.intake.after.quarantined_lines import (
    QuarantinedLine,
    QuarantineFilter,
    kept_contents,
    parts_of,
    places,
)
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame
from avon_analytics.store.trouble import store_error
from avon_analytics.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = "load_id, file, line, byte_offset, byte_length, sha256, code, errors, cause"


def lines(
    database: Database,
    *,
    code: str | Iterable[str] | None = None,
    file: str | None = None,
    line: int | None = None,
    identifiers: bool = False,
) -> pd.DataFrame:
    """Lines that did not load, one a row, by file and line; ``identifiers`` adds ``content``.

    Raises UsageError for an unknown code or a file that has no line in quarantine.
    """
    identifiers = flag(identifiers, "identifiers")
    columns = _SHOWN + (", content" if identifiers else "")
    with database.reading() as connection:
        condition, bound = QuarantineFilter.of(connection, code, file, line).condition()
        order = "file, line, byte_offset, load_id"
        query = f"SELECT {columns} FROM quarantine WHERE {condition} ORDER BY {order}"
        found = frame(connection, query, bound)
    found.attrs["hidden"] = [] if identifiers else ["content"]
    return found


def counts(database: Database) -> dict[str, int]:
    """How many lines did not load, by code; the most frequent first."""
    with database.reading() as connection:
        found = connection.execute(
            "SELECT code, count(*) FROM quarantine GROUP BY code ORDER BY count(*) DESC, code"
        ).fetchall()
    return dict(found)


def errors(
    database: Database,
    *,
    code: str | Iterable[str] | None = None,
    file: str | None = None,
    line: int | None = None,
) -> pd.DataFrame:
    """Every error of lines that did not load, one a row: ``file``, ``line``, ``code``, ``path``,
    ``expected``."""
    import pandas as pd

    found = lines(database, code=code, file=file, line=line)
    rows = [
        (one.file, one.line, fault["code"], fault["path"], fault["expected"])
        for one in found.itertuples()
        for fault in json.loads(str(one.errors))
    ]
    columns = {"file": "str", "line": "Int64", "code": "str", "path": "str", "expected": "str"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported: ``lines`` written, and ``missing``, which are nowhere any more."""

    lines: int
    missing: int

    def as_dict(self) -> dict[str, int]:
        """The same as plain values, for JSON."""
        return asdict(self)


def export(
    database: Database,
    to: BinaryIO,
    *,
    code: str | Iterable[str] | None = None,
    file: str | None = None,
) -> Export:
    """Write lines of the quarantine as JSON lines that load again as they stand.

    ``to`` can be cut: a line that is found to have changed in the archive is taken back. Bytes are
    those of the archive, raw. Lines whose bytes are not kept are read from the archive; those that
    no longer stand there count as missing.
    """
    written = missing = 0
    with database.reading() as connection, ArchivedLines() as archive:
        try:
            which = QuarantineFilter.of(connection, code, file)
            with closing(places(connection, which)) as found:
                for part in parts_of(found):
                    kept = kept_contents(connection, part)
                    for nth, place in enumerate(part):
                        if nth in kept:
                            to.write(kept[nth] + _end_after(kept[nth]))
                            written += 1
                        elif _copy(place, archive, to):
                            written += 1
                        else:
                            missing += 1
        except duckdb.Error as error:
            raise store_error(database.path, error) from None
    return Export(written, missing)


def export_to(
    database: Database,
    out: str | os.PathLike[str],
    *,
    code: str | Iterable[str] | None = None,
    file: str | None = None,
) -> Export:
    """The same into a file, whole or not at all, readable by its owner alone.

    Raises UsageError where it cannot be written or would replace a file of the archive.
    """
    done = Export(0, 0)
    with database.reading() as connection:
        files = connection.execute("SELECT file FROM archive_files").fetchall()

    def write(part: Path) -> None:
        nonlocal done
        with part.open("r+b") as to:
            done = export(database, to, code=code, file=file)

    write_whole(out, write, never=[file for (file,) in files], is_raw=True)
    return done


def _copy(place: QuarantinedLine, archive: ArchivedLines, to: BinaryIO) -> bool:
    """Copy one line, of any length, from the archive; whether it still stands there."""
    if place.sha256 is None:  # nobody can tell
        return False
    start, digest, last = to.tell(), hashlib.sha256(), b""
    for piece in archive.pieces(place):
        to.write(piece)
        digest.update(piece)
        last = piece[-1:]
    if place.sha256 == digest.hexdigest():
        to.write(_end_after(last))
        return True
    to.seek(start)
    to.truncate()
    return False


def _end_after(content: bytes) -> bytes:
    # A reader takes one carriage return before the end for a part of the end.
    return b"\r\n" if content.endswith(b"\r") else b"\n"
