"""The same load and the same figures on a Spark cluster.

    from avon_analytics import spark

    spark.load(session, "archive/", "lake/", secrets=…)   # any number of times, in any order
    lake = spark.open(session, "lake/")
    lake.appointments(start="2025-01-01").outcomes(every="month")

A lake is a folder of Parquet tables that driver and executors see under one path.
``avon_analytics.open("lake/")`` reads it with DuckDB on one machine, without Spark.
"""

from __future__ import annotations

from avon_analytics.spark.lake import Lake, open

__all__ = ["Lake", "open"]
