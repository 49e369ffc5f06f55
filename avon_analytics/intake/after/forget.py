"""Forgetting a person: out of every table, every version and the quarantine, for good."""

from __future__ import annotations

import re
from contextlib import closing

import duckdb

from avon_analytics import arguments
from avon_analytics.contract.one_spelling import parse
from avon_analytics.contract.values import as_id
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.intake.after.forget_receipt import Forgotten
from avon_analytics.intake.after.quarantined_lines import (
    QuarantineFilter,
    as_table,
    kept_contents,
    parts_of,
    places,
)
from avon_analytics.intake.person.events import (
    FORGOTTEN,
    drop_tables,
    end_lines,
    find_own,
    find_touched,
    own_threads,
    remove_rows,
    stored_rows,
    strip_extras,
)
from avon_analytics.intake.person.rows import find, strip
from avon_analytics.intake.person.search import PersonSearch
from avon_analytics.intake.person.tombstones import Tombstones
from avon_analytics.intake.person.visits import (
    others_in,
    shared_visits,
    visits_about,
    visits_of,
)
from avon_analytics.intake.write.load_log import recount
from avon_analytics.intake.write.log_lines import NAMING_FILES, rename_file
from avon_analytics.store.database import Database
from avon_analytics.store.derived import drop_derived
from avon_analytics.store.rewrite import rewrite
from avon_analytics.store.settings import set_setting, setting
from avon_analytics.store.slim import EVENTS, same_line
from avon_analytics.store.trouble import store_error

_WHO = (
    "name a person by an id, such as user_… or the same without user_; a name or an address is none"
)
_IS_WORD = re.compile(r"[^\W\d_][^\d_]{0,18}")
"""As a surname is: an id of Avon's is longer, and all but a few hold a digit."""
_IS_NO_ID = re.compile(r"[\s@]")  # what it would mark can be guessed from the mark


def forget(database: Database, patient_id: str) -> Forgotten:
    """Remove a person for good, and mark their id so that no later load brings them back.

    First all of it in one transaction; then the store's file is written anew, so that no byte of
    theirs stays in it, and takes the old one's place.

    Raises UsageError for what is no id or the id of a member of staff, StoreError for a store that
    is not there, cannot be written or is held by somebody else.
    """
    try:
        person = as_id(arguments.text(patient_id, _WHO).strip(), "user")
    except ValueError:  # it begins as JSON does
        person = None
    if person is None or _IS_NO_ID.search(person):
        raise UsageError(_WHO)
    if not database.exists:
        raise StoreError(f"there is no store at {database.path}: load an archive into it first")
    with database.writing() as connection:
        try:
            _refuse_staff(connection, person)
            _refuse_name(connection, patient_id.strip(), person)
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
    sought = PersonSearch({person})
    found = connection.execute(
        "SELECT DISTINCT id FROM providers_versions UNION SELECT id FROM supports_versions"
    ).fetchall()
    if any(sought.is_id(one) for (one,) in found):
        raise UsageError("this id is a member of staff: patients and caregivers can be forgotten")


def _refuse_name(connection: duckdb.DuckDBPyConnection, given: str, person: str) -> None:
    """Raises UsageError for a bare word that is nobody's id: all who bear it would lose a name."""
    if not _IS_WORD.fullmatch(given):
        return
    sought = PersonSearch({person})
    found = connection.execute(
        "SELECT DISTINCT id FROM people_versions "
        "UNION SELECT DISTINCT attendee FROM appointment_attendees_versions"
    ).fetchall()
    if not any(sought.is_id(one) for (one,) in found if one is not None):
        raise UsageError(
            "name a person by an id, such as user_…: no patient, caregiver or attendee has this "
            "word as an id, and a name is none; if it is an id, write user_ in front of it"
        )


