"""Bringing a store of an earlier version up to this one.

It happens when a store is opened for writing, in a transaction of its own, so that a store is in
one version or the other. A store that is only read stays as it is: every version is readable.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from avon_analytics.store.schema import SCHEMA_VERSION, view_statements

# What is new in each version, told as it was then: no code of today decides about it.
_NEW_IN: dict[int, tuple[str, ...]] = {
    2: ("CREATE TABLE forgotten (mark VARCHAR, kind VARCHAR, forgotten_at TIMESTAMPTZ)",),
}


def migrate(
    connection: duckdb.DuckDBPyConnection,
    found: int,
    on_create: Callable[[duckdb.DuckDBPyConnection], None] | None,
) -> None:
    """Bring the store in use from version ``found`` to ``SCHEMA_VERSION``.

    ``on_create`` makes the views that do not belong to the store's own tables.
    """
    connection.execute("BEGIN")
    for version in range(found + 1, SCHEMA_VERSION + 1):
        for statement in _NEW_IN[version]:
            connection.execute(statement)
    for statement in view_statements():
        connection.execute(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
    if on_create is not None:
        on_create(connection)
    connection.execute(
        "UPDATE settings SET value = $version WHERE name = 'schema_version'",
        {"version": str(SCHEMA_VERSION)},
    )
    connection.execute("COMMIT")
