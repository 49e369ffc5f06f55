"""Threads that use one store take turns: its file is attached once in a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from weakref import WeakValueDictionary

from avon_analytics.errors import StoreError

_LOOK_EVERY = 0.1


class Turns:
    """Who has the turn may take it again; who waits for a writer waits for so long and no longer.

    Readers wait for one another as long as it takes, as they would for the engine.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = RLock()
        self.is_writing = False

    @contextmanager
    def turn(self, wait: float) -> Iterator[None]:
        """Have the turn. Raises StoreError where another thread writes for longer than ``wait``."""
        deadline = time.monotonic() + wait
        while not self._lock.acquire(timeout=_LOOK_EVERY):
            if self.is_writing and time.monotonic() >= deadline:
                after = f", {wait:g} s later too" if wait else ""
                raise StoreError(
                    f"{self._path} is in use by this very process (another thread){after}: "
                    "wait until it is done (--wait SECONDS, wait=), or end it"
                )
        try:
            yield
        finally:
            self._lock.release()


_known: WeakValueDictionary[str, Turns] = WeakValueDictionary()
_finding = RLock()


def turns_at(place: str) -> Turns:
    """The turns of a file, shared by all who use it in this process."""
    with _finding:
        return _known.setdefault(place, Turns(place))
