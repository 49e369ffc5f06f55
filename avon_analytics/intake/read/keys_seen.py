"""What a decoder does not report: keys that stand twice, and instants that it rounds.

A decoder passes over a key that was there before. So the keys that were read of each line are held
against those that stand in its text, for all lines of a batch at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_SCANNED_BYTES = 1 << 18  # at a time: they stay in the processor's caches
_QUOTE, _DOT, _ZERO, _COLON, _BACKSLASH, _U = b'".0:\\u'
_DIGITS = 7  # behind a dot: the models cut a fraction of a second there, and a decoder rounds


def _among(codes: bytes) -> npt.NDArray[np.bool_]:
    found = np.zeros(256, np.bool_)
    found[list(codes)] = True
    return found


_IS_DIGIT, _IS_ESCAPED_BLANK = _among(b"0123456789"), _among(b"ntr")
_IS_BLANK = _among(b" \t\r\n")


def doubtful(
    contents: Sequence[bytes],
    bodies: Sequence[bytes],
    *,
    n_around: Sequence[int],
    n_inner: Sequence[int],
    is_hidden: Sequence[bool],
) -> list[int]:
    """Of lines that were decoded, those with other keys than were read, or instants that it rounds.

    Keys were read around the body and in it, which ``is_hidden`` where it does not stand in the
    line as text. A key may stand twice, or a text hold what looks like one. Bodies are searched by
    themselves where they do not stand in the line as they are.
    """
    if not contents:
        return []
    hidden, inner = np.array(is_hidden), np.array(n_inner)
    of_lines = _Scan.of(contents)
    n_keys = np.array(n_around) + np.where(hidden, 0, inner)
    found = of_lines.is_spaced | (of_lines.n_keys != n_keys)
    apart = of_lines.is_escaped | of_lines.has_long_fraction | hidden
    to_search = np.flatnonzero(apart & ~found)
    if len(to_search):
        of_bodies = _Scan.of([bodies[at] for at in to_search.tolist()])
        differs = of_bodies.n_keys != inner[to_search]
        found[to_search] = differs | of_bodies.is_spaced | of_bodies.has_long_fraction
    return np.flatnonzero(found).tolist()


@dataclass(frozen=True, slots=True)
class _Scan:
    """What stands in some texts, one value for each.

    A key is a quote with a colon behind it; ``is_spaced`` says that there is white space between
    them, ``is_escaped`` that a character may be written as its number.
    """

    n_keys: npt.NDArray[np.int64]
    is_spaced: npt.NDArray[np.bool_]
    is_escaped: npt.NDArray[np.bool_]
    has_long_fraction: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> _Scan:
        """Search some texts."""
        parts = [_scanned(part) for part in _parts(texts)]
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _parts(texts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    sizes = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    cuts = np.searchsorted(sizes, np.arange(0, sizes[-1], _SCANNED_BYTES)).tolist()
    starts = sorted({0, *cuts} - {len(texts)})
    for start, end in zip(starts, [*starts[1:], len(texts)], strict=True):
        yield texts[start:end]


def _scanned(texts: Sequence[bytes]) -> tuple[npt.NDArray[Any], ...]:
    n = len(texts)
    around = b"\0" * (_DIGITS + 1)  # so that each place has others before and behind it
    codes = np.frombuffer(around + b"\0".join(texts) + around, np.uint8)
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, n) + 1) + len(around)

    def having(places: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        found = np.zeros(n, np.bool_)
        found[np.searchsorted(ends, places, side="right")] = True
        return found

    colons = np.flatnonzero(codes == _COLON)
    before = codes[colons - 1]
    is_key = before == _QUOTE
    n_keys = np.diff(np.searchsorted(colons[is_key], ends), prepend=0)
    others, before = colons[~is_key], before[~is_key]
    is_escape = _IS_ESCAPED_BLANK[before] & (codes[others - 2] == _BACKSLASH)
    spaced = others[_IS_BLANK[before] | is_escape]
    escapes = np.flatnonzero(codes == _U)
    escapes = escapes[codes[escapes - 1] == _BACKSLASH]
    for ahead in (1, 2):  # \u00..: whatever has a meaning in JSON is among these
        escapes = escapes[codes[escapes + ahead] == _ZERO]
    fractions = np.flatnonzero(codes == _DOT)
    for ahead in range(1, _DIGITS + 1):
        fractions = fractions[_IS_DIGIT[codes[fractions + ahead]]]
    return n_keys, having(spaced), having(escapes), having(fractions)
