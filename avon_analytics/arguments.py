"""What a call was given, read as a value of Python's own; frames give numpy's and pandas' too."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from avon_analytics.errors import AvonError, UsageError
from avon_analytics.suggestions import meant_word, repeated

# What is a value of Python's own as it stands: most calls give nothing else, and need no pandas.
_PLAIN = (str, int, float, bool, type(None))


def scalar(value: Any) -> Any:
    """One value of Python's own: numpy's scalars become that, and what is missing becomes None."""
    if type(value) in _PLAIN:
        return None if value != value else value
    import numpy as np
    import pandas as pd

    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    elif isinstance(value, np.generic):
        value = value.item()
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def values(given: Any) -> list[Any]:
    """The values of a list, or of whatever pandas takes for one; of anything else, that alone."""
    from pandas.api.types import is_list_like

    several = is_list_like(given) and not isinstance(given, Mapping)
    return [scalar(value) for value in (given if several else (given,))]


def names(given: str | Iterable[str], what: str) -> list[str]:
    """One name or several. Raises UsageError for what is neither."""
    try:
        return [given] if isinstance(given, str) else [str(name) for name in given]
    except (TypeError, ValueError):  # the second for a number of thousands of digits
        raise UsageError(f"{what}: expected a name or a list of names") from None


def choice(
    kind: str,
    given: Any,
    choices: Collection[str],
    error: type[AvonError] = UsageError,
    *,
    called: Mapping[str, str] | None = None,
) -> str:
    """One of the choices. Raises the ``error``, with the nearest and all of them, for another.

    A word is repeated; anything else, a column of patients say, is not.

    called: what choices are called elsewhere, each with the choice.
    """
    known = list(choices)
    if not isinstance(given, str):
        raise error(f"{kind}: expected a text. Choices: {', '.join(known)}")
    if given in choices:
        return given
    hint = meant_word(given, known, called)
    raise error(f"unknown {kind} {repeated(given)}.{hint} Choices: {', '.join(known)}")


def mapping(given: Any, what: str, example: str) -> Mapping[Any, Any]:
    """A mapping; none where nothing was given. Raises UsageError, with the example, for anything
    else."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(f"{what}: expected a dict, such as {example}")
    return given


def number(value: Any, least: float, most: float, expected: str) -> float:
    """A number within bounds. Raises UsageError, saying what was ``expected``, for what is none."""
    value = scalar(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UsageError(expected)
    return value


def whole_number(value: Any, least: float, most: float, expected: str) -> int:
    """A whole number within bounds, also one that a frame made a float of.

    Raises UsageError, saying what was ``expected``, for anything else.
    """
    found = number(value, least, most, expected)
    if found != int(found):
        raise UsageError(expected)
    return int(found)


def flag(value: Any, what: str) -> bool:
    """True or False. Raises UsageError for anything else."""
    value = scalar(value)
    if not isinstance(value, bool):
        raise UsageError(f"{what}: expected True or False")
    return value


def path(value: str | os.PathLike[str], what: str) -> str:
    """The path of a file or a folder. Raises UsageError for anything else."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str) or "\0" in path:
        raise UsageError(f"{what}: expected a path")
    if not is_utf8(path):
        raise UsageError(f"{what}: expected a path in UTF-8; give the file another name")
    return path


def text(value: Any, expected: str) -> str:
    """A text in UTF-8. Raises UsageError, saying what was ``expected``, for anything else."""
    if not isinstance(value, str) or not is_utf8(value):
        raise UsageError(expected)
    return str(value)


def is_utf8(value: str) -> bool:
    """Whether a text has no half of a character, as names of files and arguments may have."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
