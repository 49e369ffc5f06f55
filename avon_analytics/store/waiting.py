"""Waiting for a store that somebody else holds."""

from __future__ import annotations

import os
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
_HOLDER = re.compile(r"\(pid (\d+)\)")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')

T = TypeVar("T")
OnWait = Callable[[str], None]


def seconds(wait: float) -> float:
    """How long to wait; raises UsageError for what is no time."""
    return number(wait, 0, _LONGEST, "wait is a number of seconds, 0 or more")


def reason(error: Exception, path: str = "") -> str:
    """What the engine says, in lower case and without the names and paths that it quotes."""
    text = str(error)
    for known in (os.path.realpath(path), path) if path else ():
        text = text.replace(known, "…")
    return _QUOTED.sub("…", text).lower()


def holder(error: Exception, path: str = "") -> str | None:
    """Who holds the store that could not be opened; None if that is not what went wrong."""
    text = reason(error, path)
    if "file handle conflict" in text or "same database file with a different" in text:
        return "this very process (another store object or thread)"
    if "could not set lock" not in text and "conflicting lock" not in text:
        return None
    found = _HOLDER.findall(text)
    return f"another process (PID {found[-1]})" if found else "another process"


def when_free(path: str, attempt: Callable[[], T], wait: float, on_wait: OnWait | None = None) -> T:
    """Try to open a store until nobody else holds it, at most for ``wait`` seconds.

    ``on_wait`` is told once who holds it. Raises the engine's error of the last try.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return attempt()
        except duckdb.Error as error:
            found = holder(error, path)
            left = deadline - time.monotonic()
            if found is None or left <= 0:
                raise
        if on_wait is not None:
            on_wait(f"{path} is in use by {found}: waiting up to {wait:g} s")
            on_wait = None
        time.sleep(min(_EVERY_SECONDS, left))
