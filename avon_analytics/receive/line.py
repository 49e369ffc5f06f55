"""A delivery as a line of the archive, in a form that ``load`` verifies."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime

SIGNATURE = b"avon-signature"
# Of all headers. Others may say where a patient is, or hold a password of the proxy's.
KEPT = frozenset((SIGNATURE, b"content-type", b"x-request-id", b"request-id"))
_HEADER_LENGTH = 1024

Header = tuple[bytes, bytes]


def kept(headers: Iterable[Header]) -> list[Header]:
    """The headers that an archive keeps, in the order in which they came."""
    return [header for header in headers if header[0] in KEPT]


def signature_of(headers: Iterable[Header]) -> str | None:
    """The one signature of a request; none, or several that differ, verify nothing."""
    given = {value for name, value in headers if name == SIGNATURE}
    return b",".join(sorted(given)).decode("latin-1") or None


def line_of(body: bytes, headers: Iterable[Header], received_at: float) -> bytes:
    """One delivery as one line: ``raw``, or ``base64`` where its bytes are no UTF-8.

    So is a body that would be longer with all its escapes: a line is never longer than four thirds
    of the body and a few kilobytes. ``received_at`` counts seconds since 1970.
    """
    instant = datetime.fromtimestamp(received_at, UTC).isoformat(timespec="milliseconds")
    envelope = {
        "received_at": instant.replace("+00:00", "Z"),
        "headers": _as_text(headers),
    }
    try:
        text = json.dumps({**envelope, "body": body.decode()}, ensure_ascii=False)
    except UnicodeDecodeError:
        text = ""
    line = text.encode() + b"\n"
    if text and len(line) <= len(body) * 4 // 3 + _HEADER_LENGTH:
        return line
    encoded = {**envelope, "isBase64Encoded": True, "body": b64encode(body).decode()}
    return json.dumps(encoded, ensure_ascii=False).encode() + b"\n"


def _as_text(headers: Iterable[Header]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value[:_HEADER_LENGTH].decode("latin-1")
        found[name] = f"{found[name]},{value}" if found.get(name, value) != value else value
    return found
