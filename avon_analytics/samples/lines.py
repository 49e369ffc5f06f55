"""One delivery as one line, in every form that exporters write.

A form takes the signed bytes as text and gives the line without its end. The forms know nothing
of what the text says, so that a line that is wrong on purpose looks like any other.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from random import Random
from typing import Any, NamedTuple

from avon_analytics.samples.instants import NEW_SECRET_FROM, iso

SECRETS = {
    "2024": "demonstration-secret-of-2024-not-a-real-one",
    "2025": "demonstration-secret-of-2025-not-a-real-one",
}
WRONG_SECRET = "a-secret-that-this-clinic-never-had"

compact: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def sign(secret: str, signed: bytes) -> str:
    """What Avon puts into ``avon-signature``: the hex HMAC-SHA256 of the body."""
    return hmac.digest(secret.encode(), signed, "sha256").hex()


def secret_at(instant: int) -> str:
    """The secret that was in use; it was changed once."""
    return SECRETS["2024" if instant < NEW_SECRET_FROM else "2025"]


class Parts(NamedTuple):
    """What a line holds. Without a signature it is left out."""

    body: bytes
    signature: str | None
    received_at: int


Form = Callable[[Parts], str]


def _text(parts: Parts) -> str:
    return encode_basestring(parts.body.decode())


def _headers(parts: Parts, name: str = "avon-signature") -> str:
    kept = f',"{name}":"{parts.signature}"' if parts.signature is not None else ""
    return f'{{"content-type":"application/json"{kept}}}'


def plain(parts: Parts) -> str:
    received = iso(parts.received_at)
    return f'{{"headers":{_headers(parts)},"body":{_text(parts)},"received_at":"{received}"}}'


def plain_other_case(parts: Parts) -> str:
    """Another case of the header's name, escapes for all but ASCII, the time first."""
    text = encode_basestring_ascii(parts.body.decode())
    headers = _headers(parts, "Avon-Signature")
    return f'{{"receivedAt":{parts.received_at},"headers":{headers},"body":{text}}}'


def gateway(parts: Parts) -> str:
    kept = f'"AVON-SIGNATURE":["{parts.signature}"]' if parts.signature is not None else ""
    return (
        f'{{"resource":"/avon","httpMethod":"POST","multiValueHeaders":{{{kept}}},'
        f'"body":{_text(parts)},"isBase64Encoded":false,'
        f'"requestContext":{{"stage":"demo","timeEpoch":{parts.received_at}}}}}'
    )


def base64(parts: Parts) -> str:
    text = b64encode(parts.body).decode()
    return (
        f'{{"version":"2.0","headers":{_headers(parts)},"requestContext":'
        f'{{"timeEpoch":{parts.received_at}}},"body":"{text}","isBase64Encoded":true}}'
    )


def pairs(parts: Parts) -> str:
    kept = f',["Avon-Signature","{parts.signature}"]' if parts.signature is not None else ""
    return (
        f'{{"headers":[["host","hooks.example.com"]{kept}],"payload":{_text(parts)},'
        f'"receivedAt":"{iso(parts.received_at)}"}}'
    )


def top_level(parts: Parts) -> str:
    kept = f'"avon_signature":"{parts.signature}",' if parts.signature is not None else ""
    return f'{{"timestamp":{parts.received_at},{kept}"raw_body":{_text(parts)}}}'


def top_level_short(parts: Parts) -> str:
    kept = f', "signature": "{parts.signature}"' if parts.signature is not None else ""
    return f'{{"rawBody": {_text(parts)}{kept}, "timestamp": "{iso(parts.received_at)}"}}'


def top_level_dashed(parts: Parts) -> str:
    kept = f'"avon-signature":"{parts.signature}",' if parts.signature is not None else ""
    return f'{{{kept}"body":{_text(parts)},"received_at":{parts.received_at}}}'


def parsed(parts: Parts) -> str:
    """The body as an object, its text as it was signed: it can still be verified."""
    body, received = parts.body.decode(), iso(parts.received_at)
    return f'{{"headers":{_headers(parts)},"body":{body},"received_at":"{received}"}}'


def parsed_spaced(parts: Parts) -> str:
    """The body as an object with blanks: its compact form is what was signed."""
    body = json.dumps(json.loads(parts.body), ensure_ascii=False)
    return f'{{"headers": {_headers(parts)}, "payload": {body}, "receivedAt": {parts.received_at}}}'


def parsed_lost(parts: Parts) -> str:
    """The body as an object in another order: what was signed is lost."""
    body = compact(dict(reversed(json.loads(parts.body).items())))
    received = iso(parts.received_at)
    return f'{{"received_at":"{received}","headers":{_headers(parts)},"body":{body}}}'


def bare(parts: Parts) -> str:
    return parts.body.decode()


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (
        *(plain, plain_other_case, gateway, base64, pairs, top_level, top_level_short),
        *(top_level_dashed, parsed, parsed_spaced, parsed_lost, bare),
    )
}
TEXT_FORMS = ("plain", "plain_other_case", "gateway", "pairs", "top_level", "top_level_short")


def respelled(body: bytes, rng: Random) -> bytes:
    """The same JSON values in other bytes: order, blanks, escapes, the spelling of numbers."""

    def shuffle(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffle(one) for one in value]
        if not isinstance(value, dict):
            return value
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffle(value[key]) for key in keys}

    indent = rng.choice((None, 1))
    text = json.dumps(shuffle(json.loads(body)), ensure_ascii=rng.random() < 0.6, indent=indent)
    return text.replace(": 72.5", ": 72.50").replace(": 7.5", ": 7.50e0").encode()
