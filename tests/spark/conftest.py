"""Spark, one session at a time: this process alone, or a small cluster of real processes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent
# What short runs on two cores lose nothing by: little is compiled well, but all of it is kept.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC "
    "-XX:MetaspaceSize=256m -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")
CLUSTER = "local-cluster[2,1,1024]"
# Planning is all that little data costs: no plan is made anew while it runs, and none is split.
ALONE = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Java there is no Spark."""
    for item in items:
        if HERE in item.path.parents and JAVA is None and "sessions" in item.fixturenames:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.skip(reason="there is no Java 17 on this machine"))


class Sessions:
    """The one session that a process can have, made anew where another kind is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._session: SparkSession | None = None
        self._master = ""

    def on(self, master: str, **settings: str) -> SparkSession:
        if self._session is None or master != self._master:
            self.stop()
            self._session, self._master = self._start(master, settings), master
        return self._session

    def stop(self) -> None:
        if self._session is not None:
            logs = executor_logs(self._session)
            self._session.stop()
            self._session = None
            shutil.rmtree(logs, ignore_errors=True)

    def _start(self, master: str, settings: dict[str, str]) -> SparkSession:
        sql = pytest.importorskip("pyspark.sql")
        folder = self.folder
        (folder / "events").mkdir(exist_ok=True)
        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = (
            sql.SparkSession.builder.master(master)
            .appName("tests")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            .config("spark.executor.memory", "1g")
            .config("spark.executorEnv.PYTHONPATH", str(PACKAGE))
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.adaptive.enabled", "true")
            # Little data and many queries: what compiling saves is less than what it takes.
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            # Each sort and each aggregate takes a page, by default of 64 MB, for a few rows.
            .config("spark.buffer.pageSize", "1m")
            .config("spark.driver.extraJavaOptions", JAVA_OPTIONS)
            .config("spark.executor.extraJavaOptions", JAVA_OPTIONS)
            .config("spark.local.dir", str(folder / "local"))
            .config("spark.eventLog.enabled", str(master == CLUSTER).lower())
            .config("spark.eventLog.dir", str(folder / "events"))
            .config("spark.eventLog.compress", "false")
            .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        )
        for name, value in settings.items():
            builder = builder.config(name, value)
        made: SparkSession = builder.getOrCreate()
        made.sparkContext.setLogLevel("ERROR")
        return made


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    made = Sessions(tmp_path_factory.mktemp("spark"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def cluster(sessions: Sessions) -> Path:
    """Where the cluster keeps its files, the log of its events among them."""
    return sessions.folder


@pytest.fixture(scope="module")
def session(sessions: Sessions) -> SparkSession:
    """Two executors, each a process of its own with one core and 1 GB."""
    return sessions.on(CLUSTER)


@pytest.fixture(scope="module")
def alone(sessions: Sessions) -> SparkSession:
    """No process but that of Spark's own driver: the same plans without the way to others."""
    return sessions.on("local[1]", **ALONE)


def executor_logs(session: SparkSession) -> Path:
    """The folder in which the executors of a session write their logs."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    return Path(home) / "work" / session.sparkContext.applicationId
