"""Statements of our own that are run again and again: their text is read once a process.

DuckDB 2.0 reads a text more slowly than earlier ones did: of a load of few lines, or a figure of a
small store, reading the texts was a fifth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

_MOST = 512  # texts of one process; with those of other tables or options, others take their place
known_texts: dict[str, duckdb.Statement] = {}


def parsed(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """A statement as the engine has read it, for any connection to run as often as wanted.

    For texts without anybody's values: they are kept.
    """
    known = known_texts.get(text)
    if known is None:
        (known,) = connection.extract_statements(text)
        if len(known_texts) >= _MOST:
            known_texts.clear()
        known_texts[text] = known
    return known


def run(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    parameters: Mapping[str, Any] | Sequence[Any] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Run a statement of our own with values of anybody's."""
    return connection.execute(parsed(connection, text), parameters)
