"""Small things that were worked out of slots once, so that the next figure need not ask again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

_T = TypeVar("_T")
_MOST = 32  # of which the few larger ones have some megabytes each


class Remembered:
    """What was worked out, by the SQL and all else that it was worked out from.

    The SQL names a table of slots, and what such a table holds does not change: slots of another
    content of the store, or of other settings, have another name. Whoever takes something out
    leaves it as it is.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def of(self, key: Hashable, work_out: Callable[[], _T]) -> _T:
        """What is known under a key, worked out unless it is; what was used last is kept."""
        found = self._known.pop(key) if key in self._known else work_out()
        self._known[key] = found
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return cast(_T, found)
