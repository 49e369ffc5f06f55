"""How texts from outside are written.

Every one passes ``plain`` on its way to a reader: bounded in length and without characters that
steer a terminal, break XML or turn the reading direction. It does not escape: the template and the
SVG writer do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from avon_analytics.report.words.letters import Measure, beginning, ending
from avon_analytics.report.words.numbers import is_missing

NOT_KNOWN = "not known"
WHOLE = 1000
"""As much of a name as is looked at, so that those which are cut can be told apart."""
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


def plain(value: object, limit: int = 80, measure: Measure = len) -> str:
    """A value as one short line of text; missing is said in words."""
    if is_missing(value):
        return NOT_KNOWN
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(_UNWANTED.sub(" ", str(value)[: 4 * limit]).split())
    if measure(text) <= limit:
        return text
    return beginning(text, limit - 1, measure).rstrip() + "…"


def cut(text: str, limit: int, measure: Measure = len) -> str:
    """A text of at most this length; an ending that tells two of one name apart stays."""
    if measure(text) > limit and (apart := re.search(r" \(…[^ ()]+\)$", text)):
        room = max(limit - measure(apart[0]), 2)
        return plain(text[: apart.start()], room, measure) + apart[0]
    return plain(text, limit, measure)


def told_apart(names: Sequence[str], limit: int, measure: Measure = len) -> list[str]:
    """Names cut to this length; where that makes two alike, they keep their ends as well."""
    short = {name: cut(name, limit, measure) for name in dict.fromkeys(names)}
    seen = Counter(short.values())
    start = limit // 2
    return [
        f"{beginning(name, start, measure).rstrip()}…{ending(name, limit - start - 1, measure)}"
        if seen[short[name]] > 1
        else short[name]
        for name in names
    ]


def lower_first(words: str) -> str:
    """The words as they stand within a sentence."""
    return words[:1].lower() + words[1:]


def capital(words: str) -> str:
    """The words as the beginning of a line."""
    return words[:1].upper() + words[1:]
