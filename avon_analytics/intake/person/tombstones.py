"""Marks of forgotten people: keyed digests of ids, which tell one again and name nobody.

A mark is the HMAC-SHA256 of an id under a random key of the store. Only ids are marked, which are
long and random, and digests of whole lines: a key that lies beside the marks protects nothing that
can be guessed, such as a name or a social security number.

Of a person's id that spelling is marked in which all of its spellings are one (`bare_id`), and its
shape is kept: how long it is, and of which characters. So it is found inside a longer word, too.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from avon_analytics.intake.person.search import LONG_ID, around_id, bare_id
from avon_analytics.intake.person.spellings import (
    MOST_REPEATED,
    SHORTEST_RUN,
    folded,
    may_hold_more,
    readings,
    texts_of,
)
from avon_analytics.intake.read.signature import hmac_pads
from avon_analytics.store.parsed import run
from avon_analytics.store.schema import literal
from avon_analytics.store.settings import random_key, set_setting, setting

Kind = Literal["person", "object", "thread", "visit", "aside", "line"]
_KEY, _SHAPES = "forget_key", "forget_shapes"
_ALPHABETS = {"x": "[0-9a-f]", "a": "[0-9a-z]", "o": "."}
_NARROWER = {"x": "", "a": "0123456789abcdef", "o": "0123456789abcdefghijklmnopqrstuvwxyz"}
MOST_REMEMBERED = 1_000_000


class Tombstones:
    """The marks of a store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: set[tuple[str, str]] = set(
            run(connection, "SELECT kind, mark FROM forgotten").fetchall()
        )
        self._pads = (b"", b"")
        self._shapes: dict[str, Callable[[str], Iterable[str]]] = {}
        self._others: set[str] = set()
        if self._known:
            self._take_key()
            for shape in (setting(connection, _SHAPES) or "").split():
                self._shapes[shape] = _finder(shape)

    def __bool__(self) -> bool:
        return bool(self._known)

    def add_person(self, given: str) -> None:
        """Mark a person by their id, in whatever spelling it is given."""
        bare = bare_id(given)
        self.add("person", [bare])
        if (shape := _shape(bare)) not in self._shapes:
            self._shapes[shape] = _finder(shape)
            set_setting(self._connection, _SHAPES, " ".join(sorted(self._shapes)))

    def add(self, kind: Kind, ids: Iterable[str]) -> None:
        """Mark some ids."""
        if not any(self._pads):
            self._take_key()
        new = {(kind, self.mark(one)) for one in ids} - self._known
        at = datetime.now(UTC)
        for _, mark in sorted(new):
            self._connection.execute("INSERT INTO forgotten VALUES (?, ?, ?)", [mark, kind, at])
        self._known |= new
        self._others.clear()

    def add_aside(self, seats: Iterable[tuple[str, str]]) -> None:
        """Mark who took part, and was no patient, in visits that were a person's alone."""
        self.add("aside", map(" ".join, seats))

    def set_aside(self, seats: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of some visits with people that are marked so."""
        return {seat for seat in seats if self._is_marked("aside", " ".join(seat))}

    def know(self, given: str) -> bool:
        """Whether a person is marked, in whatever spelling the id is given."""
        return bool(self) and self._is_marked("person", bare_id(given))

    def unmarked(self, kind: Kind, ids: Iterable[str]) -> list[str]:
        """Those of some ids that are not marked yet, sorted."""
        return sorted(one for one in set(ids) if not self._is_marked(kind, one))

    def _is_marked(self, kind: Kind, value: str) -> bool:
        return (kind, self.mark(value)) in self._known

    def _take_key(self) -> None:
        self._pads = hmac_pads(random_key(self._connection, _KEY))
        self._inner, self._outer = map(hashlib.sha256, self._pads)

    def mark(self, value: str) -> str:
        """The mark of an id."""
        inner, outer = self._inner.copy(), self._outer.copy()  # the key is read once, not each time
        inner.update(value.encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def people_in(self, texts: Iterable[str]) -> set[str]:
        """The ids of forgotten people that stand in some texts, in any spelling; bare."""
        found = set()
        for given in texts:
            for text in readings(given, self._least):
                plain = folded(text)
                for ids_in in self._shapes.values():
                    for one in ids_in(plain):  # of a long text millions, so one at a time
                        if one in self._others:
                            continue
                        if self._is_marked("person", one):
                            found.add(one)
                        else:
                            self._remember(one)
        return found

    def may_name_people(self, text: str) -> str:
        """SQL for whether one of their ids may stand in a text: the engine passes over most."""
        is_long = f"strlen({text}) >= {min(self._least, SHORTEST_RUN)}"
        if any(shape.startswith("o") for shape in self._shapes):
            return is_long
        word = f"[A-Za-z0-9]{{{min(self._least, MOST_REPEATED)},}}"
        may_hold = literal(f"{may_hold_more(self._least)}|{word}")
        is_ascii = f"strlen({text}) = length({text})"
        return f"{is_long} AND NOT ({is_ascii} AND NOT regexp_matches({text}, {may_hold}))"

    @property
    def _least(self) -> int:
        return min(map(_size, self._shapes), default=1)

    def _remember(self, other: str) -> None:
        if len(self._others) >= MOST_REMEMBERED:
            self._others.clear()
        self._others.add(other)

    def masked_path(self, path: str, names: Callable[[str], bool]) -> str:
        """A path as the log may show it, without the parts that ``names`` a forgotten person.

        A later load gives the same part the same mask where it knows it by the id in it; a name
        could be guessed from a digest, so that its mask is drawn by lot.
        """
        parts = path.split("/")
        for nth, part in enumerate(parts):
            if names(part):
                digest = self.mark(part) if self.people_in([part]) else secrets.token_hex(32)
                parts[nth] = f"forgotten-{digest[:16]}"
        return "/".join(parts)

    def may_keep(self, content: bytes) -> bool:
        """Whether a line may be kept as it was sent: it can be searched and names nobody marked."""
        texts = texts_of(content)
        return texts is not None and not self.people_in(texts)

    def is_withheld(self, sha256: str) -> bool:
        """Whether a line with this digest named a forgotten person in another way than by id."""
        return self._is_marked("line", sha256)

    def among(self, run: Callable[..., list[tuple[Any, ...]]], ids: str, kind: Kind) -> list[str]:
        """Those ids of a query (its only column ``id``) that are marked."""
        inner, outer = self._pads
        mark = "sha256($outer || unhex(sha256($inner || encode(id))))"
        marked = [mark for of, mark in self._known if of == kind]
        if not marked:
            return []
        found = run(
            f"SELECT DISTINCT id FROM ({ids}) WHERE {mark} IN (SELECT unnest($marked)) ORDER BY id",
            inner=inner,
            outer=outer,
            marked=marked,
        )
        return [one for (one,) in found]


def _shape(bare: str) -> str:
    """How long an id is, and of which characters: it says where in a text one may stand."""
    name = next(
        name for name, one in _ALPHABETS.items() if re.fullmatch(f"{one}+", bare) or name == "o"
    )
    return f"{name}{len(bare)}"


def _size(shape: str) -> int:
    return int(shape[1:])


def _finder(shape: str) -> Callable[[str], Iterable[str]]:
    """What finds all that may be ids of a shape in a text, one within another, too."""
    one, size = _ALPHABETS[shape[0]], _size(shape)
    if size < LONG_ID:
        return re.compile(f"(?={around_id(size, f'({one}{{{size}}})')})").findall
    words = re.compile(f"{one}{{{size},}}")
    narrower = _NARROWER[shape[0]]  # an id of these characters alone would be of another shape

    def found(text: str) -> Iterator[str]:
        for word in words.findall(text):
            if word.strip(narrower):
                for start in range(len(word) - size + 1):
                    yield word[start : start + size]

    return found
