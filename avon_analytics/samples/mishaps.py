"""Lines that must not be trusted, one function for each way in which a line can go wrong.

Each takes a good delivery and makes an *extra* line of it (some make a line of nothing): the good
one is in the archive too, so that nothing is lost by refusing the bad one. ``CODES`` says under
which reason code a correct load puts it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from random import Random

from avon_analytics.samples.lines import (
    FORMS,
    TEXT_FORMS,
    WRONG_SECRET,
    Parts,
    bare,
    base64,
    compact,
    parsed_lost,
    plain,
    secret_at,
    sign,
)

Mishap = Callable[[Parts, Random], bytes]


def _line(parts: Parts, rng: Random) -> bytes:
    return FORMS[rng.choice(TEXT_FORMS)](parts).encode()


def _signed(body: bytes, parts: Parts) -> Parts:
    return Parts(body, sign(secret_at(parts.received_at), body), parts.received_at)


def _phantom(parts: Parts) -> dict[str, object]:
    """The delivery's content under the id of an object that does not exist."""
    body: dict[str, object] = json.loads(parts.body)
    content = body["object"]
    assert isinstance(content, dict)
    content["id"] = content["id"][:-6] + "000bad"
    body.pop("id", None)
    return body


# The line


def not_utf8(parts: Parts, rng: Random) -> bytes:
    return plain(parts).encode().replace(b"application", b"appl\xff\xfeication", 1)


def broken_line(parts: Parts, rng: Random) -> bytes:
    line = plain(parts).encode()
    return line[: rng.randrange(40, len(line) - 1)].decode(errors="ignore").encode()


def key_twice_in_line(parts: Parts, rng: Random) -> bytes:
    return b'{"received_at":"2001-01-01T00:00:00.000Z",' + plain(parts).encode()[1:]


def no_delivery(parts: Parts, rng: Random) -> bytes:
    kinds = (
        '{"level":"info","msg":"rotated"}',
        "[1,2,3]",
        '["pong"]',
        '{"pong":42}',
        '{"headers":{}}',
    )
    return rng.choice(kinds).encode()


def bad_base64(parts: Parts, rng: Random) -> bytes:
    text = b64encode(parts.body).decode()
    return base64(parts).replace(text, f"%%{text[:-3]}").encode()


# The signature


def unsigned(parts: Parts, rng: Random) -> bytes:
    return _line(parts._replace(signature=None), rng)


def unsigned_bare(parts: Parts, rng: Random) -> bytes:
    return bare(parts).encode()


def unsigned_parsed(parts: Parts, rng: Random) -> bytes:
    return parsed_lost(parts._replace(signature=None)).encode()


def unverifiable(parts: Parts, rng: Random) -> bytes:
    return parsed_lost(parts).encode()


def tampered(parts: Parts, rng: Random) -> bytes:
    body = parts.body.replace(b'"object":{', b'"object":{"tampered":true,', 1)
    return _line(parts._replace(body=body), rng)


def newline_added(parts: Parts, rng: Random) -> bytes:
    return _line(parts._replace(body=parts.body + b"\n"), rng)


def respelled_after(parts: Parts, rng: Random) -> bytes:
    body = json.dumps(json.loads(parts.body), ensure_ascii=False).encode()
    return _line(parts._replace(body=body), rng)


def wrong_secret(parts: Parts, rng: Random) -> bytes:
    return _line(parts._replace(signature=sign(WRONG_SECRET, parts.body)), rng)


def truncated_signature(parts: Parts, rng: Random) -> bytes:
    return _line(parts._replace(signature=(parts.signature or "")[:40]), rng)


def prefixed_signature(parts: Parts, rng: Random) -> bytes:
    return _line(parts._replace(signature=f"sha256={parts.signature}"), rng)


def two_signatures(parts: Parts, rng: Random) -> bytes:
    other = sign(WRONG_SECRET, parts.body)
    return _line(parts._replace(signature=f"{parts.signature},{other}"), rng)


def base64_signature(parts: Parts, rng: Random) -> bytes:
    digest = b64encode(bytes.fromhex(parts.signature or "")).decode()
    return _line(parts._replace(signature=digest), rng)


# The body, rightly signed


def body_not_utf8(parts: Parts, rng: Random) -> bytes:
    return base64(_signed(parts.body.replace(b"e", b"\xe9", 3), parts)).encode()


def body_not_json(parts: Parts, rng: Random) -> bytes:
    body = rng.choice((b"ping", parts.body[: len(parts.body) // 2], b"{'event': 'ping'}"))
    return _line(_signed(body.decode(errors="ignore").encode(), parts), rng)


def key_twice_in_body(parts: Parts, rng: Random) -> bytes:
    if rng.random() < 0.5:
        body = b'{"event":"appointment.created",' + parts.body[1:]
    else:
        body = parts.body.replace(b'"object":{', b'"object":{"id":"appt_twice",', 1)
    return _line(_signed(body, parts), rng)


def instant_without_offset(parts: Parts, rng: Random) -> bytes:
    body = _phantom(parts)
    body["created_at"] = "2025-02-22T20:09:46.206"
    return _line(_signed(compact(body).encode(), parts), rng)


def impossible_instant(parts: Parts, rng: Random) -> bytes:
    body = _phantom(parts)
    content = body["object"]
    assert isinstance(content, dict)
    body["created_at"] = parts.received_at
    content["last_updated_at"] = rng.choice(("2025-02-30T10:00:00.000Z", "2025-06-01T25:00:00Z"))
    return _line(_signed(compact(body).encode(), parts), rng)


def conflict(parts: Parts, rng: Random) -> bytes:
    """The same event with another content, rightly signed and received later: it loses."""
    body = parts.body.replace(b'"object":{', b'"object":{"told_otherwise":true,', 1)
    return _line(_signed(body, parts), rng)


CODES: dict[Mishap, str] = {
    not_utf8: "not_utf8",
    broken_line: "not_json",
    key_twice_in_line: "duplicate_keys",
    no_delivery: "not_a_delivery",
    bad_base64: "not_a_delivery",
    unsigned: "unsigned",
    unsigned_bare: "unsigned",
    unsigned_parsed: "unsigned",
    unverifiable: "unverifiable",
    tampered: "signature_mismatch",
    newline_added: "signature_mismatch",
    respelled_after: "signature_mismatch",
    wrong_secret: "signature_mismatch",
    truncated_signature: "signature_mismatch",
    prefixed_signature: "signature_mismatch",
    two_signatures: "signature_mismatch",
    base64_signature: "signature_mismatch",
    body_not_utf8: "not_utf8",
    body_not_json: "not_json",
    key_twice_in_body: "duplicate_keys",
    instant_without_offset: "contract",
    impossible_instant: "contract",
    conflict: "conflict",
}
