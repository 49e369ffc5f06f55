"""The stage: where the lines of a batch are read and judged before anything is stored.

A stage is a connection with temporary tables that every batch replaces:

    arrivals   one row per readable line: its envelope, signature and body
    verdicts   one row per line that does not load, and why
    rows_…     the rows that believed bodies become, one table for each table of the store
    tellings   one row per believed line: the event that it tells
    unread     the bodies of those about types of object that the contract does not know

``nth`` numbers the lines of a batch, which may come from several files. The engine works on all
lines at once; only lines that look odd to it are looked at one by one.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

import duckdb

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import SAME_EVENT, Event
from avon_analytics.contract.model import known_keys
from avon_analytics.intake import flatten, limited
from avon_analytics.intake.archive.batch import Batch
from avon_analytics.intake.clock import Clock
from avon_analytics.intake.engine import literals, statement
from avon_analytics.intake.envelope import (
    EVENT_STRUCTURE,
    KEYED_PATHS,
    RECEIVED_KEYS,
    STRUCTURE,
    line_digest,
)
from avon_analytics.intake.hand_over import ArrowLines
from avon_analytics.intake.judge import verdict
from avon_analytics.intake.judging import Judging, judge_numbers, respell
from avon_analytics.intake.shapes import Shapes
from avon_analytics.intake.signature import Secrets, hmac_pads
from avon_analytics.intake.words import Policy, strength_of, word_of_line
from avon_analytics.intake.workbench import Workbench
from avon_analytics.store.memory import Bound
from avon_analytics.store.schema import literal
from avon_analytics.store.tables import ObjectTable, tables_of

# What an envelope without a body adds to its event; it is no part of what the event says.
_RECEIVED = "{" + ", ".join(f'"{path}": null' for path in RECEIVED_KEYS) + "}"

_HAS_UNKNOWN = "body_shape IN (SELECT body_shape FROM unknown_shapes WHERE NOT {known})"


class Stage(Workbench):
    """Reads and judges batches, under a policy and some secrets.

    ``is_limited`` says that the store to be filled keeps a limited data set only, and
    ``keeps_texts`` that somebody looks at the bodies after they were read. ``bound`` is what the
    engine may hold; ``shapes`` are shared by stages that read one archive.
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
        shapes: Shapes | None = None,
    ) -> None:
        super().__init__(connection)
        self.bound = bound or Bound()
        self._keeps_texts = keeps_texts
        self._policy = policy
        self._secrets = secrets
        self._judging = Judging(policy, secrets, shapes or Shapes())
        self._n_matches: Counter[str] = Counter()  # in the batch read last, by name of the secret
        self.tables: list[ObjectTable] = []  # those of which the batch read last has rows
        self.is_limited = is_limited
        self.clock = clock or Clock()

    def room_for(self, batch: Batch) -> AbstractContextManager[None]:
        """Meanwhile the engine may hold what a batch needs: where its lines are long, much."""
        return self.bound.lifted() if batch.is_heavy else nullcontext()

    def read(self, batch: Batch) -> Batch:
        """Bring a batch to ``tellings``, ``rows_…`` and ``verdicts``.

        Returns the batch as it was read: each value of its lines is a line.
        """
        try:
            with self.room_for(batch):
                return self._read(batch)
        except duckdb.OutOfMemoryException:
            if batch.is_heavy:
                raise
            with self.bound.lifted():  # it needs more than it looks
                return self._read(batch)

    def _read(self, batch: Batch) -> Batch:
        # Replaced, a table would be held until the new one is whole.
        for name in ("arrivals", "tellings", *map(flatten.rows_table, self.tables)):
            self.run(f"DROP TABLE IF EXISTS {name}")
        self.tables = []
        if batch.readable.any():
            batch = self._read_lines(batch)
            with self.clock.timing("judge"):
                self._judging.apply_policy(self, batch)
                judge_numbers(self, batch)
                self._judging.judge_bodies(self)
                self._want("nth NOT IN (SELECT nth FROM verdicts)")
            with self.clock.timing("flatten"):
                self.tables = self._read_objects()
                if self.is_limited:
                    limited.tell_by_what_is_kept(self, self.tables)
            with self.clock.timing("identify"):
                self._tell_events(batch)
                if not self._keeps_texts:
                    self._drop_texts()
        return batch

    def _read_lines(self, batch: Batch) -> Batch:
        """Bring a batch to ``arrivals``; lines that are no JSON may hold several values."""
        with self.clock.timing("open and verify"):
            self._read_envelopes(batch)
        with self.clock.timing("judge"):
            self._judging.judge_lines(self, batch)
        no_json = "SELECT nth FROM verdicts WHERE code IN ('not_json', 'not_utf8') ORDER BY nth"
        cut = batch.cut(nth for (nth,) in self.run(no_json))
        if cut is batch:
            return batch
        with self.clock.timing("open and verify"):
            self._read_envelopes(cut)
        with self.clock.timing("judge"):
            self._judging.judge_lines(self, cut)
        return cut

    def identify(self, batch: Batch) -> None:
        """Bring a batch to ``identities``: which event each line tells if it is believed."""
        arrivals = self._arrivals("CAST(NULL AS VARCHAR)")
        select = arrivals.partition("arrivals AS\n")[2]
        identities = statement(
            "identities",
            arrivals=select,
            object_id=flatten.object_id("event"),
            event_word=_event_word("event"),
        )
        self.connection.register("batch", ArrowLines(batch))
        self.run(identities, files=list(batch.files))
        self.connection.unregister("batch")

    def words(self, batch: Batch) -> Counter[str]:
        """The words on the signatures of a batch, ``unreadable`` for a line that is no delivery."""
        found: Counter[str] = Counter({"unreadable": len(batch.long_lines)})
        if batch.readable.any():
            batch = self._read_lines(batch)
            self._judging.verify_as_it_stands(self, batch)
            counted = self.run(
                f"SELECT CASE WHEN nth IN (SELECT nth FROM verdicts) THEN 'unreadable' "
                f"ELSE {self.word()} END, count(*) FROM arrivals GROUP BY ALL"
            )
            found.update(dict(counted))
        return found

    def digests(self, batch: Batch) -> list[tuple[int, str]]:
        """What the bodies of a batch say: the number of a line, and its digest."""
        self._read_envelopes(batch)
        judge_numbers(self, batch)
        found = self.run("SELECT line, body_digest FROM arrivals WHERE body_digest IS NOT NULL")
        return [(line, str(digest)) for line, digest in found]

    def word(self, prefix: str = "") -> str:
        """SQL for the word on a line's signature."""
        return word_of_line(self._policy, prefix)

    def leave_out(self, nths: list[int]) -> None:
        """Take some believed lines out of the batch, as if they were not there."""
        if nths:
            for table in ("tellings", "arrivals"):
                self.run(f"DELETE FROM {table} WHERE nth IN (SELECT unnest($nths))", nths=nths)

    # -- the line and its signature ---------------------------------------------------------

    def _read_envelopes(self, batch: Batch) -> None:
        secret, parameters = self._secret_that_matches()
        self.connection.register("batch", ArrowLines(batch))
        self.run(self._arrivals(secret), files=list(batch.files), **parameters)
        self.connection.unregister("batch")
        if self._secrets is not None and len(self._secrets) > 1:
            counted = "SELECT secret, count(*) FROM arrivals WHERE secret IS NOT NULL GROUP BY ALL"
            self._n_matches = Counter(dict(self.run(counted)))
        self.run(
            "CREATE OR REPLACE TEMP TABLE verdicts "
            "(nth BIGINT, code VARCHAR, errors VARCHAR, cause VARCHAR, is_of_line BOOLEAN)"
        )

    @staticmethod
    def _arrivals(secret: str) -> str:
        return statement(
            "arrivals",
            envelope=literal(json.dumps(STRUCTURE)),
            keyed=literals(KEYED_PATHS),
            event=literal(json.dumps(EVENT_STRUCTURE)),
            received=_RECEIVED,
            secret=secret,
        )

    def _secret_that_matches(self) -> tuple[str, dict[str, object]]:
        """SQL for the name of the secret under which a line's signature is right, or NULL."""
        if self._secrets is None:
            return "CAST(NULL AS VARCHAR)", {}
        cases: list[str] = []
        parameters: dict[str, object] = {}
        for number, (name, secret) in enumerate(self._secrets_by_use()):
            inner, outer = hmac_pads(secret)
            parameters |= {f"i{number}": inner, f"o{number}": outer, f"n{number}": name}
            cases.append(
                f"WHEN lower(signature) = sha256($o{number} || "
                f"unhex(sha256($i{number} || signed_bytes))) THEN $n{number}"
            )
        return f"CASE {' '.join(cases)} END", parameters

    def _secrets_by_use(self) -> list[tuple[str, bytes]]:
        """The secrets, those first that matched most in the batch read last.

        Each is tried once, under the first name that it was given.
        """
        assert self._secrets is not None
        first = {secret: name for name, secret in reversed(list(self._secrets.items()))}
        found = [(name, secret) for name, secret in self._secrets.items() if first[secret] == name]
        return sorted(found, key=lambda one: -self._n_matches[one[0]])

    def _want(self, condition: str) -> None:
        """Say which bodies are to be read."""
        self.run(
            "CREATE OR REPLACE TEMP VIEW wanted AS "
            f"SELECT nth, split_part(event, '.', 1) AS object_type, body, "
            f"{_HAS_UNKNOWN.format(known='is_object_known')} AS has_unknown "
            f"FROM arrivals WHERE {condition}"
        )

    def _read_objects(self) -> list[ObjectTable]:
        """Read the rows of all objects in the batch; returns the tables that have any."""
        found = self.run("SELECT object_type, bool_or(has_unknown) FROM wanted GROUP BY ALL")
        present: dict[str, bool] = dict(found)
        tables: list[ObjectTable] = []
        for object_type in (object_type for object_type in OBJECTS if object_type in present):
            root, *lists = tables_of(object_type)
            self.run(flatten.create_statement(root, has_unknown=present[object_type]))
            tables.append(root)
            if lists:
                tests = ", ".join(flatten.has_items(table) for table in lists)
                (has_some,) = self.run(f"SELECT {tests} FROM {flatten.rows_table(root)}")
                tables += [table for table, has in zip(lists, has_some, strict=True) if has]
        for table in tables:
            if table.parent is not None:
                self.run(flatten.create_statement(table))
        if tables:
            odd = " UNION ".join(
                f"SELECT nth FROM {flatten.rows_table(table)} WHERE is_odd" for table in tables
            )
            self._reread([nth for (nth,) in self.run(odd)], tables)
        return tables

    def _reread(self, odd: list[int], tables: list[ObjectTable]) -> None:
        """Judge the bodies of odd rows; read those again that are well."""
        if not odd:
            return
        lines = ", ".join(map(str, odd))
        mended = respell(self, f"SELECT nth, body FROM arrivals WHERE nth IN ({lines})")
        for table in tables:
            self.run(f"DELETE FROM {flatten.rows_table(table)} WHERE nth IN ({lines})")
        if mended:
            self._want(f"nth IN ({', '.join(map(str, mended))})")
            for table in tables:
                self.run(flatten.insert_statement(table))

    # -- the event --------------------------------------------------------------------------

    def _tell_events(self, batch: Batch) -> None:
        self.run(
            "CREATE OR REPLACE TEMP VIEW believed AS "
            f"SELECT *, split_part(event, '.', 1) AS object_type, {self.word()} AS signature, "
            f"{_HAS_UNKNOWN.format(known='is_event_known')} AS has_unknown "
            "FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts)"
        )
        self.run(f"CREATE OR REPLACE TEMP VIEW objects AS {_objects(self.tables)}")
        self.run(f"CREATE OR REPLACE TEMP VIEW changes AS {_changes(self.tables)}")
        self.run(
            statement(
                "tellings",
                event_word=_event_word("b.event"),
                strength=strength_of("signature"),
                known=literals(sorted(known_keys(Event))),
            )
        )
        undated = self.run("SELECT nth FROM tellings WHERE occurred_at IS NULL")
        self.refuse([(nth, _UNDATED, None) for (nth,) in undated])
        self.run("DELETE FROM tellings WHERE occurred_at IS NULL")
        self._name_by_content(batch)
        self.run(
            "CREATE OR REPLACE TEMP TABLE unread AS SELECT nth, body FROM arrivals "
            f"JOIN tellings USING (nth) WHERE object_type NOT IN {tuple(OBJECTS)}"
        )

    def _name_by_content(self, batch: Batch) -> None:
        """Complete the ids of events that only their receipt dates by a digest of what they say."""
        found = self.run(
            "SELECT t.nth, t.event_id, CAST(t.body_digest AS VARCHAR) FROM tellings AS t "
            "WHERE t.is_named_by_content"
        )
        named = []
        for nth, event_id, digest in found:
            # Of a limited store, the digest is one of what is kept, and of nothing else.
            said = digest if self.is_limited else line_digest(batch.content(nth))
            named.append((nth, f"{event_id}{(said or digest).replace('-', '')}"))
        self.update("event_id", named, "VARCHAR", table="tellings")

    def _drop_texts(self) -> None:
        """Let go of what was read, which is most of what a batch takes: it waits to be stored."""
        self.run("ALTER TABLE arrivals DROP COLUMN body")
        for table in self.tables:
            for column in flatten.list_columns(table):
                self.run(f"ALTER TABLE {flatten.rows_table(table)} DROP COLUMN {column}")


