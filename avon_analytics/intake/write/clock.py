"""Where the time of a load goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# What each kind of work is, in the order in which a line meets it.
WORKS = {
    "find lines": "read, decompress and hash files, and cut them into lines",
    "read lines": "open envelopes, verify signatures, read bodies by the contract",
    "make rows": "turn events into the columns and lists of the tables",
    "settle": "look up known events, settle conflicts",
    "store rows": "write events and versions",
    "log": "write where each line ended, and what is quarantined",
    "commit": "close the transactions",
    "keep slots": "compute the slots and lifecycles of all appointments",
}


class Clock:
    """Adds up the wall time of each kind of work, in seconds.

    Reading (up to ``make rows``) runs ahead while other rows are stored, so that the sum of all can
    be more than the time that a load takes.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(WORKS, 0.0)

    @contextmanager
    def timing(self, work: str) -> Iterator[None]:
        """Add the time that a block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[work] += time.perf_counter() - start

    def __str__(self) -> str:
        width = max(map(len, WORKS))
        rows = [
            f"{work:<{width}}  {self.seconds[work]:8.2f} s  {what}" for work, what in WORKS.items()
        ]
        return "\n".join(
            [*rows, "Reading, the first three, runs ahead while earlier lines are stored."]
        )
