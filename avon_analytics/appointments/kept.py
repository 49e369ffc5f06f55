"""The slots that a large store keeps in tables of its own, and what tells whether they still hold.

They carry two labels. The first is read before each figure, so it is cheap: the newest load, the
number of events, the generation. The second reads every event, and is asked only after a load whose
first label differs: a load that brought nothing new leaves what is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from avon_analytics.store.derived import TABLES, drop_derived

FROM = 100_000  # from how many events on a store keeps its slots; below, computing is quick
_CHEAP = """
    SELECT
        (SELECT max(load_id) FROM loads),
        (SELECT epoch_us(max(loaded_at)) FROM loads),
        (SELECT count(*) FROM events),
        (SELECT string_agg(value, ',' ORDER BY name) FROM settings
            WHERE name IN ('generation', 'n_forgotten'))
"""
_THOROUGH = """
    SELECT
        count(*),
        CAST(sum(hash(event_id, occurred_at, received_at, body_digest)) AS VARCHAR),
        (SELECT string_agg(value, ',' ORDER BY name) FROM settings
            WHERE name IN ('generation', 'n_forgotten'))
    FROM events
"""


def content(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """What changes whenever the store's events may have.

    A load adds a row to ``loads``; what else changes events raises ``generation`` or, where people
    were forgotten, ``n_forgotten`` in ``settings``.
    """
    (row,) = connection.execute(_CHEAP).fetchall()
    return tuple(row)


def thorough_content(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """What changes whenever the store's events have."""
    (row,) = connection.execute(_THOROUGH).fetchall()
    return tuple(row)


def label(content: Sequence[object], computed_with: Sequence[object]) -> str:
    """A text that is the same for the same content and the same way of computing."""
    return json.dumps([content, computed_with], default=str, sort_keys=True)


def labels(connection: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None]:
    """The two labels of what the store keeps, None where it keeps nothing."""
    found = connection.execute("SELECT name, value FROM settings WHERE name LIKE 'kept_%'")
    told = dict(found.fetchall())
    return told.get("kept_slots"), told.get("kept_slots_thorough")


def show(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Make temporary views of these names on what the store keeps."""
    for table, name in zip(TABLES, names, strict=True):
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM store.{table}")


def keep(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[str], cheap: str, thorough: str
) -> None:
    """Keep these tables in place of what was kept before; no tables, and nothing is kept."""
    connection.execute("BEGIN")
    drop_derived(connection)
    for table, source in zip(TABLES, sources, strict=bool(sources)):
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {source}")
    if sources:
        for name, text in (("kept_slots", cheap), ("kept_slots_thorough", thorough)):
            connection.execute(
                "INSERT INTO settings VALUES ($name, $text)", {"name": name, "text": text}
            )
    connection.execute("COMMIT")


def relabel(connection: duckdb.DuckDBPyConnection, cheap: str) -> None:
    """What is kept still holds after another load."""
    statement = "UPDATE settings SET value = $cheap WHERE name = 'kept_slots'"
    connection.execute(statement, {"cheap": cheap})
