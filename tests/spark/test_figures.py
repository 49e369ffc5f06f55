"""Every figure that Spark computes from a lake equals the one that DuckDB computes from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import avon_analytics as avon
from avon_analytics import spark
from avon_analytics.appointments.rows.groupings import GROUPINGS, OF_CANCELLATIONS
from avon_analytics.appointments.rows.scope import PERIODS
from avon_analytics.errors import UsageError
from avon_analytics.figures import FIGURES as DECLARED
from tests.conftest import Loaded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIGURES = (
    *("outcomes", "funnel", "cancellations", "reschedules"),
    *("lead_times", "rebooking", "incidence", "punctuality"),
    *("lost_time", "refills", "returns", "replies"),
)
DATED = tuple(name for name in FIGURES if DECLARED[name].has_periods)
Both = tuple[spark.Lake, avon.Store]


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Counts to the unit, means and quantiles to nine decimals, types and attributes alike."""
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=0, atol=1e-9)
    assert found.attrs == expected.attrs


@pytest.fixture(scope="module")
def both(
    alone: SparkSession, sample: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """The sample as a lake, opened with Spark; and its store."""
    with avon.open(sample.db) as store:
        folder = store.write_lake(tmp_path_factory.mktemp("lakes") / "sample")
        with spark.open(alone, folder) as lake:
            yield lake, store


def test_slots_and_lifecycle_are_the_same(both: Both) -> None:
    found, expected = (one.appointments() for one in both)
    assert found.as_of == expected.as_of
    assert len(expected.slots()) > 900
    assert_equal(found.slots(), expected.slots())
    assert_equal(found.lifecycle(), expected.lifecycle())


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_the_same(both: Both, figure: str) -> None:
    found, expected = (getattr(one.appointments(), figure)() for one in both)
    assert_equal(found, expected)


@pytest.mark.parametrize("figure", FIGURES)
def test_groups_are_the_same(both: Both, figure: str) -> None:
    groupings, options = all_groups(both[1], figure)
    found, expected = (getattr(one.appointments(), figure)(groupings, **options) for one in both)
    assert len(expected) > 50
    assert_equal(found, expected)


def all_groups(store: avon.Store, figure: str) -> tuple[list[str], dict[str, str]]:
    """All groupings at once, by quarter: one that differed would tear the rows apart."""
    declared = DECLARED[figure]
    groupings = list(GROUPINGS if declared.general is None else declared.general)
    if declared.customs == "any":
        groupings += custom_keys(store)
    if figure == "cancellations":
        groupings += OF_CANCELLATIONS
    return groupings, {"every": "quarter"} if figure in DATED else {}


def custom_keys(store: avon.Store) -> list[str]:
    rows = store.sql("SELECT DISTINCT key FROM appointment_custom_data ORDER BY key LIMIT 2")
    return [f"custom:{key}" for key in rows["key"]]


@pytest.mark.parametrize(
    ("figure", "options"),
    [
        ("signals", {"share": "late_share", "by": "self_booked", "every": "week"}),
        ("outliers", {"share": "cancelled_share", "by": "host", "overdispersion": True}),
        ("backtest", {"by": "self_booked", "every": "month", "days_ahead": 3}),
    ],
)
def test_chance_and_looking_back_are_the_same(
    both: Both, figure: str, options: dict[str, Any]
) -> None:
    found, expected = (getattr(one.appointments(), figure)(**options) for one in both)
    assert len(expected) > 3
    assert_equal(found, expected)


def test_what_to_expect_is_the_same(both: Both) -> None:
    found, expected = (
        one.appointments(period="next-month").expected(
            ("host", "patient_visit"), "week", pickup=True
        )
        for one in both
    )
    assert len(expected) > 10
    assert_equal(found, expected)


@pytest.mark.parametrize("every", PERIODS)
def test_periods_are_the_same(both: Both, every: str) -> None:
    found, expected = (one.appointments().outcomes(every=every) for one in both)
    assert_equal(found, expected)


@pytest.mark.parametrize(
    "scope",
    [
        {"start": "2025-02-01", "end": "2025-05-01", "on": "booked"},
        {"where": {"weekday": ["Monday", None], "recurring": [True, False], "hour": 9}},
        {"include_internal": True, "min_count": 5},
    ],
)
def test_scopes_are_the_same(both: Both, scope: dict[str, Any]) -> None:
    found, expected = (one.appointments(**scope) for one in both)
    assert_equal(found.cancellations(["weekday"]), expected.cancellations(["weekday"]))
    assert_equal(found.funnel(unit="slot"), expected.funnel(unit="slot"))


def test_names_that_would_be_sql_are_names(both: Both) -> None:
    odd = 'it\'s `odd` \\ $as_of -- "x"'
    for one in both:
        with pytest.raises(UsageError, match="occurs nowhere in the store"):
            one.appointments(where={"host": [odd, None]})


def test_the_same_lake_is_read_by_duckdb(both: Both) -> None:
    lake, store = both
    with avon.open(lake.path) as read:
        assert read.tables().equals(store.tables())
        for name in ("patients", "events", "drift", "quarantine", "appointment_status_history"):
            shown = name != "quarantine"  # whose lines are no values to sort by
            found, expected = (one.table(name, identifiers=shown) for one in (read, store))
            keys = list(expected.columns)
            assert_equal(
                found.sort_values(keys, ignore_index=True),
                expected.sort_values(keys, ignore_index=True),
            )
        assert_equal(read.appointments().outcomes("host"), store.appointments().outcomes("host"))
        counted = "SELECT count(*) AS n FROM appointment_slots"
        assert_equal(read.sql(counted), store.sql(counted))
        with pytest.raises(avon.errors.StoreError, match="only read"):
            read.load(__file__, policy="skip", progress=False)
        with pytest.raises(avon.errors.QueryError):
            read.sql(f"COPY events TO '{lake.path}/x.parquet'")
        with pytest.raises(avon.errors.QueryError):
            read.sql(f"SELECT * FROM read_text('{__file__}')")


def test_there_is_no_lake(alone: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(avon.errors.StoreError, match="there is no lake"):
        spark.open(alone, tmp_path)


def test_letters_of_other_scripts_are_small_alike(alone: SparkSession, tmp_path: Path) -> None:
    """A large I with a dot has another small letter in each engine, and so has a last sigma."""
    words = ["CHECKED İN", "İPTAL", "ΛΗΞΗΣ"]
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as file:
        for n, word in enumerate(words):
            visit = {
                "id": f"appt_{n}",
                "scheduled_start_time": 1735725600000,
                "timezone": "Europe/İSTANBUL",
                "attendees": [{"attendee": "user_ann"}],
                "status_history": [{"status": word, "changed_at": 1735689600000}],
            }
            event = {"event": "appointment.booked", "created_at": 1735689600000, "object": visit}
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
    more = {"İptal": "cancelled", "Ληξης": "completed"}
    with avon.open(tmp_path / "store.duckdb") as store:
        store.load(tmp_path / "a.jsonl", policy="skip", progress=False)
        expected = store.appointments(status_words=more)
        with spark.open(alone, store.write_lake(tmp_path / "lake")) as lake:
            found = lake.appointments(status_words=more)
            assert_equal(found.lifecycle(), expected.lifecycle())
            assert_equal(found.slots(), expected.slots())
        assert set(expected.slots()["outcome"]) == {"open", "cancelled", "attended"}
        assert set(expected.lifecycle()["time_zone"]) == {"Europe/Istanbul"}
