"""Lines of the quarantine, fetched again: from the store, or from the archive where they stand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import pandas as pd

from avon_analytics.arguments import choice, names, whole_number
from avon_analytics.errors import ArchiveError, UsageError
from avon_analytics.intake.archive.lines import BATCH_BYTES, LineReader
from avon_analytics.intake.words import CODES

_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HeldLine:
    """Where a quarantined line stands, and why it is there."""

    load_id: int
    file: str
    line: int
    byte_offset: int
    byte_length: int
    sha256: str | None
    code: str
    is_kept: bool


class Standing(Protocol):
    """Anything that tells where a line stands in its decompressed file."""

    @property
    def file(self) -> str: ...
    @property
    def byte_offset(self) -> int: ...
    @property
    def byte_length(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Which:
    """Which lines of the quarantine are meant: by code, by file, by line; without a word, all."""

    codes: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        code: str | Iterable[str] | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> Which:
        """What a user means; of a file, the end of its path is enough where only one ends so.

        Raises UsageError for a code that there is not, and for a file that has no line in
        quarantine or is one of several.
        """
        codes = () if code is None else tuple(names(code, "code"))
        for one in codes:
            choice("code", one, CODES)
        if line is not None:
            line = whole_number(line, 1, 2**62, "line: expected the number of a line, from 1")
        return cls(codes, None if file is None else _one_file(connection, file), line)

    def condition(self, prefix: str = "") -> tuple[str, dict[str, Any]]:
        """SQL that holds for these lines, and what it binds."""
        conditions, bound = ["true"], dict[str, Any]()
        if self.codes:
            conditions.append(f"list_contains($codes, {prefix}code)")
            bound["codes"] = list(self.codes)
        for name in ("file", "line"):
            if (value := getattr(self, name)) is not None:
                conditions.append(f"{prefix}{name} = ${name}")
                bound[name] = value
        return " AND ".join(conditions), bound


def _one_file(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    rows = connection.execute("SELECT DISTINCT file FROM quarantine ORDER BY file").fetchall()
    known = [file for (file,) in rows]
    if given in known:
        return given
    ends = "/" + given.removeprefix("./").lstrip("/")
    found = [file for file in known if file.replace("\\", "/").endswith(ends)]
    if len(found) == 1:
        return str(found[0])
    if found:
        raise UsageError(f"several files are called {given}: {', '.join(found)}")
    raise UsageError(f"the quarantine has no line of a file {given}")


def places(connection: duckdb.DuckDBPyConnection, which: Which) -> list[HeldLine]:
    """Where these lines stand, by file and line."""
    condition, bound = which.condition()
    rows = connection.execute(
        "SELECT load_id, file, line, byte_offset, byte_length, sha256, code, content IS NOT NULL "
        f"FROM quarantine WHERE {condition} ORDER BY file, line, byte_offset, load_id",
        bound,
    ).fetchall()
    return [HeldLine(*row) for row in rows]


def files_of(connection: duckdb.DuckDBPyConnection, which: Which) -> list[str]:
    """The files in which these lines stand, in their order."""
    condition, bound = which.condition()
    rows = connection.execute(
        f"SELECT DISTINCT file FROM quarantine WHERE {condition} ORDER BY file", bound
    ).fetchall()
    return [file for (file,) in rows]


def parts_of(found: Sequence[HeldLine]) -> Iterator[list[HeldLine]]:
    """The same in parts that fit into a batch."""
    part: list[HeldLine] = []
    size = 0
    for place in found:
        if part and size + place.byte_length > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(place)
        size += place.byte_length
    if part:
        yield part


def register(connection: duckdb.DuckDBPyConnection, name: str, found: Sequence[HeldLine]) -> None:
    """Show the engine some places as a table: ``nth``, and the key of a line in the log."""
    rows = [
        (nth, place.load_id, place.file, place.line, place.byte_offset)
        for nth, place in enumerate(found)
    ]
    columns = ["nth", "load_id", "file", "line", "byte_offset"]
    connection.register(name, pd.DataFrame(rows, columns=columns))


def contents(
    connection: duckdb.DuckDBPyConnection, found: Sequence[HeldLine], archive: Archive
) -> list[bytes | None]:
    """The bytes of each line as they stood in the archive; None where they are nowhere any more."""
    register(connection, "wanted_lines", found)
    kept: dict[int, bytes] = dict(
        connection.execute(
            "SELECT w.nth, q.content FROM wanted_lines AS w "
            "JOIN quarantine AS q USING (load_id, file, line, byte_offset) "
            "WHERE q.content IS NOT NULL"
        ).fetchall()
    )
    connection.unregister("wanted_lines")
    return [kept[nth] if nth in kept else archive.whole(place) for nth, place in enumerate(found)]


class Archive:
    """Reads lines where they stand in the archive; those of one file best in their order.

    ``urls`` opens files that their paths do not.
    """

    def __init__(self, urls: Mapping[str, str] | None = None) -> None:
        self._urls = urls or {}
        self._reader: LineReader | None = None
        self._at = 0

    def whole(self, place: HeldLine) -> bytes | None:
        """The bytes of a line; None if it no longer stands there, or nobody can tell."""
        if place.sha256 is None:
            return None
        pieces = list(self.pieces(place, place.byte_length))
        if not pieces:
            return None
        content = b"".join(pieces)
        return content if place.sha256 == hashlib.sha256(content).hexdigest() else None

    def pieces(self, place: Standing, size: int = _PIECE) -> Iterator[bytes]:
        """The same piece by piece, so that a line of any length can pass; unchecked."""
        try:
            reader = self._reader_at(place)
            end = place.byte_offset + place.byte_length
            self._at = place.byte_offset
            while self._at < end:
                piece = reader.slice(self._at, min(size, end - self._at))
                if piece is None:
                    self.close()
                    return
                self._at += len(piece)
                yield piece
        except ArchiveError:
            self.close()

    def _reader_at(self, place: Standing) -> LineReader:
        if self._reader is None or self._reader.path != place.file or self._at > place.byte_offset:
            self.close()
            self._reader = LineReader(place.file, url=self._urls.get(place.file))
        return self._reader

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._at = None, 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