def _event_word(event: str) -> str:
    """SQL for the normal word for an event."""
    same = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in SAME_EVENT.items())
    return f"CASE {event} {same} ELSE {event} END"


def _objects(tables: list[ObjectTable]) -> str:
    """SQL for the id and the own instants of each believed object."""
    selects = [
        f"""SELECT nth, bare_object_id AS object_id,
            as_instant(body ->> '$.object.last_updated_at') AS last_updated_at,
            as_instant(body ->> '$.object.created_at') AS created_at
        FROM believed WHERE object_type NOT IN {tuple(OBJECTS)}"""
    ]
    selects += [
        f"SELECT nth, id, last_updated_at, created_at FROM {flatten.rows_table(table)}"
        for table in tables
        if table.parent is None
    ]
    return " UNION ALL ".join(selects)


def _changes(tables: list[ObjectTable]) -> str:
    """SQL for the newest change that each believed object tells."""
    selects = ["SELECT CAST(NULL AS BIGINT) AS nth, CAST(NULL AS TIMESTAMPTZ) AS changed_at"]
    selects += [
        f"SELECT nth, max(changed_at) FROM {flatten.rows_table(table)} GROUP BY nth"
        for table in tables
        if table.list_field == "status_history"
    ]
    return " UNION ALL ".join(selects)


_UNDATED = verdict(
    "contract", "expected an instant: in the event, its object or its envelope", "created_at"
)
