"""What a store remembers about itself: one text under each name, in the table ``settings``."""

from __future__ import annotations

from secrets import token_hex

import duckdb

from avon_analytics.store.parsed import run


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What stands under a name; None where nothing does."""
    found = run(
        connection, "SELECT value FROM settings WHERE name = $name", {"name": name}
    ).fetchall()
    return None if not found else str(found[0][0])


def set_setting(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Put a text under a name, in place of what stood there."""
    run(connection, "INSERT OR REPLACE INTO settings VALUES ($1, $2)", [name, value])


def random_key(connection: duckdb.DuckDBPyConnection, name: str) -> bytes:
    """The random key of this name that belongs to the store alone; made when first asked for."""
    key = setting(connection, name)
    if key is None:
        set_setting(connection, name, key := token_hex(32))
    return bytes.fromhex(key)
