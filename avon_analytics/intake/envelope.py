"""What may stand in an envelope, and reading one line's envelope in Python.

The engine reads envelopes by the thousand (``arrivals.sql``); this twin serves the few lines of
which a person must be told what is wrong.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from avon_analytics.contract.values import is_unset
from avon_analytics.intake.strict_json import body_digest

BODY_KEYS = ("body", "payload", "raw_body", "rawBody")
HEADER_KEYS = ("headers", "multiValueHeaders")
SIGNATURE_KEYS = ("avon-signature", "avon_signature", "signature")
RECEIVED_KEYS = ("received_at", "receivedAt", "timestamp")
EPOCH_KEYS = ("timeEpoch", "requestTimeEpoch")  # in requestContext, by API Gateway's two versions
RECEIVED_PATHS = (*RECEIVED_KEYS, *(f"requestContext.{key}" for key in EPOCH_KEYS))

FLAT_KEYS = (*BODY_KEYS, *HEADER_KEYS, *SIGNATURE_KEYS, *RECEIVED_KEYS, "isBase64Encoded")

# What arrivals.sql reads of an envelope, and whose keys it asks for; it counts on this order.
STRUCTURE: dict[str, Any] = {
    **dict.fromkeys((*HEADER_KEYS, *SIGNATURE_KEYS), "JSON"),
    **dict.fromkeys((*BODY_KEYS, *RECEIVED_KEYS, "isBase64Encoded"), "VARCHAR"),
    "requestContext": dict.fromkeys(EPOCH_KEYS, "VARCHAR"),
}
# What it reads of every body; the rest of the object is read by its type.
EVENT_STRUCTURE: dict[str, Any] = {
    **dict.fromkeys(("event", "created_at", "id"), "VARCHAR"),
    "object": {"id": "VARCHAR"},
}
KEYED_PATHS = ("$", *(f"$.{key}" for key in (*HEADER_KEYS, *BODY_KEYS)))


def received_text(envelope: dict[str, Any]) -> Any:
    """When a delivery was received, as its envelope spells it; the first that is set."""
    context = envelope.get("requestContext")
    found = [envelope.get(key) for key in RECEIVED_KEYS]
    if isinstance(context, dict):
        found += [context.get(key) for key in EPOCH_KEYS]
    return next((value for value in found if value is not None and not is_unset(value)), None)


@dataclass(frozen=True, slots=True)
class Signed:
    """The signature of a line, and texts that may be what was signed, the likeliest first."""

    signature: str
    candidates: tuple[bytes, ...]


def signed_of(text: str) -> Signed | None:
    """The signature of an envelope and the bytes that it may have been made over.

    For a raw or base64 envelope that is the body. Of a parsed envelope it is the body as it
    stands in the line, then its compact form. None if the line is no signed envelope.
    """
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(envelope, dict):
        return None
    key = next((key for key in BODY_KEYS if envelope.get(key) is not None), None)
    signature = _signature(envelope)
    if key is None or not signature:
        return None
    body = envelope[key]
    if isinstance(body, dict):
        compact = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        texts = [as_it_stands(text, key), compact]
        return Signed(signature, tuple(t.encode("utf-8", "replace") for t in texts if t))
    if envelope.get("isBase64Encoded") in (True, "true"):
        try:
            return Signed(signature, (base64.b64decode(str(body), validate=True),))
        except (binascii.Error, ValueError):
            return None
    return Signed(signature, (str(body).encode("utf-8", "replace"),))


def line_digest(content: bytes, *, as_spelled: bool = False) -> str | None:
    """The digest of the body of a line, taken from the line as it stands; None if it has none.

    It is that of what the body says, or of how it is spelled.
    """
    digest = partial(body_digest, as_spelled=as_spelled)
    try:
        text = content.decode()
        envelope = json.loads(text)
        if not isinstance(envelope, dict):
            return None
        key = next((key for key in BODY_KEYS if envelope.get(key) is not None), None)
        if key is None:
            # Of an event without an envelope, the time of receipt is no part of what it says.
            return digest(text, without=RECEIVED_PATHS)
        body = envelope[key]
        if isinstance(body, dict):
            return digest(as_it_stands(text, key) or "")
        if envelope.get("isBase64Encoded") in (True, "true"):
            return digest(base64.b64decode(str(body), validate=True).decode())
        return digest(str(body))
    except (ValueError, RecursionError):
        return None


def _signature(envelope: dict[str, Any]) -> str:
    for key in HEADER_KEYS:
        headers = envelope.get(key)
        pairs: list[tuple[Any, Any]] = []
        if isinstance(headers, dict):
            pairs = list(headers.items())
        elif isinstance(headers, list):
            pairs = [_pair(pair) for pair in headers]
        values = [_one(value) for name, value in pairs if str(name).lower() == "avon-signature"]
        if values:
            return ",".join(sorted(set(values)))
    found = next((envelope[k] for k in SIGNATURE_KEYS if envelope.get(k) is not None), "")
    return _one(found)


def _pair(pair: Any) -> tuple[Any, Any]:
    if isinstance(pair, dict):
        return pair.get("name", pair.get("key")), pair.get("value")
    return (pair[0], pair[1]) if isinstance(pair, list) and len(pair) > 1 else (None, None)


def _one(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value or "")


_SPACE = re.compile(r"[ \t\r\n]*")


def as_it_stands(text: str, wanted: str) -> str | None:
    """The text of one value of a JSON object, exactly as it stands in the line."""
    decoder = json.JSONDecoder()
    at = _skip(text, _skip(text, 0) + 1)
    while at < len(text) and text[at] == '"':
        key, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        if key == wanted:
            return text[start:end]
        at = _skip(text, _skip(text, end) + 1)
    return None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
