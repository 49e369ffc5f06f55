"""Waiting for a store that somebody else holds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

import duckdb

from avon_analytics.arguments import number

# A reader holds a store for as long as a figure takes, a load for as long as it takes.
WAIT_TO_READ = 10.0
WAIT_TO_LOAD = 60.0
_EVERY_SECONDS = 0.1
_LONGEST = 10 * 365 * 86_400.0
_HOLDER = re.compile(r"PID (\d+)")

T = TypeVar("T")
OnWait = Callable[[str], None]


def seconds(wait: float) -> float:
    """How long to wait; raises UsageError for what is no time."""
    return number(wait, 0, _LONGEST, "wait is a number of seconds, 0 or more")


def holder(error: Exception) -> str | None:
    """Who holds the store that could not be opened; None if that is not what went wrong."""
    text = str(error)
    if "file handle conflict" in text or "same database file with a different" in text:
        return "this very process (another store object or thread)"
    if "Could not set lock" not in text and "onflicting lock" not in text:
        return None
    found = _HOLDER.search(text)
    return f"another process (PID {found.group(1)})" if found else "another process"


def when_free(path: str, attempt: Callable[[], T], wait: float, on_wait: OnWait | None = None) -> T:
    """Try to open a store until nobody else holds it, at most for ``wait`` seconds.

    ``on_wait`` is told once who holds it. Raises the engine's error of the last try.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return attempt()
        except duckdb.Error as error:
            found = holder(error)
            left = deadline - time.monotonic()
            if found is None or left <= 0:
                raise
        if on_wait is not None:
            on_wait(f"{path} is in use by {found}: waiting up to {wait:g} s")
            on_wait = None
        time.sleep(min(_EVERY_SECONDS, left))
