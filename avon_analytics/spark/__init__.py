"""The same load and the same figures on a Spark cluster.

    from avon_analytics import spark

    spark.load(session, "archive/", "lake/", secrets=Path("secrets.toml"))
    with spark.open(session, "lake/") as lake:
        lake.appointments(start="2025-01-01").outcomes(every="month")

A lake is a folder of Parquet tables that driver and executors see under one path. A store is
written as one by ``avon_analytics.open("avon.duckdb").write_lake("lake/")``.
``avon_analytics.open("lake/")`` reads it with DuckDB on one machine, without Spark.
"""

from __future__ import annotations

from avon_analytics.spark.lake import Lake
from avon_analytics.spark.lake import open as open
from avon_analytics.spark.loading import load
from avon_analytics.spark.session import own_cluster

__all__ = ["Lake", "load", "own_cluster"]
