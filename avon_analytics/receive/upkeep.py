"""Beside the receiver: tidying and loading, each in a process of its own, at low priority."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avon_analytics.printable import say
from avon_analytics.receive.metrics import Metrics

_TIDY_SECONDS = 900.0
_LOWEST_PRIORITY = 19
_QUARANTINED = 3  # the exit code of a load that stored nothing, or not all
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Loading:
    """Into which store the archive is loaded, how often, and with which secrets."""

    store: Path
    every_seconds: float
    secrets_file: Path | None
    line_limit: int


class Upkeep:
    """Runs one process at a time. What goes wrong is counted, said once, and tried again."""

    def __init__(self, archive: Path, loading: Loading | None, metrics: Metrics) -> None:
        self._archive = archive
        self._loading = loading
        self._metrics = metrics
        self._said = ""

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        next_tidy = next_load = loop.time()
        while True:
            if loop.time() >= next_tidy:
                await self._tidy()
                next_tidy = loop.time() + _TIDY_SECONDS
            if self._loading is not None and loop.time() >= next_load:
                next_load = loop.time() + self._loading.every_seconds
                await self._load(self._loading)
            wake = next_tidy if self._loading is None else min(next_tidy, next_load)
            await asyncio.sleep(max(0.0, wake - loop.time()))

    async def _tidy(self) -> None:
        code, out, _ = await _run("avon_analytics.receive.tidy", str(self._archive))
        if code == 0:
            self._metrics.tidied.update(json.loads(out))
        else:
            self._metrics.tidied["failed"] += 1

    async def _load(self, loading: Loading) -> None:
        arguments = ["load", str(self._archive), "--db", str(loading.store), "--json"]
        arguments += ["--line-limit", str(loading.line_limit)]
        if loading.secrets_file is not None:
            arguments += ["--secrets-file", str(loading.secrets_file)]
        code, out, err = await _run("avon_analytics", *arguments)
        try:
            receipt = json.loads(out) if code in (0, _QUARANTINED) else None
        except ValueError:
            receipt = None
        if receipt is None:
            self._metrics.loads["failed"] += 1
            self._say(_sentence(err) or f"a load ended with code {code}")
            return
        self._said = ""
        self._count(receipt)

    def _count(self, receipt: dict[str, Any]) -> None:
        metrics = self._metrics
        metrics.loads["done"] += 1
        metrics.newest_load = time.time()
        metrics.lines.update({word: receipt[word] for word in metrics.LINES})
        metrics.quarantined.update(receipt["quarantined_by_code"])
        metrics.pending_bytes = sum(receipt["pending"].values())

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            say(f"avon-analytics: loading: {sentence}")


def _sentence(err: bytes) -> str:
    """What the command says of itself, in its own words."""
    start = "avon-analytics: "
    lines = [line for line in err.decode("utf-8", "replace").splitlines() if line.startswith(start)]
    return lines[-1].removeprefix(start) if lines else ""


async def _run(module: str, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run a module of this package; ends it when this is cancelled."""
    command: Sequence[str] = [sys.executable, "-m", module, *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST_PRIORITY)
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        await _end(process)
        raise
    return process.returncode or 0, out, err


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            process.kill()
