"""Facts become lines: signed, on their way for a while, sometimes twice, sometimes spoilt.

Everything on its way waits in a heap by the time of its arrival, so that only what is still to
come is held in memory.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from avon_analytics.samples import mishaps
from avon_analytics.samples.archive import Archive
from avon_analytics.samples.facts import Fact
from avon_analytics.samples.instants import CLOSED, DAY, HOUR, MINUTE, SECOND, vintage_at
from avon_analytics.samples.lines import (
    FORMS,
    TEXT_FORMS,
    Parts,
    compact,
    respelled,
    secret_at,
    sign,
)
from avon_analytics.samples.mishaps import Mishap
from avon_analytics.samples.wire import payload

REPEATS = 0.035  # deliveries that come again
LATE = 0.015  # deliveries that arrive hours or days late
SPOILT = (mishaps.unsigned, mishaps.unsigned_bare, mishaps.unverifiable, mishaps.wrong_secret)


class Again(NamedTuple):
    """A delivery that was made before, on its way once more."""

    parts: Parts
    file: int
    how: str
    rng: Random


class Spoilt(NamedTuple):
    """An extra line that must not be trusted."""

    parts: Parts
    file: int
    mishap: Mishap


class Post:
    """The way from Avon to the archive. Counts what it decides; never reads a file."""

    def __init__(self, rng: Random, archive: Archive, mishap_every: int) -> None:
        self._rng = rng
        self._archive = archive
        self._mishap_every = mishap_every
        self._until_mishap = max(1, mishap_every // 3)
        self._mishaps: list[Mishap] = []
        self._heap: list[tuple[int, int, Fact | Again | Spoilt]] = []
        self._n = 0
        self.known: dict[str, set[str]] = {}
        self.events: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()

    def send(self, fact: Fact) -> None:
        if fact.sent == "lost":
            self.cases["webhook lost"] += 1
            return
        received_at = fact.received_at
        if received_at is None:
            # A message of generation A tells no instant of its own but its receipt: never late.
            prompt = fact.kind == "message" and vintage_at(fact.occurred_at) == "A"
            received_at = fact.occurred_at + (
                SECOND if prompt else self._delay(fact.stream or self._rng)
            )
            if received_at > CLOSED:
                received_at = fact.occurred_at + SECOND
        self._push(received_at, fact)

    def _delay(self, rng: Random) -> int:
        drawn = rng.random()
        if drawn < LATE:
            self.cases["webhook late"] += 1
            return int(rng.uniform(HOUR, 4 * DAY))
        if drawn < LATE + 0.004:
            return -int(rng.random() * 900)  # clocks are never quite the same
        return 250 + int(drawn * 3_000)

    def _push(self, received_at: int, delivery: Fact | Again | Spoilt) -> None:
        self._n += 1
        heappush(self._heap, (received_at, self._n, delivery))

    def deliver(self, until: int) -> None:
        """Writes everything that arrives before this instant."""
        heap = self._heap
        while heap and heap[0][0] < until:
            received_at, _, delivery = heappop(heap)
            if isinstance(delivery, Fact):
                self._first(received_at, delivery)
            elif isinstance(delivery, Again):
                self._again(received_at, delivery)
            else:
                self._spoil(delivery, received_at)

    def _first(self, received_at: int, fact: Fact) -> None:
        rng = fact.stream or self._rng
        content = payload(fact, rng)
        body = compact(content).encode()
        parts = Parts(body, sign(secret_at(received_at), body), received_at)
        if fact.sent == "bad":
            mishap = rng.choice(SPOILT)
            self.cases["webhook not trusted"] += 1
            self._spoil(Spoilt(parts, 0, mishap), received_at)
            return
        place = self._archive.place(received_at)
        file = self._archive.files[place]
        form = file.form()
        if rng.random() < 0.01:
            parts = parts._replace(signature=(parts.signature or "").upper())
            self.cases["signature in upper case"] += 1
        file.add(FORMS[form](parts).encode(), "loaded")
        self.forms[form] += 1
        self.events[fact.kind] += 1
        if fact.kind != "appointment":
            self._remember(fact, content["object"]["id"])
        if rng.random() < REPEATS:
            self._repeat(parts, place, rng)
        if fact.stream is not None:
            return
        self._until_mishap -= 1
        if self._until_mishap <= 0 and fact.kind in ("appointment", "patient"):
            self._until_mishap = self._mishap_every
            self._mishap(parts, place)

    def _remember(self, fact: Fact, object_id: str) -> None:
        kind = fact.kind
        if kind == "patient" and fact.state.person.role == "caregiver":
            kind = "caregiver"
        self.known.setdefault(kind, set()).add(object_id)
        if fact.verb == "deleted":
            self.known.setdefault("deleted message", set()).add(object_id)

    # Once more

    def _repeat(self, parts: Parts, place: int, rng: Random) -> None:
        how = rng.choice(("same form", "same form", "other form", "respelled"))
        gap = rng.choice((20 * SECOND, 5 * MINUTE, HOUR, DAY, 20 * DAY))
        received_at = parts.received_at + int(gap * (0.5 + rng.random()))
        if received_at < CLOSED:
            self._push(received_at, Again(parts._replace(received_at=received_at), place, how, rng))

    def _again(self, received_at: int, repeat: Again) -> None:
        rng, parts = repeat.rng, repeat.parts
        place = self._archive.place(received_at, repeat.file)
        form = self._archive.files[place].form()
        if repeat.how == "other form":
            form = rng.choice(("base64", *TEXT_FORMS))
        elif repeat.how == "respelled":
            body = respelled(parts.body, rng)
            parts = Parts(body, sign(secret_at(received_at), body), received_at)
            form = rng.choice(("base64", *TEXT_FORMS))
        self._archive.files[place].add(FORMS[form](parts).encode(), "duplicate")
        self.cases[f"duplicate {repeat.how}"] += 1
        self.cases["duplicate in another file"] += place != repeat.file

    # Spoilt

    def _mishap(self, parts: Parts, place: int) -> None:
        if not self._mishaps:
            self._mishaps = list(mishaps.CODES)
            self._rng.shuffle(self._mishaps)
        received_at = min(parts.received_at + 1 + int(self._rng.random() * 10 * MINUTE), CLOSED)
        late = parts._replace(received_at=received_at)
        self._push(received_at, Spoilt(late, place, self._mishaps.pop()))

    def _spoil(self, spoilt: Spoilt, received_at: int) -> None:
        place = self._archive.place(received_at, spoilt.file)
        line = spoilt.mishap(spoilt.parts, self._rng)
        code = mishaps.CODES[spoilt.mishap]
        self._archive.files[place].add(line, "quarantined", code)
        self.cases[f"bad {spoilt.mishap.__name__}"] += 1
