"""What a question's scope may be: windows by date and by name, values that occur, what is late."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.rows.scope import NAMED_PERIODS, named_window
from avon_analytics.appointments.source import CohortSource
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.labels import Labels
from tests.appointments.conftest import Clinic, appointments

# Windows


@pytest.mark.parametrize(("start", "end"), [("2025-03-02", "2025-03-01"), ("2025-03-01",) * 2])
def test_a_window_must_end_after_its_start(clinic: Clinic, start: str, end: str) -> None:
    with pytest.raises(UsageError, match=f"ends on {end}, which is not after its start, {start}"):
        clinic.visits(start=start, end=end)


@pytest.mark.parametrize(
    ("period", "as_of", "start", "end"),
    [
        # Thursday the 13th of March 2025, at noon
        ("last-week", "2025-03-13T12:00Z", "2025-03-03", "2025-03-10"),
        ("last-month", "2025-03-13T12:00Z", "2025-02-01", "2025-03-01"),
        ("last-quarter", "2025-03-13T12:00Z", "2024-10-01", "2025-01-01"),
        ("last-year", "2025-03-13T12:00Z", "2024-01-01", "2025-01-01"),
        ("last-12-months", "2025-03-13T12:00Z", "2024-03-01", "2025-03-01"),
        ("year-to-date", "2025-03-13T12:00Z", "2025-01-01", "2025-03-13"),
        ("next-week", "2025-03-13T12:00Z", "2025-03-17", "2025-03-24"),
        ("next-month", "2025-03-13T12:00Z", "2025-04-01", "2025-05-01"),
        ("next-month", "2024-12-13T12:00Z", "2025-01-01", "2025-02-01"),
        # The last instant of a year, and the first of the next one
        ("last-month", "2024-12-31T23:59:59Z", "2024-11-01", "2024-12-01"),
        ("last-month", "2025-01-01T00:00Z", "2024-12-01", "2025-01-01"),
        ("year-to-date", "2024-12-31T23:59:59Z", "2024-01-01", "2024-12-31"),
        ("year-to-date", "2025-01-01T00:00Z", "2024-01-01", "2025-01-01"),
        ("last-week", "2025-03-10T00:00Z", "2025-03-03", "2025-03-10"),  # a Monday
        # A date means its end, so the whole of it is over.
        ("last-month", "2025-03-31", "2025-03-01", "2025-04-01"),
        ("year-to-date", "2025-12-31", "2025-01-01", "2026-01-01"),
        ("next-week", "2025-03-16", "2025-03-17", "2025-03-24"),  # a Sunday
        ("next-week", "2025-03-17", "2025-03-24", "2025-03-31"),
        ("next-month", "2025-03-31", "2025-04-01", "2025-05-01"),
        ("next-month", "2025-04-01T00:00:00.000001Z", "2025-05-01", "2025-06-01"),
    ],
)
def test_a_window_can_be_named(
    clinic: Clinic, period: str, as_of: str, start: str, end: str
) -> None:
    clinic.tell("created", "03-01 09:00")
    visits = appointments(clinic.database, period=period, as_of=as_of)
    window = (f"planned to start on or after {start}", f"planned to start before {end}")
    assert visits.in_words() == window


def test_a_named_window_is_of_days_where_the_store_is() -> None:
    """New Year in UTC is still the 31st of December in New York."""
    new_year = datetime.fromisoformat("2025-01-01T04:59:59+00:00")
    assert named_window("last-month", new_year, "America/New_York") == (
        date(2024, 11, 1),
        date(2024, 12, 1),
    )
    assert named_window("last-month", new_year, "UTC") == (date(2024, 12, 1), date(2025, 1, 1))


def test_a_name_stands_alone(clinic: Clinic) -> None:
    with pytest.raises(UsageError, match="period"):
        clinic.visits(as_of=None, period="last-month")
    clinic.tell("created", "03-01 09:00")
    with pytest.raises(UsageError, match="in place of start and end"):
        clinic.visits(period="last-month", start="2025-01-01")
    with pytest.raises(UnknownGroup, match="Did you mean 'last-month'"):
        clinic.visits(period="last-months")
    for begun, first in (("this-month", "2025-12-01"), ("week-to-date", "2025-12-29")):
        told = f"not over. Give its first day, {first}, as start. Choices: last-week"
        with pytest.raises(UnknownGroup, match=re.escape(told)):
            clinic.visits(period=begun)
    assert set(NAMED_PERIODS) >= {"last-week", "next-month"}


# Values that occur


def a_clinic(clinic: Clinic) -> None:
    for person, first, last in (("user_1", "Jane", "Smith"), ("user_2", "Omar", "Haddad")):
        event = clinic.event("provider.updated", "01-01 00:00", person)
        clinic.add(
            "providers_versions",
            event_id=event,
            event="provider.updated",
            occurred_at=clinic.at("01-01 00:00"),
            id=person,
            first_name=first,
            last_name=last,
        )
    clinic.tell(
        "created",
        "03-01 09:00",
        host="user_1",
        attendees=["user_1", "ann"],
        appointment_type="aptp_1",
        custom={"cfld_1": '"blue"'},
    )
    clinic.tell("created", "05-01 09:00", "w", host="user_2", attendees=["user_2", "ann"])
    clinic.person("ann", state="NY", center="mdcr_1")
    with clinic.database.writing() as connection:
        connection.execute(
            "UPDATE stored.appointments_versions SET name = 'Visit of Ann' WHERE id = 'v'"
        )


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (
            {"host": "Smith"},
            "host 'Smith' occurs nowhere in the store. Nearest: 'user_1' (Jane",
        ),
        ({"host": ["user_1", "user_3"]}, "host 'user_3' occurs nowhere"),
        ({"appointment_type": "aptp_2"}, "Nearest: 'aptp_1'"),
        (
            {"medical_center": "north"},
            "occurs nowhere in the store. Nearest: 'mdcr_1'",
        ),
        ({"patient_state": "New York"}, "Nearest: 'NY'"),
        ({"interaction_type": "phone"}, "interaction_type 'phone' occurs nowhere"),
        (
            {"name": "Visit of Bob"},
            "a value given for name occurs nowhere in the store, which has 1",
        ),
        ({"custom:cfld_1": "red"}, "which has 1 value of it"),
    ],
)
def test_a_value_that_occurs_nowhere_is_an_error(
    clinic: Clinic, where: dict[str, Any], told: str
) -> None:
    a_clinic(clinic)
    with pytest.raises(UsageError) as caught:
        clinic.visits(where=where)
    assert told in str(caught.value)
    for secret in ("of Ann", "blue", "Visit of"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"weekday": "Mon"}, "'Sunday', a list of these, or None. Did you mean 'Monday'?"),
        ({"weekday": "monday"}, "Did you mean 'Monday'?"),
        ({"lead_band": "1-7 day"}, "Did you mean '1-7 days'?"),
        ({"patient_visit": "frist"}, "Did you mean 'first'?"),
        ({"weekday": "x"}, "a list of these, or None"),
        ({"self_booked": "yes"}, "self_booked is True or False, a list of these, or None"),
    ],
)
def test_a_fixed_word_that_is_misspelt_is_answered_with_the_nearest(
    clinic: Clinic, where: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        clinic.visits(where=where)
    assert str(caught.value).endswith(told)


def test_a_filter_of_rows_knows_what_outcomes_and_labels_are_called(clinic: Clinic) -> None:
    a_clinic(clinic)
    labels = Labels.read({"custom": {"cfld_1": "Plan"}, "custom:cfld_1": {"blue": "Blue plan"}})
    visits = CohortSource[Cohort](StoreEngine(clinic.database), labels).appointments()
    for where, told in (
        ({"outcome": "no-show"}, "Did you mean 'no_show'?"),
        ({"outcome": "canceled"}, "Did you mean 'cancelled'?"),
        ({"outcom": "open"}, "unknown grouping 'outcom'. Did you mean 'outcome'?"),
        ({"plan": "blue"}, "unknown grouping 'plan'. Did you mean 'custom:cfld_1'?"),
        ({"custom:cfld_1": "Blue plan"}, "is what the labels call 'blue'; give the value itself"),
    ):
        with pytest.raises(UsageError, match=re.escape(told)):
            visits.slots(where=where)
    with pytest.raises(UnknownGroup, match="Did you mean 'custom:cfld_1'"):
        visits.outcomes("Plan")


@pytest.mark.parametrize(
    ("every", "meant"),
    [("mnth", "month"), ("annual", "year"), ("Q", "quarter"), ("MS", "month"), ("daily", "day")],
)
def test_a_period_may_be_called_as_elsewhere_and_is_answered_in_our_words(
    clinic: Clinic, every: str, meant: str
) -> None:
    with pytest.raises(UnknownGroup, match=f"unknown period '{every}'. Did you mean '{meant}'"):
        clinic.visits().outcomes(every=every)
    with pytest.raises(UnknownGroup, match="Did you mean 'last-month'"):
        clinic.visits(period="previous-month")


def test_late_says_all_that_it_may_be(clinic: Clinic) -> None:
    with pytest.raises(UsageError, match="876,600, a timedelta or 'same_day'"):
        clinic.visits(late="same-day")
    with pytest.raises(UsageError, match=r"876,600, or a timedelta$"):
        clinic.visits(grace="day")


def test_whoever_gives_a_label_for_a_value_is_told_whose_it_is(clinic: Clinic) -> None:
    a_clinic(clinic)
    labels = Labels.read(
        {
            "medical_center": {"mdcr_1": "North", "mdcr_2": "North", "mdcr_3": "South"},
            "custom:cfld_1": {"blue": "Blue plan"},
        }
    )
    source = CohortSource[Cohort](StoreEngine(clinic.database), labels)
    for where, told in (
        ({"medical_center": "South"}, "'South' is what the labels call 'mdcr_3'; give the value"),
        ({"medical_center": "North"}, "what the labels call 'mdcr_1' and 'mdcr_2'; give"),
        ({"medical_center": "Nort"}, "occurs nowhere in the store. Nearest: 'mdcr_1' (North"),
        ({"custom:cfld_1": "Blue plan"}, "is what the labels call 'blue'; give the value itself"),
        ({"custom:cfld_1": "red"}, "which has 1 value of it"),
    ):
        with pytest.raises(UsageError, match=re.escape(told)):
            source.appointments(where=where)


@pytest.mark.parametrize(
    "where",
    [
        {"host": None},
        {"host": []},
        {"host": "user_2"},  # known to the store, though not yet at T
        {"weekday": "Sunday"},
        {"hour": 3},
        {"group": True},
        {"lead_band": "over 90 days"},
        {"patient_visit": "returning"},
        {"custom:cfld_1": None},
    ],
)
def test_what_may_be_and_is_not_is_an_empty_figure(clinic: Clinic, where: dict[str, Any]) -> None:
    a_clinic(clinic)
    assert len(clinic.visits(as_of=clinic.at("04-01 00:00"), where=where).slots()) == 0


# First visits


def test_patient_visit(clinic: Clinic) -> None:
    clinic.tell("created", "01-05 09:00", "first event", start=None, attendees=["dr"])
    clinic.person("new", "02-01 09:00", created_at=clinic.at("02-01 09:00"))
    clinic.person("old", "02-01 09:00", created_at=clinic.at("01-05 08:59"))
    clinic.person("eve", "02-01 09:00", created_at=clinic.at("01-05 09:00"))

    def visit(name: str, patient: str | None, day: str, end: str) -> None:
        start = f"{day} 15:00"
        attendees = ["dr"] if patient is None else ["dr", patient]
        clinic.tell("created", "02-01 09:00", name, start=start, attendees=attendees)
        clinic.tell(end, f"{day} 16:00", name, start=start, attendees=attendees)

    for patient in ("new", "old", "eve", "untold"):
        visit(f"{patient} 1", patient, "03-10", "no_show")
        visit(f"{patient} 2", patient, "03-11", "completed")
        visit(f"{patient} 3", patient, "03-12", "completed")
    visit("nobody", None, "03-13", "completed")
    visits = clinic.visits(start="2025-03-01", end="2025-04-01")
    rows = visits.outcomes("patient_visit").set_index("patient_visit", drop=False)
    assert list(rows.patient_visit.fillna("missing")) == [
        "first",
        "returning",
        "unknown",
        "missing",
    ]
    # Of each patient the first two are before or at the first attended start.
    assert list(rows.n_slots) == [4, 4, 4, 1]
    assert list(rows.n_no_show) == [2, 0, 2, 0]
    assert list(visits.funnel("patient_visit").n_reached[::3]) == [4, 4, 4, 1]
    # The whole store is looked into, whatever the window; and of the figure T decides.
    late = clinic.visits(start="2025-03-12", where={"patient_visit": "returning"})
    assert sorted(late.slots().patient_id) == ["eve", "new", "old", "untold"]
    early = clinic.visits(as_of=clinic.at("03-11 15:30")).outcomes("patient_visit")
    assert "returning" not in set(early.patient_visit.dropna())


# Late


def test_late_can_be_the_day_of_the_start(clinic: Clinic) -> None:
    """The visit is at 09:00 of the 10th in New York, 13:00 in UTC."""
    told = [
        ("a", "03-10 03:59", False),  # still the 9th in New York
        ("b", "03-10 04:01", True),
        ("c", "03-10 12:00", True),
        ("d", "03-11 09:00", True),
        ("e", "03-08 09:00", False),
    ]
    for name, when, _ in told:
        more: dict[str, Any] = {"start": "03-10 13:00", "timezone": "America/New_York"}
        clinic.tell("created", "02-01 09:00", name, **more)
        clinic.tell("cancelled", when, name, **more)
    visits = clinic.visits(late="same_day")
    slots = visits.slots().set_index("appointment_id")
    assert slots.is_late.to_dict() == {name: late for name, _, late in told}
    (row,) = visits.cancellations().to_dict("records")
    assert (row["n_late"], row["late_share_n"]) == (3, 5)
    assert (
        "on the local day of the start, or after it" in visits.cancellations().attrs["definition"]
    )
    assert clinic.visits(late=24).cancellations().n_late[0] == 4
    with pytest.raises(UsageError, match="late"):
        clinic.visits(late="same day")


def test_a_time_between_stages_that_is_negative_is_in_no_median(clinic: Clinic) -> None:
    for name, booked, started in (
        ("a", "03-10 14:00", "03-10 15:00"),
        ("b", "03-10 12:00", "03-10 15:00"),
        ("c", "03-10 18:00", "03-10 15:00"),  # entered afterwards
    ):
        clinic.tell("created", booked, name)
        clinic.tell("started", started, name)
    funnel = clinic.visits().funnel().set_index("stage")
    assert funnel.n_reached["started"] == 3
    assert funnel.median_hours_from_previous["started"] == 2.0
    assert pd.isna(funnel.median_hours_from_previous["completed"])


# Leads


def test_within_share_is_of_those_whose_days_are_over(clinic: Clinic) -> None:
    def visit(name: str, booked: str, start: str, end: str | None = "completed") -> None:
        clinic.tell("created", f"{booked} 09:00", name, start=f"{start} 15:00")
        if end is not None:
            clinic.tell(end, f"{start} 15:40", name, start=f"{start} 15:00")

    visit("last day", "03-01", "03-08")
    visit("a day late", "03-01", "03-09")
    visit("missed", "03-01", "03-05", "no_show")
    visit("called off", "03-01", "03-05", "cancelled")
    visit("same day", "03-02", "03-02")
    visit("entered later", "03-03", "03-02")
    visit("too young", "03-10", "03-11")
    visit("still to come", "03-01", "04-20", None)
    # T less the grace is on the 17th: the seven days of the 10th are not over.
    visits = clinic.visits(as_of=clinic.at("03-18 12:00"))
    (row,) = visits.lead_times(within=7).to_dict("records")
    assert (row["n_appointments"], row["n_followed"], row["n_within"]) == (8, 7, 3)
    assert row["within_share"] == pytest.approx(3 / 7)
    later = clinic.visits(as_of=clinic.at("03-19 00:00"))
    (row,) = later.lead_times(within=7).to_dict("records")
    assert (row["n_followed"], row["n_within"]) == (8, 4)
    assert visits.lead_times(within=0).n_within[0] == 2
    assert visits.lead_times(within=8).n_within[0] == 4
    for wrong in (-1, 1.5, "two"):
        with pytest.raises(UsageError, match="within"):
            visits.lead_times(within=wrong)  # type: ignore[arg-type]


def test_days_are_over_when_they_are_over_where_the_visit_is(clinic: Clinic) -> None:
    """T less the grace is 10:30 of the 18th in UTC, half past midnight of the 19th on Kiritimati
    and half an hour before the end of the 17th in Pago Pago."""
    zones = (
        ("a", "Pacific/Kiritimati", "00"),
        ("b", "UTC", "12"),
        ("c", "Pacific/Pago_Pago", "15"),
    )
    for host, zone, hour in zones:
        for day in ("09", "10", "11", "12"):
            name = f"{host}{day}"
            clinic.tell("created", f"03-{day} {hour}:00", name, host=host, timezone=zone)
    visits = clinic.visits(as_of=clinic.at("03-19 10:30"))
    found = visits.lead_times(by="host", within=7)
    assert found.n_appointments.tolist() == [4, 4, 4]
    assert found.n_followed.tolist() == [3, 2, 1]


def test_a_window_of_lead_times_is_one_of_bookings(clinic: Clinic) -> None:
    for name, booked, start in (
        ("a", "03-05", "03-10"),
        ("b", "03-06", "05-06"),
        ("c", "02-20", "03-12"),
    ):
        clinic.tell("created", f"{booked} 09:00", name, start=f"{start} 15:00")
    for on in ("start", "booked"):
        visits = clinic.visits(start="2025-03-01", end="2025-04-01", on=on)
        (row,) = visits.lead_times().to_dict("records")
        assert (row["n_appointments"], row["median_lead_days"]) == (2, (5 + 61) / 2)
