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
from functools import partial
from importlib.resources import files
from typing import Any

import duckdb
import pandas as pd

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import SAME_EVENT, Event
from avon_analytics.contract.model import known_keys
from avon_analytics.intake import flatten, limited
from avon_analytics.intake.batch import Batch
from avon_analytics.intake.clock import Clock
from avon_analytics.intake.diagnosis import causes
from avon_analytics.intake.engine import literal, literals, prepare
from avon_analytics.intake.envelope import (
    EVENT_STRUCTURE,
    KEYED_PATHS,
    RECEIVED_PATHS,
    STRUCTURE,
    Signed,
    line_digest,
    signed_of,
)
from avon_analytics.intake.hand_over import ArrowLines
from avon_analytics.intake.judge import Verdict, judge_body, judge_line, verdict
from avon_analytics.intake.shapes import Keys, Shapes
from avon_analytics.intake.signature import Secrets, hmac_pads
from avon_analytics.intake.strict_json import body_digest
from avon_analytics.intake.words import CODE_OF_WORD, Policy, strength_of
from avon_analytics.store.memory import Bound
from avon_analytics.store.tables import ObjectTable, tables_of

# What an envelope without a body adds to its event; it is no part of what the event says.
_RECEIVED = "{" + ", ".join(f'"{path}": null' for path in RECEIVED_PATHS[:3]) + "}"

_RESPELLED = 0  # the shape of bodies that are spelled anew
_ODD = "(SELECT unnest(CAST($odd AS UBIGINT[])))"
_HAS_UNKNOWN = "body_shape IN (SELECT body_shape FROM unknown_shapes WHERE NOT {known})"

