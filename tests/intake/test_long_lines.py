"""Lines over the limit: set aside unread, also where they are still being written."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk

pytestmark = pytest.mark.any_engine

LIMIT = 1000
WITHIN = {"line_limit": LIMIT, "batch_bytes": 300}


def place(desk: Desk) -> Any:
    (found,) = desk.rows(
        "SELECT q.line, q.byte_offset, q.byte_length, q.sha256, d.byte_length "
        "FROM quarantine AS q JOIN deliveries AS d USING (file, line)"
    )
    return found


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_the_rest_of_a_line_over_the_limit_is_no_line_of_its_own(
    archive: Archive, desk: Desk, compress: Any, end: bytes
) -> None:
    """The file grows in the middle of it, four times, then goes on with other lines."""
    one, two = (archive.raw(archive.patient(ms)).encode() for ms in (1, 2))
    start = len(one) + len(end)
    steps = [b"x" * 1500, b"y" * 3000, b"\r", b"z", end[:-1], b"\n" + two, end]
    path: Path = archive.write(name="grows.jsonl")
    text = one + end
    for step in steps[:5]:
        text += step
        path.write_bytes(compress(text))
        desk.load(path, within=WITHIN)
        line = text[start:].removesuffix(b"\r")
        digest = hashlib.sha256(line).hexdigest()
        assert place(desk) == (2, start, len(line), digest, len(line))
        assert desk.add_up()["lines"] == 2
    for step in steps[5:]:
        text += step
        path.write_bytes(compress(text))
        desk.load(path, within=WITHIN)
        assert place(desk)[:3] == (2, start, len(line))
    assert desk.ends() == ["loaded", "too_long", "loaded"]
    assert desk.load(path, within=WITHIN).files_unchanged == 1
    desk.add_up()


def test_blanks_after_a_line_that_was_read_are_its_end(archive: Archive, desk: Desk) -> None:
    one, two = (archive.raw(archive.patient(ms)).encode() for ms in (1, 2))
    path = archive.write(one, last=b"")
    for more in (b" ", b"\t \r", b"\n", two):
        desk.load(path)
        path.write_bytes(path.read_bytes() + more)
    receipt = desk.load(path)
    assert (receipt.lines, receipt.loaded) == (1, 1)
    assert desk.rows("SELECT line FROM deliveries ORDER BY line") == [(1,), (2,)]
    assert desk.add_up()["blank"] == 0


MEASURED = """
import sys
import avon_analytics as avon

def of_status(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024

with avon.open(sys.argv[1], threads=1, memory_limit="300MB") as store:
    store.load(sys.argv[2], policy="skip", progress=False)  # what a load needs anyway
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = of_status("VmRSS")
    receipt = store.load(sys.argv[3], policy="skip", progress=False)
print(receipt.lines, receipt.blank, receipt.quarantined_by_code.get("too_long", 0))
print(of_status("VmHWM") - before)
"""
MANY = 100_000_000


def _one_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"body": "')
        file.truncate(1_000_000_000)  # a hole, read as NULs
        file.seek(0, 2)
        file.write(b'"}\n')


def _bomb(piece: bytes) -> Any:
    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=6) as packed:
            for _ in range(MANY // 1_000_000):
                packed.write(piece * 1_000_000)
        assert path.stat().st_size < MANY / 500

    return write


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("write", "found"),
    [(_one_line, (1, 0, 1)), (_bomb(b"x"), (1, 0, 1)), (_bomb(b"\n"), (MANY, MANY, 0))],
    ids=["one line of 1 GB", "a bomb of one line", "a bomb of blank lines"],
)
def test_what_is_huge_is_not_held(archive: Archive, tmp_path: Path, write: Any, found: Any) -> None:
    """Measured in a process of its own: MB beyond what it takes to load a small file."""
    small = archive.write('{"event":"x.y","created_at":1,"object":{"id":"1"}}')
    huge = tmp_path / "huge.jsonl"
    write(huge)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path / "x.duckdb", small, huge],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    counts, megabytes = done.stdout.splitlines()
    assert tuple(map(int, counts.split())) == found
    assert int(megabytes) < 200
