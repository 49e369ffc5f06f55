"""What was probably meant: by a word that is none of the choices, by a path that does not exist."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

_PART = 3
"""The fewest characters by which a word is known inside a longer one."""
LONGEST = 100
"""More characters than any word has: to compare them would take long."""


def nearest(
    word: str, choices: Iterable[str], called: Mapping[str, str] | None = None
) -> str | None:
    """The choice that a word probably means, else None.

    Case, blanks, hyphens and the like count for nothing. What spells a choice comes first, then the
    only choice that the word is a part of, then that nearest in letters. A text is no word.

    called: what choices are called elsewhere, each with the choice.
    """
    if len(word) > LONGEST:
        return None
    known = list(choices)
    meant = {_plain(name): one for name, one in (called or {}).items() if one in known}
    meant |= {_plain(one): one for one in known}
    plain = _plain(word)
    if plain in meant:
        return meant[plain]
    holding = {one for name, one in meant.items() if plain in name}
    if len(plain) >= _PART and len(holding) == 1:
        return holding.pop()
    return next((meant[name] for name in get_close_matches(plain, meant, n=1)), None)


def meant_word(word: str, choices: Iterable[str], called: Mapping[str, str] | None = None) -> str:
    """`` Did you mean …?`` with the choice that a word probably means, else nothing."""
    found = nearest(word, choices, called)
    return f" Did you mean {found!r}?" if found is not None else ""


def repeated(word: str) -> str:
    """A word as a message repeats it: quoted, of a text only its beginning."""
    return repr(word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}…")


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold()))


def did_you_mean(path: str | os.PathLike[str]) -> str:
    """`` Did you mean …?`` with the path nearest in name in the same folder, else nothing.

    Where no name is near, the only file of the same kind is named.
    """
    wanted = Path(path)
    try:
        names = sorted(one.name for one in wanted.parent.iterdir() if not one.name.startswith("."))
    except OSError:
        return ""
    near = get_close_matches(wanted.name, names)
    closest = [name for name in near if _is_near_without_ending(wanted, Path(name))][:1]
    alike = [name for name in names if wanted.suffix and name.endswith(wanted.suffix)]
    if not closest and len(alike) == 1:
        closest = alike
    return f" Did you mean {wanted.with_name(closest[0])}?" if closest else ""


def _is_near_without_ending(wanted: Path, found: Path) -> bool:
    """Whether it is more than an ending that they share."""
    is_one_kind = found.suffix == wanted.suffix
    return not is_one_kind or bool(get_close_matches(wanted.stem, [found.stem]))
