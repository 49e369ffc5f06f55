"""An archive typed out line by line, and a desk that loads it and asks where each line ended.

Nothing here comes from the package's own sample: signatures, envelopes and bodies are made anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

import avon_analytics
from avon_analytics.api import Store
from avon_analytics.intake.load import load as load_within_limits
from avon_analytics.store.connection import Session
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame

SECRET = "whsec_of_these_tests"
NOON = "2025-03-10T12:00:00Z"
# Types whose values the engine hands over as a DataFrame has them.
_PLAIN = {"VARCHAR", "JSON", "BOOLEAN", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE"}


class Archive:
    """Spells deliveries as exporters do and writes them to files.

    A body is a dict or, where its spelling matters, its text. Unless told otherwise it is signed
    with the secret of these tests and was received at noon of the 10th of March 2025.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    @staticmethod
    def sign(body: str | bytes, secret: str = SECRET) -> str:
        raw = body if isinstance(body, bytes) else body.encode()
        return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()

    @staticmethod
    def patient(ms: int = 1_700_000_000_000, **fields: Any) -> dict[str, Any]:
        """An update of patient ``user_ann``; events of different ``ms`` are different events."""
        about = {"id": "user_ann", "object": "patient", **fields}
        return {"event": "patient.updated", "created_at": ms, "object": about}

    @staticmethod
    def text(body: str | dict[str, Any]) -> str:
        return body if isinstance(body, str) else json.dumps(body)

    def raw(
        self,
        body: str | dict[str, Any],
        *,
        secret: str | None = SECRET,
        received: Any = NOON,
        **envelope: Any,
    ) -> str:
        text = self.text(body)
        signed = {} if secret is None else {"avon-signature": self.sign(text, secret)}
        told = {} if received is None else {"received_at": received}
        return json.dumps({"headers": signed, "body": text, **told, **envelope})

    def base64(self, body: str | bytes | dict[str, Any], *, secret: str = SECRET) -> str:
        sent = body if isinstance(body, bytes) else self.text(body).encode()
        return json.dumps(
            {
                "headers": {"Avon-Signature": self.sign(sent, secret)},
                "body": base64.b64encode(sent).decode(),
                "isBase64Encoded": True,
                "requestContext": {"timeEpoch": 1_741_608_000_000},
            }
        )

    def parsed(self, sent: str, *, stands: str | None = None, secret: str | None = SECRET) -> str:
        """The body ``sent``, which stands in the line as an object, perhaps spelled anew."""
        headers = {} if secret is None else {"avon-signature": self.sign(sent, secret)}
        return f'{{"headers": {json.dumps(headers)}, "body": {stands or sent}}}'

    def write(
        self, *lines: str | bytes, name: str | None = None, end: bytes = b"\n", last: bytes = b"\n"
    ) -> Path:
        """A file of these lines; ``last`` is what follows the last one."""
        path = self.folder / (name or f"part-{next(self._numbers):03}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
        path.write_bytes(end.join(raw) + (last if raw else b""))
        return path


class Asked(ABC):
    """A store, loaded in one way or another, and what one asks of it then."""

    store: Store

    @abstractmethod
    def load(self, *paths: Path, within: dict[str, int] | None = None, **how: Any) -> Any:
        """Load files."""

    def close(self) -> None:
        self.store.close()

    def add_up(self) -> dict[str, int]:
        return self.sums()

    def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, missing values as None.

        The engine is asked itself: what ``store.sql`` does besides takes longer than most queries.
        """
        with self.store._database.reading() as connection:
            result = connection.execute(query, parameters or None)
            if all(str(kind) in _PLAIN for _, kind, *_ in result.description or ()):
                return result.fetchall()
            found = frame(connection, query, parameters).astype(object)
        return list(found.where(found.notna(), None).itertuples(index=False, name=None))

    def column(self, query: str, **parameters: Any) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in self.rows(query, **parameters)]

    def sums(self) -> dict[str, int]:
        """The sums of the store's log, after it was found that they agree."""
        counts = ("loaded", "duplicate", "quarantined")
        names = ("lines", "blank", *counts)
        sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in names)
        (files,) = self.rows(f"SELECT {sums} FROM archive_files")
        (loads,) = self.rows(f"SELECT {sums} FROM loads")
        ended = dict(self.rows("SELECT ended, count(*) FROM deliveries GROUP BY ended"))
        found = dict(zip(names, files, strict=True))
        assert files == loads, "archive_files and loads"
        assert {name: found[name] for name in counts} == {
            name: ended.get(name, 0) for name in counts
        }
        assert found["lines"] == found["blank"] + sum(ended.values())
        places = self.rows("SELECT file, line, byte_offset FROM deliveries")
        assert len(places) == len(set(places)), "each line once in deliveries"
        refused = self.rows(
            "SELECT file, line, byte_offset FROM deliveries WHERE ended = 'quarantined'"
        )
        kept = self.rows("SELECT file, line, byte_offset FROM quarantine")
        assert sorted(refused) == sorted(kept)
        (told,) = self.rows("SELECT count(*), coalesce(sum(n_deliveries), 0)::BIGINT FROM events")
        assert told == (found["loaded"], found["loaded"] + found["duplicate"]), "events"
        return found