Refusal = tuple[int, Verdict, str | None]


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/sql``, its placeholders filled with constants of the code."""
    text = files("avon_analytics.intake").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**constants) if constants else text


class Stage:
    """Reads and judges batches, under a policy and some secrets.

    ``is_limited`` says that the store to be filled keeps a limited data set only, and
    ``keeps_texts`` that somebody looks at the bodies after they were read. ``bound`` is what the
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
        self.bound = bound or Bound()
        self._keeps_texts = keeps_texts
        self._policy = policy
        self._secrets = secrets
        self._shapes = Shapes()
        self._n_matches: Counter[str] = Counter()  # in the batch read last, by name of the secret
        self.tables: list[ObjectTable] = []  # those of which the batch read last has rows
        self.is_limited = is_limited
        self.clock = clock or Clock()
        connection.execute("SET TimeZone = 'UTC'")
        prepare(connection)

    def run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; returns all its rows."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def room_for(self, batch: Batch) -> AbstractContextManager[None]:
        """Meanwhile the engine may hold what a batch needs: where its lines are long, much."""
        return self.bound.lifted() if batch.is_heavy else nullcontext()

    def read(self, batch: Batch) -> None:
        """Bring a batch to ``tellings``, ``rows_…`` and ``verdicts``."""
        try:
            with self.room_for(batch):
                self._read(batch)
        except duckdb.OutOfMemoryException:
            if batch.is_heavy:
                raise
            with self.bound.lifted():  # it needs more than it looks
                self._read(batch)

    def _read(self, batch: Batch) -> None:
        # Replaced, a table would be held until the new one is whole.
        for name in ("arrivals", "tellings", *map(flatten.rows_table, self.tables)):
            self.run(f"DROP TABLE IF EXISTS {name}")
        self.tables = []
        if batch.readable.any():
            with self.clock.timing("open and verify"):
                self._read_envelopes(batch)
            with self.clock.timing("judge"):
                self._judge_lines(batch)
                self._apply_policy(batch)
                self._judge_numbers(batch)
                self._judge_bodies()
            with self.clock.timing("flatten"):
                self.tables = self._read_objects()
                if self.is_limited:
                    limited.tell_by_what_is_kept(self, self.tables)
            with self.clock.timing("identify"):
                self._tell_events(self.tables)
                if not self._keeps_texts:
                    self._drop_texts()

    def identify(self, batch: Batch) -> None:
        """Bring a batch to ``identities``: which event each line tells if it is believed."""
        arrivals = self._arrivals("CAST(NULL AS VARCHAR)")
        select = arrivals.partition("arrivals AS\n")[2]
        identities = statement("identities", arrivals=select, object_id=flatten.object_id("event"))
        self.connection.register("batch", ArrowLines(batch))
        self.run(identities, files=list(batch.files))
        self.connection.unregister("batch")

    def words(self, batch: Batch) -> Counter[str]:
        """The words on the signatures of a batch, ``unreadable`` for a line that is no delivery."""
        found: Counter[str] = Counter({"unreadable": len(batch.long_lines)})
        if batch.readable.any():
            self._read_envelopes(batch)
            self._judge_lines(batch)
            self._verify_as_it_stands(batch)
            counted = self.run(
                f"SELECT CASE WHEN nth IN (SELECT nth FROM verdicts) THEN 'unreadable' "
                f"ELSE {self.word()} END, count(*) FROM arrivals GROUP BY ALL"
            )
            found.update(dict(counted))
        return found

    def digests(self, batch: Batch) -> list[tuple[int, str]]:
        """What the bodies of a batch say: the number of a line, and its digest."""
        self._read_envelopes(batch)
        self._judge_numbers(batch)
        found = self.run("SELECT line, body_digest FROM arrivals WHERE body_digest IS NOT NULL")
        return [(line, str(digest)) for line, digest in found]

    def word(self, prefix: str = "") -> str:
        """SQL for the word on a line's signature."""
        if self._policy == "skip":
            return "'unchecked'"
        return (
            f"CASE WHEN {prefix}secret IS NOT NULL THEN 'verified' "
            f"WHEN NOT {prefix}is_signed THEN 'unsigned' "
            f"WHEN {prefix}form = 'parsed' THEN 'unverifiable' ELSE 'mismatch' END"
        )

    def refuse(self, refused: list[Refusal], *, is_of_line: bool = False) -> None:
        """Write verdicts: these lines do not load."""
        if not refused:
            return
        rows = [(nth, v.code, v.errors, cause, is_of_line) for nth, v, cause in refused]
        frame = pd.DataFrame(rows, columns=["nth", "code", "errors", "cause", "is_of_line"])
        self.connection.register("refused", frame.astype({"cause": "string"}))
        self.run("INSERT INTO verdicts SELECT * FROM refused")
        self.connection.unregister("refused")

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

    def _judge_lines(self, batch: Batch) -> None:
        found = self.run(
            "SELECT line_shape, min(nth), NULL FROM arrivals WHERE NOT is_odd_line GROUP BY ALL"
        )
        told = self._shapes.told(found, lambda nths: self._keys([batch.text(n) for n in nths]))
        odd = self.run(
            f"SELECT nth FROM arrivals WHERE is_odd_line OR line_shape IN {_ODD} ORDER BY nth",
            odd=[shape for shape, what in told.items() if what.has_repeats],
        )
        verdicts = [(nth, judge_line(batch.content(nth))) for (nth,) in odd]
        self.refuse([(nth, fault, None) for nth, fault in verdicts if fault], is_of_line=True)

    def _apply_policy(self, batch: Batch) -> None:
        self._verify_as_it_stands(batch)
        if self._policy != "require":
            return
        for word, code in CODE_OF_WORD.items():
            self.run(
                f"""INSERT INTO verdicts SELECT nth, $code, $errors, NULL, false FROM arrivals
                WHERE secret IS NULL AND {self.word()} = $word
                  AND nth NOT IN (SELECT nth FROM verdicts)""",
                code=code,
                errors=verdict(code, _EXPECTED[code]).errors,
                word=word,
            )
        self._diagnose(batch)

    def _diagnose(self, batch: Batch) -> None:
        """Name the likely causes of mismatches."""
        if self._secrets is None:
            return
        mismatches = self.run(
            "SELECT v.nth, a.file FROM verdicts AS v JOIN arrivals AS a ON a.nth = v.nth "
            "WHERE v.code = 'signature_mismatch' ORDER BY v.nth"
        )
        found = causes(
            ((nth, file, partial(_signed, batch, nth)) for nth, file in mismatches), self._secrets
        )
        self._update("cause", found, "VARCHAR", table="verdicts")

    def _verify_as_it_stands(self, batch: Batch) -> None:
        """Parsed envelopes whose body, as it stands in the line, is what was signed."""
        if self._secrets is None:
            return
        lines = self.run(
            "SELECT nth FROM arrivals WHERE form = 'parsed' AND is_signed AND secret IS NULL"
        )
        found = []
        for (nth,) in lines:
            signed = signed_of(batch.content(nth).decode("utf-8", "replace"))
            names = signed and [
                self._secrets.matching(body, signed.signature) for body in signed.candidates
            ]
            found += [(nth, name) for name in names or [] if name][:1]
        self._update("secret", found, "VARCHAR")

    # -- the body ---------------------------------------------------------------------------

    def _judge_bodies(self) -> None:
        """Look at odd bodies that are believed; respell for the engine those that are well."""
        found = self.run(
            "SELECT body_shape, min(nth), any_value(split_part(event, '.', 1)) "
            "FROM arrivals WHERE NOT is_odd_body GROUP BY body_shape"
        )
        told = self._shapes.told(found, lambda nths: self._keys(self._bodies(nths)))
        unknown = [(_RESPELLED, False, False)]
        for shape, what in told.items():
            if not (what.is_event_known and what.is_object_known):
                unknown.append((shape, what.is_event_known, what.is_object_known))
        self.run(
            "CREATE OR REPLACE TEMP TABLE unknown_shapes AS SELECT unnest($shapes::UBIGINT[]) "
            "AS body_shape, unnest($a::BOOLEAN[]) AS is_event_known, "
            "unnest($b::BOOLEAN[]) AS is_object_known",
            **dict(zip(("shapes", "a", "b"), map(list, zip(*unknown, strict=True)), strict=True)),
        )
        self._respell(
            "SELECT nth, body FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts) "
            f"AND (is_odd_body OR body_shape IN {_ODD}) ORDER BY nth",
            odd=[shape for shape, what in told.items() if what.has_repeats],
        )
        self._want("nth NOT IN (SELECT nth FROM verdicts)")

    def _keys(self, texts: list[str]) -> list[Keys]:
        found = self.run(
            "SELECT all_keys(text) FROM (SELECT unnest($texts) AS text, "
            "generate_subscripts($texts, 1) AS nth) ORDER BY nth",
            texts=texts,
        )
        return [keys for (keys,) in found]

    def _bodies(self, nths: list[int]) -> list[str]:
        found = self.run("SELECT nth, body FROM arrivals WHERE nth IN (SELECT unnest($n))", n=nths)
        bodies: dict[int, str] = dict(found)
        return [bodies[nth] for nth in nths]

    def _respell(self, odd_bodies: str, **parameters: object) -> list[int]:
        """Judge the bodies of a query; returns the lines that now read well."""
        refused: list[Refusal] = []
        spelled: list[tuple[int, str]] = []
        for nth, body in self.run(odd_bodies, **parameters):
            found = verdict("not_utf8", "expected UTF-8") if body is None else judge_body(body)
            if isinstance(found, Verdict):
                refused.append((nth, found, None))
            else:
                spelled.append((nth, found))
        self.refuse(refused)
        self._update("body", spelled, "VARCHAR")
        lines = [nth for nth, _ in spelled]
        if lines:
            self.run(
                f"""UPDATE arrivals SET
                    event = body ->> '$.event',
                    created_at = as_instant(body ->> '$.created_at'),
                    delivery_id = as_id(body ->> '$.id', NULL),
                    body_shape = {_RESPELLED}
                WHERE nth IN (SELECT unnest($lines))""",
                lines=lines,
            )
        return lines

    def _update(
        self, column: str, values: list[tuple[int, str]], sql_type: str, table: str = "arrivals"
    ) -> None:
        if not values:
            return
        self.connection.register("new_values", pd.DataFrame(values, columns=["nth", "value"]))
        self.run(
            f"UPDATE {table} AS t SET {column} = CAST(n.value AS {sql_type}) "
            "FROM new_values AS n WHERE n.nth = t.nth"
        )
        self.connection.unregister("new_values")

    def _want(self, condition: str) -> None:
        """Say which bodies are to be read."""
        self.run(
            "CREATE OR REPLACE TEMP VIEW wanted AS "
            f"SELECT nth, split_part(event, '.', 1) AS object_type, body, "
            f"{_HAS_UNKNOWN.format(known='is_object_known')} AS has_unknown "
            f"FROM arrivals WHERE {condition}"
        )

    def _judge_numbers(self, batch: Batch) -> None:
        """Digests of bodies with numbers that the engine does not compare exactly."""
        hard = self.run(
            "SELECT nth, form, body FROM arrivals "
            "WHERE is_odd_digest AND body IS NOT NULL AND nth NOT IN (SELECT nth FROM verdicts)"
        )
        digests = []
        for nth, form, body in hard:
            # Taking a value out of a line rewrites its numbers.
            is_rewritten = form in ("parsed", "bare")
            digest = line_digest(batch.content(nth)) if is_rewritten else body_digest(body)
            if digest:
                digests.append((nth, digest))
        self._update("body_digest", digests, "UUID")

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
        mended = self._respell(f"SELECT nth, body FROM arrivals WHERE nth IN ({lines})")
        for table in tables:
            self.run(f"DELETE FROM {flatten.rows_table(table)} WHERE nth IN ({lines})")
        if mended:
            self._want(f"nth IN ({', '.join(map(str, mended))})")
            for table in tables:
                self.run(flatten.insert_statement(table))

    # -- the event --------------------------------------------------------------------------

    def _tell_events(self, tables: list[ObjectTable]) -> None:
        self.run(
            "CREATE OR REPLACE TEMP VIEW believed AS "
            f"SELECT *, split_part(event, '.', 1) AS object_type, {self.word()} AS signature, "
            f"{_HAS_UNKNOWN.format(known='is_event_known')} AS has_unknown "
            "FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts)"
        )
        self.run(f"CREATE OR REPLACE TEMP VIEW objects AS {_objects(tables)}")
        self.run(f"CREATE OR REPLACE TEMP VIEW changes AS {_changes(tables)}")
        same = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in SAME_EVENT.items())
        self.run(
            statement(
                "tellings",
                same_events=same,
                strength=strength_of("signature"),
                known=literals(sorted(known_keys(Event))),
            )
        )
        undated = self.run("SELECT nth FROM tellings WHERE occurred_at IS NULL")
        self.refuse([(nth, _UNDATED, None) for (nth,) in undated])
        self.run("DELETE FROM tellings WHERE occurred_at IS NULL")
        self.run(
            "CREATE OR REPLACE TEMP TABLE unread AS SELECT nth, body FROM arrivals "
            f"JOIN tellings USING (nth) WHERE object_type NOT IN {tuple(OBJECTS)}"
        )

    def _drop_texts(self) -> None:
        """Let go of what was read, which is most of what a batch takes: it waits to be stored."""
        self.run("ALTER TABLE arrivals DROP COLUMN body")
        for table in self.tables:
            for column in flatten.list_columns(table):
                self.run(f"ALTER TABLE {flatten.rows_table(table)} DROP COLUMN {column}")


def _signed(batch: Batch, nth: int) -> Signed | None:
    return signed_of(batch.content(nth).decode("utf-8", "replace"))


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


_EXPECTED = {
    "unsigned": "expected a signature in the header avon-signature",
    "unverifiable": "expected the body as it was sent; it was parsed, so its bytes are lost",
    "signature_mismatch": "expected the HMAC-SHA256 of the body under one of the secrets",
}
_UNDATED = verdict(
    "contract", "expected an instant: in the event, its object or its envelope", "created_at"
)
