"""A small cluster of real processes, shared by all tests here."""

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
# What short runs on two cores lose nothing by.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Java there is no Spark."""
    for item in items:
        if HERE in item.path.parents and JAVA is None and "session" in item.fixturenames:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.skip(reason="there is no Java 17 on this machine"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cluster keeps its files, the log of its events among them."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="session")
def session(cluster: Path) -> Iterator[SparkSession]:
    """Two executors, each a process of its own with one core and 1 GB."""
    sql = pytest.importorskip("pyspark.sql")
    folder = cluster
    (folder / "events").mkdir()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = (
        sql.SparkSession.builder.master("local-cluster[2,1,1024]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.executor.memory", "1g")
        .config("spark.executorEnv.PYTHONPATH", str(PACKAGE))
        .config("spark.sql.shuffle.partitions", "2")
        # Little data and many queries: what compiling saves is less than what it takes.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.driver.extraJavaOptions", JAVA_OPTIONS)
        .config("spark.executor.extraJavaOptions", JAVA_OPTIONS)
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", str(folder / "events"))
        .config("spark.eventLog.compress", "false")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    yield made
    logs = executor_logs(made)
    made.stop()
    shutil.rmtree(logs, ignore_errors=True)


def executor_logs(session: SparkSession) -> Path:
    """The folder in which the executors of a session write their logs."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    return Path(home) / "work" / session.sparkContext.applicationId
