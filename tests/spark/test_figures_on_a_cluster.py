"""The same where executors compute, at an instant in the past and by other definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import avon_analytics as avon
from avon_analytics import spark
from tests.conftest import Loaded
from tests.spark.test_figures import all_groups, assert_equal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Both = tuple[spark.Lake, avon.Store]
# Nothing of it is a default.
SCOPE: dict[str, Any] = {
    "as_of": "2025-06-30",
    "grace": 2,
    "late": 48,
    "status_words": {"it's \\done": "completed"},
}


@pytest.fixture(scope="module")
def both(
    session: SparkSession, sample: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """The sample as a lake that the cluster has loaded; and its store."""
    folder = tmp_path_factory.mktemp("lakes") / "sample"
    spark.load(session, sample.archive, folder, secrets=sample.secrets, buckets=2)
    with avon.open(sample.db) as store, spark.open(session, folder) as lake:
        yield lake, store


def test_slots_and_lifecycle_are_the_same(both: Both) -> None:
    found, expected = (one.appointments(**SCOPE) for one in both)
    assert len(expected.slots()) > 900
    assert_equal(found.slots(), expected.slots())
    assert_equal(found.lifecycle(), expected.lifecycle())


@pytest.mark.parametrize("figure", ["outcomes", "cancellations", "rebooking", "incidence"])
def test_groups_are_the_same(both: Both, figure: str) -> None:
    """Of figures that look at the instant itself; the others only at slots, which are the same."""
    groupings, options = all_groups(both[1], figure)
    found, expected = (
        getattr(one.appointments(**SCOPE), figure)(groupings, **options) for one in both
    )
    assert len(expected) > 50
    assert_equal(found, expected)
    usual = getattr(both[1].appointments(), figure)(groupings, **options)
    assert not expected.equals(usual)


def test_what_to_expect_is_the_same(both: Both) -> None:
    scope = {**SCOPE, "start": "2025-07-07", "end": "2025-07-21"}
    found, expected = (
        one.appointments(**scope).expected("interaction_type", every="week", pickup=True)
        for one in both
    )
    assert expected.n_open.sum() > 10
    assert_equal(found, expected)
