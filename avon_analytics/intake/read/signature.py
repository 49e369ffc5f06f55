"""Signatures of deliveries: HMAC-SHA256 over bytes, and the secrets that make them.

Pure functions over bytes; ``Verifier`` does the same for many bodies.
Source: RFC 2104 (HMAC) with FIPS 180-4 (SHA-256).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from avon_analytics.arguments import choice
from avon_analytics.errors import MissingSecret, SecretsFileError, UsageError
from avon_analytics.intake.read.codes import POLICIES
from avon_analytics.small_file import text_of

ENVIRONMENT_VARIABLE = "AVON_WEBHOOK_SECRET"
_BLOCK = 64

HOW_TO_GIVE_A_SECRET = (
    f"put the webhook secret in the environment as {ENVIRONMENT_VARIABLE}, or in a TOML file "
    'with a line name = "secret" for each and name it with --secrets-file (in Python: secrets=…)'
)
HOW_TO_DO_WITHOUT = (
    "; to load without checking any signature, ask for it with --policy skip "
    '(in Python: policy="skip")'
)

SecretsLike: TypeAlias = (
    "Secrets | Mapping[str, str | bytes] | str | bytes | os.PathLike[str] | None"
)


def sign(body: bytes, secret: bytes) -> str:
    """The hex HMAC-SHA256 of a body, as Avon sends it in ``avon-signature``."""
    return hmac.digest(secret, body, "sha256").hex()


def verify(body: bytes, signature: str, secret: bytes) -> bool:
    """Whether a signature is that of these bytes; hex of either case, and nothing around it."""
    return hmac.compare_digest(
        sign(body, secret).encode(), signature.lower().encode("utf-8", "replace")
    )


def hmac_pads(secret: bytes) -> tuple[bytes, bytes]:
    """The inner and outer pad of a secret: ``sha256(outer + sha256(inner + body))`` is the HMAC."""
    key = hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret
    padded = key.ljust(_BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in padded), bytes(b ^ 0x5C for b in padded)


class Verified(NamedTuple):
    """What a signature is worth, and the name of the secret that it was made with."""

    word: Literal["verified", "mismatch", "unsigned", "unverifiable"]
    secret: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the body may be trusted."""
        return self.word == "verified"


def verify_delivery(body: Any, signature: Any, secrets: SecretsLike = None) -> Verified:
    """Whether a delivery comes from Avon: for an endpoint of one's own.

    body: the bytes as they came, before anything parsed them. A text stands for its UTF-8.
    signature: the header ``avon-signature``, as text or bytes.
    secrets: as for ``load``: the webhook secret as text, several by name, the Path of a TOML file,
        or what is in the environment as AVON_WEBHOOK_SECRET.

    Returns the word, and the name of the secret that matched: ``verified``; ``mismatch`` where the
    signature is that of none; ``unsigned`` where there is none; ``unverifiable`` where the body is
    neither bytes nor text, so that the bytes that were signed are lost. Nothing that a caller from
    outside can send is an error, and the comparison takes the same time wherever texts differ.

    >>> import avon_analytics as avon
    >>> avon.verify(b"{}", "0" * 64, "a secret").word
    'mismatch'

    Raises MissingSecret, SecretsFileError or UsageError where the secrets are at fault.
    """
    known = Secrets.read(secrets, may_skip=False)
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elif isinstance(body, bytearray | memoryview):
        body = bytes(body)
    if isinstance(signature, bytes | bytearray | memoryview):
        signature = bytes(signature).decode("latin-1")
    if signature is None or (isinstance(signature, str) and not signature):
        return Verified("unsigned")
    if not isinstance(body, bytes):
        return Verified("unverifiable")
    if not isinstance(signature, str):
        return Verified("mismatch")
    name = known.matching(body, signature)
    return Verified("mismatch") if name is None else Verified("verified", name)


