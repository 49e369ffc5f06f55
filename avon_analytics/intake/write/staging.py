"""Staging: the lines of a batch as rows, before anything is stored.

A staging is a connection with temporary tables that every batch replaces:

    arrivals        one row per readable line: its place, form, signature
    verdicts        one row per line that does not load, and why
    event_lines     one row per trusted line: the event that it reports
    unknown_events  those of them about types of object that the contract does not know
    opened_…        the objects of the others, one table for each type of object
    rows_…          the rows that they become, one table for each table of the store, where somebody
                    looks at what was said; elsewhere the rows are only selected (`rows_of`)

``nth`` numbers the lines of a batch, which may come from several files. ``ReadRules`` say what
they say; the engine turns that into columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from avon_analytics.intake.archive.batch import Batch, Lines
from avon_analytics.intake.read.codes import SIGNATURE_ENUM
from avon_analytics.intake.read.columns import integers, texts
from avon_analytics.intake.read.diagnosis import causes
from avon_analytics.intake.read.process import ReadingProcesses
from avon_analytics.intake.read.read_lines import (
    Contents,
    ReadLines,
    ReadRules,
    Refused,
    read_whole,
)
from avon_analytics.intake.write import flatten
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.intake.write.clock import Clock
from avon_analytics.intake.write.statements import statement
from avon_analytics.store.memory import Bound
from avon_analytics.store.parsed import parsed, run
from avon_analytics.store.tables import ObjectTable, tables_of


class Staging:
    """Reads batches into the tables of a connection, itself or in processes that are given.

    Where it reads ``with_bodies``, somebody looks at what was said after it was read. ``bound`` is
    what the engine may hold.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rules: ReadRules,
        *,
        processes: ReadingProcesses | None = None,
        bound: Bound | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.connection = connection
        self.reader = rules.reader()
        self.bound = bound or Bound()
        self.tables: list[ObjectTable] = []  # those of which the batch read last has rows
        # What it says of types of which it has few: it is not opened.
        self.few: dict[str, Contents] = {}
        self.is_limited = rules.is_limited
        self.clock = clock or Clock()
        self._rules = rules
        self._processes = processes
        connection.execute("SET TimeZone = 'UTC'")

    def run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; returns all its rows."""
        return run(self.connection, sql, parameters or None).fetchall()

    def room_for(self, batch: Batch) -> AbstractContextManager[None]:
        """Meanwhile the engine may hold what a batch needs: where its lines are long, much."""
        return self.bound.lifted() if batch.is_heavy else nullcontext()

    def read(self, batch: Batch) -> Batch:
        """Read a batch, and bring it to the tables.

        Returns the batch as it was read: each value of its lines is a line.
        """
        self._clear()
        with self.clock.timing("read lines"):
            batch, nths, read = read_whole(batch, self._read)
        if read.n:
            self._bring_in(batch, nths, read)
        return batch

    def take_over(self, batch: Batch, read: ReadLines) -> None:
        """Bring a batch to the tables of which ``read`` holds what each line says."""
        self._clear()
        self._bring_in(batch, batch.nths, read)

    @property
    def filled_tables(self) -> list[ObjectTable]:
        """The tables of which the batch may have rows, those included that are not opened."""
        return [*self.tables, *(table for few in self.few for table in tables_of(few))]

    def rows_of(self, table: ObjectTable) -> str:
        """What a statement reads to get the batch's rows of a table."""
        is_made = self._rules.with_bodies
        return flatten.rows_table(table) if is_made else flatten.select_rows(table)

    def recall(self, store: duckdb.DuckDBPyConnection, query: str, into: str) -> None:
        """Bring what the store knows of the batch's events into a table beside them.

        The query reads ids in ``staged_rows``, and gives digests and ranks.
        """
        ids = parsed(self.connection, "SELECT DISTINCT event_id FROM event_lines")
        with ArrowRows.of_query(self.connection, ids).as_table("staged_rows", store):
            known = ArrowRows.of_query(store, query)
        with known.as_table("recalled", self.connection):
            self.run(
                f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT * REPLACE ("
                "CAST(body_digest AS UUID) AS body_digest, "
                "CAST(conflict_rank AS UUID) AS conflict_rank) FROM recalled"
            )

    def refuse(self, refused: Sequence[Refused], causes: Mapping[int, str] | None = None) -> None:
        """Write verdicts: these lines do not load. Of some a likely cause is known."""
        if not refused:
            return
        known = causes or {}
        verdicts = ArrowRows.of_values(
            [
                (nth, verdict.code, verdict.errors, known.get(nth), is_of_line)
                for nth, verdict, is_of_line, _ in refused
            ],
            **_VERDICT,
        )
        with verdicts.as_table("refused", self.connection):
            self.run("INSERT INTO verdicts SELECT * FROM refused")

    def leave_out(self, nths: list[int]) -> None:
        """Take some trusted lines out of the batch, as if they were not there."""
        if nths:
            for table in ("event_lines", "arrivals"):
                self.run(f"DELETE FROM {table} WHERE nth IN (SELECT unnest($nths))", nths=nths)

    # -- lines as rows ------------------------------------------------------------------------

    def _read(self, lines: Lines) -> ReadLines:
        found = None if self._processes is None else self._processes.read(lines)
        if found is None:
            return self._rules.read(self.reader, lines)
        self.reader.n_read += found.n
        return found

    def _clear(self) -> None:
        tables = [flatten.rows_table(table) for table in self.tables if self._rules.with_bodies]
        tables += {flatten.opened_table(table.object_type) for table in self.tables}
        for name in ("arrivals", "event_lines", *tables):
            self.run(f"DROP TABLE IF EXISTS {name}")
        self.tables, self.few = [], {}

    def _bring_in(self, batch: Batch, nths: npt.NDArray[np.int64], read: ReadLines) -> None:
        try:
            with self.room_for(batch):
                self.make_rows(batch, nths, read)
        except duckdb.OutOfMemoryException:
            if batch.is_heavy:
                raise
            with self.bound.lifted():  # it needs more than it looks
                self.make_rows(batch, nths, read)

    def make_rows(self, batch: Batch, nths: npt.NDArray[np.int64], read: ReadLines) -> None:
        self.tables, self.few = [], {}
        with self.clock.timing("make rows"):
            self._arrive(batch, nths, read)
            self._refuse_lines(batch, read)
            self._open(batch, read)

    def _arrive(self, batch: Batch, nths: npt.NDArray[np.int64], read: ReadLines) -> None:
        """Write ``arrivals``, and ``event_lines`` of those that are trusted."""
        arrived = ArrowRows.of_columns(
            nth=integers(nths),
            file_no=integers(batch.file_no[nths]),
            line=integers(batch.lines[nths]),
            byte_offset=integers(batch.byte_offsets[nths]),
            byte_length=integers(batch.byte_lengths[nths]),
            **read.columns,
        )
        files = list(batch.files)
        body = "body" if self._rules.with_bodies else "CAST(NULL AS VARCHAR) AS body"
        of_lines = read.of_kinds(("form", "signature", "secret"))
        of_events = ("event", "event_sent", "object_type", "source", "signature", "secret")
        with arrived.as_table("arrived", self.connection):
            self.run(statement("arrivals", body=body), files=files, **of_lines)
            trusted = statement("event_lines", word=SIGNATURE_ENUM)
            self.run(trusted, files=files, **read.of_kinds(of_events))

    def _refuse_lines(self, batch: Batch, read: ReadLines) -> None:
        self.run(
            "CREATE OR REPLACE TEMP TABLE verdicts "
            "(nth BIGINT, code VARCHAR, errors VARCHAR, cause VARCHAR, is_of_line BOOLEAN)"
        )
        mismatches = (
            (one.nth, batch.file(one.nth), one.mismatch)
            for one in read.refused
            if one.mismatch is not None
        )
        secrets = self._rules.secrets
        self.refuse(read.refused, causes(mismatches, secrets) if secrets else None)

    def _open(self, batch: Batch, read: ReadLines) -> None:
        for object_type, contents in read.contents.items():
            if self._are_few(contents) and not batch.is_heavy:
                self.few[object_type] = contents
            else:
                self._open_type(object_type, contents)
        with flatten.contents_as_table(self.connection, read.unknown):
            self.run(
                "CREATE OR REPLACE TEMP TABLE unknown_events AS "
                "SELECT nth, content AS body FROM contents"
            )

    def _are_few(self, contents: Contents) -> bool:
        is_small = contents.n_bytes < _FEW_BYTES
        return not self._rules.with_bodies and len(contents) < _FEW and is_small

    def _open_type(self, object_type: str, contents: Contents) -> None:
        tables = flatten.open_objects(self.connection, object_type, contents)
        self.tables += tables
        if self._rules.with_bodies:
            for table in tables:
                self.run(flatten.create_rows(table))


_VERDICT: dict[str, Any] = {
    "nth": integers,
    "code": texts,
    "errors": texts,
    "cause": texts,
    "is_of_line": integers,
}
# So few objects of a type wait for others: see `event_rows`.
_FEW, _FEW_BYTES = 4000, 4 * 1024 * 1024
