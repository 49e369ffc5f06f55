"""A figure as a reader knows its groups: by their names, and custom fields by their labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from avon_analytics.figures.compare import CALLED
from avon_analytics.figures.names import CUSTOM, endings, is_named, name_column, unique_names
from avon_analytics.report.tables.rows import groupings
from avon_analytics.report.words.numbers import is_missing
from avon_analytics.report.words.text import plain

_ID = re.compile(r"\b([a-z]{2,8}_)([A-Za-z0-9]{12,})\b")
_IS_NAMED = "is_named"
_Numbers = npt.NDArray[np.int64]


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The figure with names in place of ids; an id without one is cut to what tells it apart.

    Groups are in the order of their names, unless somebody has put the rows in an order of their
    own. A custom field that has a label is headed by that. What was named before stays as it is.
    """
    if frame.attrs.get(_IS_NAMED):
        return frame
    groups = {one: _Divided.of(frame, one) for one in groupings(frame)}
    shown = frame.drop(columns=map(name_column, filter(is_named, groups)), errors="ignore")
    for group, divided in groups.items():
        if is_named(group):
            shown[group] = divided.codes  # numbers are quicker to put in order than texts
    order = _by_name(groups.values(), len(frame))
    shown = shown if order is None else shown.iloc[order]
    for group, divided in groups.items():
        if is_named(group):
            words = pd.Series(_called(divided.values, divided.names), dtype="category")
            shown[group] = words.take(shown[group].to_numpy()).set_axis(shown.index)
        elif group == "interaction_type":  # Avon's words, ``in_person``
            shown[group] = shown[group].map(lambda word: word.replace("_", " "), na_action="ignore")
    shown.attrs[_IS_NAMED] = True
    headings = unique_names(frame.attrs.get("headings", {}))
    return shown.rename(columns={group: CUSTOM + heading for group, heading in headings.items()})


@dataclass(frozen=True, slots=True)
class _Divided:
    """What a group divides rows into: a number for each row, and each value with its name, as they
    first come. A large figure has many rows and few values."""

    codes: _Numbers
    values: list[Any]
    names: list[Any]
    has_names: bool

    @classmethod
    def of(cls, frame: pd.DataFrame, group: str) -> _Divided:
        codes, _ = pd.factorize(frame[group], use_na_sentinel=False)
        firsts = np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
        has_names = is_named(group) and name_column(group) in frame
        once = frame.iloc[firsts]
        names = list(once[name_column(group)]) if has_names else [None] * len(once)
        return cls(codes, list(once[group]), names, has_names)


def _by_name(groups: Collection[_Divided], n_rows: int) -> _Numbers | None:
    """The places of rows with groups in the order of their names; None where they come in that, or
    in another than that of their ids.

    What has no name comes after, by its id; then what is missing. All else keeps its order.
    """
    order = np.arange(n_rows)
    part = np.zeros(n_rows, dtype=np.int64)  # which part of the rows a group divides
    is_moved = False
    for nth, divided in enumerate(groups):
        codes, n_values = divided.codes[order], len(divided.values) + 1
        if divided.has_names:
            names = {
                one: name
                for one, name in zip(divided.values, divided.names, strict=True)
                if not is_missing(one)
            }
            by_id, by_name = (
                part * n_values + _places(divided.values, ids)[codes]
                for ids in (sorted(names), sorted(names, key=lambda one: _place(one, names[one])))
            )
            if not _is_sorted(by_id):
                return None
            if not _is_sorted(by_name):
                if by_name.max() < 1 << 16:  # numpy puts short numbers in order without comparing
                    by_name = by_name.astype(np.uint16)
                moved = np.argsort(by_name, kind="stable")
                order, part, codes = order[moved], part[moved], codes[moved]
                is_moved = True
        if nth + 1 < len(groups):
            part = pd.factorize(part * n_values + codes)[0]
    return order if is_moved else None


def _is_sorted(numbers: _Numbers) -> bool:
    return bool((numbers[1:] >= numbers[:-1]).all())


def _places(values: Iterable[Any], ids: list[str]) -> _Numbers:
    """Where each value stands among ids; what is none of them comes last."""
    places = {one: nth for nth, one in enumerate(ids)}
    return np.array([places.get(one, len(ids)) for one in values], dtype=np.int64)


def _place(value: str, name: Any) -> tuple[bool, str, str]:
    """Where a group stands: by its name as a person looks for it, whatever case and accents."""
    if is_missing(name):
        return True, "", value
    letters = unicodedata.normalize("NFKD", name).casefold()
    if not letters.isascii():
        letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return False, letters, value


def cohorts(compared: pd.DataFrame) -> tuple[str, str]:
    """What the two of a comparison are called; where a frame holds several, nothing of either."""
    this, other = (set(compared[name]) if name in compared else set() for name in CALLED)
    if len(this) != 1 or len(other) != 1:
        return "this cohort", "the other cohort"
    both = [*this, *other]
    short = shortened_ids(found[0] for one in both for found in _ID.finditer(one))
    first, second = (_ID.sub(lambda found: short[found[0]], one) for one in both)
    return plain(first), plain(second)


def _called(values: list[Any], names: list[Any]) -> list[Any]:
    pairs = list(zip(values, names, strict=True))
    nameless = [one for one, name in pairs if is_missing(name) and not is_missing(one)]
    short = shortened_ids(nameless)
    return [short.get(one, one) if is_missing(name) else name for one, name in pairs]


def shortened_ids(values: Iterable[str]) -> dict[str, str]:
    """The ids among these, cut to where they differ: ``user_…3f9a``, or ``aptp_Follow…``."""
    ids = {one: found.groups() for one in values if (found := _ID.fullmatch(one))}
    bodies = [body for _, body in ids.values()]
    ends, mirrored = endings(bodies), endings(body[::-1] for body in bodies)
    if sum(map(len, mirrored.values())) < sum(map(len, ends.values())):
        return {one: f"{kind}{mirrored[body[::-1]][::-1]}…" for one, (kind, body) in ids.items()}
    return {one: f"{kind}…{ends[body]}" for one, (kind, body) in ids.items()}
