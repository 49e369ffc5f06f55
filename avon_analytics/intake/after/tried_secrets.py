"""Which secrets were tried on the lines of the quarantine: without a new one, none is tried again.

What is kept is a mark for each secret and file: an HMAC of the file's path under a key that is
derived from the secret and a salt of the store, so slowly that guessing is no quicker with it than
with an archive. A mark names neither.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import duckdb

from avon_analytics.intake.read.signature import Secrets
from avon_analytics.store.settings import random_key, set_setting, setting

_SALT, _TRIED = "tried_salt", "tried_secrets"
_ROUNDS = 20_000  # a hundredth of a second


class TriedSecrets:
    """For each file, up to which load its lines were tried under each of some secrets."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, secrets: Secrets) -> None:
        self._connection = connection
        self._secrets = secrets
        self._keys: list[bytes] = []
        self._loads: dict[str, int] = json.loads(setting(connection, _TRIED) or "{}")
        self._has_news = False

    def up_to(self, file: str) -> int:
        """The newest load up to which each line of a file was tried under each secret."""
        return min(self._loads.get(mark, 0) for mark in self._marks(file))

    def add(self, file: str, load_id: int) -> None:
        """Each line of a file was tried under each secret, those of this load among them."""
        for mark in self._marks(file):
            if self._loads.get(mark, 0) < load_id:
                self._loads[mark] = load_id
                self._has_news = True

    def save(self) -> None:
        """Keep what was added."""
        if self._has_news:
            set_setting(self._connection, _TRIED, json.dumps(self._loads))

    def _marks(self, file: str) -> list[str]:
        if not self._keys:
            salt = random_key(self._connection, _SALT)
            self._keys = [
                hashlib.pbkdf2_hmac("sha256", secret, salt, _ROUNDS)
                for secret in self._secrets.values()
            ]
        path = file.encode("utf-8", "surrogateescape")
        return [hmac.digest(key, path, "sha256").hex()[:32] for key in self._keys]
