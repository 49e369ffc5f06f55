"""Keeping forgotten people out of what a later load stores.

The seam to the loader is small: `Tombstones.people_in` finds which forgotten people some texts
name, in any spelling, and a `PersonSearch` of these ids says what is left of a row, an object or a
line. A later load knows a person by their id alone: a name can be guessed from any digest of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from avon_analytics.contract.one_spelling import in_order, parse
from avon_analytics.intake.person.events import (
    FORGOTTEN,
    drop_tables,
    empty_extras,
    find_own,
    find_touched,
    own_threads,
    remove_objects,
    stored_rows,
    strip_extras,
)
from avon_analytics.intake.person.rows import THREAD, Rows, empty_touched, find, strip
from avon_analytics.intake.person.search import PersonSearch
from avon_analytics.intake.person.tombstones import Kind, Tombstones
from avon_analytics.intake.person.visits import (
    no_patients,
    shared_visits,
    visits_about,
    visits_of,
    with_roles,
)
from avon_analytics.intake.read.read_lines import Refused
from avon_analytics.intake.write.flatten import rows_table
from avon_analytics.intake.write.staging import Staging


def leave_out(store: duckdb.DuckDBPyConnection, staging: Staging, tombstones: Tombstones) -> bool:
    """Refuse the lines of a batch that are about forgotten people alone; strip the others.

    What the batch shows of objects that the store has already is done there, too: versions of what
    turns out to be theirs alone are removed, texts in what they shared are emptied. Returns whether
    lines that were stored before have now ended as forgotten.
    """
    return _Batch(store, staging, tombstones).leave_out()


class _Batch:
    """The rows of a batch that may name forgotten people."""

    def __init__(
        self, store: duckdb.DuckDBPyConnection, staging: Staging, tombstones: Tombstones
    ) -> None:
        self._store = store
        self._staging = staging
        self._tombstones = tombstones
        tables = staging.tables
        self._rows = Rows(staging.connection, tables, rows_table, "nth", "event_lines")

    def leave_out(self) -> bool:
        texts = f"SELECT text FROM ({_STRINGS}) WHERE {self._tombstones.may_name_people('text')}"
        sought = PersonSearch(self._tombstones.people_in(self._rows.texts(texts)))
        objects = self._marked("event_lines", "object_id", "object")
        threads = self._marked(self._rows.named("messages"), THREAD, "thread")
        visits = self._marked(self._rows.named("appointments"), "id", "visit")
        roles = with_roles(self._rows)
        if not (sought.bare_ids or objects or threads or visits or roles):
            return False
        # Files in another order report the second version of an object before the first.
        stored = stored_rows(self._store)
        doubtful = self._no_longer_shared(stored, roles)
        if not (sought.bare_ids or objects or threads or visits or doubtful):
            return False
        found_in = find(self._rows, sought, "SELECT CAST(body AS VARCHAR) AS t FROM unknown_events")
        about = visits_about(self._rows)
        n_moved, more = self._refuse(stored, sought, objects, doubtful)
        new_threads = self._newly_marked("thread", [*own_threads(self._rows), *more])
        new_visits = self._newly_marked("visit", about)
        if new_threads or new_visits:
            find_touched(stored, new_threads, new_visits)
            empty_touched(stored)
            empty_extras(stored)
        find_touched(self._rows, [*threads, *new_threads], [*visits, *new_visits])
        strip(self._rows, sought, found_in)
        self._strip_beside(sought)
        drop_tables(self._rows)
        drop_tables(stored)
        return n_moved > 0

    def _marked(self, table: str | None, column: str, kind: Kind) -> list[str]:
        if table is None:
            return []
        ids = f"SELECT {column} AS id FROM {table} WHERE {column} IS NOT NULL"
        return self._tombstones.among(self._staging.run, ids, kind)

    def _newly_marked(self, kind: Kind, ids: Sequence[str]) -> list[str]:
        new = self._tombstones.unmarked(kind, ids)
        self._tombstones.add(kind, new)
        return new

    def _no_longer_shared(self, stored: Rows, roles: Sequence[str]) -> list[str]:
        """Stored visits in which they took part with somebody who turns out to be no patient."""
        new = sorted(set(roles) - no_patients([stored], roles, is_all_told=False))
        visits = visits_of(stored, new)
        unmarked = set(self._tombstones.unmarked("object", visits))
        return [one for one in visits if one not in unmarked]

    def _refuse(
        self,
        stored: Rows,
        sought: PersonSearch,
        objects: Sequence[str],
        doubtful: Sequence[str],
    ) -> tuple[int, list[str]]:
        """Refuse what is theirs alone, and remove what the store has of it.

        Returns how many lines that were stored are now forgotten, and the threads in which they
        turn out to have written.
        """
        run = self._rows.run
        persons = [one for (one,) in run("SELECT id FROM persons")]
        theirs = visits_of(self._rows, persons)
        told = self._rows.named("appointments")
        here = {one for (one,) in run(f"SELECT DISTINCT id FROM {told}")} if told else set()
        visits = sorted({*theirs, *doubtful, *(one for one in objects if one in here)})
        aside = self._tombstones.set_aside
        sources = [self._rows, stored]
        shared = shared_visits(sources, visits, persons, is_all_told=False, aside=aside)
        alone = [one for one in visits if one not in shared]
        unknown = self._unknown("by_id")
        find_own(
            self._rows,
            visits=alone,
            unknown=[nth for nth, body in unknown if sought.owns(parse(body).get("object"))],
            marked=[one for one in objects if one not in shared],
        )
        numbers = [nth for (nth,) in run("SELECT nth FROM own_rows ORDER BY nth")]
        own = run(
            "SELECT DISTINCT object_type, object_id FROM own_objects "
            "WHERE object_id NOT IN (SELECT id FROM persons) ORDER BY ALL"
        )
        new = set(self._tombstones.unmarked("object", [one for _, one in own]))
        self._tombstones.add("object", [*new, *theirs])
        self._staging.refuse([Refused(nth, FORGOTTEN) for nth in numbers])
        run("DELETE FROM event_lines WHERE nth IN (SELECT nth FROM own_rows)")
        removed = [(kind, one) for kind, one in own if one in new or one in doubtful]
        return remove_objects(stored, removed) if removed else (0, [])

    def _strip_beside(self, sought: PersonSearch) -> None:
        """Take them out of what is kept of events, and of types that the contract knows not."""
        for nth, body in self._unknown("by_words"):
            event = parse(body)
            event["object"] = sought.without(event["object"])
            self._rows.run(
                "UPDATE unknown_events SET body = $body WHERE nth = $nth",
                body=in_order(event).decode(),
                nth=nth,
            )
        strip_extras(self._rows)

    def _unknown(self, how: str) -> list[tuple[int, str]]:
        """The events of unknown types that name them, ``by_id`` or ``by_words``."""
        return self._rows.run(
            "SELECT u.nth, u.body FROM unknown_events AS u JOIN named AS n "
            f"ON n.{how} AND n.spelling = CAST(u.body AS VARCHAR)"
        )


# Every key and every text of the bodies that are trusted, escaped as they are.
_STRINGS = r"""SELECT DISTINCT unnest(
        CASE
            WHEN contains(body, '\') THEN regexp_extract_all(body, '"(?:[^"\\]|\\.)*"')
            ELSE string_split(body, '"')
        END
    ) AS text
    FROM arrivals WHERE nth NOT IN (SELECT nth FROM verdicts)"""
