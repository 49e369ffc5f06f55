"""The same figures on a Spark cluster, from the tables of a store that were written as a lake.

    avon_analytics.open("avon.duckdb").write_lake("lake/")

    from avon_analytics import spark

    with spark.open(session, "lake/") as lake:
        lake.appointments(start="2025-01-01").outcomes(every="month")

A lake is a folder of Parquet tables that driver and executors see under one path.
``avon_analytics.open("lake/")`` reads it with DuckDB on one machine, without Spark.
"""

from __future__ import annotations

from avon_analytics.spark.lake import Lake, open
from avon_analytics.spark.loading import load

__all__ = ["Lake", "load", "open"]
