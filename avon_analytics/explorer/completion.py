"""Tab between the quotes of a word that a figure takes, in JupyterLab and IPython.

Editors complete these words from their types. IPython looks into no type of a text: there Tab would
offer the files of the folder. So it is told which words there are, once a store is opened.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.appointments.rows.scope import DATES, NAMED_PERIODS, PERIODS
from avon_analytics.appointments.source import CohortSource
from avon_analytics.errors import AvonError
from avon_analytics.explorer.choices import groupings_of
from avon_analytics.figures import FIGURES
from avon_analytics.store.tables import table_infos

_WHOLE = re.compile(
    r"""(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#[^\n]*)""", re.DOTALL
)
_CALL = re.compile(r"([A-Za-z_]\w*)((?:\s*\.\s*\w+|\([^()]*\))*?)\s*\.\s*(\w+)\s*$")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_OF_A_SOURCE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "appointments": {"period": NAMED_PERIODS, "on": tuple(DATES), "where": tuple(GROUPINGS)},
    "report": {"by": tuple(GROUPINGS), "every": PERIODS},
    "table": {"name": tuple(one.name for one in table_infos())},
}


def offer() -> None:
    """Tell the shell that this process runs in, if it is IPython's, and not twice."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    completer = getattr(shell, "Completer", None)
    if completer is None or _matches in completer.custom_matchers:
        return
    completer.custom_matchers.append(_matches)


def _matches(context: Any) -> dict[str, Any]:
    """What IPython asks of a matcher: texts that may stand in place of a fragment."""
    from IPython.core.completer import SimpleCompletion

    shell = sys.modules["IPython"].get_ipython()
    before = context.full_text[: context.cursor_position]
    fragment, found = words(before, shell.user_ns)
    return {
        "completions": [SimpleCompletion(text=word, type="text") for word in found],
        "matched_fragment": fragment,
        "ordered": True,
        "suppress": bool(found),
    }


_matches.matcher_api_version = 2  # type: ignore[attr-defined]
_matches.matcher_identifier = "avon_analytics.words"  # type: ignore[attr-defined]


def words(before: str, names: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What is typed of a word so far, and which words of ours begin so.

    before: the code before the cursor. names: what the variables in it stand for.
    """
    place = _place(before)
    if place is None:
        return "", []
    fragment, call, is_key, parameter = place
    asked = _CALL.search(call)
    owner = names.get(asked[1]) if asked else None
    if asked is None or not isinstance(owner, Cohort | CohortSource):
        return fragment, []
    known = _known(owner, asked[3], parameter, is_key=is_key)
    return fragment, [word for word in known if word.startswith(fragment)]


def _place(before: str) -> tuple[str, str, bool, str] | None:
    """The open text at the end of the code: what of it is typed, the callee, whether it is a key of
    a dict, and the parameter, which is nothing for the first.
    """
    opened: list[int] = []
    at = 0
    while at < len(before):
        mark = before[at]
        if mark in "\"'#":
            whole = _WHOLE.match(before, at)
            if whole is None or (mark == "#" and whole.end() == len(before)):
                break
            at = whole.end()
            continue
        if mark in "([{":
            opened.append(at)
        elif mark in _CLOSES and opened:
            opened.pop()
        at += 1
    if at >= len(before) or before[at] == "#" or not opened:
        return None
    fragment, inner = before[at + 1 :], opened.pop()
    is_key = before[inner] == "{" and before[inner + 1 : at].rstrip()[-1:] in ("", ",")
    upto = at
    if not _is_call(before, inner):
        if not opened or (before[inner] == "{" and not is_key):
            return None
        inner, upto = opened.pop(), inner
        if not _is_call(before, inner):
            return None
    named = re.search(r"(?:^|[,(])\s*(\w+)\s*=\s*$", before[inner:upto])
    is_first = not before[inner + 1 : upto].strip()
    if named is None and not is_first:
        return None
    return fragment, before[:inner], is_key, named[1] if named else ""


def _is_call(before: str, at: int) -> bool:
    return before[at] == "(" and re.search(r"\w\s*$", before[:at]) is not None


def _known(
    owner: Cohort | CohortSource[Any], method: str, parameter: str, *, is_key: bool
) -> Sequence[str]:
    figure = FIGURES.get(method)
    if figure is None:
        taken = _OF_A_SOURCE.get(method, {})
        name = parameter or next(iter(taken), "")
        return taken.get(name, ()) if is_key == (name == "where") else ()
    name = parameter or next(iter(list(signature(getattr(Cohort, method)).parameters)[1:]), "")
    if is_key:
        return ()
    if name == "by":
        try:
            with owner._engine.reading():
                cohort = owner if isinstance(owner, Cohort) else owner.appointments()
                return [word for _, word in groupings_of(cohort, method) if word]
        except AvonError:
            return [*(GROUPINGS if figure.general is None else figure.general), *figure.groupings]
    if name == "every":
        return PERIODS if figure.has_periods else ()
    return next((one.choices for one in figure.options if one.name == name), ())
