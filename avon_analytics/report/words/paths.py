"""Long paths in little room: shortened so that they can still be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from avon_analytics.report.words.letters import Measure, beginning, ending


def shortened(names: Sequence[str], limit: int, measure: Measure = len) -> list[str]:
    """Paths of at most ``limit`` characters, or of that size as ``measure`` says.

    The folder that all have in common becomes ``…``; then the first folders give way, the file's
    own name last. Where that makes two alike, both are cut in their middle instead, where most of
    them stay apart.
    """
    names = _without_common_folder(names)
    short = {name: _fitted(name, limit, measure) for name in dict.fromkeys(names)}
    seen = Counter(short.values())
    alike = [name for name, one in short.items() if seen[one] > 1]
    starts = sorted(range(1, limit - 1), key=lambda start: abs(start - limit // 2))
    start = max(
        starts, key=lambda at: len({_cut(name, limit, at, measure) for name in alike}), default=1
    )
    short |= {name: _cut(name, limit, start, measure) for name in alike}
    return [short[name] for name in names]


def _without_common_folder(names: Sequence[str]) -> list[str]:
    whole = [name for name in names if name.startswith("/") or "://" in name]
    if not names or len(whole) < len(names):
        return list(names)  # some are short already
    levels = zip(*(name.split("/")[:-1] for name in names), strict=False)
    shared = takewhile(lambda level: len(set(level)) == 1, levels)
    common = "/".join(level[0] for level in shared)
    return ["…" + name.removeprefix(common) if len(common) > 1 else name for name in names]


def _fitted(name: str, limit: int, measure: Measure) -> str:
    if measure(name) <= limit:
        return name
    parts = name.split("/")
    for start in range(1, len(parts)):
        if measure(short := "…/" + "/".join(parts[start:])) <= limit:
            return short
    return _cut(parts[-1], limit, limit // 2, measure)


def _cut(name: str, limit: int, start: int, measure: Measure) -> str:
    """The beginning, so long, and the end."""
    if measure(name) <= limit:
        return name
    return f"{beginning(name, start, measure)}…{ending(name, limit - start - 1, measure)}"
