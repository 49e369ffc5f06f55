"""Lines in the log of a store: into the quarantine, out of it, and what their file is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from avon_analytics.intake.read.columns import blobs, integers, texts
from avon_analytics.intake.write.arrow import ArrowRows
from avon_analytics.store.parsed import run
from avon_analytics.store.slim import LINES, same_line, stored

Key = tuple[int, str, int, int]
"""A line: its load, its file, its number and its byte offset."""
KEY: dict[str, Any] = {
    "load_id": integers,
    "file": texts,
    "line": integers,
    "byte_offset": integers,
}
# The tables that name files of the archive.
NAMING_FILES = ("archive_files", "deliveries", "quarantine", "events")
_QUARANTINE = {
    **KEY,
    "byte_length": integers,
    "sha256": texts,
    "code": texts,
    "errors": texts,
    "cause": texts,
    "content": blobs,
}


def quarantine(
    store: duckdb.DuckDBPyConnection, rows: Sequence[Sequence[Any]], where: str = "true"
) -> None:
    """Add rows to the quarantine: those for which ``where`` is true of the row ``refused``."""
    with ArrowRows.of_values(rows, **_QUARANTINE).as_table("refused_lines", store):
        run(store, f"INSERT INTO quarantine SELECT * FROM refused_lines AS refused WHERE {where}")


def rename_file(store: duckdb.DuckDBPyConnection, path: str, name: str) -> None:
    """Have the log call a file otherwise, because its path names somebody."""
    for table in map(stored, NAMING_FILES):
        store.execute(f"UPDATE {table} SET file = $1 WHERE file = $2", [name, path])


def take_out(store: duckdb.DuckDBPyConnection, lines: Sequence[Key]) -> None:
    """Take quarantined lines out of the log, because they come in again."""
    with ArrowRows.of_values(lines, **KEY).as_table("taken_out", store):
        for log in ("quarantine", LINES):
            same = same_line("log", "taken_out")
            store.execute(f"DELETE FROM {log} AS log USING taken_out WHERE {same}")
