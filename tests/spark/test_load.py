"""An archive loaded on a cluster gives the tables, the log and the receipt of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import avon_analytics as avon
from avon_analytics import spark
from tests.conftest import Loaded
from tests.spark.same import assert_same

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_the_sample_gives_what_one_machine_gives(
    session: SparkSession, sample: Loaded, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"secrets": sample.secrets, "buckets": 3}
    receipt = spark.load(session, sample.archive, tmp_path / "lake", **how)
    assert receipt == sample.receipt
    with avon.open(sample.db) as store:
        assert_same(tmp_path / "lake", store)
