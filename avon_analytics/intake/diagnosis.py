"""Why a signature may not match: a likely cause, shown by trying, never an acceptance."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

from avon_analytics.intake.envelope import Signed
from avon_analytics.intake.signature import Secrets, sign

_HEX_LENGTH = 64


def likely_cause(signed: Signed, secrets: Secrets) -> str | None:
    """A sentence that names the likely cause of a mismatch, or None where none can be shown."""
    signature = signed.signature
    for body in signed.candidates:
        for secret in secrets.values():
            digest = sign(body, secret)
            if _is_base64_of(signature, digest):
                return "the signature is base64 of the right digest; Avon sends hex"
            if signature.strip().lower() == digest:
                return "there is white space around the right signature"
            if signature.lower().removeprefix("sha256=") == digest:
                return "the right signature stands behind a prefix"
            if digest in signature.lower():
                return "the right signature stands among others or behind other text"
            if len(signature) >= 8 and digest.startswith(signature.lower()):
                return "the right signature is cut short"
            for cause, other in _respelled(body):
                if sign(other, secret) == signature.lower():
                    return f"the body was changed before it was archived: {cause}"
    if len(signature) != _HEX_LENGTH or not _is_hex(signature):
        return "the signature is no hex SHA-256: 64 characters were expected"
    return None


def _respelled(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that an exporter commonly makes of another one, undone."""
    yield "a newline at its end was lost", body + b"\n"
    yield "a newline was added at its end", body.rstrip(b"\r\n")
    yield "white space around it was lost or added", body.strip()
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    cause = "its JSON was written anew"
    for ascii_only in (False, True):
        for separators in ((",", ":"), (", ", ": ")):
            text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
            yield cause, text.encode("utf-8", "replace")
    yield cause, json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace")


def _is_base64_of(signature: str, digest: str) -> bool:
    try:
        return base64.b64decode(signature, validate=True) == bytes.fromhex(digest)
    except (binascii.Error, ValueError):
        return False


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)
