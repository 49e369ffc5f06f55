"""Forgetting a person: out of every table, every version and the quarantine, for good."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd

from avon_analytics import arguments
from avon_analytics.contract.values import as_id
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.intake.again import Which, parts_of, places
from avon_analytics.intake.forgotten import FORGOTTEN, OTHERS, texts_in, tokens_in
from avon_analytics.intake.log import recount
from avon_analytics.intake.marks import Marks
from avon_analytics.intake.traces import NAMES_ID, THREAD, Rows, ids_of, own, strip, touched
from avon_analytics.store.database import Database
from avon_analytics.store.derived import drop_derived
from avon_analytics.store.rewrite import rewrite
from avon_analytics.store.schema import literal, quote
from avon_analytics.store.tables import object_tables
from avon_analytics.store.trouble import store_error

_WHO = "name a person by an id, such as user_… or the same without user_"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a person; it names nobody.

    ``removed`` holds the rows that are gone, by table; ``changed`` the rows of others that lost a
    reference, a free text or an unknown value. ``events`` are gone with all their rows, ``lines``
    of the archive ended anew as quarantined with the code ``forgotten``, and ``withheld`` lines of
    the quarantine no longer have their bytes. ``was_known`` is false if nothing was found: a
    mistyped id, or somebody who has yet to come.
    """

    events: int
    lines: int
    withheld: int
    removed: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def was_known(self) -> bool:
        """Whether anything was found."""
        return bool(self.events or self.lines or self.withheld or self.removed or self.changed)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "was_known": self.was_known,
            "events": self.events,
            "lines": self.lines,
            "withheld": self.withheld,
            "removed": dict(self.removed),
            "changed": dict(self.changed),
        }

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        yield "Events forgotten", f"{self.events:,}", "with all their rows"
        yield "Lines", f"{self.lines:,}", "now quarantined as forgotten, without a byte of them"
        yield "Lines withheld", f"{self.withheld:,}", "of the quarantine, without their bytes"
        for name, count in self.removed.items():
            yield f"  {name}", f"{count:,}", "rows removed"
        for name, count in self.changed.items():
            yield f"  {name}", f"{count:,}", "rows of others, without a word of the person"

    def _notes(self) -> list[str]:
        if self.was_known:
            return ["The archive files still hold what was sent."]
        return [
            "NOTHING WAS FOUND of this id: is it spelled as Avon spells it? It is marked all the "
            "same, and a later load will not bring it."
        ]

    def __str__(self) -> str:
        rows = list(self._rows())
        first = max(len(label) for label, _, _ in rows)
        second = max(len(count) for _, count, _ in rows)
        lines = [f"{a:<{first}}  {b:>{second}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([*lines, *self._notes()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(a)}</th>'
            f'<td style="text-align:right">{b}</td>'
            f'<td style="text-align:left">{html.escape(c)}</td></tr>'
            for a, b, c in self._rows()
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        return f"<table><caption>Forgotten</caption><tbody>{body}</tbody></table>{notes}"


def forget(database: Database, patient_id: str) -> Forgotten:
    """Remove a person for good, and mark their id so that no later load brings them back.

    First all of it in one transaction; then the store's file is written anew, so that no byte of
    theirs stays in it, and takes the old one's place.

    Raises UsageError for what is no id or the id of a member of staff, StoreError for a store that
    is not there, cannot be written or is held by somebody else.
    """
    person = as_id(arguments.text(patient_id, _WHO).strip(), "user")
    if person is None:
        raise UsageError(_WHO)
    if not database.exists:
        raise StoreError(f"there is no store at {database.path}: load an archive into it first")
    with database.writing() as connection:
        try:
            _refuse_staff(connection, person)
            connection.execute("BEGIN")
            try:
                drop_derived(connection)
                done = _Forgetting(connection, person).run()
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        except duckdb.Error as error:
            raise store_error(database.path, error) from None
    try:
        rewrite(database)
    except StoreError as error:
        raise StoreError(
            "the person is forgotten in every table, but the file could not be written anew: "
            f"{error}; run the same again, so that no byte stays in it"
        ) from None
    return done


def _refuse_staff(connection: duckdb.DuckDBPyConnection, person: str) -> None:
    found = connection.execute(
        "SELECT 1 FROM providers_versions WHERE id = $id UNION ALL "
        "SELECT 1 FROM supports_versions WHERE id = $id LIMIT 1",
        {"id": person},
    ).fetchall()
    if found:
        raise UsageError("this id is a member of staff: patients and caregivers can be forgotten")


class _Forgetting:
    """One person who is forgotten, inside a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, person: str) -> None:
        self._connection = connection
        self._person = person
        self._ids = ids_of(person)
        self._rows = Rows(self._run, object_tables(), lambda t: quote(t.versions), "event_id")

    def _run(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters or None).fetchall()

    def run(self) -> Forgotten:
        self._run(NAMES_ID)
        self._say("persons", f"SELECT {literal(self._person)} AS id")
        self._say("others", OTHERS)
        self._find_own_events()
        words, bound = self._words()
        self._mark()
        lines = self._end_lines()
        withheld = self._withhold(words)
        self._say("touched_rows", touched(self._rows, "SELECT thread FROM own_threads"))
        removed = self._remove()
        tests = _condition(words), _loose(words)
        changed = dict(strip(self._rows, self._ids, *tests, bound))
        changed |= self._strip_events()
        ((events,),) = self._run("SELECT count(*) FROM own_events")
        recount(self._connection)
        self._count()
        for table in ("persons", "others", "own_events", "own_threads", "touched_rows"):
            self._run(f"DROP TABLE temp.{table}")
        return Forgotten(events, lines, withheld, removed, changed)

    def _say(self, table: str, select: str) -> None:
        self._run(f"CREATE OR REPLACE TEMP TABLE {table} AS {select}")

    def _find_own_events(self) -> None:
        self._run(
            "CREATE OR REPLACE TEMP TABLE own_events AS "
            f"SELECT event_id FROM ({own(self._rows)}) WHERE event_id IS NOT NULL "
            "UNION SELECT event_id FROM other_objects "
            "WHERE names_id(CAST(object AS VARCHAR), $ids) OR names_id(object_id, $ids)",
            ids=self._ids,
        )
        self._say(
            "own_threads",
            f"SELECT DISTINCT {THREAD} AS thread FROM messages_versions "
            f"WHERE created_by IN (SELECT id FROM persons) AND {THREAD} IS NOT NULL",
        )

    def _words(self) -> tuple[tuple[list[str], list[tuple[str, str]]], dict[str, object]]:
        """What identifies the person beside the id, in lower case: words, and pairs of names."""
        words = self._run(
            "SELECT DISTINCT lower(word) FROM (SELECT unnest("
            "[email, phone, alternate_phone, ssn, mrn]) AS word FROM people_versions "
            "WHERE id IN (SELECT id FROM persons)) WHERE length(word) >= 5 ORDER BY 1"
        )
        names = self._run(
            "SELECT DISTINCT lower(given), lower(last_name) FROM (SELECT unnest("
            "[first_name, preferred_name]) AS given, last_name FROM people_versions "
            "WHERE id IN (SELECT id FROM persons)) "
            "WHERE length(given) >= 2 AND length(last_name) >= 2 ORDER BY ALL"
        )
        found = [word for (word,) in words], [(one, two) for one, two in names]
        bound: dict[str, object] = {f"w{n}": word for n, word in enumerate(found[0])}
        for n, (given, last) in enumerate(found[1]):
            bound |= {f"g{n}": given, f"l{n}": last}
        return found, bound

    def _mark(self) -> None:
        marks = Marks(self._connection)
        marks.add("person", [self._person])
        theirs = self._run(
            "SELECT DISTINCT object_id FROM events WHERE event_id IN (SELECT event_id FROM "
            "own_events) AND object_id IS NOT NULL AND object_id <> $id",
            id=self._person,
        )
        marks.add("object", [one for (one,) in theirs])
        marks.add("thread", [one for (one,) in self._run("SELECT thread FROM own_threads")])

    def _remove(self) -> dict[str, int]:
        found: dict[str, int] = {}
        names = [table.versions for table in object_tables()]
        for name in (*names, "other_objects", "events"):
            ((n,),) = self._run(
                f"DELETE FROM {quote(name)} WHERE event_id IN (SELECT event_id FROM own_events)"
            )
            if n:
                found[name] = n
        return found

    def _strip_events(self) -> dict[str, int]:
        from avon_analytics.intake.limited import emptied

        ((n,),) = self._run(
            f"UPDATE events SET extra = {emptied('extra')} WHERE extra IS NOT NULL AND ("
            "event_id IN (SELECT event_id FROM touched_rows) "
            "OR names_id(CAST(extra AS VARCHAR), $ids))",
            ids=self._ids,
        )
        return {"events": n} if n else {}

    def _count(self) -> None:
        """Tell whoever keeps figures of this store that it has changed."""
        found = self._run("SELECT value FROM settings WHERE name = 'n_forgotten'")
        n = int(found[0][0]) + 1 if found else 1
        self._run("DELETE FROM settings WHERE name = 'n_forgotten'")
        self._run("INSERT INTO settings VALUES ('n_forgotten', $n)", n=str(n))

    # -- lines of the archive -----------------------------------------------------------------

    def _end_lines(self) -> int:
        """Lines that told the person's events end as forgotten, by their place alone."""
        of_them = "event_id IN (SELECT event_id FROM own_events)"
        self._run(
            "DELETE FROM quarantine AS q USING deliveries AS d WHERE d." + of_them + " AND "
            "q.load_id = d.load_id AND q.file = d.file AND q.line = d.line"
        )
        self._run(
            "INSERT INTO quarantine SELECT load_id, file, line, byte_offset, byte_length, NULL, "
            f"'forgotten', $errors, NULL, NULL FROM deliveries WHERE {of_them}",
            errors=FORGOTTEN.errors,
        )
        ((n,),) = self._run(
            "UPDATE deliveries SET event_id = NULL, ended = 'quarantined', code = 'forgotten' "
            f"WHERE {of_them}"
        )
        return int(n)

    def _withhold(self, words: tuple[list[str], list[tuple[str, str]]]) -> int:
        """Drop the bytes of quarantined lines that name the person, by id or otherwise."""
        found = []
        kept = [place for place in places(self._connection, Which()) if place.is_kept]
        for part in parts_of(kept):
            frame = pd.DataFrame(
                [(n, p.load_id, p.file, p.line) for n, p in enumerate(part)],
                columns=["nth", "load_id", "file", "line"],
            )
            self._connection.register("kept_lines", frame)
            read = self._run(
                "SELECT k.nth, q.content FROM kept_lines AS k "
                "JOIN quarantine AS q USING (load_id, file, line) WHERE q.content IS NOT NULL"
            )
            self._connection.unregister("kept_lines")
            found += [part[nth] for nth, content in read if self._is_named(content, words)]
        if found:
            # The same line in another file would name them again.
            Marks(self._connection).add("line", [one.sha256 for one in found if one.sha256])
            rows = [(place.load_id, place.file, place.line) for place in found]
            frame = pd.DataFrame(rows, columns=["load_id", "file", "line"])
            self._connection.register("theirs", frame)
            # A line with a signature has 256 bits in it that nobody can guess; others keep no
            # digest, against which names could be tried.
            self._run(
                "UPDATE quarantine AS q SET content = NULL, sha256 = CASE WHEN d.signature IN "
                "('verified', 'mismatch', 'unverifiable') THEN q.sha256 END "
                "FROM theirs AS t JOIN deliveries AS d USING (load_id, file, line) "
                "WHERE q.load_id = t.load_id AND q.file = t.file AND q.line = t.line"
            )
            self._connection.unregister("theirs")
        return len(found)

    def _is_named(self, content: bytes, words: tuple[list[str], list[tuple[str, str]]]) -> bool:
        if not tokens_in(content).isdisjoint(self._ids):
            return True
        single, pairs = words
        for text in texts_in(content):
            lowered = text.lower()
            if any(word in lowered for word in single):
                return True
            if any(given in lowered and last in lowered for given, last in pairs):
                return True
        return False


def _condition(words: tuple[list[str], list[tuple[str, str]]]) -> str:
    """SQL over ``{t}``, a text in lower case, that holds where one of the words stands in it."""
    single, pairs = words
    tests = [f"contains({{t}}, $w{n})" for n in range(len(single))]
    tests += [f"(contains({{t}}, $g{n}) AND contains({{t}}, $l{n}))" for n in range(len(pairs))]
    return "(" + " OR ".join(tests or ["false"]) + ")"


def _loose(words: tuple[list[str], list[tuple[str, str]]]) -> str:
    """The same for texts of a visit that they shared, where one of their names is enough."""
    tests = [f"contains({{t}}, ${letter}{n})" for n in range(len(words[1])) for letter in "gl"]
    return "(" + " OR ".join(tests or ["false"]) + ")"
