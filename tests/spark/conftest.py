"""A small cluster of real processes, shared by all tests here, and lakes for it to read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from avon_analytics.store.lake import State, new_settings, publish
from avon_analytics.store.tables import stored_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent
JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Java there is no Spark."""
    for item in items:
        if HERE in item.path.parents and JAVA is None and "session" in item.fixturenames:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.skip(reason="there is no Java 17 on this machine"))


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two executors, each a process of its own with one core and 1 GB."""
    sql = pytest.importorskip("pyspark.sql")
    folder = tmp_path_factory.mktemp("spark")
    (folder / "events").mkdir()
    os.environ["SPARK_WORKER_DIR"] = str(folder / "work")
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
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", (folder / "events").as_uri())
        .config("spark.eventLog.compress", "false")
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    yield made
    made.stop()


def lake_of(db: Path, lake: Path) -> Path:
    """The tables of a store as a lake, written by DuckDB."""
    state = State(1, new_settings(None), {})
    tables: dict[str, dict[str, tuple[str, ...]]] = {}
    with duckdb.connect(str(db), read_only=True) as store:
        store.execute("SET TimeZone = 'UTC'")
        for table, columns in stored_tables().items():
            names = ", ".join(
                f'CAST("{c.name}" AS VARCHAR) AS "{c.name}"'
                if c.sql_type in ("UUID", "JSON")
                else f'"{c.name}"'
                for c in columns
            )
            has_instant = any(c.name == "occurred_at" for c in columns)
            month = "strftime(occurred_at, '%Y-%m')" if has_instant else "'all'"
            if store.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchall():
                (lake / table).mkdir(parents=True)
                store.execute(
                    f"COPY (SELECT {names}, {month} AS month FROM \"{table}\") TO '{lake / table}' "
                    "(FORMAT parquet, PARTITION_BY (month))"
                )
            files = sorted((lake / table).rglob("*.parquet"))
            tables[table] = {
                path.parent.name.partition("=")[2]: (path.relative_to(lake).as_posix(),)
                for path in files
            }
    publish(lake, State(1, state.settings, tables))
    return lake
