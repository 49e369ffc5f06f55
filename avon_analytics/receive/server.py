"""The receiver as a whole: what it is given, and how it runs until it is stopped."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette

from avon_analytics.errors import InputError, UsageError
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.printable import say
from avon_analytics.receive.app import Deliveries, Trouble, make_app
from avon_analytics.receive.commit import Commits
from avon_analytics.receive.connection import Bounds, Connection
from avon_analytics.receive.files import Journal, Rejects, make_private, sync_folder
from avon_analytics.receive.metrics import Metrics
from avon_analytics.receive.tidy import rejected_of
from avon_analytics.receive.upkeep import Loading, Upkeep

MAX_BYTES = 10 * 1024 * 1024
REJECTED_BYTES = 256 * 1024 * 1024
_BACKLOG = 128
_SPARE_FILES = 5 * _BACKLOG
_FEWEST_CONNECTIONS = 16
_GRACE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Settings:
    """What a receiver is given. ``loading`` is for ``--load``."""

    archive: Path
    secrets: Secrets
    host: str = "127.0.0.1"
    port: int = 8080
    path: str = "/avon"
    max_bytes: int = MAX_BYTES
    rejected_bytes: int = REJECTED_BYTES
    loading: Loading | None = None
    bounds: Bounds = field(default_factory=Bounds)


class Receiver:
    """A receiver that listens as soon as it is made."""

    def __init__(self, settings: Settings) -> None:
        """Raises InputError where it cannot listen, or not write into the archive."""
        _check(settings)
        bounds = _within_files(settings.bounds)
        self._settings = settings
        self.metrics = Metrics()
        self._trouble = Trouble()
        self._socket = _listen(settings.host, settings.port)
        self._server = _Server(
            uvicorn.Config(
                self._app(),
                http=partial(Connection, bounds, self.metrics, set()),  # type: ignore[arg-type]
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=settings.bounds.idle_seconds,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    @property
    def url(self) -> str:
        """Where deliveries are taken."""
        host, port = self._socket.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{port}{self._settings.path}"

    def run(self) -> None:
        """Take deliveries until a signal or ``stop`` ends it; what has come is finished first."""
        self._server.run([self._socket])

    def stop(self) -> None:
        """Have ``run`` end."""
        self._server.should_exit = True

    def _app(self) -> Starlette:
        settings, metrics = self._settings, self.metrics
        archive = Commits(Journal(settings.archive), self._on_commit)
        rejects = Commits(
            Rejects(rejected_of(settings.archive), settings.rejected_bytes), lambda *_: None
        )
        deliveries = Deliveries(settings.secrets, archive, rejects, metrics, settings.max_bytes)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            upkeep = Upkeep(settings.archive, settings.loading, metrics)
            tasks = [asyncio.create_task(upkeep.run()), asyncio.create_task(self._watch())]
            try:
                with suppress(asyncio.CancelledError):  # asked twice to end: uvicorn does not wait
                    yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await archive.close()
                await rejects.close()

        return make_app(deliveries, settings.path, self._trouble, self._page, lifespan)

    def _page(self) -> str:
        return self.metrics.text(
            connections=len(self._server.server_state.connections),
            is_loading=self._settings.loading is not None,
        )

    async def _watch(self) -> None:
        """End connections whose clients are too slow."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            for connection in list(self._server.server_state.connections):
                connection.check(loop.time())  # type: ignore[union-attr]

    def _on_commit(self, seconds: float, _: int, failure: OSError | None) -> None:
        if failure is None:
            self.metrics.synced(seconds)
            if self._trouble.is_there:
                self._trouble.ends()
                say("avon-analytics: the archive can be written again")
            return
        self.metrics.failed_syncs += 1
        if not self._trouble.is_there:
            reason = failure.strerror or "the system refused"
            say(f"avon-analytics: cannot write the archive: {reason}; deliveries are answered 503")
        self._trouble.begins()


class _Server(uvicorn.Server):
    """Finishes what has come where its terminal is closed, too, as it does for SIGTERM."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            before = signal.getsignal(signal.SIGHUP)
            is_heard = current_thread() is main_thread() and before is not signal.SIG_IGN
            if is_heard:
                signal.signal(signal.SIGHUP, self.handle_exit)
            try:
                yield
            finally:
                if is_heard:
                    signal.signal(signal.SIGHUP, before)


def _check(settings: Settings) -> None:
    if not settings.path.startswith("/") or settings.path in ("/health", "/metrics"):
        raise UsageError("the path begins with / and is neither /health nor /metrics")
    if "{" in settings.path or not settings.path.isascii():
        raise UsageError("the path has letters of ASCII alone, and no braces")
    try:
        make_private(settings.archive)
        probe = settings.archive / f".{uuid4().hex}"
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink()
        sync_folder(settings.archive)
    except OSError as error:
        raise InputError(
            f"cannot write into {settings.archive}: {error.strerror or 'the system refused'}"
        ) from None


def _within_files(bounds: Bounds) -> Bounds:
    """The bounds, with no more connections than this process may have files open for."""
    n_files = _allow_files(bounds.connections + _SPARE_FILES)
    connections = min(bounds.connections, n_files - _SPARE_FILES)
    if connections == bounds.connections:
        return bounds
    if connections < _FEWEST_CONNECTIONS:
        raise InputError(
            f"this process may open {n_files:,} files, and a receiver needs "
            f"{_FEWEST_CONNECTIONS + _SPARE_FILES:,}; raise the hard limit (ulimit -Hn, or "
            "LimitNOFILE= of a service)"
        )
    say(f"at most {connections} connections at once: this process may open {n_files:,} files")
    return replace(bounds, connections=connections)


def _allow_files(wanted: int) -> int:
    """Have this process open so many files, if it may; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise InputError(f"cannot listen on {host}, port {port}: {reason}") from None
    except OverflowError:
        raise UsageError("a port is a number from 0 to 65535") from None
