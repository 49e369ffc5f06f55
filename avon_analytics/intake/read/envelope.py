"""Envelopes: where body, signature and time of receipt may stand in a line, in whatever form."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from avon_analytics.contract.canonical import micros
from avon_analytics.contract.decoded_types import Odd
from avon_analytics.contract.values import as_instant, is_unset

BODY_KEYS = ("body", "payload", "raw_body", "rawBody")
_BODY_KEYS = frozenset(BODY_KEYS)
HEADER_KEYS = ("headers", "multiValueHeaders")
SIGNATURE_KEYS = ("avon-signature", "avon_signature", "signature")
# At the top of a line, and in its ``requestContext``.
RECEIVED_KEYS = ("received_at", "receivedAt", "timestamp")
RECEIVED_INSIDE = ("timeEpoch", "requestTimeEpoch")
RECEIVED_PATHS = (*RECEIVED_KEYS, *(f"requestContext.{key}" for key in RECEIVED_INSIDE))


@dataclass(frozen=True, slots=True)
class Body:
    """A body of a line: its form, its text, and the bytes that may have been signed."""

    form: str  # raw, base64, parsed or bare
    text: bytes
    signed: tuple[bytes, ...]  # the likeliest first


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around an event, and its bodies: the first is taken where none is verified."""

    signature: str
    received: Sequence[Any]
    bodies: tuple[Body, ...]
    expected: str = ""  # what is wrong with a line without a body


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A signature that is none of the bodies of its line, the likeliest first."""

    signature: str
    bodies: tuple[bytes, ...]


NO_BODY = (
    "expected an envelope with a body (body, payload, raw_body or rawBody), "
    "or an event with its object"
)


def envelope_of(value: dict[str, Any], content: bytes) -> Envelope:
    """The envelope of a line that is an object: as it was read, and as it stands."""
    received = list(_received(value))
    given = [(key, value[key]) for key in BODY_KEYS if value.get(key) is not None]
    usable = [(key, body) for key, body in given if isinstance(body, str | dict)]
    filled = [(key, body) for key, body in usable if body] or usable
    if not given and value.keys() >= {"event", "object"}:
        body = Body("bare", bare_event(value, content), (content,))
        return Envelope("", received, (body,))
    # The first that is a text is taken where none is verified, else the first object.
    filled.sort(key=lambda one: not isinstance(one[1], str) and _buffer(one[1]) is None)
    is_base64 = _is_base64(value)
    found = [_body(key, body, content, is_base64=is_base64) for key, body in filled]
    bodies = tuple(body for body in found if body is not None)
    expected = "expected base64" if filled and not bodies else "" if bodies else NO_BODY
    return Envelope(signature_of(value), received, bodies, expected)


def _is_base64(value: dict[str, Any]) -> bool:
    said = value.get("isBase64Encoded")
    return said is True or said == "true"


def _body(key: str, body: Any, content: bytes, *, is_base64: bool) -> Body | None:
    if isinstance(body, str) and is_base64:
        try:
            decoded = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            return None
        return Body("base64", decoded, (decoded,))
    if isinstance(body, str):
        sent = body.encode("utf-8", "surrogatepass")
        return Body("raw", sent, (sent,))
    if (sent_bytes := _buffer(body)) is not None:
        return Body("raw", sent_bytes, (sent_bytes,))
    stands = bytes(_decode_raw(content)[key])
    return Body("parsed", stands, (stands, compact(stands)))


def compact(stands: bytes) -> bytes:
    """A body that was parsed as it was probably sent: without white space."""
    try:
        value = json.loads(stands)
    except ValueError:  # Python refuses to convert thousands of digits
        return stands
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _buffer(value: Any) -> bytes | None:
    """The bytes of a buffer as Node.js writes it."""
    if not isinstance(value, dict) or value.keys() != {"type", "data"}:
        return None
    data = value["data"]
    if value["type"] != "Buffer" or not isinstance(data, list):
        return None
    if not all(type(one) is int and 0 <= one < 256 for one in data):
        return None
    return bytes(data)


def bare_event(value: dict[str, Any], content: bytes) -> bytes:
    """An event without an envelope; the time of receipt beside it is no part of what it says."""
    if not any(key in value for key in RECEIVED_KEYS):
        return content
    as_it_stands = _decode_raw(content)
    return msgspec.json.encode({k: v for k, v in as_it_stands.items() if k not in RECEIVED_KEYS})


def _received(value: dict[str, Any]) -> Iterator[Any]:
    for key in RECEIVED_KEYS:
        if (one := value.get(key)) is not None:
            yield one
    context = value.get("requestContext")
    if isinstance(context, dict):
        for key in RECEIVED_INSIDE:
            if (one := context.get(key)) is not None:
                yield one


def received_us(given: Sequence[Any]) -> int | None:
    """When a line was received, in microseconds: the first instant that is set.

    Raises ValueError for what is no instant.
    """
    for one in given:
        if not is_unset(one):
            found = as_instant(one)
            return None if found is None else micros(found)
    return None


def signature_of(value: dict[str, Any]) -> str:
    """The signature of an envelope; several that differ are joined, and match nothing."""
    for key in HEADER_KEYS:
        values = sorted(set(_in_headers(value.get(key))))
        if values:
            return ",".join(values)
    return _one(next((value[k] for k in SIGNATURE_KEYS if value.get(k) is not None), ""))


def _in_headers(headers: Any) -> list[str]:
    pairs: list[tuple[Any, Any]] = []
    if isinstance(headers, dict):
        pairs = list(headers.items())
    elif isinstance(headers, list):
        pairs = [_pair(pair) for pair in headers]
    return [_one(value) for name, value in pairs if str(name).lower() == "avon-signature"]


def _pair(pair: Any) -> tuple[Any, Any]:
    if isinstance(pair, dict):
        return pair.get("name", pair.get("key")), pair.get("value")
    return (pair[0], pair[1]) if isinstance(pair, list) and len(pair) > 1 else (None, None)


def _one(value: Any) -> str:
    """A header's value; a list holds texts, or objects with a ``value`` as Lambda@Edge writes."""
    if isinstance(value, list):
        each = [one.get("value") if isinstance(one, dict) else one for one in value]
        return ",".join(str(one or "") for one in each)
    return str(value or "")


