"""An archive loaded by executors that are processes of their own gives what one machine gives."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics import spark
from avon_analytics.errors import ArchiveError, DamagedFile
from avon_analytics.store.lake import newest_state, state_numbers
from tests.conftest import Loaded
from tests.spark.conftest import PACKAGE, executor_logs
from tests.spark.same import assert_same

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SMALL = {"buckets": 4, "share_bytes": 1_000_000}  # so that each executor has several tasks


def test_the_sample_gives_what_one_machine_gives_and_no_trace_shows_a_secret(
    session: SparkSession, cluster: Path, sample: Loaded, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"secrets": sample.secrets, **SMALL}
    assert spark.load(session, sample.archive, tmp_path / "lake", **how) == sample.receipt
    with avon.open(sample.db) as store:
        assert_same(tmp_path / "lake", store)
    paths = [*(cluster / "events").rglob("*"), *executor_logs(session).rglob("std*")]
    traces = b"".join(path.read_bytes() for path in paths if path.is_file())
    assert b"MapInArrow" in traces  # the plans, in the log of events
    assert b"Spark Executor Command" in traces
    for secret in tomllib.loads(sample.secrets.read_text("utf-8")).values():
        raw = secret.encode()
        for spelled in (raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")[:-1]):
            assert spelled not in traces


def test_an_executor_is_lost_in_mid_load(
    session: SparkSession, sample: Loaded, tmp_path: Path
) -> None:
    """What it had done is done again by others, and its files are seen by nobody."""
    with ThreadPoolExecutor(1) as pool:
        how: dict[str, Any] = {"secrets": sample.secrets, **SMALL}
        loading = pool.submit(spark.load, session, sample.archive, tmp_path / "lake", **how)
        while not done_in_the_running_stage(session) and not loading.done():
            time.sleep(0.01)
        assert not loading.done()
        lost, *_ = executors(session)
        os.kill(lost, signal.SIGKILL)
        assert newest_state(tmp_path / "lake") is None
        receipt = loading.result()
    assert lost not in executors(session)
    assert receipt == sample.receipt
    with avon.open(sample.db) as store:
        assert_same(tmp_path / "lake", store)


def done_in_the_running_stage(session: SparkSession) -> int:
    """How many tasks are done of a staging that has others to do."""
    tracker = session.sparkContext.statusTracker()
    staging_areas = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
    return sum(s.numCompletedTasks for s in staging_areas if s and s.numCompletedTasks < s.numTasks)


def executors(session: SparkSession) -> list[int]:
    """The processes of the executors of this session, and of no other."""
    ours = session.sparkContext.applicationId.encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if ours in words and any(word.endswith(b"ExecutorBackend") for word in words):
            found.append(int(path.parent.name))
    return sorted(found)


def test_loads_that_overlap_and_a_load_that_fails(
    session: SparkSession, tiny: Loaded, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    with avon.open(tmp_path / "store.duckdb") as store:
        for paths in ([tiny.archive / "2025"], [tiny.archive], [tiny.archive]):
            how: dict[str, Any] = {"secrets": tiny.secrets}
            expected = store.load(paths, progress=False, **how)
            assert spark.load(session, paths, lake, buckets=2, **how) == expected
        assert_same(lake, store)
        cut = tmp_path / "cut.jsonl.zst"
        cut.write_bytes(next(tiny.archive.rglob("*.zst")).read_bytes()[:-100])
        with pytest.raises(DamagedFile, match=r"cut\.jsonl\.zst.*nothing was loaded") as raised:
            spark.load(session, cut, lake, **how)
        assert "Traceback" not in str(raised.value)
        assert_same(lake, store)
    assert state_numbers(lake) == [2, 3]
    with pytest.raises(ArchiveError, match="there is no file"):
        spark.load(session, tmp_path / "nothing", lake, **how)


def test_the_command(tiny: Loaded, tmp_path: Path) -> None:
    words = ["spark", "load", str(tiny.archive), "--out", str(tmp_path / "lake")]
    how = ["--secrets-file", str(tiny.secrets), "--master", "local[1]", "--json", "--strict"]
    done = subprocess.run(
        [sys.executable, "-m", "avon_analytics", *words, *how],
        capture_output=True,
        text=True,
        cwd=PACKAGE,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 3, done.stderr  # lines were quarantined
    assert json.loads(done.stdout) == tiny.receipt.as_dict()


@pytest.mark.parametrize(
    ("lack", "told"),
    [("JAVA_HOME", "needs Java 17 or later"), ("pyspark", 'pip install "avon-analytics[spark]"')],
)
def test_the_command_without_spark(tmp_path: Path, lack: str, told: str) -> None:
    """In one sentence, also where pyspark is there and Java is not."""
    (tmp_path / "pyspark.py").write_text("raise ImportError\n")
    around = {"HOME": str(tmp_path), "PATH": str(tmp_path), "AVON_WEBHOOK_SECRET": "any"}
    around["PYTHONPATH"] = str(tmp_path if lack == "pyspark" else PACKAGE)
    done = subprocess.run(
        [sys.executable, "-m", "avon_analytics", "spark", "load", "x", "--out", "lake"],
        capture_output=True,
        text=True,
        cwd=PACKAGE,
        env=around,
        timeout=600,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_is_interrupted_in_a_sentence(
    tiny: Loaded, tmp_path: Path, number: signal.Signals
) -> None:
    """pyspark and py4j had tracebacks of their own for it."""
    lake = tmp_path / "lake"
    load = ("spark", "load", tiny.archive, "--out", lake, "--secrets-file", tiny.secrets)
    with subprocess.Popen(
        [sys.executable, "-m", "avon_analytics", *load, "--master", "local[1]"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not lake.exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert err.endswith(
        "avon-analytics: interrupted: what was finished stays, and nothing is left half done\n"
    )
    assert "Traceback" not in err
    assert newest_state(lake) is None
