"""The length and the digest of a line that is too long to be held."""

from __future__ import annotations

import hashlib


class Measure:
    """Length and digest of a line that is not held."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = hashlib.sha256()
        self._held = b""

    def add(self, part: bytes) -> None:
        """Some more of the line."""
        if part:
            # A carriage return is part of the line only if something follows it.
            self._digest.update(self._held)
            self._digest.update(memoryview(part)[: len(part) - part.endswith(b"\r")])
            self._held = b"\r" if part.endswith(b"\r") else b""
            self.length += len(part)

    @property
    def without_return(self) -> tuple[int, str]:
        """Length and digest, but for a carriage return at the line's end."""
        return self.length - len(self._held), self._digest.hexdigest()
