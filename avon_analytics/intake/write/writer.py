"""Taking batches into a store: each line ended, each event stored once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

import duckdb

from avon_analytics.intake.archive.batch import Batch, LongLine, batch_of
from avon_analytics.intake.person.tombstones import Tombstones
from avon_analytics.intake.read.faults import verdict
from avon_analytics.intake.write import forgotten
from avon_analytics.intake.write.arrow import insert_rows
from avon_analytics.intake.write.conflicts import Conflicts
from avon_analytics.intake.write.event_rows import EventRows
from avon_analytics.intake.write.known_ids import KnownIds
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.log_lines import quarantine
from avon_analytics.intake.write.staging import Staging
from avon_analytics.intake.write.statements import statement
from avon_analytics.store.parsed import run
from avon_analytics.store.slim import EVENTS, LINES


class StoreWriter:
    """Takes batches into a store.

    Two connections share the work: ``staging`` has what a batch says in tables that every batch
    replaces; ``store`` holds the transaction and gets only rows. So memory is bounded by the
    batch, and not by what a transaction keeps of replaced tables. A caller who has several staging
    areas sets another one between batches.
    """

    def __init__(
        self,
        store: duckdb.DuckDBPyConnection,
        staging: Staging,
        load_id: int,
        known_ids: KnownIds | None = None,
        urls: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._load_id = load_id
        self._known_ids = known_ids or KnownIds(store)
        self.staging = staging
        self._rows = EventRows(store, load_id)
        self._tombstones = Tombstones(store)
        self._conflicts = Conflicts(store, urls)
        self.has_moved_lines = False  # whether any that was counted before has ended elsewhere
        self._put_off: list[tuple[str, int, int, bytes]] = []

    def take(self, batch: Batch, *, may_wait: bool = False) -> dict[str, LineCounts]:
        """Bring every line of the batch that ``staging`` has read to its end.

        The caller holds a transaction. ``may_wait``: a few lines that report stored events may
        wait for ``take_rest``, because the ids of all events are read for them, and where they say
        something else the archive as well. Returns where the lines of each file ended.
        """
        ended: dict[str, LineCounts] = defaultdict(LineCounts)
        for file, blank in batch.blank_by_file().items():
            ended[file].blank = blank
        self._set_aside(batch, ended)
        if batch.readable.any():
            with self.staging.room_for(batch):
                self._take(batch, ended, may_wait=may_wait)
        if sum(len(content) for *_, content in self._put_off) > PUT_OFF_BYTES:
            for file, more in self.take_rest().items():
                ended[file].add(more)
        return ended

    def _take(self, batch: Batch, ended: dict[str, LineCounts], *, may_wait: bool) -> None:
        clock = self.staging.clock
        with clock.timing("settle"):
            if self._tombstones:
                self.has_moved_lines |= forgotten.leave_out(
                    self._store, self.staging, self._tombstones
                )
            if self._is_all_new(batch, may_wait=may_wait) or self._has_no_events():
                self.staging.run(_NOTHING_KNOWN)
            else:
                self._recall()
            self.has_moved_lines |= self._conflicts.settle(self.staging)
        with clock.timing("store rows"):
            self._rows.store(self.staging)
        with clock.timing("log"):
            self._log(batch, ended)

    def take_rest(self) -> dict[str, LineCounts]:
        """Bring the lines that were put off to their end."""
        lines, self._put_off = self._put_off, []
        return self.take(self.staging.read(batch_of(lines))) if lines else {}

    def _set_aside(self, batch: Batch, ended: dict[str, LineCounts]) -> None:
        for long in batch.long_lines:
            if long.is_continued:
                self._measure_again(long)
                continue
            place = [self._load_id, long.file, long.line, long.byte_offset, long.byte_length]
            why = (_TOO_LONG.code, _TOO_LONG.errors, None)
            quarantine(self._store, [(*place, long.sha256, *why, None)])
            self._store.execute(
                f"INSERT INTO {LINES} (load_id, file, line, byte_offset, byte_length, ended, "
                "code) VALUES (?, ?, ?, ?, ?, 'quarantined', 'too_long')",
                place,
            )
            ended[long.file].quarantined_by_code["too_long"] += 1

    def _measure_again(self, long: LongLine) -> None:
        """A line that had no end has grown since it was set aside."""
        at = "WHERE file = $file AND line = $line AND byte_offset = $byte_offset"
        place = {"file": long.file, "line": long.line, "byte_offset": long.byte_offset}
        is_forgotten = "sha256 IS NULL"  # of what is forgotten, nothing new is kept
        self._store.execute(
            f"UPDATE {LINES} SET byte_length = $length {at}",
            {**place, "length": long.byte_length},
        )
        self._store.execute(
            "UPDATE quarantine SET byte_length = $length, "
            f"sha256 = CASE WHEN {is_forgotten} THEN NULL ELSE $sha256 END, "
            f"content = CASE WHEN sha256 = $sha256 THEN content END {at}",
            {**place, "length": long.byte_length, "sha256": long.sha256},
        )

    def settle(self) -> None:
        """Write what waits, and keep the lines that were displaced by others."""
        clock = self.staging.clock
        with clock.timing("store rows"):
            self._rows.write_waiting()
        with clock.timing("settle"):
            self._conflicts.keep_lines(self.staging)

    # -- between the staging tables and the store ---------------------------------------------

    def _is_all_new(self, batch: Batch, *, may_wait: bool) -> bool:
        """Whether no line reports a stored event, but for those that now wait."""
        if may_wait and not self._known_ids.is_there:
            self._known_ids.start()
        if not self._known_ids.is_there:
            return False
        known = self._known_ids.add(self.staging)
        if not may_wait or len(known) > _WAITING_SHARE * len(batch):
            return not known
        self._put_off += [(*batch.place(nth), batch.as_sent(nth)) for nth in known]
        self.staging.leave_out(known)
        return True

    def _has_no_events(self) -> bool:
        return not run(self._store, f"SELECT 1 FROM {EVENTS} LIMIT 1").fetchall()

    def _recall(self) -> None:
        """Fetch what the store knows of the events that the batch reports."""
        ((first, last),) = self.staging.run(
            "SELECT coalesce(epoch_us(min(occurred_at)), 0), "
            "coalesce(epoch_us(max(occurred_at)), 0) FROM event_lines"
        )
        # Two whole numbers in the text: with bound ones DuckDB 1.5 runs the query while it holds
        # Python's lock, for which the stream that is read on another thread waits.
        query = statement("recalled_events", first=f"{first:d}", last=f"{last:d}")
        self.staging.recall(self._store, query, "known_events")
        if self.staging.run("SELECT 1 FROM known_events LIMIT 1"):
            self._rows.write_waiting()

    # -- the log ----------------------------------------------------------------------------

    def _log(self, batch: Batch, ended: dict[str, LineCounts]) -> None:
        self.staging.run(
            "CREATE OR REPLACE TEMP TABLE line_ends AS " + statement("line_ends"),
            load_id=self._load_id,
        )
        insert_rows(
            self.staging.connection,
            self._store,
            LINES,
            "SELECT * EXCLUDE (is_only) FROM line_ends WHERE NOT is_only",
        )
        counted = self.staging.run("SELECT file, ended, code, count(*) FROM line_ends GROUP BY ALL")
        for file, word, code, n in counted:
            ended[file].count(word, code, n)
        refused = self.staging.run(
            "SELECT v.nth, a.file, a.line, a.byte_offset, a.byte_length, v.code, v.errors, v.cause "
            "FROM verdicts AS v JOIN arrivals AS a ON a.nth = v.nth ORDER BY v.nth"
        )
        rows = []
        for nth, *place, code, errors, cause in refused:
            digest, content = self._kept(batch.as_sent(nth), code)
            rows.append((self._load_id, *place, digest, code, errors, cause, content))
        if rows:
            quarantine(self._store, rows)

    def _kept(self, line: bytes, code: str) -> tuple[str | None, bytes | None]:
        """The digest and the content that are kept of a line.

        No line that names a forgotten person is kept, and of what is theirs no digest either.
        """
        if code == "forgotten":
            return None, None
        digest = hashlib.sha256(line).hexdigest()
        is_theirs = self._tombstones and (
            self._tombstones.is_withheld(digest) or not self._tombstones.may_keep(line)
        )
        return digest, None if is_theirs or self.staging.is_limited else line


# Lines that wait are read once more: few may, of a batch and in all.
_WAITING_SHARE = 0.1
_TOO_LONG = verdict("too_long", "expected a line within the limit")
PUT_OFF_BYTES = 4 * 1024 * 1024
_NOTHING_KNOWN = (
    "CREATE OR REPLACE TEMP TABLE known_events "
    "(event_no BIGINT, event_id VARCHAR, body_digest UUID, conflict_rank UUID)"
)
