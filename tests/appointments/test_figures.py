"""outcomes, funnel, cancellations: counts and shares worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from avon_analytics.appointments.cohort import Cohort
from tests.frames import column_names, records

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def a_month(clinic: Clinic) -> None:
    """Ten visits of March (all due but the last) and one of April, by two hosts.

    March: dr attended 2 (one started only), no-show 1, cancelled by the patient 24 h before 1 and
    by the host after the start 1; el attended 1, unresolved 1, moved 1 (to April, attended),
    cancelled by nobody known 1 with 5 h of notice; not due 1.
    """

    def tell(visit: str, event: str, when: str, day: str, host: str = "dr", **more: Any) -> None:
        clinic.tell(
            event, when, visit, start=f"{day} 15:00", attendees=[host, "ann"], host=host, **more
        )

    for number in range(1, 11):
        host = "dr" if number <= 5 else "el"
        day = "03-31" if number == 10 else f"03-{number:02}"
        tell(f"v{number}", "created", "02-01 15:00", day, host)
    tell("v1", "started", "03-01 15:00", "03-01")
    tell("v1", "completed", "03-01 15:30", "03-01")
    tell("v2", "started", "03-02 16:00", "03-02")
    tell("v3", "completed", "03-03 15:30", "03-03", history=[("no_show", "03-03 16:00")])
    tell("v4", "cancelled", "03-03 15:01", "03-04", history=[("cancelled", "03-03 15:00", "ann")])
    tell("v5", "started", "03-05 15:00", "03-05")
    tell("v5", "cancelled", "03-05 15:10", "03-05", history=[("cancelled", "03-05 15:09", "dr")])
    tell("v6", "completed", "03-06 15:20", "03-06", "el")
    tell("v8", "rescheduled", "03-07 15:00", "04-01", "el")
    tell("v8", "completed", "04-01 15:30", "04-01", "el")
    tell("v9", "cancelled", "03-09 10:00", "03-09", "el")


AS_OF = "04-01 15:29"  # a minute before the grace of the 31st of March is over


def without_intervals(rows: pd.DataFrame) -> list[dict[str, Any]]:
    shown = [name for name in column_names(rows) if not name.endswith(("_low", "_high"))]
    return records(rows[shown])


def test_outcomes_by_month(clinic: Clinic) -> None:
    a_month(clinic)
    march, april = without_intervals(clinic.visits(as_of=clinic.at(AS_OF)).outcomes(every="month"))
    assert march == {
        "period_on": pd.Timestamp("2025-03-01"),
        "n_slots": 10,
        "n_not_due": 1,
        "n_attended": 3,
        "n_no_show": 1,
        "n_cancelled": 3,
        "n_cancelled_by_patient": 1,
        "n_cancelled_by_provider": 1,
        "n_cancelled_by_unknown": 1,
        "n_rescheduled": 1,
        "n_unresolved": 1,
        "no_show_share": 1 / 4,
        "no_show_share_n": 4,
        "attended_share": 3 / 8,
        "attended_share_n": 8,
        "cancelled_share": 3 / 8,
        "cancelled_share_n": 8,
        "is_mature": False,
        "is_whole": True,
        "no_show_share_if_all_unresolved_missed": 2 / 5,
        "no_show_share_if_all_unresolved_attended": 1 / 5,
    }
    assert (april["n_slots"], april["n_not_due"], april["is_mature"]) == (1, 1, False)
    assert pd.isna(april["no_show_share"])


def test_the_booked_basis_divides_by_all_due_slots_that_were_not_moved(clinic: Clinic) -> None:
    a_month(clinic)
    (row,) = clinic.visits(as_of=clinic.at(AS_OF)).outcomes(basis="booked").to_dict("records")
    assert (row["no_show_share"], row["no_show_share_n"]) == (1 / 8, 8)
    assert row["attended_share"] == 3 / 8
    assert row["no_show_share_if_all_unresolved_missed"] == 2 / 8
    assert row["no_show_share_if_all_unresolved_attended"] == 1 / 8


@pytest.mark.parametrize(
    ("as_of", "end", "every", "mature"),
    [
        ("04-01 23:59", None, "month", False),
        ("04-02 00:00", None, "month", True),
        ("04-02 00:00", "2025-04-02", None, False),
        ("04-03 00:00", "2025-04-02", None, True),
        ("04-02 00:00", None, "quarter", True),
        ("04-02 00:00", None, "year", False),
        ("04-07 23:59", None, "week", False),  # the week of the 31st ends with the 6th of April
        ("04-08 00:00", None, "week", True),
    ],
)
def test_a_period_is_mature_when_it_and_the_grace_are_over(
    clinic: Clinic, as_of: str, end: str | None, every: str | None, mature: bool
) -> None:
    a_month(clinic)
    visits = clinic.visits(as_of=clinic.at(as_of), end=end, where={"host": "el"})
    rows = visits.outcomes(every=every)
    if every is not None:
        rows = rows[rows.period_on < "2025-04-01"]
    assert rows.is_mature.iloc[-1] == mature


def test_funnel(clinic: Clinic) -> None:
    a_month(clinic)
    booked, started, completed = without_intervals(clinic.visits(as_of=clinic.at(AS_OF)).funnel())
    assert pd.isna(booked.pop("previous_share"))
    assert pd.isna(booked.pop("median_hours_from_previous"))
    assert pd.isna(booked.pop("p90_hours_from_previous"))
    assert booked == {
        "step": 1,
        "stage": "booked",
        "n_reached": 10,
        "n_observed": 10,
        "n_inferred": 0,
        "first_share": 1,
        "first_share_n": 10,
        "previous_share_n": 0,
        "n_cancelled": 2,
        "n_no_show": 1,
        "n_rescheduled": 0,
        "n_unresolved": 1,
        "n_open": 2,
    }
    # Booked on the 1st of February, 15:00; started 672, 697 and 768 hours later.
    assert started == {
        "step": 2,
        "stage": "started",
        "n_reached": 4,
        "n_observed": 3,
        "n_inferred": 1,
        "first_share": 0.4,
        "first_share_n": 10,
        "previous_share": 0.4,
        "previous_share_n": 10,
        "median_hours_from_previous": 697,
        "p90_hours_from_previous": pytest.approx(697 + 0.8 * 71),
        "n_cancelled": 1,
        "n_no_show": 0,
        "n_rescheduled": 0,
        "n_unresolved": 1,
        "n_open": 0,
    }
    assert completed == {
        "step": 3,
        "stage": "completed",
        "n_reached": 2,
        "n_observed": 2,
        "n_inferred": 0,
        "first_share": 0.2,
        "first_share_n": 10,
        "previous_share": 0.5,
        "previous_share_n": 4,
        "median_hours_from_previous": 0.5,
        "p90_hours_from_previous": 0.5,
        "n_cancelled": 0,
        "n_no_show": 0,
        "n_rescheduled": 0,
        "n_unresolved": 0,
        "n_open": 0,
    }


def test_funnel_of_slots_and_of_groups(clinic: Clinic) -> None:
    a_month(clinic)
    visits = clinic.visits(as_of=clinic.at(AS_OF))
    slots = visits.funnel(unit="slot")
    assert list(slots.n_reached) == [11, 4, 2]
    assert list(slots.n_rescheduled) == [1, 0, 0]
    by_host = visits.funnel("host")
    assert list(by_host.host) == ["dr"] * 3 + ["el"] * 3
    assert list(by_host.n_reached) == [5, 3, 1, 5, 1, 1]


def test_a_group_one_of_whom_came_reaches_every_stage(clinic: Clinic) -> None:
    missed = {"attendee": "bob", "no_show": True}
    clinic.tell("completed", "03-10 15:30", "both", attendees=["ann", missed])
    clinic.tell("completed", "03-10 15:30", "none", attendees=[missed])
    clinic.tell("started", "03-10 15:00", "none", attendees=[missed])
    funnel = clinic.visits().funnel()
    assert list(funnel.n_reached) == [2, 1, 1]
    assert list(funnel.n_no_show) == [1, 0, 0]


def test_cancellations(clinic: Clinic) -> None:
    a_month(clinic)
    visits = clinic.visits(as_of=clinic.at(AS_OF), end="2025-04-01")
    (row,) = without_intervals(visits.cancellations())
    assert (row.pop("is_mature"), row.pop("is_whole")) == (False, True)
    assert row == {
        "n_due": 8,
        "n_cancelled": 3,
        "cancelled_share": 3 / 8,
        "cancelled_share_n": 8,
        "n_by_patient": 1,
        "n_by_provider": 1,
        "n_by_unknown": 1,
        "patient_cancelled_share": 1 / 5,
        "patient_cancelled_share_n": 5,
        "provider_cancelled_share": 1 / 4,
        "provider_cancelled_share_n": 4,
        "n_late": 2,
        "late_share": 2 / 3,
        "late_share_n": 3,
        "n_after_start": 1,
        "median_notice_hours": 5,  # of 24, 5 and -0.15
    }


def test_cancellations_by_what_an_outcome_decides(clinic: Clinic) -> None:
    a_month(clinic)
    visits = clinic.visits(as_of=clinic.at(AS_OF), end="2025-04-01")
    bands = visits.cancellations("notice_band")
    assert list(bands.notice_band)[:3] == ["after start", "2-24 hours", "1-7 days"]
    assert pd.isna(bands.notice_band[3])
    assert list(bands.n_due) == [1, 1, 1, 5]
    assert list(visits.cancellations("cancelled_by").n_cancelled) == [1, 1, 1, 0]


def test_a_cancellation_of_a_visit_that_is_not_due_is_not_counted_yet(clinic: Clinic) -> None:
    clinic.tell("cancelled", "03-01 09:00")
    visits = clinic.visits(as_of=clinic.at("03-02 09:00"))
    (row,) = visits.cancellations().to_dict("records")
    assert (row["n_due"], row["n_cancelled"], row["late_share_n"]) == (0, 0, 0)
    assert pd.isna(row["cancelled_share"])
    assert pd.isna(row["median_notice_hours"])
    assert visits.outcomes().n_not_due[0] == 1


@pytest.mark.filterwarnings("ignore::avon_analytics.errors.SharedSlots")
def test_nothing_in_the_window_is_no_row_with_the_same_columns_and_types(clinic: Clinic) -> None:
    a_month(clinic)
    full, empty = clinic.visits(), clinic.visits(start="2030-01-01", end="2030-01-02")
    asked: tuple[Callable[[Cohort], pd.DataFrame], ...] = (
        lambda visits: visits.outcomes(["host", "hour", "group"], "month"),
        lambda visits: visits.funnel(["weekday", "self_booked"]),
        lambda visits: visits.cancellations(["reason", "lead_band"], "week"),
        lambda visits: visits.reschedules(["host", "hour"], "day"),
        lambda visits: visits.lead_times(["patient_state", "group"], "quarter"),
        lambda visits: visits.rebooking(["patient_age_band", "recurring"]),
        lambda visits: visits.incidence(["host", "group", "hour"]),
        lambda visits: visits.punctuality(["name", "weekday"], "year"),
        lambda visits: visits.compare(visits, by=["host", "hour"]),
        lambda visits: visits.outcomes(),
        lambda visits: visits.incidence(),
        lambda visits: visits.slots(),
        lambda visits: visits.lifecycle(),
    )
    for ask in asked:
        rows, none = ask(full), ask(empty)
        assert len(rows) > 0
        assert len(none) == 0
        assert none.dtypes.to_dict() == rows.dtypes.to_dict()
        assert none.attrs.keys() == rows.attrs.keys()


def share(name: str) -> list[str]:
    return [name, f"{name}_n", f"{name}_low", f"{name}_high"]


@pytest.mark.parametrize(
    ("figure", "columns"),
    [
        (
            "outcomes",
            [
                *("n_slots", "n_not_due", "n_attended", "n_no_show", "n_cancelled"),
                *("n_cancelled_by_patient", "n_cancelled_by_provider", "n_cancelled_by_unknown"),
                *("n_rescheduled", "n_unresolved"),
                *share("no_show_share"),
                *share("attended_share"),
                *share("cancelled_share"),
                "is_mature",
                "is_whole",
                "no_show_share_if_all_unresolved_missed",
                "no_show_share_if_all_unresolved_attended",
            ],
        ),
        (
            "funnel",
            [
                *("step", "stage", "n_reached", "n_observed", "n_inferred"),
                *share("first_share"),
                *share("previous_share"),
                *("median_hours_from_previous", "p90_hours_from_previous"),
                *("n_cancelled", "n_no_show", "n_rescheduled", "n_unresolved", "n_open"),
            ],
        ),
        (
            "cancellations",
            [
                *("n_due", "n_cancelled"),
                *share("cancelled_share"),
                *("n_by_patient", "n_by_provider", "n_by_unknown"),
                *share("patient_cancelled_share"),
                *share("provider_cancelled_share"),
                "n_late",
                *share("late_share"),
                *("n_after_start", "median_notice_hours"),
                *("is_mature", "is_whole"),
            ],
        ),
        (
            "reschedules",
            [
                *("n_slots", "n_superseded"),
                *share("superseded_share"),
                *("n_moved_earlier", "n_moved_later"),
                *("median_shift_hours", "median_notice_hours"),
                *("is_mature", "is_whole"),
            ],
        ),
        (
            "lead_times",
            [
                *("n_appointments", "n_with_lead", "median_lead_days", "p90_lead_days"),
                *("n_followed", "n_within"),
                *share("within_share"),
                *("is_mature", "is_whole"),
            ],
        ),
        (
            "rebooking",
            [
                *("n_index", "n_followed", "n_already_held", "n_rebooked"),
                *share("rebooked_share"),
                "n_returned",
                *share("returned_share"),
                "median_days_to_rebook",
            ],
        ),
        (
            "incidence",
            [
                *("cause", "day", "n_at_risk", "n_events", "cumulative_incidence"),
                *("cumulative_incidence_low", "cumulative_incidence_high"),
            ],
        ),
        (
            "punctuality",
            [
                *("n_attended", "n_with_actual_times", "median_start_delay_minutes"),
                *("p90_start_delay_minutes", "median_overrun_minutes"),
                *("is_mature", "is_whole"),
            ],
        ),
    ],
)
def test_columns(clinic: Clinic, figure: str, columns: list[str]) -> None:
    a_month(clinic)
    rows = getattr(clinic.visits(), figure)("host")
    assert list(rows.columns) == ["host", "host_name", *columns]


def test_types(clinic: Clinic) -> None:
    a_month(clinic)
    rows = clinic.visits().outcomes(["host", "hour", "group"], "month")
    kinds = {str(name): str(dtype) for name, dtype in rows.dtypes.items()}
    assert {
        name: kinds.pop(name) for name in ("host", "host_name", "hour", "group", "period_on")
    } == {
        "host": "str",
        "host_name": "str",
        "hour": "Int64",
        "group": "boolean",
        "period_on": "datetime64[us]",
    }
    assert (kinds.pop("is_mature"), kinds.pop("is_whole")) == ("bool", "bool")
    for name, kind in kinds.items():
        assert kind == ("int64" if name.startswith("n_") or name.endswith("_n") else "float64")
    incidence = clinic.visits().incidence()
    kinds = {str(name): str(dtype) for name, dtype in incidence.dtypes.items()}
    assert [kinds[name] for name in ("cause", "day", "n_at_risk")] == ["str", "int64", "int64"]
    slots = clinic.visits().slots()
    assert str(slots.start_at.dtype) == "datetime64[us, UTC]"
