"""An archive loaded on a cluster gives the tables, the log and the receipt of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import avon_analytics as avon
from avon_analytics import spark
from avon_analytics.store.tables import object_tables, stored_tables
from tests.conftest import Loaded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VIEWS = tuple(table.name for table in object_tables())
CLOCK = {"loads": ["loaded_at"]}


def rows(store: avon.Store, table: str) -> pd.DataFrame:
    """The rows of a table, sorted, without what a clock tells."""
    frame = store.sql(f'SELECT * FROM "{table}" ORDER BY ALL')
    return frame.drop(columns=CLOCK.get(table, []))


def assert_same(lake: Path, store: avon.Store, tables: tuple[str, ...] | None = None) -> None:
    """Table for table, row for row."""
    with avon.open(lake) as read:
        for table in tables or (*stored_tables(), *VIEWS, "drift"):
            pd.testing.assert_frame_equal(rows(read, table), rows(store, table), obj=table)


def test_the_sample_gives_what_one_machine_gives(
    session: SparkSession, sample: Loaded, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"secrets": sample.secrets, "buckets": 3}
    receipt = spark.load(session, sample.archive, tmp_path / "lake", **how)
    assert receipt == sample.receipt
    with avon.open(sample.db) as store:
        assert_same(tmp_path / "lake", store)
