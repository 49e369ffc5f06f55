"""What is answered to whom: one path takes deliveries, ``/health``, ``/metrics`` report on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from avon_analytics.intake.read.signature import Secrets
from avon_analytics.receive.commit import Commits
from avon_analytics.receive.line import Header, kept, line_of, signature_of
from avon_analytics.receive.metrics import CONTENT_TYPE, Metrics

_AT_ONCE = 64 * 1024 * 1024
_TROUBLE_SECONDS = 10.0

_ARCHIVED = Response()
_REJECTED = PlainTextResponse("not accepted\n", 401)
_TOO_LARGE = PlainTextResponse("too large\n", 413)
_TRY_LATER = PlainTextResponse("try again later\n", 503, {"retry-after": "5"})


class Deliveries:
    """The endpoint: 200 once a verified delivery is on disk, and not before.

    ``max_bytes`` bounds one body, and bodies that are here at the same time are bounded together,
    so that memory is, whoever calls.
    """

    def __init__(
        self, secrets: Secrets, archive: Commits, rejects: Commits, metrics: Metrics, max_bytes: int
    ) -> None:
        self._secrets = secrets
        self._archive = archive
        self._rejects = rejects
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._held, self._at_once = 0, max(_AT_ONCE, 4 * max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        word, response = await self._answer(kept(scope["headers"]), scope["headers"], receive)
        self._metrics.answers[word] += 1
        if response is not None:
            await response(scope, receive, send)

    async def _answer(
        self, headers: list[Header], all_headers: list[Header], receive: Receive
    ) -> tuple[str, Response | None]:
        length = next((v for name, v in all_headers if name == b"content-length"), b"0")
        if int(length) > self._max_bytes:
            return "too_large", _TOO_LARGE
        body, received = bytearray(), 0
        try:
            is_more = True
            while is_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return "gone", None
                chunk = message.get("body", b"")
                body += chunk
                received += len(chunk)
                self._held += len(chunk)
                if len(body) > self._max_bytes:
                    return "too_large", _TOO_LARGE
                if self._held > self._at_once:
                    return "unavailable", _TRY_LATER
                is_more = message.get("more_body", False)
            return await self._archived(bytes(body), headers)
        finally:
            self._held -= received

    async def _archived(self, body: bytes, headers: list[Header]) -> tuple[str, Response]:
        signature, received_at = signature_of(headers), time.time()
        is_right = signature is not None and self._secrets.matching(body, signature) is not None
        line = line_of(body, headers, received_at)
        if not is_right:
            if not await self._rejects.keep(line):
                self._metrics.rejected_lost += 1
            return "rejected", _REJECTED
        if not await self._archive.keep(line):
            return "unavailable", _TRY_LATER
        self._metrics.accepted_bytes += len(body)
        self._metrics.newest_receipt = max(self._metrics.newest_receipt, received_at)
        return "accepted", _ARCHIVED


class Trouble:
    """Whether the archive could lately not be written: what ``/health`` reports.

    For a few seconds only: where nothing is sent to who is not well, nothing would show that the
    disk has room again.
    """

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_there(self) -> bool:
        return time.monotonic() < self._until

    def begins(self) -> None:
        self._until = time.monotonic() + _TROUBLE_SECONDS

    def ends(self) -> None:
        self._until = 0.0


def make_app(
    deliveries: Deliveries,
    path: str,
    trouble: Trouble,
    page: Callable[[], str],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
    """The application: three paths, and nothing at any other."""

    async def health(_: Request) -> Response:
        if trouble.is_there:
            return JSONResponse({"status": "the archive cannot be written"}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(page(), media_type=CONTENT_TYPE)

    app = Starlette(
        routes=[
            Route(path, deliveries, methods=["POST"]),
            Route("/health", health),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