class Secrets:
    """Named webhook secrets. They never show: not in a repr, a log, an error or the store."""

    __slots__ = ("_by_name", "_others")

    def __init__(
        self, by_name: Mapping[str, str | bytes], others: Mapping[str, str | bytes] | None = None
    ) -> None:
        found: dict[str, bytes] = {}
        for name, secret in by_name.items():
            raw = _as_bytes(secret)
            if raw is None:
                raise UsageError(f"the secret named {str(name)!r} is no text")
            if not raw:
                raise UsageError(f"the secret named {name!r} is empty")
            found[str(name)] = raw
        self._by_name = found
        # Known, and not to be trusted: a diagnosis may name one of them.
        self._others = {
            name: raw for name, other in (others or {}).items() if (raw := _as_bytes(other))
        }

    @classmethod
    def read(cls, given: SecretsLike = None, *, may_skip: bool = True) -> Secrets:
        """Secrets from a mapping, one secret, a TOML file, or else from the environment.

        A ``str`` is a secret; name a file as a ``Path``. Without any, the environment variable
        ``AVON_WEBHOOK_SECRET`` is read. ``may_skip``: the caller could do without.

        Raises MissingSecret if there is none, SecretsFileError if a file cannot be used,
        UsageError for a text that is plainly the name of a file.
        """
        if isinstance(given, Secrets):
            return given
        around = os.environ.get(ENVIRONMENT_VARIABLE, "")
        others = {f"the one in the environment as {ENVIRONMENT_VARIABLE}": around}
        if isinstance(given, Mapping):
            secrets = cls(given, others)
        elif isinstance(given, str | bytes):
            if isinstance(given, str) and given.endswith(".toml"):
                raise UsageError("a text is taken as a secret; name a secrets file as a Path")
            secrets = cls({"default": given}, others)
        elif isinstance(given, os.PathLike):
            secrets = cls(_read_file(Path(given)), others)
        elif given is not None:
            raise UsageError("secrets: expected a text, a dict of texts, or the Path of a file")
        else:
            secrets = cls({ENVIRONMENT_VARIABLE: around} if around else {})
        if not secrets._by_name:
            how = HOW_TO_GIVE_A_SECRET + (HOW_TO_DO_WITHOUT if may_skip else "")
            raise MissingSecret(f"no webhook secret was given: {how}")
        return secrets

    @classmethod
    def for_policy(cls, policy: str, given: SecretsLike = None) -> Secrets | None:
        """The secrets that a policy asks for; None under ``skip``, which needs none.

        Raises UsageError for a policy that there is not, and what ``read`` raises.
        """
        choice("policy", policy, POLICIES)
        return None if policy == "skip" else cls.read(given)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order in which the secrets are tried."""
        return tuple(self._by_name)

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Each name with its secret."""
        return iter(self._by_name.items())

    def values(self) -> Iterator[bytes]:
        """The secrets without their names."""
        return iter(self._by_name.values())

    def others(self) -> Iterator[tuple[str, bytes]]:
        """Secrets that are known beside these, and under which nothing is trusted."""
        return iter(self._others.items())

    def matching(self, body: bytes, signature: str) -> str | None:
        """The name of the first secret under which a signature is right, or None."""
        return next((n for n, secret in self.items() if verify(body, signature, secret)), None)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._by_name)}: hidden)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("secrets are not written anywhere")


class Verifier:
    """Finds under which secret the HMAC-SHA256 of some bytes is a signature, of many bodies.

    Each secret goes into a hash once, which every body then copies. The secret that matched last is
    tried first; each is tried once, under its first name.
    """

    def __init__(self, secrets: Secrets) -> None:
        named = {secret: name for name, secret in reversed(list(secrets.items()))}
        self._pads: list[tuple[str, Any, Any]] = []
        for name, secret in secrets.items():
            if named[secret] == name:
                inner, outer = hmac_pads(secret)
                self._pads.append((name, hashlib.sha256(inner), hashlib.sha256(outer)))

    def matching(self, body: bytes, signature: str) -> str | None:
        """The name of the secret under which a signature is right, or None."""
        wanted = signature.lower()
        for at, (name, inner, outer) in enumerate(self._pads):
            digest = inner.copy()
            digest.update(body)
            whole = outer.copy()
            whole.update(digest.digest())
            if whole.hexdigest() == wanted:
                if at:
                    self._pads = [self._pads[at], *self._pads[:at], *self._pads[at + 1 :]]
                return name
        return None


def _as_bytes(secret: object) -> bytes | None:
    """A secret's bytes; of one in the environment that is no UTF-8, as they stand there."""
    if isinstance(secret, bytes):
        return secret
    try:
        return secret.encode("utf-8", "surrogateescape") if isinstance(secret, str) else None
    except UnicodeEncodeError:  # it would quote the secret
        return None


def _read_file(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(text_of(path))
    except OSError as error:
        raise SecretsFileError(
            f"cannot read the secrets file {path}: {error.strerror or 'the system refused'}"
        ) from None
    except (ValueError, RecursionError):
        # The parser's own message can quote a line, and a line is a secret.
        raise SecretsFileError(
            f'the secrets file {path} is not TOML: write one line name = "secret" for each secret'
        ) from None
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong or not found:
        raise SecretsFileError(
            f'the secrets file {path} must hold lines name = "secret"'
            + (f"; not so: {', '.join(wrong)}" if wrong else ", and it holds none")
        )
    return found
