"""Staging: the lines of a batch as rows, before anything is stored.

A staging is a connection with temporary tables that every batch replaces:

    arrivals   one row per readable line: its place, form, signature
    verdicts   one row per line that does not load, and why
    event_lines   one row per trusted line: the event that it tells
    opened_…   the objects of these events, one table for each type of object
    rows_…     the rows that they become, one table for each table of the store, where somebody
               looks at what was said; elsewhere the rows are only selected (`rows_of`)
    unread     the events about types of object that the contract does not know

``nth`` numbers the lines of a batch, which may come from several files. ``read.LineReader`` says
what each line tells; the engine turns that into columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.canonical import CanonicalEvent
from avon_analytics.intake.archive.batch import Batch
from avon_analytics.intake.read.codes import SIGNATURE_WORDS, Policy
from avon_analytics.intake.read.diagnosis import causes
from avon_analytics.intake.read.faults import Verdict
from avon_analytics.intake.read.limited import limit
from avon_analytics.intake.read.reader import Line, LineReader, read_batch
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.intake.write import flatten
from avon_analytics.intake.write.arrow import ArrowColumns, blobs, integers, texts
from avon_analytics.intake.write.clock import Clock
from avon_analytics.intake.write.statements import statement
from avon_analytics.store.memory import Bound
from avon_analytics.store.tables import ObjectTable, tables_of

_STRENGTH = {word: n for n, word in enumerate(SIGNATURE_WORDS)}


class Staging:
    """Reads batches, under a policy and some secrets.

    ``is_limited`` says that the store to be filled keeps a limited data set only, and
    ``keeps_texts`` that somebody looks at what was said after it was read. ``bound`` is what the
    engine may hold.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        policy: Policy,
        secrets: Secrets | None,
        *,
        is_limited: bool = False,
        keeps_texts: bool = True,
        bound: Bound | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.connection = connection
        self.reader = LineReader(policy, secrets, limit if is_limited else None)
        self.bound = bound or Bound()
        self.tables: list[ObjectTable] = []  # those of which the batch read last has rows
        # What it tells of types of which it has few, with the numbers of lines: it is not opened.
        self.few: dict[str, list[tuple[int, bytes]]] = {}
        self.is_limited = is_limited
        self.clock = clock or Clock()
        self._secrets = secrets
        self._keeps_texts = keeps_texts
        connection.execute("SET TimeZone = 'UTC'")

    def run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; returns all its rows."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def room_for(self, batch: Batch) -> AbstractContextManager[None]:
        """Meanwhile the engine may hold what a batch needs: where its lines are long, much."""
        return self.bound.lifted() if batch.is_heavy else nullcontext()

    def read(self, batch: Batch) -> Batch:
        """Bring a batch to ``arrivals``, ``verdicts``, ``event_lines`` and ``rows_…``.

        Returns the batch as it was read: each value of its lines is a line.
        """
        held = [flatten.rows_table(table) for table in self.tables if self._keeps_texts]
        held += {flatten.opened_table(table.object_type) for table in self.tables}
        for name in ("arrivals", "event_lines", *held):
            self.run(f"DROP TABLE IF EXISTS {name}")
        self.tables, self.few = [], {}
        with self.clock.timing("read lines"):
            batch, nths, lines = read_batch(self.reader, batch)
        if not lines:
            return batch
        try:
            with self.room_for(batch):
                self.make_rows(batch, nths, lines)
        except duckdb.OutOfMemoryException:
            if batch.is_heavy:
                raise
            with self.bound.lifted():  # it needs more than it looks
                self.make_rows(batch, nths, lines)
        return batch

    @property
    def told_tables(self) -> list[ObjectTable]:
        """The tables of which the batch may tell rows, those included that are not opened."""
        return [*self.tables, *(table for few in self.few for table in tables_of(few))]

    def rows_of(self, table: ObjectTable) -> str:
        """What a statement reads to get the batch's rows of a table."""
        return flatten.rows_table(table) if self._keeps_texts else f"({flatten.rows_of(table)})"

    def refuse(self, refused: list[tuple[int, Verdict, str | None]]) -> None:
        """Write verdicts: these lines do not load."""
        if not refused:
            return
        rows = [(nth, v.code, v.errors, cause, False) for nth, v, cause in refused]
        self._add_verdicts(rows)

    def leave_out(self, nths: list[int]) -> None:
        """Take some trusted lines out of the batch, as if they were not there."""
        if nths:
            for table in ("event_lines", "arrivals"):
                self.run(f"DELETE FROM {table} WHERE nth IN (SELECT unnest($nths))", nths=nths)

    # -- lines as rows ------------------------------------------------------------------------

    def make_rows(self, batch: Batch, nths: Any, lines: list[Line]) -> None:
        with self.clock.timing("make rows"):
            numbered = list(zip(nths.tolist(), lines, strict=True))
            self._arrive(batch, nths, lines)
            self._refuse_unread(batch, [one for one in numbered if one[1].verdict is not None])
            self._open(batch, [one for one in numbered if one[1].verdict is None])

    def _arrive(self, batch: Batch, nths: Any, lines: list[Line]) -> None:
        """Write ``arrivals``, and ``event_lines`` of those that are trusted."""
        told = [line.canonical if line.verdict is None else None for line in lines]
        kinds: dict[_Kind, int] = {}  # what many lines have in common is handed over once
        number = [
            kinds.setdefault(_kind_of(line, one), len(kinds))
            for line, one in zip(lines, told, strict=True)
        ]
        bodies = {}
        if self._keeps_texts:
            contents = [
                None if line.canonical is None else line.canonical.content for line in lines
            ]
            bodies["body"] = blobs(contents, are_texts=True)
        arrived = ArrowColumns(
            nth=integers(nths),
            kind=integers(number),
            file_no=integers(batch.file_no[nths]),
            line=integers(batch.lines[nths]),
            byte_offset=integers(batch.byte_offsets[nths]),
            byte_length=integers(batch.byte_lengths[nths]),
            received_us=integers([line.received_us for line in lines]),
            unset_receipt=texts([line.unset_receipt for line in lines]),
            event_id=texts([line.event_id if line.verdict is None else None for line in lines]),
            object_id=texts([None if one is None else one.object_id for one in told]),
            occurred_us=integers([line.occurred_us for line in lines]),
            body_digest=blobs([line.digest for line in lines]),
            conflict_rank=blobs([line.rank for line in lines]),
            extra=blobs([None if one is None else one.extra for one in told], are_texts=True),
            **bodies,
        )
        self.connection.register("arrived", arrived)
        files = list(batch.files)
        body = "body" if self._keeps_texts else "CAST(NULL AS VARCHAR) AS body"
        of_lines = ("form", "signature", "secret")
        self.run(statement("arrivals", body=body), files=files, **_lists(kinds, of_lines))
        of_events = ("event", "event_sent", "object_type", "source", "signature", "strength")
        common = _lists(kinds, (*of_events, "secret"))
        self.run(statement("event_lines"), files=files, **common)
        self.connection.unregister("arrived")

    def _refuse_unread(self, batch: Batch, refused: list[tuple[int, Line]]) -> None:
        self.run(
            "CREATE OR REPLACE TEMP TABLE verdicts "
            "(nth BIGINT, code VARCHAR, errors VARCHAR, cause VARCHAR, is_of_line BOOLEAN)"
        )
        if refused:
            found = self._causes(batch, refused)
            self._add_verdicts(
                [
                    (nth, line.verdict.code, line.verdict.errors, found.get(nth), line.word is None)
                    for nth, line in refused
                    if line.verdict is not None
                ]
            )

    def _causes(self, batch: Batch, refused: list[tuple[int, Line]]) -> dict[int, str]:
        """The likely causes of mismatches."""
        if self._secrets is None:
            return {}
        mismatches = (
            (nth, batch.file(nth), lambda line=line: line.signed)
            for nth, line in refused
            if line.verdict is not None and line.verdict.code == "signature_mismatch"
        )
        return dict(causes(mismatches, self._secrets))

    def _add_verdicts(self, rows: list[tuple[int, str, str, str | None, bool]]) -> None:
        frame = pd.DataFrame(rows, columns=["nth", "code", "errors", "cause", "is_of_line"])
        self.connection.register("refused", frame.astype({"cause": "string"}))
        self.run("INSERT INTO verdicts SELECT * FROM refused")
        self.connection.unregister("refused")

    def _open(self, batch: Batch, told: list[tuple[int, Line]]) -> None:
        by_type: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for nth, line in told:
            by_type[line.event.object_type].append((nth, line.event.content))
        unread: list[tuple[int, bytes]] = []
        for object_type, contents in sorted(by_type.items()):
            if object_type not in OBJECTS:
                unread += contents
            elif self._are_few(contents) and not batch.is_heavy:
                self.few[object_type] = contents
            else:
                self._open_type(object_type, contents)
        flatten.register_contents(self.connection, sorted(unread))
        self.run("CREATE OR REPLACE TEMP TABLE unread AS SELECT nth, content AS body FROM contents")
        self.connection.unregister("contents")

    def _are_few(self, contents: list[tuple[int, bytes]]) -> bool:
        is_small = sum(len(content) for _, content in contents) < _FEW_BYTES
        return not self._keeps_texts and len(contents) < _FEW and is_small

    def _open_type(self, object_type: str, contents: list[tuple[int, bytes]]) -> None:
        tables = flatten.open_objects(self.connection, object_type, contents)
        self.tables += tables
        if self._keeps_texts:
            for table in tables:
                self.run(flatten.created(table))


class _Kind(NamedTuple):
    """What many lines of a batch have in common."""

    form: str | None
    signature: str | None
    secret: str | None
    event: str | None
    event_sent: str | None
    object_type: str | None
    source: str | None

    @property
    def strength(self) -> int | None:
        """The place of its word on signatures; the smaller is the stronger."""
        return None if self.signature is None else _STRENGTH[self.signature]


def _kind_of(line: Line, told: CanonicalEvent | None) -> _Kind:
    if told is None:
        return _Kind(line.form, line.word, line.secret, None, None, None, None)
    return _Kind(
        line.form,
        line.word,
        line.secret,
        told.event,
        told.event_sent,
        told.object_type,
        line.source,
    )


def _lists(kinds: Iterable[_Kind], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [getattr(kind, name) for kind in kinds] for name in names}


# So few objects of a type wait for others: see `waiting_events`.
_FEW, _FEW_BYTES = 4000, 4 * 1024 * 1024
