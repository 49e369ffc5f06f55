"""Custom fields, wide: rows, columns, types read off the values, names that a user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.appointments.custom_fields import custom_fields
from avon_analytics.errors import UnknownGroup, UsageError

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def values(data: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in data[column]]


def test_one_row_for_each_patient_and_one_column_for_each_key(clinic: Clinic) -> None:
    clinic.person("bob", custom={"cfld_b": '"x"', "cfld_a": "1"})
    clinic.person("ann", custom={"cfld_b": '"y"'})
    clinic.person("cid")
    clinic.person("mum", caregiver_only=True, custom={"cfld_b": '"z"'})
    data = custom_fields(clinic.database)
    assert list(data.columns) == ["patient_id", "cfld_a", "cfld_b"]
    assert list(data.patient_id) == ["ann", "bob", "cid"]
    assert values(data, "cfld_a") == [None, 1.0, None]
    assert values(data, "cfld_b") == ["y", "x", None]


@pytest.mark.parametrize(
    ("told", "dtype", "expected"),
    [
        (["1", "-2.5", "null"], "float64", [1.0, -2.5, None]),
        (["1", '"2"', "3"], "float64", [1.0, 2.0, 3.0]),  # old deliveries tell text
        (['"00123"', '"7"', "8"], "str", ["00123", "7", "8"]),  # a code, no number
        (['"1e5"', '"1"', "2"], "str", ["1e5", "1", "2"]),
        (["true", '"false"', "null"], "boolean", [True, False, None]),
        (["true", "1", "null"], "str", ["true", "1", None]),
        (
            ['"2025-01-31"', '"2024-02-29"', "null"],
            "datetime64[us]",
            [pd.Timestamp("2025-01-31"), pd.Timestamp("2024-02-29"), None],
        ),
        (['"2025-02-30"', '"2024-02-29"', "null"], "str", ["2025-02-30", "2024-02-29", None]),
        (['"é"', '["a", 1]', '{"k": null}'], "str", ["é", '["a", 1]', '{"k": null}']),
        (["null", "null", "null"], "str", [None, None, None]),
    ],
)
def test_types_are_read_off_the_values(
    clinic: Clinic, told: list[str], dtype: str, expected: list[Any]
) -> None:
    for person, value in zip("abc", told, strict=True):
        clinic.person(person, custom={"cfld_1": value})
    data = custom_fields(clinic.database)
    assert str(data.cfld_1.dtype) == dtype
    assert values(data, "cfld_1") == expected


def test_the_value_told_last_counts_as_of_an_instant(clinic: Clinic) -> None:
    clinic.person("ann", when="01-01 00:00", custom={"cfld_1": "1", "cfld_2": "1"})
    clinic.person("ann", when="02-01 00:00", custom={"cfld_1": "2"})
    clinic.person("ann", when="03-01 00:00", custom={"cfld_1": "3", "cfld_3": "1"})
    clinic.person("bob", when="03-01 00:00")
    data = custom_fields(clinic.database, as_of="2025-02-02")
    assert data.to_dict("list") == {"patient_id": ["ann"], "cfld_1": [2.0], "cfld_2": [1.0]}


def test_other_objects_have_custom_fields_too(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", "w", custom={"cfld_1": '"x"'})
    clinic.tell("created", "03-01 09:00", "v")
    data = custom_fields(clinic.database, "appointment")
    assert list(data.appointment_id) == ["v", "w"]
    assert values(data, "cfld_1") == [None, "x"]
    assert list(custom_fields(clinic.database, "support").columns) == ["support_id"]
    with pytest.raises(UnknownGroup, match="patient, appointment, provider, support"):
        custom_fields(clinic.database, "message")


def test_names_are_given_by_the_user_and_may_not_collide(clinic: Clinic) -> None:
    clinic.person("ann", custom={"cfld_1": "1", "cfld_2": "2", "cfld_3": "3"})
    data = custom_fields(clinic.database, names={"cfld_1": "Referral source", "cfld_9": "unused"})
    assert list(data.columns) == ["patient_id", "Referral source", "cfld_2", "cfld_3"]
    for names in (
        {"cfld_1": "Source", "cfld_3": "Source"},
        {"cfld_1": "cfld_3"},
        {"cfld_1": "patient_id"},
    ):
        with pytest.raises(UsageError, match=r"cfld_1.*name of its own"):
            custom_fields(clinic.database, names=names)


def test_an_empty_store_has_no_rows(clinic: Clinic) -> None:
    data = custom_fields(clinic.database)
    assert (list(data.columns), len(data)) == (["patient_id"], 0)
