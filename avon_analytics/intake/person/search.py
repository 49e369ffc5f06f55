"""A person who is looked for, and whether a text, an object or raw bytes name them.

One searcher for all there is: rows of the store, lines of the quarantine, and what a later load
brings. It finds

- their id in any case, bare or with a prefix, and inside a longer word or a file name;
- their first and last name as whole words of one text, in either order;
- their e-mail address, the digits of their telephone and social security number, and a medical
  record number of five characters or more.

Texts are compared in one reading: without case, accents, invisible characters and differences of
width or composition. Escapes of JSON, however often they were applied, of URLs and of HTML are
undone, and base64 is read, in all of which a text may stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from avon_analytics.contract.one_spelling import SpelledNumber, in_order, parse
from avon_analytics.intake.person.spellings import folded, is_blind, readings, texts_of

_DEEPEST = 200  # lists and objects within one another
LONG_ID = 10  # from here on nobody else's word holds an id by chance
_SHORT_ID = 5
_DIGITS = 7  # fewer digits than that are no telephone number
_LOCAL = 10  # from here on a zero before the others is no digit of a social security number
# The code of a country, by ITU-T E.164.
_CODE = re.compile("^(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|...)")
_WORD = 5  # fewer characters are no record number
Reason = Literal["named", "unsearchable"]

_WORDS = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_PREFIX = re.compile(r"[a-z]{2,12}_(?=.{8})")
# Scripts that write no blanks between words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def bare_id(given: str) -> str:
    """An id in the spelling in which all of its spellings are one: no case, blanks or prefix."""
    text = folded(given).strip()
    if text.startswith("user_"):
        return text.removeprefix("user_")
    return _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text


class Naming(NamedTuple):
    """How a text names somebody, the weaker with the stronger: by their id, in any way, or by one
    of their names, which is enough where it is about them anyhow."""

    by_id: bool
    by_words: bool
    by_half: bool


class PersonSearch:
    """What somebody is known by; each in any spelling.

    ids: theirs, or those of several people. numbers: of telephones and social security. records:
    medical record numbers.
    """

    def __init__(
        self,
        ids: Collection[str],
        *,
        first_names: Collection[str] = (),
        last_names: Collection[str] = (),
        emails: Collection[str] = (),
        numbers: Collection[str] = (),
        records: Collection[str] = (),
    ) -> None:
        self.bare_ids = sorted({bare_id(one) for one in ids} - {""})  # as they compare
        self._id = _either(around_id(len(one), re.escape(one)) for one in self.bare_ids)
        spelled = "|".join(map(re.escape, self.bare_ids)) or "(?!)"
        self._whole_id = re.compile(rf"\W*(?:[a-z]+_)?(?:{spelled})\W*")
        digits = sorted({spelled for one in numbers for spelled in _spelled_digits(one)})
        self._numbers = [r"[^0-9a-z]{0,4}".join(one) for one in digits]
        self._number = _either(self._numbers)
        self._records = _folded_words(records)
        self._record = _either(_as_record(one) for one in self._records)
        self._emails = _folded_words(emails)
        self._firsts = list(_names(first_names))
        self._lasts = list(_names(last_names))
        names = [max(name.words, key=len) for name in (*self._firsts, *self._lasts)]
        words = map(re.escape, (*self.bare_ids, *self._emails, *self._records, *names))
        # A regular expression that is found in every text, as it compares, that names them, also by
        # half. The engine, too, knows all that is in it.
        self.may_name = "|".join((*words, *self._numbers)) or r"[^\s\S]"
        self._may_name = re.compile(self.may_name)
        self.least = min(
            map(len, (*self.bare_ids, *digits, *self._emails, *self._records, *names)), default=1
        )

    def is_id(self, text: str) -> bool:
        """Whether a text is their id, in any spelling, and nothing else."""
        return self._whole_id.fullmatch(folded(text)) is not None

    def is_named_by_id(self, text: str) -> bool:
        """Whether their id stands in a text, in whatever is written around it."""
        return any(self._id.search(folded(one)) for one in readings(text, self.least))

    def is_named(self, text: str) -> bool:
        """Whether a text names them in any way."""
        return any(self._names(one) for one in readings(text, self.least))

    def how_named(self, text: str) -> Naming:
        """How a text names them, in whatever is written around it."""
        every = [one for one in readings(text, self.least) if self._may_name.search(folded(one))]
        by_id = any(self._id.search(folded(one)) for one in every)
        by_words = by_id or any(self._names(one) for one in every)
        return Naming(by_id, by_words, by_words or any(self._half_names(one) for one in every))

    def why_not_keep(self, content: bytes) -> Reason | None:
        """Why bytes must not be kept: they name them, or they cannot be searched and might."""
        texts = texts_of(content)
        if texts is not None and any(self.is_named(one) for one in texts):
            return "named"
        if texts is None or any(is_blind(one) for one in texts):
            return "unsearchable"
        return None

    def without(self, value: Any, depth: int = 0) -> Any:
        """What is left of a JSON value without them; None where nothing is.

        A text or a number that names them goes, and so does a member with its key; an object goes
        whole where only its parts together name them, such as a first and a last name. What is
        nested too deeply to be searched goes, too.
        """
        if depth > _DEEPEST:
            return None
        if isinstance(value, str):
            return None if self.is_named(value) else value
        if isinstance(value, dict):
            left = {
                key: rest
                for key, one in value.items()
                if not self.is_named(key)
                and ((rest := self.without(one, depth + 1)) is not None or one is None)
            }
            together = " ".join(_leaves(left))
            return None if (value and not left) or self.is_named(together) else left
        if isinstance(value, list):
            parts = [(one, self.without(one, depth + 1)) for one in value]
            kept = [rest for one, rest in parts if rest is not None or one is None]
            together = " ".join(one for one in kept if isinstance(one, str))
            return None if (value and not kept) or self.is_named(together) else kept
        if isinstance(value, bool) or value is None:
            return value
        spelled = value.text if isinstance(value, SpelledNumber) else str(value)
        return None if self.is_named(spelled) else value

    def owns(self, value: Any) -> bool:
        """Whether an object of a type that the contract does not know is theirs: it refers to them.

        A list in it that names them makes it theirs no more than a visit of several is.
        """
        return isinstance(value, dict) and any(
            isinstance(one, str) and self.is_named_by_id(one) for one in value.values()
        )

    def left_of_json(self, text: str) -> str | None:
        """The same of a JSON text."""
        try:
            left = self.without(parse(text))
        except ValueError:
            return None
        return None if left is None else in_order(left).decode()

    def _names(self, text: str) -> bool:
        plain = folded(text)
        if not self._may_name.search(plain):
            return False
        if any(pattern.search(plain) for pattern in (self._id, self._number, self._record)):
            return True
        if any(one in plain for one in self._emails):
            return True
        if not (self._firsts and self._lasts):
            return False
        words = _Words(text)
        firsts = {place for name in self._firsts for place in words.places(name)}
        lasts = {place for name in self._lasts for place in words.places(name)}
        return any(not set(one) & set(other) for one in firsts for other in lasts)

    def _half_names(self, text: str) -> bool:
        words = _Words(text)
        return any(True for name in (*self._firsts, *self._lasts) for _ in words.places(name))


def around_id(size: int, pattern: str) -> str:
    """A regular expression for ids of a size: a short one stands by itself, or has its prefix."""
    if size >= LONG_ID:
        return pattern
    before = r"(?<![0-9a-z])" if size >= _SHORT_ID else r"(?<![0-9a-z])user_"
    return rf"{before}{pattern}(?![0-9a-z])"


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    """What any of some patterns finds; of none, nothing."""
    return re.compile("|".join(patterns) or "(?!)")


def _folded_words(given: Iterable[str]) -> list[str]:
    """Those that are long enough to name somebody, as they compare."""
    words = {folded(one).strip() for one in given}
    return sorted(one for one in words if len(one) >= _WORD)


def _spelled_digits(number: str) -> Iterator[str]:
    """The digits of a number, and what is left of them as others write it.

    They leave out the code of the country, or the zero that stands in its place.
    """
    digits = re.sub(r"[^0-9]", "", folded(number))
    if len(digits) < _DIGITS:
        return
    yield digits
    if folded(number).strip().startswith("+") or digits.startswith("00"):
        digits = _CODE.sub("", digits.removeprefix("00"), count=1)
    elif len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    elif len(digits) < _LOCAL or digits[0] != "0":
        return
    digits = digits.removeprefix("0")
    if len(digits) >= _DIGITS:
        yield digits


def _as_record(record: str) -> str:
    """A record number ends where its digits do: 12345 is not within 123456."""
    before = "(?<![0-9])" if record[0].isdigit() else ""
    after = "(?![0-9])" if record[-1].isdigit() else ""
    return before + re.escape(record) + after


class _Name(NamedTuple):
    words: tuple[str, ...]
    is_unspaced: bool


def _names(given: Iterable[str]) -> Iterator[_Name]:
    spelled = {tuple(_WORDS.findall(folded(one))) for one in given}
    for words in sorted(spelled - {()}):
        yield _Name(words, any(_UNSPACED.search(word) for word in words))


class _Words:
    """The words of a text, as they stand and with a new word at each capital within one."""

    def __init__(self, text: str) -> None:
        self._texts = [folded(text)]
        if _HUMP.search(text):
            self._texts.append(folded(_HUMP.sub(" ", text)))

    def places(self, name: _Name) -> Iterator[tuple[tuple[int, int], ...]]:
        """Where a name stands; two names stand apart where they share none of these."""
        size = len(name.words)
        for nth, text in enumerate(self._texts):
            if name.is_unspaced:
                start = text.find("".join(name.words))
                if start >= 0:
                    yield tuple((-1 - nth, start + n) for n in range(len("".join(name.words))))
                continue
            if name.words[0] not in text:
                continue
            words = _WORDS.findall(text)
            for place in range(len(words) - size + 1):
                if tuple(words[place : place + size]) == name.words:
                    yield tuple((nth, place + n) for n in range(size))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value
