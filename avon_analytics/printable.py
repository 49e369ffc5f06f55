"""What is printed: text without characters that move a cursor, ring a bell or turn the text around.

Names of files, keys of payloads and arguments are anybody's. Whatever of them is printed, in a
message, a table or a note, goes through ``printable``.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress

# Controls (C0, C1), separators of lines, what turns the direction of writing, halves of characters,
# notes between lines, and the characters of invisible tags.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_ONE_LINE = re.compile(f"[{_UNSEEN}]")
_LINES = re.compile(rf"(?![\n\t])[{_UNSEEN}]")
_LONGEST = 5000  # of a message, which may hold a path (4,096) and a list of choices
_BYTES = range(0xDC80, 0xDD00)  # bytes of a name that is no UTF-8, as Python holds them


def printable(text: str, *, lines: bool = False) -> str:
    """The text with each such character as its escape, such as ``\\x1b``.

    A value is one line; ``lines`` leaves the line ends and tabs of a text that we have laid out.
    """
    return (_LINES if lines else _ONE_LINE).sub(_escape, text)


def as_message(text: str, *, lines: bool = False) -> str:
    """What went wrong, printable; where a text of any length is repeated in it, its middle goes."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
    return printable(text, lines=lines)


def in_json(text: str) -> str:
    """JSON with each such character as JSON escapes it, which says the same."""
    return _LINES.sub(lambda found: "".join(map(_unit, _units(found[0]))), text)


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    known = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}.get(letter)
    if known is not None:
        return known
    number = ord(letter) - 0xDC00 if ord(letter) in _BYTES else ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _units(letter: str) -> list[int]:
    data = letter.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _unit(number: int) -> str:
    return f"\\u{number:04x}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def say(text: str) -> None:
    """A word to the user on standard error, beside the result; lost where nobody can hear it."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(printable(text, lines=True) + "\n")
            sys.stderr.flush()
