"""JSON in one spelling: equal bytes for values that say the same.

Keys are sorted, nothing stands between the values, texts have the fewest escapes, and numbers are
written as decimals: ``1e2``, ``100.0`` and ``100`` are one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

Raw = msgspec.Raw


class NotJsonError(ValueError):
    """The text is no JSON. ``where`` is the character at which reading stopped, from 0."""

    def __init__(self, expected: str, where: int | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.where = where


class RepeatedKeyError(ValueError):
    """An object of the text has a key twice, so that readers would disagree on its value."""


class SpelledNumber(float):
    """A number of a text, with its text in one spelling beside it."""

    text: str


# What is in its one spelling already: a text without escapes, a word, a short whole number.
_IN_ONE_SPELLING = re.compile(rb'"[^"\\]*"|true|false|null|0|-?[1-9]\d{0,14}')


def _number(value: Any) -> Raw:
    return Raw(value.text.encode())


_encode = msgspec.json.Encoder(order="sorted", enc_hook=_number).encode
_encode_in_order = msgspec.json.Encoder(enc_hook=_number).encode


def parse(text: str) -> Any:
    """Read a JSON text as RFC 8259 says it; numbers remember how they are spelled.

    Raises NotJsonError for anything that RFC 8259 does not allow (NaN, trailing commas, lone
    surrogates …) and for nesting too deep to check, RepeatedKeyError for a key given twice.
    """
    return _parse(text, _whole, _spelled)


def _parse(text: str, whole: Any, fraction: Any) -> Any:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=whole,
            parse_float=fraction,
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


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKeyError
    return found


def _no_constant(_: str) -> NoReturn:
    raise NotJsonError("expected JSON, which has no NaN and no Infinity")


def _whole(text: str) -> int | SpelledNumber:
    # Beyond 18 digits readers differ, and Python refuses to convert thousands of them.
    return int(text) if len(text) < 19 else _spelled(text)


def _spelled(text: str) -> SpelledNumber:
    number = SpelledNumber(text)
    number.text = decimal_text(text)
    return number


def of_value(value: Any) -> bytes:
    """The one spelling of a value that ``parse`` read."""
    return _encode(_number(value)) if type(value) is SpelledNumber else _encode(value)


def in_order(value: Any) -> bytes:
    """The text of a value that ``parse`` read in one spelling, its keys in their order."""
    return _encode_in_order(value)


def of_text(text: bytes) -> bytes:
    """The one spelling of a JSON text.

    Raises what ``parse`` raises.
    """
    if _IN_ONE_SPELLING.fullmatch(text):
        return text
    if (found := _reordered(text)) is not None:
        return found
    try:
        return _encode(_parse(text.decode(), _raw_whole, _raw_number))
    except RecursionError:
        raise NotJsonError("nested too deeply to check") from None


def _reordered(text: bytes) -> bytes | None:
    """The one spelling of a text without blanks, fractions, long numbers and repeated keys.

    Nothing in it is spelled longer than in the text: so where it is as long, nothing was lost.
    """
    if _LONG_NUMBER.search(text):
        return None
    try:
        found = _encode(_decode(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if len(found) == len(text) else None


def _no_fraction(_: str) -> NoReturn:
    raise ValueError


_LONG_NUMBER = re.compile(rb"\d{19}")
_LONGEST_POWER = 1000  # characters: Python refuses to convert thousands of digits
_decode = msgspec.json.Decoder(float_hook=_no_fraction).decode


def _raw_whole(text: str) -> int | Raw:
    return int(text) if len(text) < 19 else _raw_number(text)


def _raw_number(text: str) -> Raw:
    return Raw(decimal_text(text).encode())


def decimal_text(text: str) -> str:
    """A JSON number as a decimal in one spelling; with an exponent where it would be very long."""
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return "0"
    if len(power) > _LONGEST_POWER:
        return text.lower()
    exponent = int(power or 0) - len(fraction) + len(digits) - len(stripped)
    minus = "-" if mantissa.startswith("-") else ""
    if 0 <= exponent < 400:
        return f"{minus}{stripped}{'0' * exponent}"
    if -400 < exponent < 0:
        point = len(stripped) + exponent
        if point <= 0:
            return f"{minus}0.{'0' * -point}{stripped}"
        return f"{minus}{stripped[:point]}.{stripped[point:]}"
    return f"{minus}{stripped}e{exponent}"
