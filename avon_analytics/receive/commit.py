"""Many deliveries to one sync: whoever comes while the disk works goes with the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

_REST_SECONDS = 1.0
# A sync for each delivery would cost more than all else of it; 3 ms are not felt by who calls.
_APART_SECONDS = 0.003


class Keeper(Protocol):
    """What keeps whole lines, or raises OSError."""

    def append(self, lines: bytes, now: float) -> None: ...

    def close(self) -> None: ...


class Commits:
    """Hands lines to a keeper, in a thread of its own, all that wait at once.

    Under load that is a few milliseconds apart; who comes alone does not wait.
    After a failure nothing is tried for a second: a full disk is not asked a thousand times.
    ``on_commit`` hears of each attempt: how long it took, how many lines, what went wrong.
    """

    def __init__(
        self, keeper: Keeper, on_commit: Callable[[float, int, OSError | None], None]
    ) -> None:
        self._keeper = keeper
        self._on_commit = on_commit
        self._waiting: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        self._next_at = 0.0
        self._thread = ThreadPoolExecutor(1, "disk")

    async def keep(self, line: bytes) -> bool:
        """Whether a line is kept, once that is certain."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((line, kept))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await kept

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await asyncio.sleep(self._next_at - loop.time())
                waiting, self._waiting = self._waiting, []
                failure: OSError | None = None
                start = loop.time()
                self._next_at = start + _APART_SECONDS
                if start < self._rests_until:
                    is_kept = False
                else:
                    lines = b"".join([line for line, _ in waiting])
                    try:
                        await loop.run_in_executor(
                            self._thread, self._keeper.append, lines, time.time()
                        )
                    except OSError as error:
                        failure = error
                        self._rests_until = loop.time() + _REST_SECONDS
                    is_kept = failure is None
                    self._on_commit(loop.time() - start, len(waiting), failure)
                for _, kept in waiting:
                    if not kept.done():
                        kept.set_result(is_kept)
        finally:
            self._task = None
            for _, kept in self._waiting:
                kept.cancel()

    async def close(self) -> None:
        """Finish what waits, and close the keeper."""
        while self._task is not None:
            await asyncio.sleep(0.01)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._keeper.close)
        self._thread.shutdown()
