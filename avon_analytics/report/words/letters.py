"""Texts as an eye counts them: letters that take several characters, and cells of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

Measure = Callable[[str], int]

_JOINER = "\u200d"


def in_cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for most letters of East Asia, and emoji."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # what is drawn in a terminal alone needs it

    return cell_len(text)


def beginning(text: str, limit: int, measure: Measure = len) -> str:
    """The longest beginning of at most this size that cuts no letter in two."""
    return text[:limit] if text.isascii() else "".join(_first(_letters(text), limit, measure))


def ending(text: str, limit: int, measure: Measure = len) -> str:
    """The longest end of at most this size that cuts no letter in two."""
    if text.isascii():
        return text[len(text) - limit :] if limit < len(text) else text
    return "".join(_first(_letters(text)[::-1], limit, measure)[::-1])


def _first(letters: list[str], limit: int, measure: Measure) -> list[str]:
    size = 0
    for nth, letter in enumerate(letters):
        size += measure(letter)
        if size > limit:
            return letters[:nth]
    return letters


def _letters(text: str) -> list[str]:
    """The letters of a text, each with its accents, and with all that an emoji is made of."""
    found: list[str] = []
    for one in text:
        if found and _goes_on(found[-1], one):
            found[-1] += one
        else:
            found.append(one)
    return found


def _goes_on(letter: str, one: str) -> bool:
    return (
        unicodedata.category(one)[0] == "M"
        or one == _JOINER
        or letter[-1] == _JOINER
        or "\u1160" <= one <= "\u11ff"  # vowels and ends of Korean syllables
        or "\U0001f3fb" <= one <= "\U0001f3ff"  # tones of skin
        or (len(letter) == 1 and _is_half_a_flag(letter) and _is_half_a_flag(one))
    )


def _is_half_a_flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"
