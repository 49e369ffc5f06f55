"""The receipts of a load's files while it goes on, and in the end the receipt of the load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from avon_analytics.intake.read.codes import SIGNATURE_CODES, Policy
from avon_analytics.intake.write.clock import Clock
from avon_analytics.intake.write.known_files import OpenFile
from avon_analytics.intake.write.line_counts import LineCounts
from avon_analytics.intake.write.load_log import LoadLog
from avon_analytics.intake.write.receipt import FileReceipt, Receipt
from avon_analytics.printable import counted
from avon_analytics.store.parsed import run
from avon_analytics.store.privacy import Privacy


class FileReceipts:
    """The receipts of the files that a load has read so far, by path."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, log: LoadLog) -> None:
        self._connection = connection
        self._log = log
        self._by_path: dict[str, OpenFile] = {}

    def __len__(self) -> int:
        return len(self._by_path)

    @property
    def n_lines(self) -> int:
        """The lines of all of them."""
        return sum(one.ended.lines for one in self._by_path.values())

    def add(self, file: OpenFile) -> None:
        """Add a file that was read, if it is new or brought anything."""
        file.note_how_it_ended()
        if file.is_worth_telling:
            self._by_path[file.path] = file

    def add_moved(self, path: str, n: int, ended: LineCounts) -> None:
        """Add the lines of a file that came out of the quarantine."""
        if path not in self._by_path:
            (file,) = (one for one in self._log.found.files if one.path == path)
            self._by_path[path] = OpenFile(file, None)
        self._by_path[path].ended.add(ended)
        self._by_path[path].notes.append(
            f"{counted(n, 'line')} from the quarantine {'is' if n == 1 else 'are'} trusted now"
        )

    def close(self, privacy: Privacy, clock: Clock | None = None) -> Receipt:
        """The receipt of the load; completes its row in the log."""
        found, secrets = self._log.found, self._log.secrets
        if self._log.has_moved_lines:
            self._count_anew()
        unchanged = len(found.files) - len(self._by_path)
        run(
            self._connection,
            "UPDATE loads SET files_unchanged = $n WHERE load_id = $id",
            {"n": unchanged, "id": self._log.load_id},
        )
        ((events,),) = run(self._connection, "SELECT count(*) FROM events").fetchall()
        names = [self._log.name_of(file.path) for file in found.files]
        nothing_trusted, nothing_read = _what_is_wrong(self._connection, self._log.policy, names)
        return Receipt(
            files=tuple(_receipt(self._by_path[path]) for path in sorted(self._by_path)),
            files_unchanged=unchanged,
            files_passed_over=found.passed_over,
            policy=self._log.policy,
            privacy=privacy,
            secrets=secrets.names if secrets else (),
            events=events,
            nothing_trusted=nothing_trusted,
            nothing_read=nothing_read,
            pending=self._log.pending(),
            irregular=found.irregular,
            clock=clock or Clock(),
        )

    def _count_anew(self) -> None:
        """A line that was loaded may have lost against one that a later file brought."""
        ends = ends_by_file(self._connection, self._log.load_id)
        for path, file in self._by_path.items():
            blank, file.ended = file.ended.blank, ends[self._log.name_of(path)]
            file.ended.blank = blank


def _receipt(file: OpenFile) -> FileReceipt:
    one, end = file.ended, file.end
    counts = (one.blank, one.loaded, one.duplicate, one.quarantined, dict(one.quarantined_by_code))
    note = "; ".join(file.notes)
    return FileReceipt(file.path, *counts, end.pending_bytes, note, end.is_damaged)


def ends_by_file(
    connection: duckdb.DuckDBPyConnection, load_id: int
) -> defaultdict[str, LineCounts]:
    """Where the lines of a load ended, by the name of their file in the log."""
    ends: defaultdict[str, LineCounts] = defaultdict(LineCounts)
    for file, word, code, n in connection.execute(
        "SELECT file, ended, code, count(*) FROM deliveries WHERE load_id = $id GROUP BY ALL",
        {"id": load_id},
    ).fetchall():
        ends[file].count(word, code, n)
    return ends


def _what_is_wrong(
    connection: duckdb.DuckDBPyConnection, policy: Policy, files: Sequence[str]
) -> tuple[bool, bool]:
    """Whether nothing of these files could be trusted, and whether nothing could even be read.

    Nothing is read where no line is a delivery: it is another kind of file. Nothing is trusted
    then, nor where lines are in doubt and none is trusted: it is a wrong secret. Files that an
    earlier load read count, so it is said every night.
    """
    right = "signature IN ('verified', 'unchecked')"
    doubt = f"code IN {SIGNATURE_CODES}"
    if policy == "record":
        doubt += " OR signature = 'mismatch'"
    else:
        right += " OR ended <> 'quarantined'"
    # Whatever could be read has a word on its signature, or ended as something else.
    read = "signature IS NOT NULL OR ended <> 'quarantined' OR code = 'forgotten'"
    ((lines, trusted, in_doubt, deliveries),) = run(
        connection,
        f"SELECT count(*), count(*) FILTER (WHERE {right}), count(*) FILTER (WHERE {doubt}), "
        f"count(*) FILTER (WHERE {read}) "
        "FROM deliveries WHERE file IN (SELECT unnest($files))",
        {"files": files},
    ).fetchall()
    nothing_read = lines > 0 and deliveries == 0
    return nothing_read or (trusted == 0 and in_doubt > 0), nothing_read
