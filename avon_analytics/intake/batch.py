"""One batch of lines through the engine: from bytes to rows of the store, each line ended.

The engine works on all lines at once. Only lines that look odd to it are looked at one by one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files

import duckdb
import pandas as pd

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.event import SAME_EVENT, Event
from avon_analytics.contract.model import known_keys
from avon_analytics.intake import contest, flatten
from avon_analytics.intake.diagnosis import likely_cause
from avon_analytics.intake.engine import literal, literals
from avon_analytics.intake.envelope import PATHS, RECEIVED_PATHS, signed_of
from avon_analytics.intake.hand_over import ArrowLines
from avon_analytics.intake.judge import Verdict, judge_body, judge_line, verdict
from avon_analytics.intake.lines import Batch, LongLine
from avon_analytics.intake.signature import Secrets, hmac_pads
from avon_analytics.intake.strict_json import NotJsonError, RepeatedKeyError, normalise, parse
from avon_analytics.intake.words import CODE_OF_WORD, SIGNATURE_WORDS, Policy
from avon_analytics.store.schema import quote
from avon_analytics.store.tables import ObjectTable, tables_of

_RECEIVED = "{" + ", ".join(f'"{path}": null' for path in RECEIVED_PATHS[:3]) + "}"


@dataclass(slots=True)
class Ended:
    """Where the lines of a batch ended."""

    blank: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    quarantined_by_code: Counter[str] = field(default_factory=Counter)


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/sql``, its placeholders filled with constants of the code."""
    text = files("avon_analytics.intake").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**constants) if constants else text


