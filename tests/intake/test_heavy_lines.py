"""Lines within the limit that take the engine much memory: all load, and within a bound."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from avon_analytics.errors import StoreError
from avon_analytics.intake.archive.batch import Batch
from avon_analytics.intake.archive.lines import FileReader
from avon_analytics.intake.write.staging import Staging

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, OpenDesk

GIB = 1024 * 1024 * 1024
MEASURED = """
import sys
import avon_analytics as avon

with avon.open(sys.argv[1]) as store:
    receipt = store.load(sys.argv[2], policy="skip", privacy=sys.argv[3], progress=False)
    (fields,) = store.sql("SELECT count(DISTINCT path) AS n FROM drift")["n"]
print(receipt.lines, receipt.loaded, fields)
(held,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(held.split()[1]) * 1024)
"""


IN_SMALL_BATCHES = """
import sys
import avon_analytics as avon
from avon_analytics.intake import load

load.LOADING = "60MB"
with avon.open(sys.argv[1]) as store:
    done = load.load(store._database, [sys.argv[2]], policy="skip", batch_bytes=1 << 20)
print(done.loaded)
(held,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(held.split()[1]) * 1024)
"""


def _update(n: int, kind: str, **fields: Any) -> str:
    about = {"id": f"{n}", **fields}
    # An instant of 0 would say that there is none.
    event = {"event": f"{kind}.updated", "created_at": n + 1, "object": about}
    return json.dumps(event, separators=(",", ":"))


def _a_million_keys() -> Iterator[str]:
    yield _update(1, "patient", **{f"{n:x}": 1 for n in range(1_000_000)})


def _many_keys() -> Iterator[str]:
    for line in (*range(150), *range(50)):
        yield _update(line, "patient", **{f"key {n}": 1 for n in range(6000)})


def _lists_with_unknown_keys() -> Iterator[str]:
    fields = [{"id": f"cfld_{n}", "value": "x" * 20, "unit": "mg"} for n in range(5000)]
    for line in range(120):
        yield _update(line, "patient", custom_data=fields)


def _long_texts() -> Iterator[str]:
    for line in range(3):
        yield _update(line, "patient", note="x" * 15_000_000)


def _long_numbers() -> Iterator[str]:
    for line in range(2):
        yield _update(line, "patient", size="7").replace('"7"', "7" * 15_000_000)


def _blanks() -> Iterator[str]:
    yield " " * 15_000_000 + "x"


def _many_weekdays() -> Iterator[str]:
    yield _update(1, "appointment", recurrence_rules=[{"by_day": [1] * 7_000_000}])


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("lines", "expected", "privacy"),
    [
        (_a_million_keys, (1, 1, 1_000_000), "full"),
        (_many_keys, (200, 150, 6000), "full"),
        (_lists_with_unknown_keys, (120, 120, 2), "full"),
        (_long_texts, (3, 3, 0), "full"),
        (_long_numbers, (2, 2, 1), "full"),
        (_blanks, (1, 0, 0), "full"),
        (_many_weekdays, (1, 1, 0), "limited"),
    ],
)
def test_heavy_lines_load_within_a_gibibyte(
    tmp_path: Path,
    lines: Callable[[], Iterator[str]],
    expected: tuple[int, ...],
    privacy: str,
) -> None:
    path, script = tmp_path / "heavy.jsonl", tmp_path / "measured.py"
    path.write_text("\n".join(lines()))
    script.write_text(MEASURED)
    done = subprocess.run(
        [sys.executable, script, tmp_path / "x.duckdb", path, privacy],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    counts, held = done.stdout.splitlines()
    assert tuple(map(int, counts.split())) == expected
    assert int(held) < GIB


MB = 1024 * 1024


def _batches(path: Path) -> list[Batch]:
    with closing(FileReader(str(path))) as reader:
        return list(reader.batches())


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([1000] * 20_000, [20_000]),
        ([10_000] * 2000, [838, 838, 324]),
        ([5 * MB] * 3, [1, 1, 1]),
        ([12 * MB, 10], [1, 1]),
        ([0] * 300_000 + [1000] * 3000, [262_144, 40_856]),
    ],
    ids=["usual", "long", "very long", "one very long", "blank"],
)
def test_long_lines_are_read_few_at_a_time(
    tmp_path: Path, lengths: list[int], parts: list[int]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join("x" * length + "\n" for length in lengths))
    batches = _batches(path)
    assert [len(batch) for batch in batches] == parts
    assert sum(len(batch.buffer) for batch in batches) == path.stat().st_size


@pytest.mark.parametrize(
    ("lengths", "is_heavy"),
    [
        ([100] * 15_000, False),
        ([100] * 15_000 + [6000] * 1000 + [100] * 15_000, False),
        ([100] * 15_000 + [6000] * 2000 + [100] * 15_000, True),
        ([100] * 15_000 + [40_000] * 90, False),
        ([100] * 15_000 + [40_000, 100] * 110, True),
    ],
)
def test_batches_are_heavy_by_what_is_read_at_once(
    tmp_path: Path, lengths: list[int], is_heavy: bool
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join("x" * length + "\n" for length in lengths))
    assert [batch.is_heavy for batch in _batches(path)] == [is_heavy]


@pytest.mark.parametrize("n_refusals", [1, 2])
def test_what_needs_more_than_it_looks_is_read_again_without_a_bound(
    archive: Archive, open_desk: OpenDesk, n_refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, refusals = Staging.make_rows, [duckdb.OutOfMemoryException] * n_refusals

    def refuse(*given: Any) -> None:
        if refusals:
            raise refusals.pop()
        read(*given)

    monkeypatch.setattr(Staging, "make_rows", refuse)
    desk, path = open_desk(), archive.write(archive.raw(archive.patient()))
    if n_refusals == 2:
        with pytest.raises(StoreError, match="too little memory"):
            desk.load(path)
    desk.load(path)
    assert desk.ends() == ["loaded"]


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Once the engine holds what it may, a larger file takes no more; batches are small here."""
    held, sizes = [], []
    for n_lines in (24_000, 60_000):
        path, db = tmp_path / f"{n_lines}.jsonl", tmp_path / f"{n_lines}.duckdb"
        with path.open("w") as out:
            out.writelines(_update(n, "patient", note="x" * 1000) + "\n" for n in range(n_lines))
        done = subprocess.run(
            [sys.executable, "-c", IN_SMALL_BATCHES, str(db), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded, peak = map(int, done.stdout.split())
        assert loaded == n_lines
        held.append(peak)
        sizes.append(path.stat().st_size)
    assert held[1] - held[0] < (sizes[1] - sizes[0]) / 2, (held, sizes)
