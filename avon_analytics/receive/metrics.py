"""What the receiver counts, in Prometheus' text form. Nothing in it comes from a delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ANSWERS = ("accepted", "rejected", "too_large", "unavailable", "gone")
_SYNC_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


@dataclass(slots=True)
class Metrics:
    """Counts since the receiver began; instants are seconds since 1970, 0 for never."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted_bytes: int = 0
    rejected_lost: int = 0
    newest_receipt: float = 0.0
    syncs: Counter[float] = field(default_factory=Counter)
    n_syncs: int = 0
    sync_seconds: float = 0.0
    failed_syncs: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)
    tidied: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    LINES: ClassVar[tuple[str, ...]] = ("loaded", "duplicate", "quarantined")

    newest_load: float = 0.0
    lines: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    pending_bytes: int = 0

    def synced(self, seconds: float) -> None:
        """A commit of verified deliveries reached the disk."""
        self.n_syncs += 1
        self.sync_seconds += seconds
        bound = next((bound for bound in _SYNC_SECONDS if seconds <= bound), None)
        if bound is not None:
            self.syncs[bound] += 1

    def text(self, *, connections: int, is_loading: bool) -> str:
        """The page of ``/metrics``."""
        return "".join(self._lines(connections, is_loading))

    def _lines(self, connections: int, is_loading: bool) -> Iterator[str]:
        answers = {word: self.answers[word] for word in ANSWERS}
        yield from _family(
            "avon_receive_deliveries_total", "counter", "Deliveries by answer.", "answer", answers
        )
        yield from _one(
            "avon_receive_accepted_bytes_total",
            "counter",
            "Bytes of the bodies that were archived.",
            self.accepted_bytes,
        )
        yield from _one(
            "avon_receive_rejected_lost_total",
            "counter",
            "Rejected deliveries that could not be kept.",
            self.rejected_lost,
        )
        yield from _one(
            "avon_receive_newest_receipt_seconds",
            "gauge",
            "When the newest archived delivery came, since 1970.",
            self.newest_receipt,
        )
        yield from self._syncs()
        yield from _one(
            "avon_receive_commit_failures_total",
            "counter",
            "Writes to the archive that failed.",
            self.failed_syncs,
        )
        yield from _one("avon_receive_connections", "gauge", "Open connections.", connections)
        yield from _family(
            "avon_receive_cut_off_total",
            "counter",
            "Connections that were ended, by what was wrong.",
            "why",
            {word: self.cut_off[word] for word in ("too_many", "too_slow", "bad_request")},
        )
        yield from _family(
            "avon_receive_tidied_total",
            "counter",
            "Files compressed, and torn last lines put aside or completed.",
            "what",
            {word: self.tidied[word] for word in ("compressed", "torn", "completed", "failed")},
        )
        if is_loading:
            yield from self._loads()

    def _syncs(self) -> Iterator[str]:
        name = "avon_receive_commit_seconds"
        yield from _head(name, "histogram", "How long it took to have deliveries on the disk.")
        below = 0
        for bound in _SYNC_SECONDS:
            below += self.syncs[bound]
            yield f'{name}_bucket{{le="{bound}"}} {below}\n'
        yield f'{name}_bucket{{le="+Inf"}} {self.n_syncs}\n'
        yield f"{name}_sum {self.sync_seconds:.6f}\n{name}_count {self.n_syncs}\n"

    def _loads(self) -> Iterator[str]:
        yield from _family(
            "avon_load_runs_total",
            "counter",
            "Loads into the store, by how they ended.",
            "result",
            {word: self.loads[word] for word in ("done", "failed")},
        )
        yield from _one(
            "avon_load_newest_seconds",
            "gauge",
            "When a load was last done, since 1970.",
            self.newest_load,
        )
        yield from _family(
            "avon_load_lines_total",
            "counter",
            "Lines loaded, by where they ended.",
            "ended",
            {word: self.lines[word] for word in self.LINES},
        )
        yield from _family(
            "avon_load_quarantined_total",
            "counter",
            "Lines that did not load, by code.",
            "code",
            self.quarantined,
        )
        yield from _one(
            "avon_load_pending_bytes",
            "gauge",
            "Bytes at the ends of files, in the middle of a delivery, at the last load.",
            self.pending_bytes,
        )


def _head(name: str, kind: str, means: str) -> Iterator[str]:
    yield f"# HELP {name} {means}\n# TYPE {name} {kind}\n"


def _one(name: str, kind: str, means: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, means)
    yield f"{name} {value}\n"


def _family(
    name: str, kind: str, means: str, label: str, values: Mapping[str, float]
) -> Iterator[str]:
    yield from _head(name, kind, means)
    for word, value in sorted(values.items()):
        yield f'{name}{{{label}="{word}"}} {value}\n'
