"""Lines that are read in processes of their own say what they say where they are read at once."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from avon_analytics.intake import load as loading
from avon_analytics.intake.archive.batch import Batch, Lines, batch_of
from avon_analytics.intake.read import process, read_lines
from avon_analytics.intake.read.columns import Column
from avon_analytics.intake.read.process import ReadingProcesses
from avon_analytics.intake.read.read_lines import ReadLines, ReadRules, read_whole
from avon_analytics.intake.read.signature import Secrets

_SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
fuzz: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Lines in all forms, sound and broken, two of them with several deliveries."""
    random = Random(11)
    lines = fuzz.lines(random, 300)
    lines[7] = b" ".join(fuzz.enveloped(random, body.encode()) for body in fuzz.bodies())
    lines[200] += lines[7]
    return batch_of([("a.jsonl", n, 0, line) for n, line in enumerate(lines, 1)])


@pytest.fixture
def small_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WORTH_BYTES", 1)
    monkeypatch.setattr(process, "PIECE_BYTES", 3000)
    monkeypatch.setattr(loading, "READ_APART_FROM", 1)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that are started meanwhile; they must be over in the end."""
    found: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **how: Any) -> None:
            super().__init__(*args, **how)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    yield found
    assert all(one.returncode is not None for one in found)


def values(column: Column) -> list[Any]:
    """What a column holds, missing values as None."""
    if column.ends is None:
        found = column.values.tolist()
    else:
        edges = [0, *column.ends.tolist()]
        found = [column.values[a:b] for a, b in pairwise(edges)]
    is_there = [True] * column.n if column.is_there is None else column.is_there.tolist()
    return [one if there else None for one, there in zip(found, is_there, strict=True)]


def told(read: ReadLines) -> dict[str, Any]:
    """Everything that some lines say."""
    columns = {name: values(column) for name, column in read.columns.items()}
    columns["kind"] = [read.kinds[number] for number in columns["kind"]]
    contents = {name: list(some) for name, some in read.contents.items()}
    return {**columns, "contents": contents, "rest": list(read.unknown), "no": read.refused}


HOW: dict[str, ReadRules] = {
    "all of it": ReadRules("require", Secrets({"one": fuzz.SECRET, "two": "another"})),
    "without bodies": ReadRules("record", Secrets({"one": fuzz.SECRET}), with_bodies=False),
    "a limited data set": ReadRules("skip", None, is_limited=True),
}


@pytest.mark.parametrize("name", HOW)
@pytest.mark.usefixtures("small_is_worth_it")
def test_a_process_reads_what_its_caller_would(
    batch: Batch, name: str, started: list[subprocess.Popen[bytes]]
) -> None:
    rules = HOW[name]
    reader, processes = rules.reader(), ReadingProcesses(rules)
    processes.start(1)
    n_asked = 0

    def apart(lines: Lines) -> ReadLines:
        nonlocal n_asked
        n_asked += 1
        pieces = list(lines.pieces(process.PIECE_BYTES))
        assert sum(len(piece.starts) for piece in pieces) == len(lines.starts) > len(pieces) > 5
        found = processes.read(lines)
        assert found is not None
        return found

    here, nths, read = read_whole(batch, lambda lines: rules.read(reader, lines))
    there, others, found = read_whole(batch, apart)
    processes.close()
    assert len(here) == len(there) > len(batch) == 300
    assert n_asked == 2, "once more, where a line was found to hold several deliveries"
    assert np.array_equal(nths, others)
    assert told(found) == told(read)
    assert len(read.refused) > 30
    assert sum(map(len, read.contents.values())) > 30
    (one,) = started
    assert fuzz.SECRET not in " ".join(one.args)  # type: ignore[arg-type]


@pytest.mark.parametrize("n_bytes", [1, 4, 5, 1000])
def test_pieces_are_the_lines_in_order(n_bytes: int) -> None:
    texts = [b"ab", b"cd", b"", b"longer than a piece", b"e"]
    batch = batch_of([("a.jsonl", n, 0, text) for n, text in enumerate(texts, 1)])
    pieces = list(Lines.of(batch, np.array([0, 1, 3, 4])).pieces(n_bytes))
    read = [next(piece.parts(10)) for piece in pieces]
    assert (
        read
        == {
            1: [[b"ab"], [b"cd"], [b"longer than a piece"], [b"e"]],
            4: [[b"ab"], [b"cd"], [b"longer than a piece"], [b"e"]],
            5: [[b"ab", b"cd"], [b"longer than a piece"], [b"e"]],
            1000: [[b"ab", b"cd", b"longer than a piece", b"e"]],
        }[n_bytes]
    )
    assert all(piece.buffer.endswith(lines[-1]) for piece, lines in zip(pieces, read, strict=True))


@pytest.mark.parametrize("at_a_time", [1, 7])
def test_parts_say_together_what_the_whole_says(
    batch: Batch, at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = HOW["all of it"]
    whole = read_whole(batch, lambda lines: rules.read(rules.reader(), lines))[2]
    monkeypatch.setattr(read_lines, "READ_AT_A_TIME", at_a_time)
    reader = rules.reader()
    parts = read_whole(batch, lambda lines: rules.read(reader, lines))[2]
    assert told(parts) == told(whole)


def loaded(archive: Any, open_desk: Any) -> list[Any]:
    """What two files of several batches become."""
    desk = open_desk()
    for name, first in (("a.jsonl", 0), ("b.jsonl", 30)):
        lines = [archive.raw(archive.patient(ms)) for ms in range(first, first + 40)]
        archive.write(*lines, "{", archive.raw(archive.patient(1), secret="wrong"), name=name)
    desk.load(archive.folder, within={"batch_bytes": 4000})
    desk.add_up()
    return [
        desk.rows("SELECT * FROM events ORDER BY event_id"),
        desk.rows("SELECT * FROM patients"),
        desk.rows("SELECT line, code, errors, cause FROM quarantine ORDER BY ALL"),
    ]


@pytest.mark.usefixtures("small_is_worth_it")
def test_a_load_says_the_same_whoever_reads(
    archive: Any,
    open_desk: Any,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apart = loaded(archive, open_desk)
    assert len(started) == 2
    monkeypatch.setattr(loading, "READ_APART_FROM", 1 << 40)
    assert loaded(archive, open_desk) == apart
    assert len(started) == 2, "so little is read at once"


@pytest.mark.usefixtures("small_is_worth_it")
def test_nothing_is_lost_with_a_process(
    archive: Any,
    open_desk: Any,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is ended at work, and one after the other refuses to start."""
    as_usual = loaded(archive, open_desk)
    read = process.ReadingProcess.read

    def end(self: Any, lines: Lines) -> ReadLines:
        started[-1].kill()
        started[-2].kill()
        return read(self, lines)

    with monkeypatch.context() as patch:
        patch.setattr(process.ReadingProcess, "read", end)
        assert loaded(archive, open_desk) == as_usual
    assert len(started) == 4
    monkeypatch.setattr(process, "PROGRAM", "raise SystemExit")
    assert loaded(archive, open_desk) == as_usual
    monkeypatch.setattr(sys, "executable", "/usr/sbin/httpd")
    assert loaded(archive, open_desk) == as_usual
    assert len(started) == 6, "what is no Python is not started"


def test_a_process_ends_with_whoever_asks() -> None:
    path = json.dumps(sys.path)
    asked = subprocess.run(
        [sys.executable, "-c", process.PROGRAM, path], input=b"", capture_output=True, timeout=60
    )
    assert asked.stdout == b""
