"""Killed at random under load: what was answered 200 is in the archive, and it loads.

``make kills-receive`` kills 200 times. Receivers are started from a process that has imported them.
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.receive.server import Receiver, Settings
from avon_analytics.receive.tidy import tidy
from tests.receive.conftest import SECRETS, Client, delivery, lines, signature

pytestmark = pytest.mark.kill
KILLS = int(os.environ.get("AVON_ANALYTICS_KILLS", "20"))
CLIENTS = 8


def _receive(archive: Path, urls: Any) -> None:
    receiver = Receiver(Settings(archive=archive, secrets=Secrets(SECRETS), port=0))
    urls.put(receiver.url)
    receiver.run()


class Load:
    """Clients that post numbered deliveries, good and bad, and remember what was answered."""

    def __init__(self, url: str, first: int, rng: Random) -> None:
        self._client = Client(url)
        self._next, self._lock, self._stop = first, Lock(), Event()
        self.answered: Counter[int] = Counter()
        self.archived: list[bytes] = []
        seeds = [rng.random() for _ in range(CLIENTS)]
        self._threads = [Thread(target=self._post, args=(Random(seed),)) for seed in seeds]
        for thread in self._threads:
            thread.start()

    def end(self) -> int:
        """Stop posting; returns the next number."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        return self._next

    def _post(self, rng: Random) -> None:
        connection = self._client.open()
        while not self._stop.is_set():
            with self._lock:
                self._next += 1
                number = self._next
            body = delivery(number, "é" * rng.randrange(2000))
            signed = signature(body)
            kind = rng.choice(("good", "good", "good", "unsigned", "tampered"))
            headers = {} if kind == "unsigned" else {"avon-signature": signed}
            sent = body + b" " if kind == "tampered" else body
            try:
                connection.request("POST", self._client.path, sent, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.01)
                continue
            with self._lock:
                self.answered[answer.status] += 1
                if answer.status == 200:
                    assert kind == "good"
                    self.archived.append(body)
        connection.close()


def test_what_was_answered_is_there_after_any_kill(archive: Path, tmp_path: Path) -> None:
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["avon_analytics.receive.server"])
    rng, number = Random(24), 0
    archived: list[bytes] = []
    answered: Counter[int] = Counter()
    today = datetime.now(UTC).date()
    tidied: Counter[str] = Counter()
    for _ in range(KILLS):
        urls = start.Queue()
        receiver = start.Process(target=_receive, args=(archive, urls))
        receiver.start()
        load = Load(urls.get(timeout=60), number, rng)
        time.sleep(rng.uniform(0.02, 0.3))
        assert receiver.pid is not None
        os.kill(receiver.pid, signal.SIGKILL)
        receiver.join(30)
        number = load.end()
        archived += load.archived
        answered += load.answered
        if rng.random() < 0.3:
            tidied += tidy(archive, today)
    assert set(answered) == {200, 401}
    assert len(archived) > 10 * KILLS
    tidied += tidy(archive, today + timedelta(days=1))
    assert tidied["failed"] == 0
    assert tidied["compressed"] == len(list(archive.rglob("*.jsonl.zst"))) > KILLS // 2
    found = Counter(line["body"].encode() for line in lines(archive))
    assert Counter(archived) - found == Counter()
    receipt = avon.open(tmp_path / "store.duckdb").load(
        archive, secrets=dict(SECRETS), progress=False
    )
    assert (receipt.quarantined, receipt.pending) == (0, {})
    assert receipt.lines == found.total()
    assert receipt.loaded == len(found)
    print(f"{KILLS} kills, {dict(answered)}, {len(found)} archived, {dict(tidied)}")
