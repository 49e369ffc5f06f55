"""Why a signature may not match: a likely cause, shown by trying, never an acceptance."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from avon_analytics.intake.read.envelope import Mismatch
from avon_analytics.intake.read.signature import Secrets, sign, verify

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
# A file whose lines show no cause so many times in a row, as under a wrong secret, shows none.
IN_VAIN = 200


def causes(lines: Iterable[tuple[int, str, Mismatch]], secrets: Secrets) -> dict[int, str]:
    """The likely causes of mismatches, by the number of each line, which comes with its file.

    Lines of a file are no longer looked at once ``IN_VAIN`` of them in a row showed nothing.
    """
    in_vain: Counter[str] = Counter()
    found = {}
    for nth, file, mismatch in lines:
        if in_vain[file] >= IN_VAIN:
            continue
        if cause := likely_cause(mismatch, secrets):
            found[nth] = cause
            in_vain[file] = 0
        else:
            in_vain[file] += 1
    return found


def likely_cause(mismatch: Mismatch, secrets: Secrets) -> str | None:
    """A sentence that names the likely cause of a mismatch, or None where none can be shown."""
    signature = mismatch.signature
    for body in mismatch.bodies:
        cause = (
            _first(_of_the_spelling(signature, sign(body, secret)) for secret in secrets.values())
            or _of_the_body(signature, body, list(secrets.values()))
            or _first(_of_the_secret(signature, body, *named) for named in secrets.items())
            or _first(_of_the_digest(signature, body, secret) for secret in secrets.values())
        )
        if cause:
            return cause
        for name, secret in secrets.others():
            if verify(body, signature, secret):
                return (
                    f"another secret that is known matches, and was not among those given: {name}"
                )
    if not _HEX_DIGEST.fullmatch(signature):
        return "the signature is no hex SHA-256: 64 characters were expected"
    return None


def _first(causes: Iterable[str | None]) -> str | None:
    return next(filter(None, causes), None)


def _of_the_spelling(signature: str, digest: str) -> str | None:
    """The right digest, written in another way than as hex alone."""
    lowered = signature.lower()
    if _is_base64_of(signature, digest):
        return "the signature is base64 of the right digest; Avon sends hex"
    if lowered.strip() == digest:
        return "there is white space around the right signature"
    if lowered.removeprefix("sha256=") == digest:
        return "the right signature stands behind a prefix"
    if digest in lowered:
        return "the right signature stands among others or behind other text"
    if len(signature) >= 8 and digest.startswith(lowered):
        return "the right signature is cut short"
    return None


def _of_the_body(signature: str, body: bytes, secrets: Sequence[bytes]) -> str | None:
    """What an exporter may have made of the body that was signed."""
    for cause, other in _respelled(body):
        if any(verify(other, signature, secret) for secret in secrets):
            return f"the body was changed before it was archived: {cause}"
    return None


def _respelled(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that an exporter commonly makes of another one, undone."""
    yield "a newline at its end was lost", body + b"\n"
    yield "a newline at its end was lost", body + b"\r\n"
    yield "a newline was added at its end", body.rstrip(b"\r\n")
    yield "white space around it was lost or added", body.strip()
    yield "its line ends were changed", body.replace(b"\r\n", b"\n")
    yield "its line ends were changed", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    yield "a byte-order mark was lost", b"\xef\xbb\xbf" + body
    yield "a byte-order mark was added", body.removeprefix(b"\xef\xbb\xbf")
    if (decoded := _from_base64(body)) is not None:
        yield "it is base64, and isBase64Encoded does not say so", decoded
    yield from _read_in_another_encoding(body)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(value, str):
        yield "it was encoded as JSON twice", value.encode("utf-8", "replace")
    else:
        text = body.decode("utf-8", "replace")
        yield "it was sent as JSON within a JSON text, and taken out of it", _as_json(text)
    yield from _written_anew(value)


def _read_in_another_encoding(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body.isascii():
        return
    for encoding in ("latin-1", "cp1252"):
        try:
            yield "it was read in another encoding than UTF-8", body.decode().encode(encoding)
        except (UnicodeDecodeError, UnicodeEncodeError):
            continue


def _written_anew(value: Any) -> Iterator[tuple[str, bytes]]:
    cause = "its JSON was written anew"
    is_ascii = json.dumps(value, ensure_ascii=False).isascii()
    for sort_keys in (False, True):
        for ascii_only in (True,) if is_ascii else (False, True):
            for separators in ((",", ":"), (", ", ": ")):
                text = _as_json(value, ascii_only, separators=separators, sort_keys=sort_keys)
                yield cause, text
                if not sort_keys and b"/" in text:
                    yield cause, text.replace(b"/", b"\\/")
            for indent in (2, 4):
                yield cause, _as_json(value, ascii_only, indent=indent, sort_keys=sort_keys)


def _as_json(value: Any, ascii_only: bool = True, **how: Any) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only, **how).encode("utf-8", "replace")


def _of_the_secret(signature: str, body: bytes, name: str, secret: bytes) -> str | None:
    """What may have happened to a secret on its way here."""
    for cause, other in _other_spellings(secret):
        if other and other != secret and verify(body, signature, other):
            return f"the secret {name} matches {cause}"
    return None


def _other_spellings(secret: bytes) -> Iterator[tuple[str, bytes]]:
    yield "without the white space around it", secret.strip()
    yield "with a newline at its end", secret + b"\n"
    yield "without the quotes around it", secret.strip().strip(b"\"'")
    key = secret.removeprefix(b"whsec_")
    yield "without its prefix", key
    yield "decoded from hex", _unhex(secret)
    yield "decoded from base64", _from_base64(key) or b""


def _of_the_digest(signature: str, body: bytes, secret: bytes) -> str | None:
    """The body's HMAC under another hash, or a hash without the secret."""
    lowered = signature.lower().rpartition("=")[2]
    for algorithm in ("sha1", "sha512", "md5"):
        if hmac.new(secret, body, algorithm).hexdigest() == lowered:
            return f"the signature was made with HMAC-{algorithm.upper()}; Avon uses HMAC-SHA256"
    if hashlib.sha256(body).hexdigest() == lowered:
        return "the signature is the SHA-256 of the body, made without a secret"
    return None


def _is_base64_of(signature: str, digest: str) -> bool:
    right = bytes.fromhex(digest)
    return right in (_from_base64(signature.encode("utf-8", "replace")), _url_safe(signature))


def _from_base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _url_safe(text: str) -> bytes | None:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    return _from_base64(padded.replace("-", "+").replace("_", "/").encode("utf-8", "replace"))


def _unhex(secret: bytes) -> bytes:
    try:
        return bytes.fromhex(secret.decode("ascii"))
    except ValueError:
        return b""
