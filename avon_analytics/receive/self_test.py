"""What the receiver does with deliveries, tried out beside the archive with the real secrets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import urlsplit

from avon_analytics.errors import InputError
from avon_analytics.intake.read.signature import sign
from avon_analytics.receive.files import SUFFIX, make_private
from avon_analytics.receive.server import Receiver, Settings

_BODY = b'{"event": "self.test", "object": {"id": "test", "name": "\xc3\xa9 \xe2\x80\xa8"}}'
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """What should be, and whether it is."""

    what: str
    is_ok: bool


def self_test(settings: Settings) -> Iterator[Check]:
    """Start a receiver on a free port of this machine, post to it, and look at its archive.

    Its archive stands in a new folder beside the real one, so on the same disk, and is removed.
    Nothing is left in the real archive.

    Raises InputError where a folder cannot be made there.
    """
    beside = settings.archive.parent
    try:
        make_private(beside)
        with TemporaryDirectory(prefix=".self-test-", dir=beside) as folder:
            tried = replace(
                settings, archive=Path(folder, "archive"), host="127.0.0.1", port=0, loading=None
            )
            with _running(tried) as receiver:
                yield from _checks(receiver, tried)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise InputError(f"cannot try it out in {beside}: {reason}") from None


@contextmanager
def _running(settings: Settings) -> Iterator[Receiver]:
    receiver = Receiver(settings)
    thread = Thread(target=receiver.run, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join(_SECONDS)


def _checks(receiver: Receiver, settings: Settings) -> Iterator[Check]:
    path = settings.path
    for name, secret in settings.secrets.items():
        signature = sign(_BODY, secret)
        status = _ask(receiver, "POST", path, _BODY, signature)
        yield Check(f"a delivery signed with the secret {name} is archived: 200", status == 200)
        archived = _archived(settings.archive)
        yield Check(
            "its line holds the bytes as they were sent, and its signature",
            (_BODY.decode(), signature) in archived,
        )
        status = _ask(receiver, "POST", path, _BODY + b" ", signature)
        yield Check("one byte more than was signed: 401", status == 401)
    status = _ask(receiver, "POST", path, _BODY, None)
    yield Check("a delivery without a signature: 401", status == 401)
    yield Check(
        "neither of them is in the archive",
        len(_archived(settings.archive)) == len(settings.secrets),
    )
    status = _ask(receiver, "POST", path, length=settings.max_bytes + 1)
    yield Check(f"a body of more than {settings.max_bytes:,} bytes: 413", status == 413)
    yield Check("another path: 404", _ask(receiver, "POST", f"{path}-other") == 404)
    yield Check("another method: 405", _ask(receiver, "GET", path) == 405)
    yield Check("/health: 200", _ask(receiver, "GET", "/health") == 200)
    yield Check("/metrics: 200", _ask(receiver, "GET", "/metrics") == 200)


def _ask(
    receiver: Receiver,
    method: str,
    path: str,
    body: bytes | None = None,
    signature: str | None = None,
    length: int | None = None,
) -> int:
    address = urlsplit(receiver.url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_SECONDS)
    headers = {"content-type": "application/json"}
    if signature is not None:
        headers["avon-signature"] = signature
    if length is not None:  # of a body that need not come
        headers["content-length"] = str(length)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _archived(archive: Path) -> list[tuple[str, str]]:
    lines = [
        json.loads(line)
        for path in archive.rglob(f"*{SUFFIX}")
        for line in path.read_text("utf-8").split("\n")
        if line
    ]
    return [(line["body"], line["headers"]["avon-signature"]) for line in lines]