# -- envelopes as they usually are ---------------------------------------------------------------

_MOST_LEARNED = 200  # orders of headers of which the signature's name is known
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_raw = msgspec.json.Decoder(dict[str, Raw]).decode  # each value as it stands


class Usual(msgspec.Struct, gc=False):
    """An envelope with one body, its bytes as they were sent, and how many keys were read."""

    form: str
    body: bytes
    signature: str
    received: Any
    n_keys: int


class EnvelopeReader:
    """Reads envelopes as they usually are; it learns how headers spell the signature's name."""

    def __init__(self) -> None:
        self._headers: dict[tuple[str, ...], str] = {}

    def read(self, content: bytes) -> Usual:
        """The envelope of a line.

        Raises Odd for what only ``envelope_of`` finds, and what a decoder raises.
        """
        value = _decode(content)
        names = value.keys() & _BODY_KEYS
        if len(names) != 1:
            raise Odd
        (name,) = names
        body = value.pop(name)
        if body.__class__ is str:
            if _is_base64(value):
                form, sent = "base64", base64.b64decode(body, validate=True)
            else:
                form, sent = "raw", body.encode()
        elif body.__class__ is dict:
            form, sent = "parsed", bytes(_decode_raw(content)[name])
            if b'"Buffer"' in sent[:64]:
                raise Odd
        else:
            raise Odd
        received = next(_received(value), None)
        return Usual(form, sent, self._signature(value), received, 1 + _n_keys(value))

    def _signature(self, value: dict[str, Any]) -> str:
        """The signature; of headers with the same names it is known which one it is."""
        headers = value.get("headers") or value.get("multiValueHeaders")
        if headers.__class__ is not dict:
            return signature_of(value)
        names = tuple(headers)
        name = self._headers.get(names)
        if name is None:
            found = [one for one in names if one.lower() == "avon-signature"]
            if len(found) != 1:
                return signature_of(value)
            name = found[0]
            if len(self._headers) < _MOST_LEARNED:
                self._headers[names] = name
        signature = headers[name]
        if signature.__class__ is list and len(signature) == 1:
            signature = signature[0]
        return signature if signature.__class__ is str else signature_of(value)


def _n_keys(value: Any) -> int:
    """How many keys an object or list holds at any depth."""
    if type(value) is dict:
        n_keys, inner = len(value), value.values()
    else:
        n_keys, inner = 0, value
    for one in inner:
        if one.__class__ is dict or one.__class__ is list:
            n_keys += _n_keys(one)
    return n_keys