class Desk(Asked):
    """A store, loaded from an archive that is typed out."""

    def __init__(
        self,
        archive: Archive,
        where: str | Path = ":memory:",
        empty_stores: EmptyStores | None = None,
    ) -> None:
        self.archive = archive
        self._empty_stores = empty_stores if where == ":memory:" else None
        self._is_open = True
        self.store = self._empty_stores.take() if self._empty_stores else avon_analytics.open(where)

    def close(self) -> None:
        """Let go of the store; one in memory is emptied, for another desk."""
        if self._is_open and self._empty_stores:
            self._empty_stores.give_back(self.store)
        elif self._is_open:
            self.store.close()
        self._is_open = False

    def held(self) -> AbstractContextManager[object]:
        """The store's file, held while one asks much of it: each question would open it anew."""
        return self.store._database.reading()

    def load(self, *paths: Path | str, within: dict[str, int] | None = None, **how: Any) -> Any:
        """Load files; without a word on secrets, with the secret of these tests.

        ``within`` sets the limits of a line and of a batch, which the front door does not offer.
        Whatever was loaded, the log must add up.
        """
        if how.get("policy") != "skip":
            how.setdefault("secrets", SECRET)
        if within is None:
            receipt = self.store.load(list(paths), progress=False, **how)
        else:
            receipt = load_within_limits(self.store._database, list(paths), **{**how, **within})
        self.check_receipt(receipt)
        return receipt

    def take(self, *lines: str | bytes, **how: Any) -> Any:
        """Load a new file of these lines."""
        return self.load(self.archive.write(*lines), **how)

    def ends(self) -> list[str]:
        """Where each line ended, by file and line: ``loaded``, ``duplicate`` or its code."""
        return self.column(
            "SELECT coalesce(code, ended) FROM deliveries ORDER BY file, line, byte_offset"
        )

    def errors(self) -> list[list[tuple[str, str]]]:
        """Code and path of every error, by line of the quarantine."""
        found = self.column("SELECT errors FROM quarantine ORDER BY file, line, byte_offset")
        return [[(fault["code"], fault["path"]) for fault in json.loads(text)] for text in found]

    @staticmethod
    def check_receipt(receipt: Any) -> None:
        """``lines = blank + loaded + duplicate + quarantined``, per file and in all."""
        for told in (receipt, *receipt.files):
            assert told.lines == told.blank + told.loaded + told.duplicate + told.quarantined
            assert sum(told.quarantined_by_code.values()) == told.quarantined
        assert receipt.lines == sum(file.lines for file in receipt.files)

    def add_up(self) -> dict[str, int]:
        """The sums of the store's log, after it was found that they agree."""
        with self.held():
            return self.sums()


def _catalog(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Every table and view there is, temporary ones included, and what the engine may use."""
    return connection.execute(
        "SELECT database_name, table_name FROM duckdb_tables() "
        "UNION ALL SELECT database_name, view_name FROM duckdb_views() WHERE NOT internal "
        "UNION ALL SELECT current_setting('threads'), current_setting('memory_limit') "
        "ORDER BY ALL"
    ).fetchall()


def _empty(database: Database) -> None:
    """Leave a store in memory as it was made: no row but those of its settings."""
    with database.writing() as connection:
        filled = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'store' "
            "AND estimated_size > 0 AND table_name <> 'settings'"
        ).fetchall()
        for schema, name in filled:
            connection.execute(f'TRUNCATE {schema}."{name}"')
        connection.execute("DELETE FROM settings WHERE name NOT IN ('schema_version', 'time_zone')")
        temporary = "SELECT {0}_name FROM duckdb_{0}s() WHERE temporary AND NOT internal"
        for kind in ("view", "table"):
            for (name,) in connection.execute(temporary.format(kind)).fetchall():
                connection.execute(f'DROP {kind} temp."{name}"')
    database.session = Session()


OpenDesk = Callable[..., Desk]


class EmptyStores:
    """Stores in memory, emptied and used again: making one takes longer than most of the tests.

    One that a test has closed, or left with anything that a new one has not, is not used again.
    """

    def __init__(self) -> None:
        self._free: list[Database] = []
        self._as_made: list[tuple[Any, ...]] = []

    def take(self) -> Store:
        if self._free:
            return Store(self._free.pop())
        store = avon_analytics.open(":memory:")
        if not self._as_made:
            with store._database.reading() as connection:
                self._as_made = _catalog(connection)
        return store

    def give_back(self, store: Store) -> None:
        database = store._database
        if database.is_closed:
            return
        _empty(database)
        with database.reading() as connection:
            is_as_made = _catalog(connection) == self._as_made
        if is_as_made:
            self._free.append(database)
        else:
            store.close()

    def close(self) -> None:
        for database in self._free:
            database.close()


@pytest.fixture(scope="session")
def empty_stores() -> Iterator[EmptyStores]:
    stores = EmptyStores()
    yield stores
    stores.close()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def open_desk(archive: Archive, empty_stores: EmptyStores) -> Iterator[OpenDesk]:
    """Opens a desk, in memory unless told where."""
    opened: list[Desk] = []

    def open_one(where: str | Path = ":memory:") -> Desk:
        opened.append(Desk(archive, where, empty_stores))
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    """An empty store in memory."""
    return open_desk()
