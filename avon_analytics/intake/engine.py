"""The words of the intake's SQL: its statements, and constants in them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import duckdb

from avon_analytics.store.schema import literal


def literals(texts: Iterable[str]) -> str:
    """Constants of the code as an SQL list."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"


def statement(name: str, **constants: str) -> str:
    """A statement of ``intake/sql``, its placeholders filled with constants of the code."""
    text = files("avon_analytics.intake").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**constants) if constants else text


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Define what the statements use; it is temporary and touches no store."""
    # An id in a word of a text, as the contract reads it.
    connection.execute(
        """CREATE OR REPLACE TEMP MACRO as_id(t, prefix) AS
        CASE WHEN t IS NULL OR t IN ('', 'null') OR ends_with(t, '_null') THEN NULL
             WHEN prefix IS NULL OR contains(t, '_') THEN t
             ELSE prefix || '_' || t END"""
    )
