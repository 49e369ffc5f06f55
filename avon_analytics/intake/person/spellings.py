"""The readings of a text: how it compares, and what stands in it escaped, coded or as raw bytes."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
import zlib
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

_DEEPEST = 6  # layers of escapes and base64 that are undone
_ASCII = bytes(range(0x80))
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
SHORTEST_RUN = 12  # of base64 that is read
MOST_REPEATED = 1000  # that regular expressions of the engine take
_WORD = 64  # characters of base64 that are no longer than a key
_BLIND_BYTES = 64  # longer than any digest: so many bytes that are no text may hide one

_ESCAPE = re.compile(r"""\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([^ux]))""", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\n", "t": "\t", "b": " ", "f": " "}
_BASE64 = re.compile(f"[A-Za-z0-9+/_-]{{{SHORTEST_RUN},}}")
# Sought where a run begins alone: a megabyte without line ends would be read from each letter on.
_BROKEN_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}[ \t]*\r?\n[ \t]*)+[A-Za-z0-9+/_-]+"
)
_COMPRESSED = "(?:H4[s-v]|eA[E-H]|eJ[w-z]|eN[o-r])"  # how compressed data starts as base64
_BEGINS_COMPRESSED = re.compile(f".{{0,3}}{_COMPRESSED}")
_HEX = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1b\x1c\x1d\x1e\x1f\x00")


def folded(text: str) -> str:
    """A text without case, accents, invisible characters, and differences of composition."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    return _BEYOND_ASCII.sub(_visible, unicodedata.normalize("NFKD", apart))


def _visible(found: re.Match[str]) -> str:
    return "".join(
        str(unicodedata.decimal(one, one))
        for one in found[0]
        if unicodedata.category(one) not in ("Mn", "Me", "Cf")
    )


def readings(text: str, least: int = 1) -> Iterator[str]:
    """A text, and every text of ``least`` characters or more in it, escaped or as base64.

    Shorter ones may be among them. Ids are long, and most base64 is too short to hold one. What is
    written in fewer letters than it has, because it is compressed, is read where it is base64 once.
    """
    waiting, seen, runs_seen = deque([(text, 0)]), {text}, set[str]()
    while waiting:
        one, depth = waiting.popleft()
        yield one
        if depth == _DEEPEST:
            continue
        for inner in _inside(one, least, runs_seen):
            if inner not in seen:
                seen.add(inner)
                waiting.append((inner, depth + 1))


def may_hold_more(least: int) -> str:
    """A regular expression, for the engine too, that is found in every ASCII text in which another
    one of ``least`` characters or more may stand."""
    shortest = min(max(SHORTEST_RUN, -(-4 * least // 3)), MOST_REPEATED)
    run = "[A-Za-z0-9+/_-]"
    return rf"[\\%&\n]|{run}{{{shortest},}}|{_COMPRESSED}{run}{{6}}"


def _inside(text: str, least: int, runs_seen: set[str]) -> Iterator[str]:
    """The texts that stand right inside one, but for those in base64 that was seen before."""
    if "\\" in text:
        # Most are of quotes, in an object that was archived as a text.
        yield _joined(_ESCAPE.sub(_unescaped, text.replace('\\"', '"')))
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    for run in _runs(text, least):
        if run not in runs_seen:
            runs_seen.add(run)
            yield from _texts_of_word(run) if len(run) <= _WORD else _texts_of_run(run)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _CONTROL.get(found[3], found[3])


def _joined(text: str) -> str:
    """A text whose pairs of surrogates, which escapes spell one by one, are characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _runs(text: str, least: int) -> Iterator[str]:
    """What may be base64 of so many bytes in a text, plain or for URLs, whole or broken into lines;
    of what may be compressed, of however many."""
    for run in _BASE64.findall(text):
        is_enough = len(run) * 3 // 4 >= least or _BEGINS_COMPRESSED.match(run)
        if is_enough and not _HEX.fullmatch(run):
            yield run
    if "\n" in text:
        yield from ("".join(run.split()) for run in _BROKEN_BASE64.findall(text))


@lru_cache(maxsize=4096)
def _texts_of_word(run: str) -> tuple[str, ...]:
    """The same of a short one: most are keys, which stand in line after line."""
    return tuple(_texts_of_run(run))


def _texts_of_run(run: str) -> Iterator[str]:
    """The texts that base64 may be."""
    usual = run.replace("-", "+").replace("_", "/")
    for start in range(4):  # letters right before it may belong to something else
        part = usual[start:]
        with_end = part[: len(part) // 4 * 4] if len(part) % 4 == 1 else part
        try:
            data = binascii.a2b_base64(with_end + "=" * (-len(with_end) % 4))
        except (binascii.Error, ValueError):
            continue
        yield from texts_of(data) or ()


def texts_of(data: bytes) -> list[str] | None:
    """The texts that bytes may be, compressed or not; None where they cannot be searched."""
    if data[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x78\x01", b"\x78\xda"):
        reader = zlib.decompressobj(47)
        try:
            data = reader.decompress(data, 1 << 26)
        except zlib.error:
            return None
        if reader.unconsumed_tail:
            return None
    if b"\x00" in data:
        return _wide_texts(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        n_high = len(data.translate(None, _ASCII))
        if n_high * 4 > len(data):
            return None
        # One byte a letter. Which letters these are above the first 128 is anybody's guess.
        text = data.decode("latin-1")
        odd = any(0x80 <= byte < 0xA0 for byte in data)
        found = [text, data.decode("utf-8", "replace"), data.decode("utf-8", "ignore")]
        found += [data.decode(name, "replace") for name in ("cp1252", "cp850", "mac_roman")] * odd
        return found if _is_readable(text) else None
    return [text] if _is_readable(text) else None


def _wide_texts(data: bytes) -> list[str] | None:
    """UTF-16 or UTF-32, either way round, also cut in the middle of a character."""
    found = []
    for codec, width in (
        ("utf-16-le", 2),
        ("utf-16-be", 2),
        ("utf-32-le", 4),
        ("utf-32-be", 4),
    ):
        for start in range(width):
            part = data[start:]
            text = part[: len(part) // width * width].decode(codec, "replace")
            if text and _is_readable(text) and "\x00" not in text:
                found.append(text)
    plain = data.decode("utf-8", "replace")
    if _is_readable(plain) and data.count(0) * 8 < len(data):
        found.append(plain.replace("\x00", ""))
    return found or None


def _is_readable(text: str) -> bool:
    """Whether a text looks like one: nearly all of its characters are such as people write."""
    return sum(map(text.count, filter(_is_strange, set(text)))) * 20 <= len(text)


def _is_strange(one: str) -> bool:
    if one < " ":
        return one not in _TEXT_CONTROLS
    return one == "\ufffd" or unicodedata.category(one) in ("Co", "Cn")


def is_blind(text: str) -> bool:
    """Whether something long stands in a text as base64 that is no text itself."""
    for one in readings(text):
        for run in _BASE64.findall(one):
            kinds = (r"[a-z]", r"[A-Z]", r"[0-9]")
            if len(run) * 3 // 4 <= _BLIND_BYTES or not all(re.search(k, run) for k in kinds):
                continue
            usual = run.replace("-", "+").replace("_", "/")
            cut = usual[: len(usual) // 4 * 4]
            try:
                if texts_of(base64.b64decode(cut)) is None:
                    return True
            except (binascii.Error, ValueError):
                continue
    return False
