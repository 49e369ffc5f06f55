"""What Avon sends, in every generation, as the contract reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from avon_analytics.contract import EVENTS, OBJECTS
from avon_analytics.contract.event import SAME_EVENT, Event
from avon_analytics.contract.model import AvonObject
from avon_analytics.contract.values import as_date, as_id, as_instant

PLANTED = "Zebedee Quillfeather"
MOMENT = datetime(2024, 2, 22, 20, 9, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spelling", "micros"),
    [
        (1708632586000, 0),
        (1708632586000.0, 0),
        ("1708632586000", 0),
        ("2024-02-22T20:09:46Z", 0),
        ("2024-02-22T20:09:46.206Z", 206_000),
        ("2024-02-22T20:09:46.999+00:00", 999_000),
        ("2024-02-22T20:09:46.99+00:00", 990_000),
        ("2024-02-22T15:09:46-05:00", 0),
        ("2024-02-23T01:39:46+0530", 0),
        ("2024-02-22 20:09:46.1234567Z", 123_456),
    ],
)
def test_instants(spelling: Any, micros: int) -> None:
    assert as_instant(spelling) == MOMENT.replace(microsecond=micros)


@pytest.mark.parametrize(
    "spelling",
    ["2024-02-22T20:09:46", "2024-02-30T00:00:00Z", "soon", True, 10**15, 1.5, {}, [], ""],
)
def test_no_instant_is_guessed(spelling: Any) -> None:
    with pytest.raises(ValueError, match="epoch milliseconds or ISO 8601 with an offset"):
        as_instant(spelling)


@pytest.mark.parametrize(
    "spelling",
    [
        {"year": 1980, "month": 1, "day": 2},
        "1980-01-02",
        "1980-01-02T00:00:00.000Z",
        "1980-01-02T23:59:59-11:00",
        315619200000,
    ],
)
def test_dates_of_birth(spelling: Any) -> None:
    assert as_date(spelling) == date(1980, 1, 2)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("user_abc", "user_abc"),
        ("abc", "user_abc"),
        ("user_null", None),
        ("dtmp_null", None),
        (None, None),
        ("", None),
        ("sprt_abc", "sprt_abc"),
        (5, "user_5"),
    ],
)
def test_ids(spelling: Any, expected: str | None) -> None:
    assert as_id(spelling, "user") == expected


def test_a_patient_of_the_guide() -> None:
    patient = OBJECTS["patient"].model_validate(
        {
            "id": "user_Z1",
            "object": "patient",
            "date_of_birth": {"year": 1980, "month": 1, "day": 1},
            "caregiver": "user_null",
            "medical_centers": ["mctr_X"],
            "addresses": [{"city": "Avon", "state": "CT"}],
            "custom_data": [{"key": "cfld_F", "value": "Routine Care"}],
            "status_history": [{"status": "active", "changed_at": 1708632586000}],
            "caregivers": ["C1", {"id": "user_C2", "relation": "mother"}],
            "race": None,
        }
    )
    told = patient.model_dump(exclude_unset=True)
    assert told["date_of_birth"] == date(1980, 1, 1)
    assert told["caregiver"] is None
    assert [person["id"] for person in told["caregivers"]] == ["user_C1", "user_C2"]
    assert told["race"] == []


@pytest.mark.parametrize("empty", [None, [], {}])
def test_missing_lists_are_empty(empty: Any) -> None:
    content = {"id": "1", "custom_data": empty, "attendees": empty}
    visit = OBJECTS["appointment"].model_validate(content)
    assert visit.model_dump()["custom_data"] == visit.model_dump()["attendees"] == []


@pytest.mark.parametrize("object_type", OBJECTS)
def test_every_type_keeps_what_it_does_not_know(object_type: str) -> None:
    found = OBJECTS[object_type].model_validate({"id": "1", "brand_new": {"a": 1}})
    assert found.model_extra == {"brand_new": {"a": 1}}


@pytest.mark.parametrize("object_type", OBJECTS)
@pytest.mark.parametrize("content", [{}, {"id": None}, {"id": "user_null"}, {"id": [PLANTED]}])
def test_an_object_has_an_id(object_type: str, content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        OBJECTS[object_type].model_validate(content)
    assert [error["loc"] for error in caught.value.errors()] == [("id",)]


def test_an_error_tells_the_path_and_never_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        OBJECTS["appointment"].model_validate(
            {"id": "1", "start_time": PLANTED, "attendees": [{"no_show": PLANTED}], "location": 3}
        )
    found = caught.value.errors(include_input=False, include_context=False, include_url=False)
    assert [error["loc"] for error in found] == [
        ("start_time",),
        ("location",),
        ("attendees", 0, "no_show"),
    ]
    assert PLANTED not in str(caught.value) + repr(caught.value) + repr(found)


def test_events() -> None:
    assert Event.model_validate({"event": "a.b", "object": {}}).created_at is None
    cases: tuple[dict[str, Any], ...] = (
        {"object": {}},
        {"event": "", "object": {}},
        {"event": "a.b", "object": []},
    )
    for wrong in cases:
        with pytest.raises(ValidationError):
            Event.model_validate(wrong)
    assert set(SAME_EVENT) | set(SAME_EVENT.values()) <= EVENTS


def test_a_model_without_what_every_object_has_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="Referral lacks the field id and last_updated_at"):

        class Referral(AvonObject):
            object_type: ClassVar[str] = "referral"
            table: ClassVar[str] = "referrals"
