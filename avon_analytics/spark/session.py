"""A Spark session of our own on the cluster of the caller's, and the types of both worlds."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from avon_analytics.errors import UsageError
from avon_analytics.store.lake import State
from avon_analytics.store.tables import TableColumn, stored_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
    "spark.sql.execution.arrow.maxBytesPerBatch": "16777216",  # lines can be long
}
_COPIED = ("spark.sql.shuffle.partitions", "spark.sql.files.maxPartitionBytes")
_TYPES = {
    "VARCHAR": "string",
    "JSON": "string",
    "UUID": "string",
    "BOOLEAN": "boolean",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "BLOB": "binary",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\$(\w+)")


@contextmanager
def own_cluster(master: str | None = None) -> Iterator[SparkSession]:
    """A session on a cluster that is let go at the end, for whoever has none.

    master: the cluster's URL; without it, what Spark's own settings say, else this machine.

    Raises UsageError where there is no Java, or no such cluster.
    """
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    where = master or SparkConf().get("spark.master", "local[*]") or ""
    if where.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        session = SparkSession.builder.master(where).appName("avon-analytics").getOrCreate()
    except (PySparkException, Py4JError):
        raise UsageError(
            f"Spark does not start on {where}: it needs Java 17 or later (java, JAVA_HOME), "
            "and the cluster's URL as --master"
        ) from None
    if current_thread() is main_thread():
        signal.signal(signal.SIGINT, interrupted)  # pyspark has put its own in this place
    root = logging.getLogger()
    root.addFilter(_is_no_interruption)
    try:
        yield session
    finally:
        session.stop()
        root.removeFilter(_is_no_interruption)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    """py4j logs the traceback of an interruption, which whoever asked for it is told otherwise."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, KeyboardInterrupt)


def own_session(session: SparkSession) -> SparkSession:
    """A session with settings and temporary views of its own, on the same executors.

    Raises UsageError for a session that is not one of a cluster's driver.
    """
    if not hasattr(session, "newSession") or not hasattr(session, "_jsparkSession"):
        raise UsageError(
            "spark: expected the session of a driver, such as SparkSession.builder.getOrCreate(), "
            "not one of Spark Connect"
        )
    own = session.newSession()
    for name in _COPIED:
        own.conf.set(name, str(session.conf.get(name)))
    for name, value in _SETTINGS.items():
        own.conf.set(name, value)
    return own


@contextmanager
def without_pandas_warning() -> Iterator[None]:
    """Without pyspark's word on which pandas there is, though none is needed meanwhile."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


def schema_of(columns: Iterable[TableColumn]) -> str:
    """The columns of a table as Spark's DDL."""
    return ", ".join(f"`{column.name}` {_TYPES[column.sql_type]}" for column in columns)


def rows_of(session: SparkSession, lake: str, state: State, table: str) -> DataFrame:
    """The rows of a table of a lake, with exactly its columns."""
    columns = stored_tables()[table]
    files = [f"{lake}/{path}" for path in state.files(table)]
    schema = schema_of(columns)
    if not files:
        nothing = ", ".join(f"CAST(NULL AS {_TYPES[c.sql_type]}) AS `{c.name}`" for c in columns)
        return session.sql(f"SELECT {nothing} WHERE false")
    rows = session.read.schema(schema).option("basePath", f"{lake}/{table}").parquet(*files)
    return rows.select(*(f"`{column.name}`" for column in columns))


def rows_in_files(session: SparkSession, lake: str, state: State, table: str) -> DataFrame:
    """The rows of a table that has any, and in ``written_in`` the file in which each stands."""
    files = [f"{lake}/{path}" for path in state.files(table)]
    rows = session.read.schema(schema_of(stored_tables()[table])).parquet(*files)
    return rows.selectExpr("*", "_metadata.file_name AS written_in")


def ask(session: SparkSession, query: str, parameters: Mapping[str, Any]) -> DataFrame:
    """A query written for both engines, its ``$names`` bound. Instants travel as microseconds."""

    def place(match: re.Match[str]) -> str:
        name = match[1]
        value = parameters.get(name)
        if name is None:
            return match[0].replace("\\", "\\\\")  # which Spark reads as an escape
        if isinstance(value, datetime):
            return f"timestamp_micros(:{name})"
        return f"date_from_unix_date(:{name})" if isinstance(value, date) else f":{name}"

    bound = {name: _plain(value) for name, value in parameters.items()}
    return session.sql(_PLACES.sub(place, query), bound or None)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    return (value - _EPOCH.date()).days if isinstance(value, date) else value
