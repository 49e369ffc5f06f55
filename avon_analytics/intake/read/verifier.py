"""Checking many signatures: each secret goes into a hash once, which every body then copies."""

from __future__ import annotations

import hashlib
from typing import Any

from avon_analytics.intake.read.signature import Secrets, hmac_pads


class Verifier:
    """Tells under which secret the HMAC-SHA256 of some bytes is a signature.

    The secret that matched last is tried first; each is tried once, under its first name.
    """

    def __init__(self, secrets: Secrets) -> None:
        named = {secret: name for name, secret in reversed(list(secrets.items()))}
        self._pads: list[tuple[str, Any, Any]] = []
        for name, secret in secrets.items():
            if named[secret] == name:
                inner, outer = hmac_pads(secret)
                self._pads.append((name, hashlib.sha256(inner), hashlib.sha256(outer)))

    def matching(self, body: bytes, signature: str) -> str | None:
        """The name of the secret under which a signature is right, or None."""
        wanted = signature.lower()
        for at, (name, inner, outer) in enumerate(self._pads):
            digest = inner.copy()
            digest.update(body)
            whole = outer.copy()
            whole.update(digest.digest())
            if whole.hexdigest() == wanted:
                if at:
                    self._pads = [self._pads[at], *self._pads[:at], *self._pads[at + 1 :]]
                return name
        return None