class Intake:
    """Takes batches of one file into a store.

    Two connections share the work: ``stage`` reads and judges, in temporary tables that are
    replaced with every batch; ``store`` holds the transaction of the file and gets only rows.
    So memory is bounded by the batch, and the transaction by nothing.
    """

    def __init__(
        self,
        store: duckdb.DuckDBPyConnection,
        stage: duckdb.DuckDBPyConnection,
        *,
        load_id: int,
        file: str,
        policy: Policy,
        secrets: Secrets | None,
    ) -> None:
        self._store = store
        self._stage = stage
        self._load_id = load_id
        self._file = file
        self._policy = policy
        self._secrets = secrets

    def take(self, batch: Batch) -> Ended:
        """Bring every line of a batch to its end; the caller holds the transaction."""
        ended = Ended(blank=int(batch.blank.sum()))
        self._set_aside(batch.long_lines, ended)
        if batch.readable.any():
            self._read_envelopes(batch)
            self._judge_lines(batch)
            self._apply_policy(batch)
            self._judge_bodies()
            tables = self._read_objects()
            self._tell_events(tables)
            self._settle_conflicts(batch)
            self._store_rows(tables)
            self._log(batch, ended)
        return ended

    def words(self, batch: Batch) -> Counter[str]:
        """The words on the signatures of a batch, ``unreadable`` for a line that is no delivery."""
        found: Counter[str] = Counter({"unreadable": len(batch.long_lines)})
        if batch.readable.any():
            self._read_envelopes(batch)
            self._judge_lines(batch)
            if self._secrets is not None:
                self._verify_as_it_stands(batch, self._secrets)
            counted = self._run(
                f"SELECT CASE WHEN line IN (SELECT line FROM verdicts) THEN 'unreadable' "
                f"ELSE {self._word()} END, count(*) FROM arrivals GROUP BY ALL"
            )
            found.update({str(word): int(str(n)) for word, n in counted})
        return found

    def _run(self, sql: str, **parameters: object) -> list[tuple[object, ...]]:
        """Run a statement on the stage."""
        return self._stage.execute(sql, parameters or None).fetchall()

    def _hand_over(self, rows: str, into: str, **parameters: object) -> None:
        """Run a statement on the store that reads ``handed``: rows selected on the stage."""
        self._store.register("handed", _Rows(self._stage.sql(rows, params=parameters or None)))
        self._store.execute(into)
        self._store.unregister("handed")

    def _insert(self, table: str, rows: str, **parameters: object) -> None:
        self._hand_over(rows, f"INSERT INTO {table} SELECT * FROM handed", **parameters)

    # -- the line ---------------------------------------------------------------------------

    def _set_aside(self, long_lines: Iterable[LongLine], ended: Ended) -> None:
        for long_line in long_lines:
            fault = verdict("too_long", "expected a line within the limit")
            place = {
                "load_id": self._load_id,
                "file": self._file,
                "line": long_line.line,
                "byte_offset": long_line.byte_offset,
                "byte_length": long_line.byte_length,
            }
            self._store.execute(
                "INSERT INTO quarantine VALUES ($load_id, $file, $line, $byte_offset, "
                "$byte_length, $sha256, 'too_long', $errors, NULL, NULL)",
                {**place, "sha256": long_line.sha256, "errors": fault.errors},
            )
            self._store.execute(
                "INSERT INTO deliveries (load_id, file, line, byte_offset, byte_length, ended, "
                "code) VALUES ($load_id, $file, $line, $byte_offset, $byte_length, "
                "'quarantined', 'too_long')",
                place,
            )
            ended.quarantined += 1
            ended.quarantined_by_code["too_long"] += 1

    def _read_envelopes(self, batch: Batch) -> None:
        secret, parameters = self._secret_that_matches()
        self._stage.register("batch", ArrowLines(batch))
        self._run(
            statement(
                "arrivals",
                paths=literals(PATHS),
                received=_RECEIVED,
                known=literals(sorted(known_keys(Event))),
                secret=secret,
            ),
            **parameters,
        )
        self._stage.unregister("batch")
        self._run(
            "CREATE OR REPLACE TEMP TABLE verdicts "
            "(line BIGINT, code VARCHAR, errors VARCHAR, cause VARCHAR, is_of_line BOOLEAN)"
        )

    def _secret_that_matches(self) -> tuple[str, dict[str, object]]:
        """SQL for the name of the secret under which a line's signature is right, or NULL."""
        if self._secrets is None:
            return "CAST(NULL AS VARCHAR)", {}
        cases: list[str] = []
        parameters: dict[str, object] = {}
        for number, (name, secret) in enumerate(self._secrets.items()):
            inner, outer = hmac_pads(secret)
            parameters |= {f"i{number}": inner, f"o{number}": outer, f"n{number}": name}
            cases.append(
                f"WHEN lower(signature) = sha256($o{number} || "
                f"unhex(sha256($i{number} || signed_bytes))) THEN $n{number}"
            )
        return f"CASE {' '.join(cases)} END", parameters

    def _judge_lines(self, batch: Batch) -> None:
        odd = self._run("SELECT line FROM arrivals WHERE is_odd_line ORDER BY line")
        found = [(int(str(line)), judge_line(batch.content(int(str(line))))) for (line,) in odd]
        self._refuse([(line, fault, None) for line, fault in found if fault], is_of_line=True)

    def _refuse(
        self, verdicts: list[tuple[int, Verdict, str | None]], *, is_of_line: bool = False
    ) -> None:
        if not verdicts:
            return
        rows = [(line, v.code, v.errors, cause, is_of_line) for line, v, cause in verdicts]
        frame = pd.DataFrame(rows, columns=["line", "code", "errors", "cause", "is_of_line"])
        frame["cause"] = frame["cause"].astype("string")
        self._stage.register("refused", frame)
        self._run("INSERT INTO verdicts SELECT * FROM refused")
        self._stage.unregister("refused")

    # -- the signature ----------------------------------------------------------------------

    def _word(self, prefix: str = "") -> str:
        """SQL for the word on a line's signature."""
        if self._policy == "skip":
            return "'unchecked'"
        return (
            f"CASE WHEN {prefix}secret IS NOT NULL THEN 'verified' "
            f"WHEN NOT {prefix}is_signed THEN 'unsigned' "
            f"WHEN {prefix}form = 'parsed' THEN 'unverifiable' ELSE 'mismatch' END"
        )

    def _apply_policy(self, batch: Batch) -> None:
        if self._secrets is not None:
            self._verify_as_it_stands(batch, self._secrets)
        if self._policy != "require":
            return
        unbelieved = self._run(
            f"SELECT line, {self._word()} AS word FROM arrivals "
            "WHERE secret IS NULL AND line NOT IN (SELECT line FROM verdicts) ORDER BY line"
        )
        refused: list[tuple[int, Verdict, str | None]] = []
        for line_, word in unbelieved:
            line, code = int(str(line_)), CODE_OF_WORD[str(word)]
            cause = None
            if code == "signature_mismatch" and self._secrets is not None:
                signed = signed_of(batch.content(line).decode("utf-8", "replace"))
                cause = likely_cause(signed, self._secrets) if signed else None
            refused.append((line, verdict(code, _EXPECTED[code]), cause))
        self._refuse(refused)

    def _verify_as_it_stands(self, batch: Batch, secrets: Secrets) -> None:
        """Parsed envelopes whose body, as it stands in the line, is what was signed."""
        lines = self._run(
            "SELECT line FROM arrivals WHERE form = 'parsed' AND is_signed AND secret IS NULL"
        )
        for (line,) in lines:
            signed = signed_of(batch.content(int(str(line))).decode("utf-8", "replace"))
            if signed is None:
                continue
            for candidate in signed.candidates:
                if name := secrets.matching(candidate, signed.signature):
                    self._run(
                        "UPDATE arrivals SET secret = $name WHERE line = $line",
                        name=name,
                        line=line,
                    )
                    break

    # -- the body ---------------------------------------------------------------------------

    def _judge_bodies(self) -> None:
        """Look at odd bodies that are believed; respell for the engine those that are well."""
        self._want("line NOT IN (SELECT line FROM verdicts)")
        self._respell(
            """SELECT line, body FROM arrivals
            WHERE line NOT IN (SELECT line FROM verdicts) AND (is_odd_body OR body_shape IN (
                SELECT body_shape FROM (
                    SELECT body_shape, any_value(body) AS body
                    FROM arrivals GROUP BY body_shape
                ) WHERE coalesce(has_repeated_keys(if_json(body)), true)))"""
        )
        hard = self._run(
            "SELECT line, body FROM arrivals "
            "WHERE is_odd_digest AND line NOT IN (SELECT line FROM verdicts)"
        )
        digests = [(line, _digest(str(body))) for line, body in hard]
        self._update_arrivals("body_digest", [d for d in digests if d[1] is not None], "UUID")

    def _respell(self, odd_bodies: str) -> list[int]:
        """Judge the bodies of a query; returns the lines that now read well."""
        refused: list[tuple[int, Verdict, str | None]] = []
        spelled: list[tuple[object, object]] = []
        for line, body in self._run(odd_bodies):
            found = verdict("not_utf8", "expected UTF-8") if body is None else judge_body(str(body))
            if isinstance(found, Verdict):
                refused.append((int(str(line)), found, None))
            else:
                spelled.append((line, found))
        self._refuse(refused)
        self._update_arrivals("body", spelled, "VARCHAR")
        if spelled:
            lines = ", ".join(str(line) for line, _ in spelled)
            self._run(
                f"""UPDATE arrivals SET
                    event = body ->> '$.event',
                    created_at = as_instant(body ->> '$.created_at'),
                    delivery_id = as_id(body ->> '$.id', NULL)
                WHERE line IN ({lines})"""
            )
        return [int(str(line)) for line, _ in spelled]

    def _update_arrivals(
        self, column: str, values: list[tuple[object, object]], sql_type: str
    ) -> None:
        if not values:
            return
        self._stage.register("new_values", pd.DataFrame(values, columns=["line", "value"]))
        self._run(
            f"UPDATE arrivals SET {column} = CAST(n.value AS {sql_type}) "
            "FROM new_values AS n WHERE n.line = arrivals.line"
        )
        self._stage.unregister("new_values")

    def _read_objects(self) -> list[ObjectTable]:
        """Read the rows of all objects in the batch; returns the tables that have any."""
        present = {row[0] for row in self._run("SELECT DISTINCT object_type FROM wanted")}
        tables: list[ObjectTable] = []
        for object_type in (object_type for object_type in OBJECTS if object_type in present):
            root, *lists = tables_of(object_type)
            self._run(flatten.create_statement(root))
            tables.append(root)
            if lists:
                tests = ", ".join(flatten.has_items(table) for table in lists)
                (found,) = self._run(f"SELECT {tests} FROM {flatten.rows_table(root)}")
                tables += [table for table, has in zip(lists, found, strict=True) if has]
        for table in tables:
            if table.parent is not None:
                self._run(flatten.create_statement(table))
        if tables:
            odd = " UNION ".join(
                f"SELECT line FROM {flatten.rows_table(table)} WHERE is_odd" for table in tables
            )
            self._reread([int(str(line)) for (line,) in self._run(odd)], tables)
        return tables

    def _reread(self, odd: list[int], tables: list[ObjectTable]) -> None:
        """Judge the bodies of odd rows; read those again that are well."""
        if not odd:
            return
        lines = ", ".join(map(str, odd))
        mended = self._respell(f"SELECT line, body FROM arrivals WHERE line IN ({lines})")
        for table in tables:
            self._run(f"DELETE FROM {flatten.rows_table(table)} WHERE line IN ({lines})")
        if mended:
            self._want(f"line IN ({', '.join(map(str, mended))})")
            for table in tables:
                self._run(flatten.insert_statement(table))

    def _want(self, condition: str) -> None:
        """Say which bodies are to be read."""
        self._run(
            "CREATE OR REPLACE TEMP VIEW wanted AS "
            "SELECT line, split_part(event, '.', 1) AS object_type, body "
            f"FROM arrivals WHERE {condition}"
        )

    # -- the event --------------------------------------------------------------------------

    def _tell_events(self, tables: list[ObjectTable]) -> None:
        self._run(
            f"CREATE OR REPLACE TEMP VIEW believed AS "
            f"SELECT *, split_part(event, '.', 1) AS object_type, {self._word()} AS signature "
            f"FROM arrivals WHERE line NOT IN (SELECT line FROM verdicts)"
        )
        nothing = "CAST(NULL AS TIMESTAMP WITH TIME ZONE)"
        objects = [
            f"SELECT line, bare_object_id AS object_id, as_instant(body ->> "
            f"'$.object.last_updated_at') AS last_updated_at, "
            f"as_instant(body ->> '$.object.created_at') AS created_at FROM believed "
            f"WHERE object_type NOT IN {tuple(OBJECTS)}"
        ]
        changes = [f"SELECT CAST(NULL AS BIGINT) AS line, {nothing} AS changed_at"]
        for table in tables:
            rows = flatten.rows_table(table)
            if table.parent is None:
                objects.append(
                    f"SELECT line, id AS object_id, last_updated_at, created_at FROM {rows}"
                )
            elif table.list_field == "status_history":
                changes.append(f"SELECT line, max(changed_at) FROM {rows} GROUP BY line")
        self._run("CREATE OR REPLACE TEMP VIEW objects AS " + " UNION ALL ".join(objects))
        self._run("CREATE OR REPLACE TEMP VIEW changes AS " + " UNION ALL ".join(changes))
        same = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in SAME_EVENT.items())
        self._run(statement("tellings", same_events=same, strength=_strength("signature")))
        undated = self._run("SELECT line FROM tellings WHERE occurred_at IS NULL")
        self._refuse([(int(str(line)), _UNDATED, None) for (line,) in undated])
        self._run("DELETE FROM tellings WHERE occurred_at IS NULL")
        self._recall()

    def _recall(self) -> None:
        """Fetch what the store knows of the events that the batch tells."""
        # Held in between: a connection cannot be read while it reads from another.
        told = self._stage.execute("SELECT DISTINCT event_id FROM tellings").df()
        self._store.register("handed", told)
        known = self._store.sql(
            "SELECT event_id, body_digest, CASE WHEN signature = 'verified' THEN 0 ELSE 1 END "
            "AS strength, received_at, file, line, byte_offset, byte_length "
            "FROM events WHERE event_id IN (SELECT event_id FROM handed)"
        )
        self._stage.register("recalled", _Rows(known))
        self._run("CREATE OR REPLACE TEMP TABLE known_events AS SELECT * FROM recalled")
        self._stage.unregister("recalled")
        self._store.unregister("handed")

    def _settle_conflicts(self, batch: Batch) -> None:
        found = contest.contestants(self._stage, batch)
        lost = contest.losers(found)
        self._refuse([(c.line, _CONFLICT, None) for c in lost if c.line is not None])
        for event_id in {c.event_id for c in lost if c.is_stored}:
            contest.displace(self._store, event_id, _CONFLICT.errors)
            self._run("DELETE FROM known_events WHERE event_id = $event_id", event_id=event_id)

    # -- the rows ---------------------------------------------------------------------------

    def _store_rows(self, tables: list[ObjectTable]) -> None:
        word = _word_of("c.strength")
        self._run(statement("classes"))
        self._insert("events", statement("new_events", word=word), file=self._file)
        if self._run("SELECT 1 FROM classes WHERE is_known LIMIT 1"):
            self._hand_over(
                statement("told_again", word=word),
                statement(
                    "known_events",
                    stored_strength=_strength("e.signature"),
                    is_earlier=_IS_EARLIER,
                ),
                file=self._file,
            )
            self._date_versions_anew(tables)
        for table in tables:
            self._insert(quote(table.versions), _version_rows(table))
        self._insert("other_objects", statement("other_objects", known=str(tuple(OBJECTS))))

    def _date_versions_anew(self, tables: list[ObjectTable]) -> None:
        # An earlier receipt orders versions of the same instant anew.
        for versions in (quote(table.versions) for table in tables if table.parent is None):
            self._hand_over(
                "SELECT event_id, received_at FROM classes WHERE is_known",
                f"UPDATE {versions} AS v SET received_at = h.received_at FROM handed AS h "
                "WHERE v.event_id = h.event_id AND v.received_at > h.received_at",
            )

    # -- the log ----------------------------------------------------------------------------

    def _log(self, batch: Batch, ended: Ended) -> None:
        self._insert(
            "deliveries",
            statement("deliveries", word=self._word("a.")),
            load_id=self._load_id,
            file=self._file,
        )
        refused = self._run(
            "SELECT v.line, a.byte_offset, a.byte_length, v.code, v.errors, v.cause "
            "FROM verdicts AS v JOIN arrivals AS a ON a.line = v.line ORDER BY v.line"
        )
        if refused:
            self._quarantine(refused, batch)
            ended.quarantined += len(refused)
            ended.quarantined_by_code.update(str(row[3]) for row in refused)
        told, new = self._run(
            "SELECT coalesce(sum(n_deliveries), 0), count(*) FILTER (WHERE NOT is_known) "
            "FROM classes"
        )[0]
        ended.loaded += int(str(new))
        ended.duplicate += int(str(told)) - int(str(new))

    def _quarantine(self, refused: list[tuple[object, ...]], batch: Batch) -> None:
        columns = ["line", "byte_offset", "byte_length", "code", "errors", "cause"]
        frame = pd.DataFrame(refused, columns=columns)
        frame["cause"] = frame["cause"].astype("string")
        frame["content"] = [batch.content(int(line)) for line in frame["line"]]
        frame["sha256"] = [hashlib.sha256(line).hexdigest() for line in frame["content"]]
        self._store.register("handed", frame)
        self._store.execute(
            "INSERT INTO quarantine SELECT $load_id, $file, line, byte_offset, byte_length, "
            "sha256, code, errors, cause, content FROM handed",
            {"load_id": self._load_id, "file": self._file},
        )
        self._store.unregister("handed")


