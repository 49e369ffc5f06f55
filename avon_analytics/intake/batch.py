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
    """Takes batches of one file into the store that the connection has open for writing."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        load_id: int,
        file: str,
        policy: Policy,
        secrets: Secrets | None,
    ) -> None:
        self._connection = connection
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
            types = self._read_objects()
            self._tell_events(types)
            self._settle_conflicts(batch)
            self._store_rows(types)
            self._log(batch, ended)
        return ended

    def _run(self, sql: str, **parameters: object) -> list[tuple[object, ...]]:
        return self._connection.execute(sql, parameters or None).fetchall()  # type: ignore[no-any-return]

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
            self._run(
                "INSERT INTO quarantine VALUES ($load_id, $file, $line, $byte_offset, "
                "$byte_length, $sha256, 'too_long', $errors, NULL, NULL)",
                sha256=long_line.sha256,
                errors=fault.errors,
                **place,
            )
            self._run(
                "INSERT INTO deliveries (load_id, file, line, byte_offset, byte_length, ended, "
                "code) VALUES ($load_id, $file, $line, $byte_offset, $byte_length, "
                "'quarantined', 'too_long')",
                **place,
            )
            ended.quarantined += 1
            ended.quarantined_by_code["too_long"] += 1

    def _read_envelopes(self, batch: Batch) -> None:
        secret, parameters = self._secret_that_matches()
        self._connection.register("batch", ArrowLines(batch))
        try:
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
        finally:
            self._connection.unregister("batch")
        self._run(
            "CREATE OR REPLACE TEMP TABLE verdicts "
            "(line BIGINT, code VARCHAR, errors VARCHAR, cause VARCHAR, is_of_line BOOLEAN)"
        )

    def _secret_that_matches(self) -> tuple[str, dict[str, object]]:
        """SQL for the name of the secret under which a line's signature is right, or NULL."""
        if self._secrets is None:
            return "CAST(NULL AS VARCHAR)", {}
        cases, parameters = [], {}
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
        self._connection.register("refused", frame)
        self._run("INSERT INTO verdicts SELECT * FROM refused")
        self._connection.unregister("refused")

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
        self._run(
            "CREATE OR REPLACE TEMP VIEW wanted AS "
            "SELECT line, split_part(event, '.', 1) AS object_type, body FROM arrivals "
            "WHERE line NOT IN (SELECT line FROM verdicts)"
        )
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
            found = (
                verdict("not_utf8", "expected UTF-8") if body is None else judge_body(str(body))
            )
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
        self._connection.register("new_values", pd.DataFrame(values, columns=["line", "value"]))
        self._run(
            f"UPDATE arrivals SET {column} = CAST(n.value AS {sql_type}) "
            "FROM new_values AS n WHERE n.line = arrivals.line"
        )
        self._connection.unregister("new_values")

    def _read_objects(self) -> list[str]:
        """Read the rows of every object type in the batch; returns the types."""
        present = {row[0] for row in self._run("SELECT DISTINCT object_type FROM wanted")}
        types = [object_type for object_type in OBJECTS if object_type in present]
        tables = [table for object_type in types for table in tables_of(object_type)]
        for object_type in types:
            for create in flatten.create_statements(object_type):
                self._run(create)
        if tables:
            union = " UNION ".join(
                f"SELECT line FROM {flatten.rows_table(t)} WHERE is_odd" for t in tables
            )
            self._run(f"CREATE OR REPLACE TEMP TABLE odd_rows AS {union}")
            self._reread(types, tables)
        return types

    def _reread(self, types: list[str], tables: list[ObjectTable]) -> None:
        mended = self._respell(
            "SELECT line, body FROM arrivals WHERE line IN (SELECT line FROM odd_rows)"
        )
        for table in tables:
            rows = flatten.rows_table(table)
            self._run(f"DELETE FROM {rows} WHERE line IN (SELECT line FROM odd_rows)")
        if not mended:
            return
        self._run(
            "CREATE OR REPLACE TEMP VIEW wanted AS "
            "SELECT line, split_part(event, '.', 1) AS object_type, body FROM arrivals "
            f"WHERE line IN ({', '.join(map(str, mended))})"
        )
        for object_type in types:
            for insert in flatten.insert_statements(object_type):
                self._run(insert)

    # -- the event --------------------------------------------------------------------------

    def _tell_events(self, types: list[str]) -> None:
        self._run(
            f"CREATE OR REPLACE TEMP VIEW believed AS "
            f"SELECT *, split_part(event, '.', 1) AS object_type, {self._word()} AS signature "
            f"FROM arrivals WHERE line NOT IN (SELECT line FROM verdicts)"
        )
        nothing = "CAST(NULL AS TIMESTAMP WITH TIME ZONE)"
        objects = [f"SELECT line, bare_object_id AS object_id, as_instant(body ->> "
                   f"'$.object.last_updated_at') AS last_updated_at, "
                   f"as_instant(body ->> '$.object.created_at') AS created_at FROM believed "
                   f"WHERE object_type NOT IN {tuple(OBJECTS)}"]
        changes = [f"SELECT CAST(NULL AS BIGINT) AS line, {nothing} AS changed_at"]
        for table in (table for object_type in types for table in tables_of(object_type)):
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
        self._run(
            "CREATE OR REPLACE TEMP TABLE known_events AS "
            f"SELECT event_id, body_digest, CASE WHEN signature = 'verified' THEN 0 ELSE 1 END "
            "AS strength, received_at, file, line, byte_offset, byte_length "
            "FROM events WHERE event_id IN (SELECT event_id FROM tellings)"
        )

    def _settle_conflicts(self, batch: Batch) -> None:
        contestants = contest.contestants(self._connection, batch)
        if not contestants:
            return
        lost = contest.losers(contestants)
        self._refuse([(c.line, _CONFLICT, None) for c in lost if c.line is not None])
        for event_id in {c.event_id for c in lost if c.is_stored}:
            contest.displace(self._connection, event_id, self._load_id, _CONFLICT.errors)
            self._run("DELETE FROM known_events WHERE event_id = $event_id", event_id=event_id)

    def _store_rows(self, types: list[str]) -> None:
        word = _word_of("c.strength")
        self._run(statement("classes"))
        self._run(statement("new_events", word=word), file=self._file)
        earlier = (
            "(coalesce(c.received_at, TIMESTAMPTZ 'infinity'), $file, p.line) < "
            "(coalesce(e.received_at, TIMESTAMPTZ 'infinity'), e.file, e.line)"
        )
        known = self._run("SELECT count(*) FROM classes WHERE is_known")
        if known[0][0]:
            self._run(
                statement(
                    "known_events",
                    word=word,
                    stored_strength=_strength("e.signature"),
                    is_earlier=earlier,
                ),
                file=self._file,
            )
            self._date_versions_anew(types)
        for table in (table for object_type in types for table in tables_of(object_type)):
            self._run(_insert_versions(table))
        self._run(
            """INSERT INTO other_objects
            SELECT t.event_id, t.event, t.occurred_at, t.object_type, t.object_id,
                b.body -> '$.object'
            FROM classes AS c
            JOIN tellings AS t ON t.line = c.first_line
            JOIN believed AS b ON b.line = t.line
            WHERE NOT c.is_known AND t.object_type NOT IN """
            + str(tuple(OBJECTS))
        )

    def _date_versions_anew(self, types: list[str]) -> None:
        # An earlier receipt orders versions of the same instant anew.
        for object_type in types:
            versions = quote(tables_of(object_type)[0].versions)
            self._run(
                f"UPDATE {versions} AS v SET received_at = c.received_at FROM classes AS c "
                "WHERE c.is_known AND v.event_id = c.event_id AND v.received_at > c.received_at"
            )

    # -- the log ----------------------------------------------------------------------------

    def _log(self, batch: Batch, ended: Ended) -> None:
        self._run(
            statement("deliveries", word=self._word("a.")), load_id=self._load_id, file=self._file
        )
        refused = self._run(
            "SELECT v.line, v.code, v.errors, v.cause, a.byte_offset, a.byte_length "
            "FROM verdicts AS v JOIN arrivals AS a ON a.line = v.line ORDER BY v.line"
        )
        if refused:
            frame = pd.DataFrame(
                refused,
                columns=["line", "code", "errors", "cause", "byte_offset", "byte_length"],
            )
            content = [batch.content(int(line)) for line in frame["line"]]
            frame["content"] = content
            frame["sha256"] = [hashlib.sha256(line).hexdigest() for line in content]
            frame["cause"] = frame["cause"].astype("string")
            self._connection.register("refused", frame)
            self._run(
                "INSERT INTO quarantine SELECT $load_id, $file, line, byte_offset, byte_length, "
                "sha256, code, errors, cause, content FROM refused",
                load_id=self._load_id,
                file=self._file,
            )
            self._connection.unregister("refused")
            ended.quarantined += len(frame)
            ended.quarantined_by_code.update(frame["code"])
        told, new = self._run(
            "SELECT coalesce(sum(n_deliveries), 0), count(*) FILTER (WHERE NOT is_known) "
            "FROM classes"
        )[0]
        ended.loaded += int(str(new))
        ended.duplicate += int(str(told)) - int(str(new))


def _insert_versions(table: ObjectTable) -> str:
    rows = flatten.rows_table(table)
    fields = ", ".join(f"r.{quote(column.name)}" for column in table.field_columns)
    extra = ", r.extra" if table.model is not None else ""
    keys = (
        "t.event_id, t.event, t.occurred_at, c.received_at"
        if table.parent is None
        else "t.event_id, t.occurred_at, r.parent_id, r.position"
    )
    return (
        f"INSERT INTO {quote(table.versions)} SELECT {keys}, {fields}{extra} "
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
