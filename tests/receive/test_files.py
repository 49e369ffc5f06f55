"""The disk: full, failing or emptied, and clocks that jump. What was answered 200 is there."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from avon_analytics.intake.read.signature import Secrets
from avon_analytics.receive import commit, files
from avon_analytics.receive.files import Journal
from avon_analytics.receive.server import Receiver, Settings
from avon_analytics.receive.tidy import tidy
from tests.receive.conftest import SECRETS, Client, delivery, lines, running

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
DAY = 86400.0


@pytest.fixture
def journal(archive: Path) -> Iterator[Journal]:
    journal = Journal(archive)
    yield journal
    journal.close()


def line(n: int) -> bytes:
    return json.dumps({"body": str(n)}).encode() + b"\n"


def days(archive: Path) -> list[str]:
    """The day of each file, in the order of its lines' numbers."""
    found = []
    for path in archive.rglob("*.jsonl"):
        first = json.loads(path.read_bytes().split(b"\n")[0])
        found.append((int(first["body"]), "/".join((*path.parts[-3:-1], path.name[:2]))))
    return [day for _, day in sorted(found)]


# -- days ------------------------------------------------------------------------------------


def test_a_day_has_a_file_of_its_own(journal: Journal, archive: Path) -> None:
    for n, instant in enumerate((NOON, NOON + 1, NOON + DAY, NOON + 40 * DAY)):
        journal.append(line(n), instant)
    assert days(archive) == ["2026/11/28", "2026/11/29", "2027/01/07"]


def test_a_clock_that_goes_back_overwrites_nothing(journal: Journal, archive: Path) -> None:
    for n, instant in enumerate((NOON, NOON + DAY, NOON, NOON - 3600, NOON + DAY, 0.0)):
        journal.append(line(n), instant)
    assert days(archive) == ["2026/11/28", "2026/11/29", "2026/11/28", "2026/11/29", "1970/01/01"]
    assert sorted(int(one["body"]) for one in lines(archive)) == list(range(6))


def test_processes_of_one_number_never_share_a_file(archive: Path) -> None:
    journals = [Journal(archive) for _ in range(3)]
    for n, journal in enumerate(journals * 2):
        journal.append(line(n), NOON)
    assert len(list(archive.rglob("*.jsonl"))) == 3
    for journal in journals:
        journal.close()


def test_a_file_that_somebody_removed_is_not_written_to(journal: Journal, archive: Path) -> None:
    journal.append(line(1), NOON)
    (file,) = archive.rglob("*.jsonl")
    file.unlink()
    journal.append(line(2), NOON)
    assert [one["body"] for one in lines(archive)] == ["2"]


# -- a disk that fails ------------------------------------------------------------------------


