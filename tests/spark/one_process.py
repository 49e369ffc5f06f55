"""Stands in for a Spark session: the same tasks in this process, one after another, without Java.

It does what a load asks of Spark: numbers, rows of Parquet files, a task over the rows of a
partition, rows brought together by bucket, and their order. Rows of a task arrive in small batches
and, before they are put in order, in any order, as they do on a cluster.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.errors import PySparkException

from avon_analytics.spark.messages import SENT_SCHEMA

ROWS = 100  # to a batch


class Frame:
    """Partitions, each computed when it is asked for."""

    def __init__(self, partitions: list[Callable[[], pa.Table]]) -> None:
        self._partitions = partitions

    def mapInArrow(self, task: Any, _: str) -> Frame:  # noqa: N802
        sent = cloudpickle.dumps(task)

        def run(partition: Callable[[], pa.Table]) -> pa.Table:
            batches = partition().to_batches(max_chunksize=ROWS)
            return pa.Table.from_batches(list(cloudpickle.loads(sent)(iter(batches))) or [NOTHING])

        return Frame([lambda one=one: run(one) for one in self._partitions])  # type: ignore[misc]

    def unionByName(self, other: Frame) -> Frame:  # noqa: N802
        return Frame([*self._partitions, *other._partitions])

    def selectExpr(self, *columns: str) -> Frame:  # noqa: N802
        query = f"SELECT {', '.join(columns)} FROM rows"

        def run(partition: Callable[[], pa.Table]) -> pa.Table:
            rows = partition()
            text = query.replace("AS string", "AS VARCHAR").replace("AS binary", "AS BLOB")
            with duckdb.connect() as connection:
                connection.register("rows", rows)
                return connection.sql(text).to_arrow_table()

        return Frame([lambda one=one: run(one) for one in self._partitions])  # type: ignore[misc]

    def repartitionById(self, n: int, column: str) -> Frame:  # noqa: N802
        @cache
        def met() -> pa.Table:
            tables = [one() for one in self._partitions]
            rows = pa.concat_tables([SENT_SCHEMA.empty_table(), *(t for t in tables if t.num_rows)])
            order = list(range(rows.num_rows))
            random.Random(1).shuffle(order)
            return rows.take(pa.array(order, pa.int64()))

        def of(number: int) -> pa.Table:
            return met().filter(pa.array(met().column(column).to_numpy() == number))

        return Frame([lambda k=k: of(k) for k in range(n)])  # type: ignore[misc]

    def sortWithinPartitions(self, *columns: str) -> Frame:  # noqa: N802
        keys = [(column, "ascending") for column in columns]
        return Frame([lambda one=one: one().sort_by(keys) for one in self._partitions])  # type: ignore[misc]

    def select(self, *_: str) -> Frame:
        return self

    def collect(self) -> list[Any]:
        try:
            return [SimpleNamespace(**row) for one in self._partitions for row in one().to_pylist()]
        except Exception:
            raise PySparkException(f"Job aborted: {traceback.format_exc()}") from None


NOTHING = pa.RecordBatch.from_pylist([], schema=pa.schema([("what", pa.string())]))


class OneProcess:
    """What a load asks of a session."""

    _jsparkSession = True  # noqa: N815
    conf = SimpleNamespace(get=lambda name: name, set=lambda name, value: None)
    sparkContext = SimpleNamespace(  # noqa: N815
        defaultParallelism=2,
        broadcast=lambda value: SimpleNamespace(value=value, destroy=lambda: None),
    )

    def newSession(self) -> OneProcess:  # noqa: N802
        return self

    def range(self, start: int, end: int | None = None, step: int = 1, n: int = 1) -> Frame:
        numbers = range(start) if end is None else range(start, end, step)
        return Frame([lambda k=k: pa.table({"id": [k]}) for k in numbers])  # type: ignore[misc]

    @property
    def read(self) -> OneProcess:
        return self

    def schema(self, _: str) -> OneProcess:
        return self

    def option(self, *_: str) -> OneProcess:
        return self

    def parquet(self, *paths: str) -> Frame:
        def run(path: str) -> pa.Table:
            with duckdb.connect() as connection:
                told = "SELECT *, {'file_name': $path} AS _metadata FROM read_parquet($path)"
                return connection.sql(told, params={"path": path}).to_arrow_table()

        return Frame([lambda path=path: run(path) for path in paths])  # type: ignore[misc]
