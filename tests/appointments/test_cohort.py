"""The scope of a cohort: window, groupings, instant, and what comes with a figure."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.errors import StaleCohort, StoreError, UnknownGroup, UsageError
from avon_analytics.store.database import Database
from tests.appointments.conftest import appointments

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


FIGURES = (
    *("outcomes", "funnel", "cancellations", "reschedules"),
    *("lead_times", "rebooking", "incidence", "punctuality"),
)


def days(clinic: Clinic, **scope: Any) -> list[int]:
    return [start.day for start in clinic.slots(**scope).start_at]


def four_days(clinic: Clinic) -> None:
    for day in (1, 2, 3, 4):
        start = f"03-0{day} 02:00"
        clinic.tell("created", f"02-0{day} 02:00", f"v{day}", start=start)


def test_a_window_is_half_open(clinic: Clinic) -> None:
    four_days(clinic)
    assert days(clinic, start="2025-03-02", end="2025-03-04") == [2, 3]
    assert days(clinic, start=date(2025, 3, 3)) == [3, 4]
    assert days(clinic, end=datetime(2025, 3, 2)) == [1]  # noqa: DTZ001
    assert days(clinic, end=pd.Timestamp("2025-03-02")) == [1]
    assert days(clinic, start="2025-03-05", end="2025-03-06") == []


def test_a_window_is_of_local_days(clinic: Clinic) -> None:
    clinic.tell("created", "02-01 02:00", start="03-01 02:00", timezone="America/New_York")
    assert days(clinic, start="2025-03-01") == []
    assert days(clinic, end="2025-03-01") == [1]


def test_a_window_can_be_of_bookings(clinic: Clinic) -> None:
    four_days(clinic)
    clinic.tell("updated", "03-01 02:00", "never booked", start="03-05 02:00")
    assert days(clinic, on="booked", start="2025-02-02", end="2025-02-04") == [2, 3]
    rows = clinic.visits(on="booked").outcomes(every="month")
    assert list(rows.period_on) == [pd.Timestamp("2025-02-01"), pd.NaT]
    assert list(rows.n_slots) == [4, 1]


@pytest.mark.parametrize(
    ("every", "first"),
    [
        ("day", "2025-03-05"),
        ("week", "2025-03-03"),
        ("month", "2025-03-01"),
        ("quarter", "2025-01-01"),
        ("year", "2025-01-01"),
    ],
)
def test_periods(clinic: Clinic, every: str, first: str) -> None:
    clinic.tell("created", "03-01 09:00", start="03-05 15:00")
    assert clinic.visits().outcomes(every=every).period_on[0] == pd.Timestamp(first)
    assert clinic.visits().cancellations(every=every).period_on[0] == pd.Timestamp(first)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2025-03-10", "2025-03-11T04:00:00+00:00"),
        (date(2025, 11, 2), "2025-11-03T05:00:00+00:00"),
        ("2025-03-10T12:00:00Z", "2025-03-10T12:00:00+00:00"),
        (datetime(2025, 3, 10, 12, tzinfo=UTC), "2025-03-10T12:00:00+00:00"),
    ],
)
def test_as_of_is_an_instant_or_the_end_of_a_day_where_the_store_is(
    as_of: Any, expected: str
) -> None:
    database = Database(":memory:", time_zone="America/New_York")
    visits = appointments(database, as_of=as_of)
    assert visits.as_of == datetime.fromisoformat(expected)
    assert visits.outcomes().attrs["as_of"] == expected
    database.close()


def test_as_of_is_the_newest_event_that_is_not_from_the_future(clinic: Clinic) -> None:
    assert clinic.visits(as_of=None).as_of is None
    clinic.tell("created", "03-01 09:00")
    clinic.person("ann", when="03-02 09:00")
    clinic.tell("updated", "03-03 09:00", received="03-02 09:00")
    clinic.tell("updated", "03-04 09:00", received="03-03 08:59")
    assert clinic.visits(as_of=None).as_of == clinic.at("03-03 09:00")


def test_a_cohort_answers_from_one_state_of_the_store_or_not_at_all(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00")
    visits = clinic.visits(as_of=None)
    assert visits.outcomes().n_slots[0] == 1
    clinic.tell("created", "02-28 09:00", "w")
    clinic.flush()
    for ask in (visits.outcomes, visits.incidence, visits.slots, visits.n_patients):
        with pytest.raises(StaleCohort, match="has changed since this cohort was made: make it"):
            ask()
    assert clinic.visits(as_of=None).outcomes().n_slots[0] == 2
    assert visits.as_of == clinic.at("03-01 09:00")
    assert "make it anew with appointments()" in repr(visits)
    assert "make it anew with appointments()" in visits._repr_html_()


# Groupings


def test_every_grouping_divides_every_figure(clinic: Clinic) -> None:
    four_days(clinic)
    clinic.person("ann", custom={"cfld_1": '"plan b"'})
    visits = clinic.visits()
    for name in [*GROUPINGS, "custom:cfld_1"]:
        for rows in (visits.outcomes(name), visits.cancellations(name)):
            assert rows.columns[0] == name
            assert rows.filter(regex="^n_").iloc[:, 0].sum() == 4
        assert visits.funnel([name]).n_reached[0::3].sum() == 4
        for rows in (visits.reschedules(name), visits.lead_times(name)):
            assert rows.columns[0] == name
            assert rows.filter(regex="^n_").iloc[:, 0].sum() == 4
        incidence = visits.incidence(name)
        assert incidence.groupby("cause").n_at_risk.max().ge(1).all()
        for rows in (incidence, visits.rebooking(name), visits.punctuality(name)):
            assert rows.columns[0] == name


def test_groups_are_ordered_and_missing_comes_last(clinic: Clinic) -> None:
    for number, (host, day) in enumerate(
        [("el", "03-10"), (None, "03-11"), ("dr", "03-16"), ("dr", "03-10")]
    ):
        clinic.tell("created", "03-01 09:00", f"v{number}", host=host, start=f"{day} 15:00")
    rows = clinic.visits().outcomes(["host", "weekday"])
    assert list(rows.weekday) == ["Monday", "Sunday", "Monday", "Tuesday"]
    assert list(rows.host)[:3] == ["dr", "dr", "el"]
    assert pd.isna(rows.host[3])


def test_bands_and_flags(clinic: Clinic) -> None:
    clinic.person("ann", date_of_birth=date(2007, 3, 11))
    clinic.tell("created", "03-09 15:00", generated_from_type="rule", group=False)
    (row,) = (
        clinic.visits()
        .outcomes(["lead_band", "patient_age_band", "hour", "self_booked", "group", "recurring"])
        .to_dict("records")
    )
    assert list(row.values())[:6] == ["1-7 days", "0-17", 15, True, False, False]


def test_custom_fields_are_of_the_visit_or_the_patient_as_last_told(clinic: Clinic) -> None:
    clinic.person("ann", when="01-01 00:00", custom={"cfld_1": '"old"'})
    clinic.person("ann", when="02-01 00:00", custom={"cfld_1": '"new"'})
    clinic.person("ann", when="04-01 00:00", custom={"cfld_1": "3"})
    clinic.tell("created", "03-01 09:00", "v1")
    clinic.tell("created", "03-01 09:00", "v2", custom={"cfld_1": "true", "cfld_2": "null"})
    name = "custom:cfld_1"
    assert list(clinic.visits().outcomes(name)[name]) == ["3", "true"]
    early = clinic.visits(as_of=clinic.at("03-02 00:00"), where={name: "new"})
    assert list(early.slots().appointment_id) == ["v1"]
    both = early.outcomes(["custom:cfld_2", name])
    labelled = ["custom:cfld_2", "custom:cfld_2_name", name, f"{name}_name"]
    assert list(both.columns[:4]) == labelled
    assert pd.isna(both["custom:cfld_2"][0])


def test_a_custom_field_that_was_emptied_is_missing(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", attendees=["dr", "ann"])
    clinic.person("ann", when="02-01 00:00", custom={"cfld_1": '"gold"'})
    clinic.person("ann", when="02-02 00:00", custom={"cfld_1": '""'})
    clinic.person("ann", when="03-02 00:00", custom={"cfld_1": "null"})
    name = "custom:cfld_1"
    assert list(clinic.visits(as_of="03-01 12:00").outcomes(name)[name]) == [""]
    assert pd.isna(clinic.visits(as_of="03-03 00:00").outcomes(name)[name]).all()


def test_an_unknown_grouping_lists_the_choices(clinic: Clinic) -> None:
    clinic.person("ann", custom={"cfld_1": '"x"'})
    visits = clinic.visits()
    for ask in (
        lambda: visits.outcomes("hosts"),
        lambda: visits.funnel(["host", "hosts"]),
        lambda: clinic.visits(where={"hosts": "dr"}),
    ):
        with pytest.raises(UnknownGroup, match=r"Did you mean 'host'.*weekday.*custom:cfld_1"):
            ask()
    for decided in ("reason", "cancelled_by", "notice_band"):
        visits.cancellations(decided)
        with pytest.raises(UnknownGroup):
            visits.outcomes(decided)
        for ask in (visits.funnel, visits.reschedules, visits.lead_times, visits.rebooking):
            with pytest.raises(UnknownGroup):
                ask(decided)
        for ask in (visits.incidence, visits.punctuality):
            with pytest.raises(UnknownGroup):
                ask(decided)
    with pytest.raises(UnknownGroup, match="day, week, month, quarter, year"):
        visits.outcomes(every="fortnight")
    with pytest.raises(UnknownGroup, match="completed, booked"):
        visits.outcomes(basis="all")
    with pytest.raises(UnknownGroup, match="appointment, slot"):
        visits.funnel(unit="patient")
    with pytest.raises(UnknownGroup, match="start, booked"):
        clinic.visits(on="end")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"host": "dr"}, ["a"]),
        ({"host": ["dr", "el"]}, ["a", "b"]),
        ({"host": None}, ["c"]),
        ({"host": ["el", None], "hour": 15}, ["b", "c"]),
        ({"host": []}, []),
        ({"weekday": "Monday", "group": False}, []),
    ],
)
def test_where(clinic: Clinic, where: dict[str, Any], found: list[str]) -> None:
    for name, host in (("a", "dr"), ("b", "el"), ("c", None)):
        clinic.tell("created", "03-01 09:00", name, host=host, attendees=["ann"])
    visits = clinic.visits(where=where)
    assert list(visits.slots().appointment_id) == found
    assert list(visits.lifecycle().appointment_id) == found


@pytest.mark.parametrize(
    "where",
    [
        {"hour": "three"},
        {"hour": 24},
        {"hour": -1},
        {"group": 1},
        {"weekday": "Mon"},
        {"host": 5},
        {"hour": True},
    ],
)
def test_a_value_that_a_grouping_cannot_have(clinic: Clinic, where: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(where))):
        clinic.visits(where=where)


@pytest.mark.parametrize(
    "scope",
    [
        {"start": "soon"},
        {"start": "2025-01-01T12:00"},
        {"end": datetime(2025, 1, 1, tzinfo=UTC)},
        {"as_of": "2025-01-01T12:00"},
        {"as_of": "yesterday"},
        {"as_of": "9999-12-31"},
        {"status_words": {"dna": "missed"}},
    ],
)
def test_what_cannot_be_is_a_usage_error(clinic: Clinic, scope: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        appointments(clinic.database, **scope)


def test_without_a_store_there_is_an_error_and_no_file(tmp_path: Any) -> None:
    with pytest.raises(StoreError):
        appointments(Database(tmp_path / "none.duckdb"))
    assert list(tmp_path.iterdir()) == []


def test_what_was_computed_outlives_a_reading_of_a_file(tmp_path: Any) -> None:
    database = Database(tmp_path / "store.duckdb")
    with database.writing() as connection:
        connection.execute("INSERT INTO loads (load_id) VALUES (1)")
    visits = appointments(database)
    assert len(visits.outcomes()) == len(visits.slots()) == 0
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO stored.appointments_versions "
            "(event_id, event, occurred_at, id, start_time) "
            "VALUES ('e', 'appointment.created', '2025-01-01 00:00:00Z', 'v', "
            "'9999-12-31 23:00:00Z')"
        )
        connection.execute("INSERT INTO loads (load_id) VALUES (2)")
    (row,) = appointments(database, as_of="2025-02-01").outcomes(every="year").to_dict("records")
    assert (row["n_not_due"], row["is_mature"]) == (1, False)
    database.close()


# What comes with a figure


def test_attributes(clinic: Clinic) -> None:
    clinic.tell("created", "03-01 09:00", "v")
    clinic.tell("updated", "03-02 09:00", "v", signature="unsigned")
    clinic.tell("updated", "03-03 09:00", "v", signature="mismatch")
    clinic.tell("updated", "03-01 09:00", "w", host="el", signature="unchecked")
    clinic.tell("updated", "04-01 09:00", "v", signature="unsigned")
    visits = clinic.visits(as_of=clinic.at("03-05 00:00"), where={"host": "dr"})
    for figure in FIGURES:
        rows = getattr(visits, figure)()
        assert rows.attrs["n_unverified_events"] == 2
        assert rows.attrs["as_of"] == "2025-03-05T00:00:00+00:00"
        assert len(rows.attrs["definition"]) > 80
        assert "{" not in rows.attrs["definition"]
        assert json.loads(json.dumps(rows.attrs)) == rows.attrs


def test_a_cohort_shows_its_scope(clinic: Clinic) -> None:
    four_days(clinic)
    visits = clinic.visits(start="2025-03-02", where={"host": "dr"})
    assert (
        repr(visits)
        == """Cohort
  holds         planned to start on or after 2025-03-02; host is dr
  as of         2025-12-31 00:00 UTC
  appointments  3
  slots         3"""
    )
    clinic.tell("created", "02-28 09:00", "x", custom={"cfld_<b>": '"x"'})
    html = clinic.visits(where={"custom:cfld_<b>": "x"})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "<script" not in html


def test_a_cohort_does_not_change(clinic: Clinic) -> None:
    visits = clinic.visits()
    with pytest.raises(AttributeError):
        visits.min_count = 5  # type: ignore[misc]
