"""What lines say, as columns: the engine never sees a line; processes send them on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from avon_analytics.contract import OBJECTS
from avon_analytics.contract.canonical import CanonicalEvent
from avon_analytics.intake.archive.batch import Batch, Lines
from avon_analytics.intake.read.codes import Policy
from avon_analytics.intake.read.columns import Column, blobs, integers, joined, texts
from avon_analytics.intake.read.envelope import Mismatch
from avon_analytics.intake.read.faults import Verdict
from avon_analytics.intake.read.reader import (
    NO_JSON,
    READ_AT_A_TIME,
    Line,
    LineReader,
    read_each_value,
)
from avon_analytics.intake.read.signature import Secrets


class Kind(NamedTuple):
    """What many lines of a batch have in common."""

    form: str | None
    signature: str | None
    secret: str | None
    event: str | None = None
    event_sent: str | None = None
    object_type: str | None = None
    source: str | None = None

    @classmethod
    def of(cls, line: Line, event: CanonicalEvent | None) -> Kind:
        """The kind of a line; ``event`` is what it reports, if that is trusted."""
        if event is None:
            return cls(line.form, line.word, line.secret)
        names = (event.event, event.event_sent, event.object_type)
        return cls(line.form, line.word, line.secret, *names, line.source)


@dataclass(frozen=True, slots=True)
class Contents:
    """Canonical events, each with the number of its line."""

    nths: npt.NDArray[np.int64]
    texts: Column

    @classmethod
    def of(cls, contents: Sequence[tuple[int, bytes]]) -> Contents:
        """Those given."""
        nths = np.fromiter((nth for nth, _ in contents), np.int64, len(contents))
        return cls(nths, blobs([content for _, content in contents], are_texts=True))

    @classmethod
    def joined(cls, parts: Sequence[Contents]) -> Contents:
        """Those of several parts."""
        return cls(
            np.concatenate([part.nths for part in parts]), joined([part.texts for part in parts])
        )

    def numbered(self, numbers: npt.NDArray[np.int64]) -> Contents:
        """The same under other numbers of their lines."""
        return Contents(numbers[self.nths], self.texts)

    @property
    def n_bytes(self) -> int:
        """The length of all together."""
        return len(self.texts.values)

    def __len__(self) -> int:
        return len(self.nths)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        assert self.texts.ends is not None
        start = 0
        for nth, end in zip(self.nths.tolist(), self.texts.ends.tolist(), strict=True):
            yield nth, self.texts.values[start:end]
            start = end


class Refused(NamedTuple):
    """A line that does not load, and why."""

    nth: int
    verdict: Verdict
    is_of_line: bool = False  # it is no delivery at all
    mismatch: Mismatch | None = None


@dataclass(frozen=True, slots=True)
class ReadLines:
    """What some lines say, numbered from 0, or as ``numbered`` says.

    ``columns`` has a value for each line, among them ``kind``, the place of its kind in ``kinds``.
    ``contents`` are the events that are trusted, by type of object; ``unknown`` those of types that
    the contract does not know.
    """

    n: int
    kinds: Sequence[Kind]
    columns: Mapping[str, Column]
    contents: Mapping[str, Contents]
    unknown: Contents
    refused: Sequence[Refused]

    @classmethod
    def of(cls, lines: Sequence[Line], *, with_bodies: bool) -> ReadLines:
        """What these lines say; ``with_bodies`` as in ``ReadRules``."""
        events = [line.canonical if line.verdict is None else None for line in lines]
        kinds: dict[Kind, int] = {}
        number = [
            kinds.setdefault(Kind.of(line, one), len(kinds))
            for line, one in zip(lines, events, strict=True)
        ]
        columns = {
            "kind": integers(number),
            "received_us": integers([line.received_us for line in lines]),
            "unset_receipt": texts([line.unset_receipt for line in lines]),
            "event_id": texts([line.event_id if line.verdict is None else None for line in lines]),
            "object_id": texts([None if one is None else one.object_id for one in events]),
            "occurred_us": integers([line.occurred_us for line in lines]),
            "body_digest": blobs([line.digest for line in lines]),
            "conflict_rank": blobs([line.rank for line in lines]),
            "extra": blobs([None if one is None else one.extra for one in events], are_texts=True),
        }
        if with_bodies:
            bodies = [None if line.canonical is None else line.canonical.content for line in lines]
            columns["body"] = blobs(bodies, are_texts=True)
        contents: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        unknown: list[tuple[int, bytes]] = []
        refused: list[Refused] = []
        for nth, (line, one) in enumerate(zip(lines, events, strict=True)):
            if line.verdict is not None:
                refused.append(Refused(nth, line.verdict, line.word is None, line.mismatch))
            elif one is not None:
                to = contents[one.object_type] if one.object_type in OBJECTS else unknown
                to.append((nth, one.content))
        by_type = {object_type: Contents.of(some) for object_type, some in contents.items()}
        return cls(len(lines), list(kinds), columns, by_type, Contents.of(unknown), refused)

    @classmethod
    def joined(cls, parts: Sequence[ReadLines]) -> ReadLines:
        """What the lines of several parts say, numbered on."""
        ends = list(accumulate(part.n for part in parts))
        moved = [
            part.numbered(np.arange(end - part.n, end))
            for part, end in zip(parts, ends, strict=True)
        ]
        kinds: dict[Kind, int] = {}
        numbers = []
        for part in parts:
            places = [kinds.setdefault(kind, len(kinds)) for kind in part.kinds]
            numbers.append(np.array(places, np.int64)[part.columns["kind"].values])
        columns = {
            name: joined([part.columns[name] for part in parts])
            for name in parts[0].columns
            if name != "kind"
        }
        columns["kind"] = integers(np.concatenate(numbers))
        types = {object_type for part in parts for object_type in part.contents}
        contents = {
            one: Contents.joined([part.contents[one] for part in moved if one in part.contents])
            for one in sorted(types)
        }
        unknown = Contents.joined([part.unknown for part in moved])
        refused = [one for part in moved for one in part.refused]
        return cls(ends[-1], list(kinds), columns, contents, unknown, refused)

    def numbered(self, numbers: npt.NDArray[np.int64]) -> ReadLines:
        """The same lines under other numbers."""
        contents = {name: some.numbered(numbers) for name, some in self.contents.items()}
        refused = [one._replace(nth=int(numbers[one.nth])) for one in self.refused]
        return replace(
            self, contents=contents, unknown=self.unknown.numbered(numbers), refused=refused
        )

    @property
    def no_json(self) -> list[int]:
        """The lines that are no JSON: each may hold several values."""
        return [one.nth for one in self.refused if one.is_of_line and one.verdict.code in NO_JSON]

    def of_kinds(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """What the kinds have under some names."""
        return {name: [getattr(kind, name) for kind in self.kinds] for name in names}


@dataclass(frozen=True, slots=True)
class ReadRules:
    """How lines are read: under which policy and secrets, and what is kept of them.

    ``with_bodies``: a column ``body`` has what each line reports, trusted or not.
    """

    policy: Policy
    secrets: Secrets | None
    is_limited: bool = False
    with_bodies: bool = True

    def reader(self) -> LineReader:
        """A reader of lines."""
        if not self.is_limited:
            return LineReader(self.policy, self.secrets, None)
        from avon_analytics.intake.read.limited import limit

        return LineReader(self.policy, self.secrets, limit)

    def read(self, reader: LineReader, lines: Lines) -> ReadLines:
        """What some lines say."""
        parts = (reader.read(contents) for contents in lines.parts(READ_AT_A_TIME))
        return ReadLines.joined([ReadLines.of(p, with_bodies=self.with_bodies) for p in parts])


def read_whole(
    batch: Batch, read: Callable[[Lines], ReadLines]
) -> tuple[Batch, npt.NDArray[np.int64], ReadLines]:
    """The batch as it was read, the numbers of its readable lines, and what they say."""
    batch, nths, found = read_each_value(batch, read, lambda lines: lines.no_json)
    return batch, nths, found.numbered(nths)
