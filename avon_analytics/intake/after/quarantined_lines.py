"""Lines of the quarantine, fetched again: from the store, or from the archive where they stand."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from avon_analytics.arguments import choice, names, whole_number
from avon_analytics.errors import UsageError
from avon_analytics.intake.archive.fetching import ArchivedLines
from avon_analytics.intake.archive.lines import BATCH_BYTES
from avon_analytics.intake.read.codes import CODES
from avon_analytics.intake.read.columns import integers
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.intake.write.log_lines import KEY, Key

_PLACES_AT_ONCE = 10_000


class QuarantinedLine(NamedTuple):
    """Where a quarantined line stands, and why it is there."""

    load_id: int
    file: str
    line: int
    byte_offset: int
    byte_length: int
    sha256: str | None
    code: str
    is_kept: bool

    @property
    def key(self) -> Key:
        """What sets it apart from all other lines."""
        return self[:4]


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which lines of the quarantine are meant: by code, by file, by line, and by the loads between
    which they came; without a word, all."""

    codes: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    after_load: int | None = None
    before_load: int | None = None

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        code: str | Iterable[str] | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> QuarantineFilter:
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

    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL that holds for these lines, and what it binds."""
        conditions, bound = ["true"], dict[str, Any]()
        if self.codes:
            conditions.append("list_contains($codes, code)")
            bound["codes"] = list(self.codes)
        for name, test in _TESTS.items():
            if (value := getattr(self, name)) is not None:
                conditions.append(test)
                bound[name] = value
        return " AND ".join(conditions), bound


_TESTS = {
    "file": "file = $file",
    "line": "line = $line",
    "after_load": "load_id > $after_load",
    "before_load": "load_id < $before_load",
}


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
    raise UsageError(
        f"the quarantine has no line of a file {given}: 'quarantine list' "
        "(store.quarantine.lines()) names its files"
    )


def places(
    connection: duckdb.DuckDBPyConnection, which: QuarantineFilter
) -> Generator[QuarantinedLine]:
    """Where these lines stand, by file and line, as it is in the store now; few at a time are held.

    A caller who may not come to the end closes it: the engine holds the rest for it.
    """
    condition, bound = which.condition()
    with connection.cursor() as apart:  # others ask the connection meanwhile
        apart.execute("USE store")
        found = apart.execute(
            "SELECT load_id, file, line, byte_offset, byte_length, sha256, code, "
            f"content IS NOT NULL FROM quarantine WHERE {condition} "
            "ORDER BY file, line, byte_offset, load_id",
            bound,
        )
        while rows := found.fetchmany(_PLACES_AT_ONCE):
            yield from map(QuarantinedLine._make, rows)


def files_of(connection: duckdb.DuckDBPyConnection, which: QuarantineFilter) -> list[str]:
    """The files in which these lines stand, in their order."""
    condition, bound = which.condition()
    rows = connection.execute(
        f"SELECT DISTINCT file FROM quarantine WHERE {condition} ORDER BY file", bound
    ).fetchall()
    return [file for (file,) in rows]


def parts_of(found: Iterable[QuarantinedLine]) -> Iterator[list[QuarantinedLine]]:
    """The same in parts that fit into a batch."""
    part: list[QuarantinedLine] = []
    size = 0
    for place in found:
        if part and size + place.byte_length > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(place)
        size += place.byte_length
    if part:
        yield part


def as_table(
    found: Sequence[QuarantinedLine], name: str, connection: duckdb.DuckDBPyConnection
) -> AbstractContextManager[None]:
    """Meanwhile the connection reads the keys of some lines under a name, numbered (``nth``)."""
    rows = [(nth, *place.key) for nth, place in enumerate(found)]
    return ArrowRows.of_values(rows, nth=integers, **KEY).as_table(name, connection)


def kept_contents(
    connection: duckdb.DuckDBPyConnection, found: Sequence[QuarantinedLine]
) -> dict[int, bytes]:
    """The bytes of those lines whose bytes the store keeps, by their places in ``found``."""
    with as_table(found, "wanted_lines", connection):
        rows = connection.execute(
            "SELECT w.nth, q.content FROM wanted_lines AS w "
            "JOIN quarantine AS q USING (load_id, file, line, byte_offset) "
            "WHERE q.content IS NOT NULL"
        ).fetchall()
    return dict(rows)


def contents(
    connection: duckdb.DuckDBPyConnection, found: Sequence[QuarantinedLine], archive: ArchivedLines
) -> list[bytes | None]:
    """The bytes of each line as they stood in the archive; None where they are nowhere any more."""
    kept = kept_contents(connection, found)
    return [
        kept[nth] if nth in kept else archive.whole(place, place.sha256)
        for nth, place in enumerate(found)
    ]