def test_after_a_failed_write_the_file_is_as_before(
    journal: Journal, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(line(1), NOON)
    really = os.write

    def half(fd: int, data: memoryview) -> int:
        if len(data) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(fd, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        journal.append(line(2), NOON)
    monkeypatch.setattr(os, "write", really)
    journal.append(line(3), NOON)
    (file,) = archive.rglob("*.jsonl")
    assert file.read_bytes() == line(1) + line(3)


def test_after_a_failed_sync_a_file_is_not_trusted(
    journal: Journal, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(line(1), NOON)

    def fails(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync", fails)
        with pytest.raises(OSError, match="Input/output"):
            journal.append(line(2), NOON)
    journal.append(line(3), NOON)
    assert len(list(archive.rglob("*.jsonl"))) == 2
    assert {"1", "3"} <= {one["body"] for one in lines(archive)}


def test_no_answer_is_given_before_the_sync(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    really = files.sync

    def counted(fd: int) -> None:
        really(fd)
        time.sleep(0.05)
        synced.append(os.fstat(fd).st_size)

    monkeypatch.setattr(files, "sync", counted)
    with running(archive) as client:
        for n in range(5):
            assert client.post(delivery(n)) == 200
            assert len(synced) == n + 1
            assert synced[-1] == sum(path.stat().st_size for path in archive.rglob("*.jsonl"))


def _with_a_full_disk(archive: Path, urls: Any) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    commit._REST_SECONDS = 0.2
    receiver = Receiver(Settings(archive=archive, secrets=Secrets(SECRETS), port=0))
    urls.put(receiver.url)
    receiver.run()


def test_a_full_disk_answers_503_and_loses_nothing(archive: Path) -> None:
    """The limit on a file's size stands for the disk's: writes are cut short just so."""
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["avon_analytics.receive.server"])
    urls = start.Queue()
    process = start.Process(target=_with_a_full_disk, args=(archive, urls))
    process.start()
    try:
        assert process.pid is not None
        client = Client(urls.get(timeout=60))
        bodies = [delivery(n, "x" * 700) for n in range(40)]
        answers = {body: client.post(body) for body in bodies}
        assert set(answers.values()) == {200, 503}
        assert client.ask("GET", "/health")[0] == 503
        assert client.post(b"x", "wrong") == 401
        kept = [line["body"].encode() for line in lines(archive)]
        assert kept == [body for body in bodies if answers[body] == 200]
        (file,) = archive.rglob("*.jsonl")
        assert file.read_bytes().endswith(b"}\n")
        limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)  # there is room again
        time.sleep(0.3)
        assert client.post(bodies[-1]) == 200
        assert client.ask("GET", "/health")[0] == 200
    finally:
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join(30)


# -- tidying ----------------------------------------------------------------------------------


def closed(archive: Path, *numbers: int, at: float = NOON) -> Path:
    journal = Journal(archive)
    for n in numbers:
        journal.append(line(n), at)
    journal.close()
    (file,) = (path for path in archive.rglob("*.jsonl") if line(numbers[0]) in path.read_bytes())
    return file


TODAY = date(2026, 11, 28)
TOMORROW = TODAY + timedelta(days=1)


def test_past_days_are_compressed_and_private(archive: Path) -> None:
    yesterdays = closed(archive, 1, 2, at=NOON - DAY)
    todays = closed(archive, 3)
    assert tidy(archive, TODAY) == {"compressed": 1}
    assert tidy(archive, TODAY) == {}
    assert todays.exists()
    (twin,) = archive.rglob("*.zst")
    assert twin.name == f"{yesterdays.name}.zst"
    assert twin.stat().st_mode & 0o777 == 0o600
    assert sorted(one["body"] for one in lines(archive)) == ["1", "2", "3"]


def test_what_somebody_writes_is_left_alone(journal: Journal, archive: Path) -> None:
    journal.append(line(1), NOON)
    assert tidy(archive, TOMORROW) == {}
    journal.append(line(2), NOON)
    journal.close()
    assert tidy(archive, TOMORROW) == {"compressed": 1}
    assert [one["body"] for one in lines(archive)] == ["1", "2"]


def test_only_files_of_the_receiver_are_touched(archive: Path) -> None:
    place = archive / "2026" / "11"
    place.mkdir(parents=True)
    others = [place / name for name in ("01-export.jsonl", "notes.txt", "99-1-aaaaaaaa.jsonl")]
    others.append(archive / "28-1-aaaaaaaa.jsonl")
    for other in others:
        other.write_text('{"torn')
    assert tidy(archive, TOMORROW) == {}
    assert {other.read_text() for other in others} == {'{"torn'}


def test_a_line_that_lacks_its_end_alone_is_completed(archive: Path) -> None:
    file = closed(archive, 1, 2)
    file.write_bytes(file.read_bytes()[:-1])
    assert tidy(archive, TODAY) == {"completed": 1}
    assert file.read_bytes() == line(1) + line(2)


@pytest.mark.parametrize("tail", [b'{"bo', b"\x00" * 100_000, b"{" + b"x" * 3_000_000])
def test_a_torn_end_is_put_aside_whole(archive: Path, tail: bytes) -> None:
    file = closed(archive, 1)
    file.write_bytes(line(1) + tail)
    assert tidy(archive, TODAY) == {"torn": 1}
    assert file.read_bytes() == line(1)
    (torn,) = archive.with_name("archive.rejected").rglob("*.jsonl")
    assert torn.read_bytes() == tail + b"\n"
    assert torn.stat().st_mode & 0o777 == 0o600


def test_compressing_that_was_interrupted_is_finished(archive: Path) -> None:
    file = closed(archive, 1)
    part = file.with_name(f".{file.name}.zst.part")
    part.write_bytes(b"half")
    assert tidy(archive, TOMORROW) == {"compressed": 1}
    again = closed(archive, 2)
    twin = again.with_name(f"{again.name}.zst")
    twin.write_bytes(zstandard.compress(again.read_bytes()))  # killed before the plain one went
    assert tidy(archive, TOMORROW) == {"compressed": 1}
    assert sorted(path.suffix for path in archive.rglob("*.*")) == [".zst", ".zst"]
    assert sorted(one["body"] for one in lines(archive)) == ["1", "2"]


def test_a_twin_that_says_something_else_replaces_nothing(archive: Path) -> None:
    file = closed(archive, 1)
    twin = file.with_name(f"{file.name}.zst")
    twin.write_bytes(zstandard.compress(line(2)))
    assert tidy(archive, TOMORROW) == {"failed": 1}
    assert file.read_bytes() == line(1)
    assert twin.exists()


def test_a_process_that_wrote_nothing_leaves_nothing(archive: Path) -> None:
    file = closed(archive, 1)
    file.with_name("28-1-aaaaaaaa.jsonl").write_bytes(b"")
    file.with_name(".28-1-bbbbbbbb.jsonl").write_bytes(b"")
    tidy(archive, TODAY)
    assert list(archive.rglob("*.*")) == [file]
