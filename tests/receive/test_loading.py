"""From the call to the figure: what was received loads as the archive that it was taken from."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics.intake.archive.compressed import decompressed
from avon_analytics.intake.archive.files import find_files, open_file
from avon_analytics.intake.read.signature import Secrets
from avon_analytics.receive.server import Settings
from avon_analytics.receive.tidy import tidy
from tests.receive.conftest import SECRET, SECRETS, Client, delivery, lines, running, taking


def sent(archive: Path, secrets: Secrets) -> Iterator[tuple[bytes, str]]:
    """The bodies of an archive's deliveries whose signatures are right, each with its own."""
    for file in find_files(archive).files:
        data = b""
        with open_file(file.path) as raw:
            stream = decompressed(raw)
            while part := stream.read(1 << 20):
                data += part
        for line in data.removeprefix(b"\xef\xbb\xbf").splitlines():
            try:
                envelope = json.loads(line)
            except ValueError:
                continue
            headers = envelope.pop("headers", None) or envelope.pop("multiValueHeaders", None) or {}
            pairs = headers.items() if isinstance(headers, dict) else headers
            named = {name.lower(): value for name, value in (*pairs, *envelope.items())}
            texts = [named.get(name) for name in ("avon-signature", "avon_signature", "signature")]
            signed = next((text for text in texts if text), None)
            signed = signed[0] if isinstance(signed, list) else signed
            bodies = [envelope.get(name) for name in ("body", "payload", "raw_body", "rawBody")]
            body = next((body for body in bodies if body), None)
            if isinstance(body, dict):  # as it was before somebody parsed it
                body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            if isinstance(body, str) and isinstance(signed, str):
                is_base64 = envelope.get("isBase64Encoded")
                content = base64.b64decode(body) if is_base64 else body.encode()
                if secrets.matching(content, signed):
                    yield content, signed


def test_a_clinic_that_was_received_has_the_figures_of_its_truth(tiny: Any, tmp_path: Path) -> None:
    secrets = Secrets.read(tiny.secrets)
    bodies = list(sent(tiny.archive, secrets))
    assert len(bodies) > 140
    settings = Settings(archive=tmp_path / "archive", secrets=secrets, port=0)
    with taking(settings) as client:
        assert {client.post(body, signed) for body, signed in bodies} == {200}
    found = avon.open(tmp_path / "received.duckdb")
    receipt = found.load(tmp_path / "archive", secrets=tiny.secrets, progress=False)
    assert receipt.lines == len(bodies)
    truth = avon.open(tiny.db)
    ids = "SELECT event_id FROM events ORDER BY event_id"
    pd.testing.assert_frame_equal(found.sql(ids), truth.sql(ids))
    as_of = truth.appointments().as_of
    of_found, of_truth = (s.appointments(as_of=as_of) for s in (found, truth))
    for figure in ("outcomes", "funnel", "cancellations"):
        pd.testing.assert_frame_equal(
            getattr(of_found, figure)(), getattr(of_truth, figure)(), check_exact=True
        )


def test_what_is_written_loads_meanwhile_and_once_it_is_compressed(
    archive: Path, tmp_path: Path
) -> None:
    store = avon.open(tmp_path / "store.duckdb")

    def load() -> tuple[int, int, int]:
        receipt = store.load(archive, secrets=dict(SECRETS), progress=False)
        assert receipt.pending == {}
        return receipt.lines, receipt.loaded, receipt.files_unchanged

    with running(archive) as client:
        client.post(delivery(1))
        assert load() == (1, 1, 0)
        client.post(delivery(2))
        client.post(delivery(3))
        assert load() == (2, 2, 0)
        assert load() == (0, 0, 1)
        client.post(delivery(4))
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert tidy(archive, tomorrow) == {"compressed": 1}
    (file,) = archive.rglob("*.*")
    assert file.name.endswith(".jsonl.zst")
    assert load() == (1, 1, 0)
    assert load() == (0, 0, 1)


