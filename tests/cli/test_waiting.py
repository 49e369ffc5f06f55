"""Two at one store: the second waits a while, and is then told who holds it."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.errors import StoreError, UsageError
from avon_analytics.store.database import Database

pytestmark = pytest.mark.kill
LONG = 600.0


def _hold(orders: Any, answers: Any) -> None:
    """Another process: holds a store until it is told to let go, or for so many seconds."""
    while order := orders.get():
        path, how, seconds = order
        with getattr(Database(path), how)():
            answers.put("held")
            with suppress(queue.Empty):
                orders.get(timeout=seconds)
        answers.put("free")


class Other:
    """Another process that holds a store when told to."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._orders, self._answers = spawn.Queue(), spawn.Queue()
        self.process = spawn.Process(target=_hold, args=(self._orders, self._answers))
        self.process.start()

    def holds(self, path: Path, how: str, seconds: float = LONG) -> None:
        self._orders.put((path, how, seconds))
        assert self._answers.get(timeout=60) == "held"

    def lets_go(self) -> None:
        self._orders.put("let go")
        self.is_free()

    def is_free(self) -> None:
        """After the seconds for which it was told to hold."""
        assert self._answers.get(timeout=60) == "free"

    def end(self) -> None:
        self._orders.put(None)
        self.process.join(30)


@pytest.fixture(scope="module")
def other() -> Iterator[Other]:
    found = Other()
    yield found
    found.end()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "clinic's.duckdb"
    with Database(path).writing():
        pass
    return path


@pytest.mark.parametrize("how", ["reading", "writing"])
def test_who_writes_waits_until_the_other_is_done(path: Path, other: Other, how: str) -> None:
    other.holds(path, how)
    told: list[str] = []

    def on_wait(sentence: str) -> None:
        told.append(sentence)
        other.lets_go()

    with Database(path).writing(wait=30, on_wait=on_wait) as connection:
        connection.execute("INSERT INTO settings VALUES ('written', 'after the other')")
    (sentence,) = told
    assert f"PID {other.process.pid}" in sentence
    assert "waiting up to 30 s" in sentence


def test_who_has_waited_long_enough_is_told_who_holds_the_store(path: Path, other: Other) -> None:
    other.holds(path, "writing")
    held_by = f"in use by another process .PID {other.process.pid}."
    for wait in (0.0, 0.3):
        started = time.monotonic()
        with pytest.raises(StoreError, match=held_by) as caught, Database(path).writing(wait=wait):
            pass
        # Not at once, and not for the ten seconds of a reader; a busy machine takes its time.
        assert wait <= time.monotonic() - started < wait + 8
        assert ("0.3 s later" in str(caught.value)) == (wait > 0)
    other.lets_go()


def test_readers_wait_and_are_told_in_the_same_words(path: Path, other: Other) -> None:
    other.holds(path, "writing")
    hasty, patient = avon.open(path, wait=0), avon.open(path, wait=30)
    for ask in (hasty.tables, lambda: hasty.sql("SELECT 1"), lambda: hasty.table("events")):
        with pytest.raises(StoreError, match=f"PID {other.process.pid}.*wait until it is done"):
            ask()
    freed = threading.Timer(0.4, other.lets_go)
    freed.start()
    assert patient.sql("SELECT count(*) AS n FROM settings")["n"].tolist() == [2]
    freed.join(60)


def test_two_threads_of_one_process_wait_for_each_other(path: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with Database(path).writing():
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    second = avon.open(path, wait=0)
    for ask in (second.tables, lambda: second.sql("SELECT 1")):
        with pytest.raises(StoreError, match="in use by this very process"):
            ask()
    threading.Timer(0.4, done.set).start()
    with Database(path).writing(wait=30):
        pass
    thread.join(30)


def test_a_second_load_waits_and_adds_up(path: Path, other: Other, tiny: Any) -> None:
    other.holds(path, "writing", 0.5)
    store = avon.open(path)
    receipt = store.load(tiny.archive, secrets=tiny.secrets, progress=False, wait=60)
    other.is_free()
    assert receipt.loaded == tiny.receipt.loaded


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf")])
def test_a_wait_is_a_number_of_seconds(path: Path, wait: float) -> None:
    with pytest.raises(UsageError, match="number of seconds"):
        avon.open(path, wait=wait)
    with pytest.raises(UsageError, match="number of seconds"):
        avon.open(path).load(__file__, policy="skip", wait=wait)


def test_the_command_line_says_who_holds_the_store(other: Other, run: Any, tiny: Any) -> None:
    db = tiny.copy(run.folder / "held.duckdb")
    other.holds(db, "writing")
    load = ("load", tiny.archive, "--secrets-file", tiny.secrets, "--db", db)
    told = run(*load, "--wait", "0.3")
    assert (told.code, told.out, told.is_told_in_a_sentence) == (4, "", True)
    assert f"PID {other.process.pid}" in told.err
    assert "waiting up to 0.3 s" in told.err
    assert run(*load, "--wait", "-1").code == 2
    freed = threading.Timer(1, other.lets_go)
    freed.start()
    assert run(*load, "--wait", "60").code == 0
    freed.join(60)
