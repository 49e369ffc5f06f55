"""Every figure that Spark computes from a lake equals the one that DuckDB computes from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics import spark
from tests.conftest import Loaded
from tests.spark.conftest import lake_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIGURES = (
    *("outcomes", "funnel", "cancellations", "reschedules"),
    *("lead_times", "rebooking", "incidence", "punctuality"),
)
DATED = ("outcomes", "cancellations", "reschedules", "lead_times", "punctuality")
INSTANTS = (None, "2025-06-30", "1970-01-01")


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Counts to the unit, means and quantiles to nine decimals, types and attributes alike."""
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=0, atol=1e-9)
    assert found.attrs == expected.attrs


@pytest.fixture(scope="module")
def both(
    session: SparkSession, sample: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[spark.Lake, avon.Store]]:
    """The sample as a lake, opened on the cluster; and its store."""
    folder = lake_of(sample.db, tmp_path_factory.mktemp("lakes") / "sample")
    with spark.open(session, folder) as lake, avon.open(sample.db) as store:
        yield lake, store


@pytest.mark.parametrize("as_of", INSTANTS)
def test_slots_and_lifecycle_are_the_same(
    both: tuple[spark.Lake, avon.Store], as_of: str | None
) -> None:
    found, expected = (one.appointments(as_of=as_of) for one in both)
    assert found.as_of == expected.as_of
    assert_equal(found.slots(), expected.slots())
    assert_equal(found.lifecycle(), expected.lifecycle())


@pytest.mark.parametrize("as_of", INSTANTS)
@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_the_same(
    both: tuple[spark.Lake, avon.Store], figure: str, as_of: str | None
) -> None:
    found, expected = (getattr(one.appointments(as_of=as_of), figure)() for one in both)
    assert_equal(found, expected)
