"""A receiver on loopback, a client that knows nothing of it, and deliveries that are signed."""

from __future__ import annotations

import hmac
import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import zstandard

from avon_analytics.intake.read.signature import Secrets
from avon_analytics.receive.server import Receiver, Settings

SECRET = "a-secret-of-the-tests"
OLD_SECRET = "the-secret-before"
SECRETS = {"new": SECRET, "old": OLD_SECRET}
SECONDS = 20.0
PAGE = (Path(__file__).parents[2] / "docs" / "receiving.md").read_text("utf-8")


def block(language: str) -> str:
    """The block of the page on receiving that is in a language."""
    found = re.search(rf"^```{language} .*?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def delivery(n: int, text: str = "") -> bytes:
    """The body of a delivery that loads."""
    message = {"id": f"msg_{n:032x}", "type": "inAppMessage", "text": text}
    event = {"event": "message.created", "created_at": 1735689600000 + n, "object": message}
    return json.dumps(event).encode()


class Client:
    """Asks a receiver, each time over a connection of its own, unless it is given one."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self.host, self.port, self.path = address.hostname, address.port, address.path

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        connection = self.open()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, body: bytes, signed: str | None = None, **headers: str) -> int:
        """Send a delivery; returns the status of the answer."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["avon-signature"] = signature(body) if signed is None else signed
        return self.ask("POST", self.path, body, given)[0]

    def raw(self, data: bytes) -> bytes:
        """What comes back for some bytes, until the other side closes or falls silent."""
        with socket.create_connection((self.host, self.port), timeout=2) as connection:
            found = b""
            try:
                connection.sendall(data)
                while part := connection.recv(65536):
                    found += part
            except (TimeoutError, ConnectionError):
                pass
            return found

    def metrics(self) -> dict[str, float]:
        """Each line of the page of metrics."""
        lines = self.ask("GET", "/metrics")[1].splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


def running(archive: Path, **settings: Any) -> AbstractContextManager[Client]:
    """A receiver in this process."""
    return taking(Settings(archive=archive, secrets=Secrets(SECRETS), port=0, **settings))


@contextmanager
def taking(settings: Settings) -> Iterator[Client]:
    """A receiver in this process, with settings of its own."""
    receiver = Receiver(settings)
    thread = Thread(target=receiver.run, daemon=True)
    thread.start()
    try:
        yield Client(receiver.url)
    finally:
        receiver.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def receiver(archive: Path) -> Iterator[Client]:
    with running(archive) as client:
        yield client


def lines(folder: Path) -> list[dict[str, Any]]:
    """All whole lines of the files of a folder, compressed ones included."""
    found = []
    for path in sorted(folder.rglob("*.jsonl*")):
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        found += [json.loads(line) for line in data.split(b"\n")[:-1]]
    return found
