"""Groups that are ids: beside each stands a column with what it is called.

A host is called as the records of staff say. What no webhook names is called as the user's labels
say: kinds of appointments, medical centers, and the values of custom fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

CUSTOM = "custom:"
LABELLED = ("appointment_type", "medical_center")
NAMED = ("host", *LABELLED)
_SHORTEST = 4


def is_named(group: str) -> bool:
    """Whether a column of names follows a grouping's own."""
    return group in NAMED or group.startswith(CUSTOM)


def name_column(group: str) -> str:
    """The column of names that follows the one of a grouping."""
    return f"{group}_name"


def without_names(columns: Sequence[str]) -> list[str]:
    """These columns, without those that only say what the group before them is called."""
    return [
        one
        for before, one in zip(["", *columns], columns, strict=False)
        if not (is_named(before) and one == name_column(before))
    ]


def unique_names(names: Mapping[str, str]) -> dict[str, str]:
    """Names by id, with the shortest ending of the id that differs where several share a name."""
    sharing: dict[str, list[str]] = defaultdict(list)
    for one, name in names.items():
        sharing[name.casefold()].append(one)
    unique = dict(names)
    for alike in sharing.values():
        if len(alike) > 1:
            unique |= {one: f"{names[one]} (…{end})" for one, end in endings(alike).items()}
    return unique


def endings(ids: Iterable[str]) -> dict[str, str]:
    """The shortest ending of each id, as long for all, that tells these ids apart."""
    known = list(dict.fromkeys(ids))
    longest = max(map(len, known), default=0)
    length = next(
        (n for n in range(_SHORTEST, longest) if len({one[-n:] for one in known}) == len(known)),
        longest,
    )
    return {one: one[-length:] for one in known}
