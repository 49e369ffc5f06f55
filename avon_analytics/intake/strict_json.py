"""JSON as RFC 8259 says it, stricter than the readers around: for lines that look odd."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from decimal import Decimal
from math import isinf
from typing import Any, NoReturn

from avon_analytics.contract.values import LongNumber


class NotJsonError(ValueError):
    """The text is no JSON. ``where`` is the character at which reading stopped, from 0."""

    def __init__(self, expected: str, where: int | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.where = where


class RepeatedKeyError(ValueError):
    """An object of the text has a key twice, so that readers would disagree on its value."""


class NumberAsSpelled(str):
    """A number as it stands in a text."""


def parse(text: str, *, exact: bool = False, as_spelled: bool = False) -> Any:
    """Read a JSON text; with ``exact``, numbers come as decimals, else perhaps ``as_spelled``.

    Raises NotJsonError for anything that RFC 8259 does not allow (NaN, trailing commas, lone
    surrogates …) and for nesting too deep to check, RepeatedKeyError for a key given twice.
    """
    number: dict[str, Any] = {"parse_int": _int, "parse_float": _float}
    if exact:
        number = {"parse_int": Decimal, "parse_float": _exact}
    elif as_spelled:
        number = dict.fromkeys(number, NumberAsSpelled)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            **number,
        )
        text.encode()
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError as error:
        raise NotJsonError("expected JSON", error.pos) from None
    except UnicodeEncodeError:
        raise NotJsonError("expected whole characters, found half a surrogate pair") from None
    except RecursionError:
        raise NotJsonError("nested too deeply to check") from None
    return value


def _int(text: str) -> int | LongNumber:
    # Python refuses to convert very long integers; a decimal takes them.
    return int(text) if len(text) < 4000 else LongNumber(text)


def _float(text: str) -> float | LongNumber:
    number = float(text)
    return LongNumber(text) if isinf(number) else number


def _exact(text: str) -> Decimal:
    number = LongNumber(text)
    return number if number.is_infinite() else Decimal(text)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKeyError
    return found


def _no_constant(_: str) -> NoReturn:
    raise NotJsonError("expected JSON, which has no NaN and no Infinity")


_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(32)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_TRANSLATION = str.maketrans(_ESCAPES)
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')


def normalise(value: Any, *, as_spelled: bool = False) -> str:
    """Sorted, minified text of a value read with ``exact``: equal for what says the same.

    Where the engine's ``json_normalize`` is exact, both give the same text. Of a value read
    ``as_spelled``, keys stay in their order and numbers as they are: equal for one spelling.
    """
    if isinstance(value, dict):
        keys = value if as_spelled else sorted(value)
        inner = (f"{_quoted(key)}:{normalise(value[key], as_spelled=as_spelled)}" for key in keys)
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(normalise(one, as_spelled=as_spelled) for one in value) + "]"
    if isinstance(value, NumberAsSpelled):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    return {True: "true", False: "false", None: "null"}[value]


def body_digest(
    body: str, without: Collection[str] = (), *, as_spelled: bool = False
) -> str | None:
    """The digest of what a body says, or of how it is spelled; None for what is no JSON.

    ``without`` names top-level keys that are no part of it.
    """
    try:
        value = parse(body, exact=not as_spelled, as_spelled=as_spelled)
        if without and isinstance(value, dict):
            value = {key: inner for key, inner in value.items() if key not in without}
        text = normalise(value, as_spelled=as_spelled)
    except (NotJsonError, RepeatedKeyError, RecursionError):
        return None
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return f'"{text.translate(_TRANSLATION) if _ESCAPED.search(text) else text}"'


def _decimal(number: Decimal) -> str:
    if number.is_infinite():
        return str(number).lower()
    if not number:
        return "0"
    if len(plain := str(number)) <= 400 and plain.isdecimal():
        return plain
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    minus = "-" if sign else ""
    if 0 <= exponent < 400:
        return minus + stripped + "0" * exponent
    if -400 < exponent < 0:
        point = len(stripped) + exponent
        if point <= 0:
            return f"{minus}0.{'0' * -point}{stripped}"
        return f"{minus}{stripped[:point]}.{stripped[point:]}"
    return f"{minus}{stripped}e{exponent}"