def test_a_torn_end_costs_nothing_else(archive: Path, tmp_path: Path) -> None:
    with running(archive) as client:
        client.post(delivery(1))
    (file,) = archive.rglob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:100])
    store = avon.open(tmp_path / "store.duckdb")
    receipt = store.load(archive, secrets=SECRET, progress=False)
    assert (receipt.lines, receipt.loaded) == (1, 1)
    assert sum(receipt.pending.values()) == 100
    today = datetime.now(UTC).date()
    assert tidy(archive, today) == {"torn": 1}
    assert file.read_bytes() == whole
    receipt = store.load(archive, secrets=SECRET, progress=False)
    assert (receipt.lines, receipt.pending) == (0, {})
    (torn,) = archive.with_name("archive.rejected").rglob("*.jsonl")
    assert torn.read_bytes() == whole[:100] + b"\n"


# -- the command ------------------------------------------------------------------------------


@contextmanager
def command(*arguments: str | Path, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """``avon-analytics receive`` as a process; what it says first tells where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "avon_analytics", "receive", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "AVON_WEBHOOK_SECRET": SECRET},
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("taking deliveries at "), said
        yield process, Client(said.split()[3].rstrip(","))
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_the_command_archives_loads_by_itself_and_ends_when_asked(tmp_path: Path) -> None:
    arguments = ("--archive", "in/archive", "--load", "store.duckdb", "--every", "1s")
    with command(*arguments, cwd=tmp_path) as (process, client):
        assert client.post(delivery(1)) == 200
        assert client.post(b'{"event": "message.created"}') == 200
        found: dict[str, float] = {}
        for _ in range(1500):
            found = client.metrics()
            if found['avon_load_lines_total{ended="quarantined"}']:
                break
            time.sleep(0.1)
        assert found['avon_load_lines_total{ended="loaded"}'] == 1
        assert found['avon_load_lines_total{ended="quarantined"}'] == 1
        assert found['avon_load_quarantined_total{code="contract"}'] == 1
        assert found["avon_load_newest_seconds"] > time.time() - 60
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 143, err
    assert "Traceback" not in err
    assert len(avon.open(tmp_path / "store.duckdb").sql("SELECT * FROM messages")) == 1


@pytest.mark.usefixtures("hears_hangups")
@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 2), (signal.SIGHUP, 2)],
)
def test_stopped_under_load_it_says_one_sentence_and_keeps_what_it_answered(
    archive: Path, number: signal.Signals, times: int
) -> None:
    """Asked twice, too, and while its terminal is closed: calls are under way, and a connection
    that says nothing stays open."""
    with command("--archive", archive, cwd=archive.parent) as (process, client):
        silent = client.open()
        silent.connect()
        answered: list[bytes] = []

        def post() -> None:
            with suppress(OSError, http.client.HTTPException):
                for body in map(delivery, range(10**6)):
                    assert client.post(body) == 200
                    answered.append(body)

        thread = Thread(target=post)
        thread.start()
        time.sleep(0.5)
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.05)
        _, err = process.communicate(timeout=30)
        thread.join(30)
        silent.close()
    assert process.returncode == 128 + number
    assert err.splitlines() == [
        "avon-analytics: interrupted: what was finished stays, and nothing is left half done"
    ]
    kept = Counter(line["body"].encode() for line in lines(archive))
    assert len(answered) > 5
    assert Counter(answered) <= kept
    assert kept.total() <= len(answered) + 1


def test_where_few_files_may_be_open_it_says_what_it_needs(archive: Path) -> None:
    """It took connections until there was none left for the archive, and logged each one."""
    for n_files, said in ((64, "a receiver needs 656; raise"), (700, "at most 60 connections")):
        shell = f'ulimit -n {n_files}; exec "$@"'
        receive = (sys.executable, "-m", "avon_analytics", "receive", "--port", "0", "--self-test")
        done = subprocess.run(
            ["bash", "-c", shell, "bash", *receive, "--archive", archive],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "AVON_WEBHOOK_SECRET": SECRET},
        )
        assert said in done.stderr
        assert done.returncode == (4 if n_files == 64 else 0)
