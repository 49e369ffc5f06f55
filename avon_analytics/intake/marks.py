"""Marks of forgotten people: keyed digests of ids, which tell one again and name nobody.

A mark is the HMAC-SHA256 of an id under a random key of the store. Only ids are marked, which are
long and random, and digests of whole lines: a key that lies beside the marks protects nothing that
can be guessed, such as a name or a social security number.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from avon_analytics.intake.signature import hmac_pads

Kind = Literal["person", "object", "thread", "line"]
_KEY = "forget_key"


class Marks:
    """The marks of a store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: dict[str, str] = {}
        self._key = b""
        there = connection.execute(
            "SELECT count(*) FROM duckdb_tables() "
            "WHERE database_name = 'store' AND table_name = 'forgotten'"
        ).fetchall()
        if there[0][0]:
            self._known = dict(connection.execute("SELECT mark, kind FROM forgotten").fetchall())
        if self._known:
            self._key = self._read_key()

    def __bool__(self) -> bool:
        return bool(self._known)

    def _read_key(self) -> bytes:
        found = self._connection.execute(
            "SELECT value FROM settings WHERE name = $name", {"name": _KEY}
        ).fetchall()
        return bytes.fromhex(found[0][0]) if found else b""

    def _make(self) -> None:
        self._key = self._read_key()
        if not self._key:
            self._key = secrets.token_bytes(32)
            self._connection.execute(
                "INSERT INTO settings VALUES ($name, $key)",
                {"name": _KEY, "key": self._key.hex()},
            )

    def add(self, kind: Kind, ids: Iterable[str]) -> int:
        """Mark some ids; returns how many were not marked before."""
        if not self._key:
            self._make()
        new = {self.mark(one) for one in ids} - self._known.keys()
        at = datetime.now(UTC)
        for mark in sorted(new):
            self._connection.execute("INSERT INTO forgotten VALUES (?, ?, ?)", [mark, kind, at])
            self._known[mark] = kind
        return len(new)

    def mark(self, value: str) -> str:
        """The mark of an id."""
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()

    def is_named(self, tokens: Iterable[str]) -> bool:
        """Whether one of some words is the id of a forgotten person, bare or with its prefix."""
        return any(self._known.get(self.mark(_prefixed(one))) == "person" for one in tokens)

    def is_withheld(self, sha256: str) -> bool:
        """Whether a line with this digest named a forgotten person in another way than by id."""
        return self._known.get(self.mark(sha256)) == "line"

    def among(self, run: Callable[..., list[tuple[Any, ...]]], ids: str, kind: Kind) -> list[str]:
        """Those ids of a query (its only column ``id``) that are marked."""
        inner, outer = hmac_pads(self._key)
        mark = "sha256($outer || unhex(sha256($inner || encode(id))))"
        marked = [mark for mark, of in self._known.items() if of == kind]
        if not marked:
            return []
        found = run(
            f"SELECT DISTINCT id FROM ({ids}) WHERE {mark} IN (SELECT unnest($marked)) ORDER BY id",
            inner=inner,
            outer=outer,
            marked=marked,
        )
        return [one for (one,) in found]


def _prefixed(token: str) -> str:
    return token if "_" in token else f"user_{token}"
