"""Values on one line: exporters that write no line ends join deliveries by nothing, or by blanks.

Objects follow each other from the line's start on. At the first byte that is neither white space
nor ``{``, or at an object that is no JSON, the rest of the line is one piece.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

import msgspec

BOM = b"\xef\xbb\xbf"
# Between values a byte-order mark is white space, too: files that begin with one are joined.
_BLANKS = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]([0-9a-fA-F]{2})")
_TRUNCATED = "Input data was truncated"

Span = tuple[int, int]


def after_blanks(text: bytes, start: int = 0) -> int:
    """Where the first byte stands that is no white space."""
    match = _BLANKS.match(text, start)
    assert match is not None
    return match.end()


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_read_object = json.JSONDecoder(
    # Values are only passed over: nothing is made of numbers, however long they are.
    parse_constant=_no_constant,
    parse_int=len,
    parse_float=len,
).raw_decode


def objects(
    text: bytes, limit: int | None = None, at_most: int | None = None
) -> tuple[list[Span], int]:
    """Where whole objects stand at the start of a line, and where the rest of it begins.

    An object longer than ``limit`` belongs to the rest. Where nothing but blanks is left, the rest
    begins at the end. ``at_most`` so many are looked for.
    """
    # Of Latin-1 each byte is a character: places stay what they are, and strings pass as they come.
    # Whether they are UTF-8 is asked of each delivery later.
    characters = text.decode("latin-1")
    found: list[Span] = []
    start = after_blanks(text)
    while text[start : start + 1] == b"{" and len(found) != at_most:
        try:
            _, end = _read_object(characters, start)
        except (ValueError, RecursionError):
            break
        if limit is not None and end - start > limit:
            break
        found.append((start, end))
        start = after_blanks(text, end)
    return found, start


def spans_of(line: bytes) -> list[Span]:
    """Where the objects of a line stand, and the rest of it if there is one.

    A line that is one piece is so from its start to its end, blanks included.
    """
    found, rest = objects(line)
    if not found or (len(found) == 1 and rest == len(line)):
        return [(0, len(line))]
    return [*found, (rest, len(line))] if rest < len(line) else found


def holds_several(line: bytes) -> bool:
    """Whether a line begins with an object that is not all of it."""
    found, rest = objects(line, at_most=2)
    return len(found) > 1 or (len(found) == 1 and rest < len(line))


def begins_object(text: bytes) -> bool:
    """Whether a text could go on to become an object: it ends before its object does."""
    return text.startswith(b"{") and any(_is_cut_off(text + ending) for ending in _ENDINGS)


def _is_cut_off(text: bytes) -> bool:
    try:
        # Half a surrogate pair would count as cut off.
        msgspec.json.decode(_SURROGATE.sub(rb"\\u00\1", text), type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return str(error) == _TRUNCATED
    except RecursionError:
        return False
    return False


# What finishes the word, number or escape in which a text may end, and blanks, so that the reader
# looks at it.
_ENDINGS = [
    ending + b"    "
    for ending in (
        *(b"", b"0", b"00", b"000", b"0000", b"n"),
        *(b"rue", b"ue", b"alse", b"lse", b"se", b"e", b"ull", b"ll", b"l"),
    )
]
