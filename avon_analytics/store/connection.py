"""How the engine is set up: what each connection may use, and what interrupts its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from avon_analytics.arguments import whole_number
from avon_analytics.errors import UsageError
from avon_analytics.store import journal

MEMORY = ":memory:"
_MOST_THREADS = 1024  # the engine would start whatever it is asked for
_SETTINGS = (
    f"threads is a whole number from 1 to {_MOST_THREADS}, memory_limit a size such as '1GB'"
)
_INTERRUPTED = "Query interrupted"  # what the engine makes of Ctrl-C while it is at work


class Session:
    """What computed tables belong to; another one begins where the engine had to begin anew."""


def engine_config(threads: int | None, memory_limit: str | None) -> dict[str, Any]:
    """How the engine is set up: it never looks for an extension, nor for Python's variables.

    Raises UsageError for a number of threads that cannot be.
    """
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
        # Freed memory goes back to the system after a while.
        "allocator_background_threads": True,
        **journal.NEVER_BY_ITSELF,
        "temp_directory": "",
    }
    if not duckdb.__version__.startswith("1."):
        # In 2.0 joins of few rows on several threads can end in an internal error ("dict-surviving
        # cache"), after which the engine answers nothing more. It comes from these.
        config["debug_enable_caching_operators"] = False
    if threads is not None:
        config["threads"] = whole_number(threads, 1, _MOST_THREADS, _SETTINGS)
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    return config


def connect(config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A connection in memory, whose instants are shown in UTC.

    Raises UsageError where the engine does not take the settings.
    """
    try:
        connection = duckdb.connect(MEMORY, config=config)
    except (duckdb.Error, RuntimeError, ValueError):  # for half a character, thousands of digits
        raise UsageError(_SETTINGS) from None
    connection.execute("SET TimeZone = 'UTC'")
    with suppress(duckdb.Error):  # in a notebook it is off, and setting it asks for ipywidgets
        connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C is the same while the engine works and between its statements."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != _INTERRUPTED:
            raise
        raise KeyboardInterrupt from None
