"""Connections with bounds: how many, how long a request may take to come, how large its head is.

The parser and the server behind it set none of these themselves.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from avon_analytics.receive.metrics import Metrics

_NOTHING_MORE = b"content-length: 0\r\nconnection: close\r\n\r\n"
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1024 * 1024
_LINGERING = 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may ask of the receiver."""

    connections: int = 400
    request_seconds: float = 30.0  # from its first byte to its last, or for the first to come
    idle_seconds: int = 75  # between requests; longer than proxies keep connections
    head_bytes: int = 32 * 1024
    headers: int = 100
    pipelined: int = 16


class Connection(HttpToolsProtocol):
    """One client, held to bounds."""

    def __init__(
        self, bounds: Bounds, metrics: Metrics, refused: set[Connection], **given: Any
    ) -> None:
        """``refused`` is shared by all connections: those that are only there to be refused."""
        super().__init__(**given)
        self._bounds = bounds
        self._metrics = metrics
        self._refused = refused
        self._waits_since: float | None = self.loop.time()  # for the client, unless it is we
        self._is_in_head = False
        self._head_bytes = 0
        self._refusal = 400
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Else the second half of an answer waits for word of the first, which clients delay.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) - len(self._refused) > self._bounds.connections:
            self._refuse(503, "too_many")

    def connection_lost(self, exc: Exception | None) -> None:
        self._refused.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self in self._refused:
            self._unread += len(data)
            if self._unread > _LINGER_BYTES:
                self.transport.abort()
            return
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._is_in_head and was_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.head_bytes:
                self._refuse(431, "bad_request")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self._bounds.pipelined:
            raise ValueError("too many requests at once")
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._waits_since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes behind a body would otherwise count as a header of this or the next request.
        if not self._is_in_head:
            raise ValueError("headers behind the body")
        if len(self.headers) >= self._bounds.headers:
            self._refusal = 431
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self._bounds.head_bytes:
            self._refusal = 431
            raise ValueError("too large a head")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # A request that was answered before it was there has nobody else to watch over it.
        is_answered = self.cycle.response_complete
        self._waits_since = self.loop.time() if is_answered else None

    def send_400_response(self, msg: str) -> None:
        """What the server calls for whatever the parser refuses."""
        self._refuse(self._refusal, "bad_request")

    def check(self, now: float) -> None:
        """End the connection where its client lets us wait."""
        if self._waits_since is not None and now - self._waits_since > self._bounds.request_seconds:
            self._metrics.cut_off["too_slow"] += 1
            self.transport.abort()

    def _refuse(self, status: int, why: str) -> None:
        self._metrics.cut_off[why] += 1
        self._waits_since = self.loop.time()
        self.transport.write(STATUS_LINE[status] + _NOTHING_MORE)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or len(self._refused) >= _LINGERING:
            self.transport.close()
            return
        # To close while something that came is unread would take the answer back (RFC 9112, 9.6).
        self._refused.add(self)
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
