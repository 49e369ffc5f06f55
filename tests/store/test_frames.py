"""Rows of the engine as a DataFrame: the same types, whatever the rows hold."""

from __future__ import annotations

import warnings

import duckdb
import pandas as pd
import pytest

from avon_analytics.store.frames import DTYPES, frame

VALUES = {
    "VARCHAR": "'ann'",
    "JSON": """'{"a": 1}'""",
    "UUID": "'3a2e8f6c-0000-4000-8000-000000000001'",
    "BOOLEAN": "true",
    "INTEGER": "-7",
    "BIGINT": "9223372036854775807",
    "HUGEINT": "12",
    "DOUBLE": "0.1",
    "DATE": "'9999-12-31'",
    "TIMESTAMP": "'0001-01-01 00:00:00.000001'",
    "TIMESTAMP WITH TIME ZONE": "'2025-03-10 15:00:00.123456+02'",
}
# For each type a column of a value, of none, and of both.
QUERY = "SELECT {} FROM range($n) AS r(i)".format(
    ", ".join(
        f"CASE WHEN {kept} THEN CAST({value} AS {kind}) END AS {name}_{place}"
        for place, (kind, value) in enumerate(VALUES.items())
        for name, kept in (("all", "i >= 0"), ("no", "i < 0"), ("some", "mod(i, 2) = 1"))
    )
)


@pytest.mark.parametrize("n", [0, 1, 3000])
def test_a_frame_is_what_the_engine_makes_of_the_rows_in_our_types(n: int) -> None:
    assert list(VALUES) == list(DTYPES)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = connection.execute(QUERY, {"n": n}).df()
        types = {name: _dtype(str(name)) for name in expected}
        pd.testing.assert_frame_equal(frame(connection, QUERY, {"n": n}), expected.astype(types))


def _dtype(name: str) -> str:
    return list(DTYPES.values())[int(name.rpartition("_")[2])]


def test_instants_of_a_session_elsewhere_are_in_utc() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        found = frame(connection, "SELECT TIMESTAMPTZ '2025-03-10 15:00:00+00' AS begun")
    assert found.begun.tolist() == [pd.Timestamp("2025-03-10 15:00:00", tz="UTC")]
    assert str(found.begun.dtype) == "datetime64[us, UTC]"


def test_a_column_of_another_type_changes_none_of_the_others() -> None:
    with duckdb.connect() as connection:
        found = frame(connection, "SELECT [1, 2] AS list, 3 AS n, NULL::BOOLEAN AS flag")
    assert found.dtypes.astype(str).tolist() == ["object", "Int64", "boolean"]
    assert list(found.list[0]) == [1, 2]


@pytest.mark.parametrize("number", ["0.5", "1e30"])
def test_what_does_not_fit_is_an_error(number: str) -> None:
    query = f"SELECT {number}::DOUBLE AS n"
    with duckdb.connect() as connection, pytest.raises((TypeError, ValueError)):
        frame(connection, query, dtypes={"n": "Int64"})