# The place of an event is that of its earliest receipt; the path and line decide a tie.
_IS_EARLIER = (
    "(coalesce(h.received_at, TIMESTAMPTZ 'infinity'), h.file, h.line) < "
    "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line)"
)


class _Rows:
    """The rows of a query as an Arrow stream, for another connection to read."""

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._relation.__arrow_c_stream__(requested_schema)


def _version_rows(table: ObjectTable) -> str:
    rows = flatten.rows_table(table)
    fields = ", ".join(f"r.{quote(column.name)}" for column in table.field_columns)
    extra = ", r.extra" if table.model is not None else ""
    keys = (
        "t.event_id, t.event, t.occurred_at, c.received_at"
        if table.parent is None
        else "t.event_id, t.occurred_at, r.parent_id, r.position"
    )
    return (
        f"SELECT {keys}, {fields}{extra} "
        f"FROM {rows} AS r JOIN classes AS c ON c.first_line = r.line "
        f"JOIN tellings AS t ON t.line = r.line WHERE NOT c.is_known"
    )


def _strength(column: str) -> str:
    """SQL for how strong a signature word is: the smaller, the stronger."""
    cases = " ".join(f"WHEN '{word}' THEN {n}" for n, word in enumerate(SIGNATURE_WORDS))
    return f"CASE {column} {cases} END"


def _word_of(column: str) -> str:
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(SIGNATURE_WORDS))
    return f"CASE {column} {cases} END"


def _digest(body: str) -> str | None:
    try:
        text = normalise(parse(body, exact=True))
    except (NotJsonError, RepeatedKeyError, RecursionError):
        return None
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


_EXPECTED = {
    "unsigned": "expected a signature in the header avon-signature",
    "unverifiable": "expected the body as it was sent; it was parsed, so its bytes are lost",
    "signature_mismatch": "expected the HMAC-SHA256 of the body under one of the secrets",
}
_UNDATED = verdict(
    "contract", "expected an instant: in the event, its object or its envelope", "created_at"
)
_CONFLICT = verdict("conflict", "expected one content for one event id; another line won")
