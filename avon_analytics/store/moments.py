"""Whether a store can have changed since it was asked last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Moments:
    """The moments of a store: one ends when somebody has written, or may have."""

    def __init__(self) -> None:
        self._now = object()
        self._n_writing = 0

    @property
    def now(self) -> object:
        """While a store is read: the same object as long as nobody can have changed it."""
        return object() if self._n_writing else self._now

    def end(self) -> None:
        """From now on it is another moment."""
        self._now = object()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Meanwhile no two moments are the same."""
        self._n_writing += 1
        try:
            yield
        finally:
            self._n_writing -= 1
            self.end()