class _Forgetting:
    """One person who is forgotten, inside a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, person: str) -> None:
        self._connection = connection
        self._person = person
        self._tombstones = Tombstones(connection)
        self._rows = stored_rows(connection)
        self._run = self._rows.run

    def run(self) -> Forgotten:
        before = self._tombstones.know(self._person)
        sought = self._who()
        objects = "SELECT CAST(object AS VARCHAR) AS t FROM other_objects"
        found_in = find(self._rows, sought, objects)
        self._find_own(sought)
        lines = end_lines(self._rows)
        withheld, unsearchable = self._withhold(sought)
        removed = remove_rows(self._rows)
        changed = strip(self._rows, sought, found_in)
        changed |= self._strip_beside()
        files = self._mask_files(sought)
        reasons = self._reasons()
        ((events,),) = self._run("SELECT count(*) FROM own_rows")
        recount(self._connection)
        # Whoever keeps figures of this store sees that it has changed.
        n_before = int(setting(self._connection, "n_forgotten") or 0)
        set_setting(self._connection, "n_forgotten", str(n_before + 1))
        drop_tables(self._rows)
        for table in ("named", "persons"):
            self._run(f"DROP TABLE temp.{table}")
        return Forgotten(
            events, lines, withheld, removed, changed, unsearchable, files, reasons, before
        )

    def _reasons(self) -> dict[str, int]:
        ((by_id, by_words),) = self._run(
            "SELECT count(*) FILTER (WHERE by_id), "
            "count(*) FILTER (WHERE by_words AND NOT by_id) FROM named"
        )
        counted = {"id": by_id, "name or number": by_words}
        return {reason: n for reason, n in counted.items() if n}

    def _who(self) -> PersonSearch:
        """What the person is known by: all that any version of their record says."""
        alone = PersonSearch({self._person})
        every = self._rows.texts("SELECT DISTINCT id FROM people_versions")
        spelled = [text for text in every if alone.is_id(text)]

        def known(*columns: str) -> set[str]:
            found = self._run(
                f"SELECT DISTINCT unnest([{', '.join(columns)}]) FROM people_versions "
                "WHERE id IN (SELECT unnest($ids::VARCHAR[]))",
                ids=spelled,
            )
            return {text for (text,) in found if text is not None}

        return PersonSearch(
            {self._person},
            first_names=known("first_name", "preferred_name"),
            last_names=known("last_name"),
            emails=known("email"),
            numbers=known("phone", "alternate_phone", "ssn"),
            records=known("mrn"),
        )

    def _find_own(self, sought: PersonSearch) -> None:
        """Find what is theirs and what they share, and mark both."""
        unknown = self._run(
            f"SELECT e.event_no, n.spelling FROM other_objects AS o JOIN {EVENTS} AS e "
            "USING (event_id) JOIN named AS n ON n.by_id AND n.spelling = CAST(o.object AS VARCHAR)"
        )
        theirs = [event_no for event_no, text in unknown if sought.owns(parse(text))]
        persons = [one for (one,) in self._run("SELECT id FROM persons")]
        visits, about = visits_of(self._rows, persons), visits_about(self._rows)
        shared = shared_visits([self._rows], visits, persons, is_all_told=True)
        alone = [one for one in visits if one not in shared]
        find_own(self._rows, visits=alone, unknown=theirs)
        threads = own_threads(self._rows)
        objects = self._run(
            "SELECT object_id FROM own_objects WHERE object_id NOT IN (SELECT id FROM persons)"
        )
        self._tombstones.add_person(self._person)
        self._tombstones.add_aside(others_in([self._rows], alone, persons))
        self._tombstones.add("object", [*visits, *(one for (one,) in objects)])
        self._tombstones.add("thread", threads)
        self._tombstones.add("visit", about)
        find_touched(self._rows, threads, about)

    def _strip_beside(self) -> dict[str, int]:
        """Take them out of what is kept of events, and of types that the contract knows not."""
        n_objects = self._rows.change(
            "UPDATE other_objects SET object = CAST(n.rest AS JSON) FROM named AS n "
            "WHERE n.by_words AND n.spelling = CAST(object AS VARCHAR)"
        )
        changed = {"events": strip_extras(self._rows), "other_objects": n_objects}
        return {table: n for table, n in changed.items() if n}

    def _mask_files(self, sought: PersonSearch) -> int:
        """Files whose names name the person get other names in the log."""
        union = " UNION ".join(f"SELECT file FROM {table}" for table in NAMING_FILES)
        n_masked = 0
        for (file,) in self._run(f"SELECT DISTINCT file FROM ({union}) WHERE file IS NOT NULL"):
            masked = self._tombstones.masked_path(file, sought.is_named)
            if masked != file:
                n_masked += 1
                rename_file(self._connection, file, masked)
        return n_masked

    # -- lines of the archive -----------------------------------------------------------------

    def _withhold(self, sought: PersonSearch) -> tuple[int, int]:
        """Drop the bytes of quarantined lines that name the person, or cannot be searched.

        Returns how many, and how many of them could not be searched.
        """
        found, unsearchable = [], 0
        with closing(places(self._connection, QuarantineFilter())) as every:
            for part in parts_of(place for place in every if place.is_kept):
                for nth, content in kept_contents(self._connection, part).items():
                    if (reason := sought.why_not_keep(content)) is not None:
                        found.append(part[nth])
                        unsearchable += reason == "unsearchable"
        if found:
            # The same line in another file would name them again.
            self._tombstones.add("line", [one.sha256 for one in found if one.sha256])
            # A line with a signature has 256 bits in it that nobody can guess; others keep no
            # digest, against which names could be tried.
            with as_table(found, "theirs", self._connection):
                self._run(
                    "UPDATE quarantine AS q SET content = NULL, sha256 = CASE WHEN d.signature IN "
                    "('verified', 'mismatch', 'unverifiable') THEN q.sha256 END FROM theirs AS t "
                    "JOIN deliveries AS d USING (load_id, file, line, byte_offset) "
                    f"WHERE {same_line('q', 't')}"
                )
        # The path of a field is one of keys, and a key may name somebody.
        for (text,) in self._run("SELECT DISTINCT CAST(errors AS VARCHAR) FROM quarantine"):
            if text is not None and sought.is_named(text):
                self._run(
                    "UPDATE quarantine SET errors = $none WHERE CAST(errors AS VARCHAR) = $text",
                    none=FORGOTTEN.errors,
                    text=text,
                )
        return len(found), unsearchable
