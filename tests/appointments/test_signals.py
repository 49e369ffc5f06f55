"""signals and outliers of a clinic whose every slot was put there: which rows, what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.completeness import Completeness
from avon_analytics.appointments.rows.scope import Scope, local_day, period_start
from avon_analytics.errors import UnknownGroup, UsageError
from avon_analytics.store.slim import stored
from tests.appointments.conftest import Clinic, as_stored

pytestmark = pytest.mark.any_engine

FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


def fill(clinic: Clinic, weeks: Mapping[str, list[tuple[int, int]]]) -> None:
    """For each host (kept, missed) visits on the Wednesday of each week, told that evening."""
    events, versions, attendees = [], [], []
    number = 0
    for host, of_week in weeks.items():
        for week, (kept, missed) in enumerate(of_week):
            start = FIRST + timedelta(days=7 * week + 2, hours=15)
            for nth in range(kept + missed):
                number += 1
                told = start + timedelta(hours=2)
                word = "completed" if nth < kept else "no_show"
                own = {"event_id": f"wbhk_9{number:06}", "occurred_at": told}
                event = {"event": f"appointment.{word}", "received_at": told}
                events.append(
                    {**own, **event, "object_type": "appointment", "object_id": f"a{number}"}
                    | {"signature": "verified"}
                )
                versions.append(
                    {**own, **event, "id": f"a{number}", "host": host, "start_time": start}
                    | {"end_time": start + timedelta(minutes=30)}
                )
                attendees.append(
                    {**own, "appointment_id": f"a{number}", "position": 0}
                    | {"attendee": f"p{number}"}
                )
    # The store's first appointment event: on the first Monday.
    clinic.tell("created", FIRST, "first", start=FIRST + timedelta(days=4000), attendees=["ann"])
    tables = {
        "events": events,
        "appointments_versions": versions,
        "appointment_attendees_versions": attendees,
    }
    with clinic.database.writing() as connection:
        for table, rows in tables.items():
            clinic._touched.add(table)
            connection.register("rows", pd.DataFrame([as_stored(table, row) for row in rows]))
            connection.execute(f"INSERT INTO {stored(table)} BY NAME SELECT * FROM rows")
            connection.unregister("rows")


def visits(clinic: Clinic, n_weeks: int, **scope: Any) -> Cohort:
    return clinic.visits(as_of=FIRST + timedelta(weeks=n_weeks, days=2), **scope)


STEADY = [(40, 10), (39, 11), (41, 9), (40, 10)] * 5


def test_a_week_beyond_the_limit(clinic: Clinic) -> None:
    """Twenty weeks at 0.2 and one at 0.44; 2 σ of 50 are 0.113, 3 σ 0.170."""
    fill(clinic, {"dr": [*STEADY, (28, 22)]})
    cohort = visits(clinic, 21)
    rows = cohort.signals(every="week", baseline=("2024-01-01", "2024-05-20"), better="lower")
    assert list(rows.columns) == [
        *("period_on", "n", "count", "share", "center", "lower", "upper", "is_in_baseline"),
        *("signal", "rule", "meaning"),
    ]
    assert len(rows) == 21
    assert list(rows.n) == [50] * 21
    assert rows.period_on.iloc[0] == pd.Timestamp(2024, 1, 1)
    last = rows.iloc[-1]
    assert (last["count"], last.share, last.center) == (22, 0.44, 0.2)
    assert last.upper == pytest.approx(0.2 + 3 * np.sqrt(0.2 * 0.8 / 50))
    assert last.lower == pytest.approx(0.2 - 3 * np.sqrt(0.2 * 0.8 / 50))
    assert (last.signal, last.rule, last.meaning) == ("higher", "beyond a limit", "concern")
    assert list(rows.is_in_baseline) == [True] * 20 + [False]
    assert rows.signal.notna().sum() == 1
    told = rows.attrs["expected_false_alarms"]
    assert 0.02 < told["groups"] <= told["rows"] < 0.5
    assert rows.attrs["messages"] == []
    assert "p′-chart" in rows.attrs["definition"]
    assert "no_show_share is no-shows of slots attended or missed" in rows.attrs["definition"]
    assert str(rows.dtypes["n"]) == "int64"
    assert str(rows.dtypes["signal"]) == "str"
    higher = cohort.signals(every="week", better="higher")
    assert list(higher.meaning.dropna()) == ["improvement"]
    assert cohort.signals(every="week").meaning.isna().all()
    assert rows.equals(
        cohort.signals(every="week", baseline=("2024-01-01", "2024-05-20"), better="lower")
    )


def test_any_share_by_name(clinic: Clinic) -> None:
    fill(clinic, {"dr": STEADY})
    clinic.tell("created", FIRST, "gone", start=FIRST + timedelta(days=3))
    clinic.tell(
        "cancelled",
        FIRST + timedelta(days=2),
        "gone",
        start=FIRST + timedelta(days=3),
        history=[("cancelled", FIRST + timedelta(days=2), "ann")],
    )
    cohort = visits(clinic, 20)
    for share, first, source in (
        ("no_show_share", (50, 10), "outcomes"),
        ("attended_share", (51, 40), "outcomes"),
        ("cancelled_share", (51, 1), "cancellations"),
        ("patient_cancelled_share", (51, 1), "cancellations"),
        ("provider_cancelled_share", (40, 0), "cancellations"),
        ("late_share", (1, 0), "cancellations"),
    ):
        rows = cohort.signals(share, every="week")
        assert (rows.n[0], rows["count"][0]) == first, share
        same = getattr(cohort, source)(every="week").set_index("period_on")
        beside = rows[rows.n > 0].set_index("period_on").share
        assert beside.equals(same[share].loc[beside.index].rename("share"))
    booked = cohort.signals("no_show_share", every="week", basis="booked")
    assert (booked.n[0], booked["count"][0]) == (51, 10)
    assert "due slots that were not rescheduled" in booked.attrs["definition"]
    for wrong in (
        {"share": "reschedule_share"},
        {"basis": "all"},
        {"every": "hour"},
        {"better": "up"},
        {"by": "reason"},
    ):
        ask: dict[str, Any] = {"every": "week", **wrong}
        with pytest.raises(UnknownGroup):
            cohort.signals(**ask)


def test_groups_and_weeks_without_slots(clinic: Clinic) -> None:
    gone = [(8, 2)] * 5 + [(0, 0)] * 15
    fill(clinic, {"dr": STEADY, "el": gone})
    rows = visits(clinic, 20).signals(by="host", every="week")
    assert list(rows.columns[:3]) == ["host", "host_name", "period_on"]
    assert len(rows) == 40
    el = rows[rows.host == "el"]
    assert list(el.n) == [10] * 5 + [0] * 15
    assert el.share.isna().sum() == 15
    assert el.center.iloc[-1] == 0.2
    assert el.lower.iloc[-1] is not None
    assert np.isnan(el.lower.iloc[-1])
    assert rows.attrs["messages"] == [
        "in 1 of 2 charts a period of median size is too small for the rules: at least 5 cases "
        "should fall within the share, and at least 5 outside it"
    ]


def test_what_is_not_complete_is_left_out(clinic: Clinic) -> None:
    """Weeks cut by the window, before the first event, not over or not due at T have no row."""
    fill(clinic, {"dr": STEADY})
    rows = visits(clinic, 20, start="2024-01-10", end="2024-03-01").signals(every="week")
    assert rows.period_on.min() == pd.Timestamp(2024, 1, 15)
    assert rows.period_on.max() == pd.Timestamp(2024, 2, 19)
    # Over at midnight of the 20th Monday, and the grace with its end.
    early = clinic.visits(as_of=FIRST + timedelta(weeks=20, hours=23)).signals(every="week")
    late = clinic.visits(as_of=FIRST + timedelta(weeks=20, hours=24)).signals(every="week")
    assert (len(early), len(late)) == (19, 20)
    # The first month is whole: the first event is of its first day.
    assert visits(clinic, 20).signals(every="month").period_on.min() == pd.Timestamp(2024, 1, 1)
    # A visit that goes on until June is not due in May: its week is left out, for all groups.
    clinic.tell("created", "01-02 09:00", "long", start=FIRST + timedelta(days=73))
    with clinic.database.writing() as connection:
        connection.execute(
            "UPDATE stored.appointments_versions SET start_time = $start, end_time = $end, "
            "occurred_at = $told WHERE id = 'long'",
            {
                "start": FIRST + timedelta(days=73),
                "end": FIRST + timedelta(days=300),
                "told": FIRST + timedelta(days=70),
            },
        )
        connection.execute("INSERT INTO loads (load_id) SELECT count(*) + 1 FROM loads")
    cut = visits(clinic, 20).signals(every="week")
    assert len(cut) == 19
    assert pd.Timestamp(2024, 3, 11) not in set(cut.period_on)


def test_under_13_periods_has_limits_and_says_so(clinic: Clinic) -> None:
    fill(clinic, {"dr": [*STEADY[:11], (10, 40)]})
    rows = visits(clinic, 12).signals(every="week")
    assert len(rows) == 12
    assert rows.upper.notna().all()
    assert rows.signal.isna().all()
    assert rows.attrs["messages"] == [
        "a stretch of 12 complete periods is too short for the rules, which want 13"
    ]
    assert rows.attrs["expected_false_alarms"] == {"rows": 0, "groups": 0}


def test_rebase_starts_new_limits(clinic: Clinic) -> None:
    """From week 20 on 0.4: of one stretch all that is a change, of two it is none."""
    fill(clinic, {"dr": [*STEADY, *[(30, 20), (29, 21), (31, 19), (30, 20)] * 4]})
    cohort = visits(clinic, 36)
    one = cohort.signals(every="week", baseline=("2024-01-01", "2024-05-20"))
    assert one.signal.iloc[20:].eq("higher").all()
    two = cohort.signals(every="week", rebase=["2024-05-20"])
    assert two.signal.isna().all()
    assert set(two.center[:20]) == {0.2}
    assert set(two.center[20:]) == {0.4}
    assert two.is_in_baseline.all()
    # A baseline in the first stretch: the second, which has no part of it, is its own.
    both = cohort.signals(every="week", rebase="2024-05-20", baseline=("2024-01-01", "2024-02-26"))
    assert both.center.equals(two.center)
    assert both.is_in_baseline.tolist() == [True] * 8 + [False] * 12 + [True] * 16
    # Rebased in the middle of a week, from the next one on; short stretches have no rules.
    late = cohort.signals(every="week", rebase=["2024-08-06"])
    assert late.attrs["messages"] == [
        "a stretch of 4 complete periods is too short for the rules, which want 13"
    ]


def test_a_target(clinic: Clinic) -> None:
    fill(clinic, {"dr": STEADY, "el": [(35, 15)] * 20})
    rows = visits(clinic, 20).signals(by="host", every="week", target=0.1)
    dr, el = rows.attrs["target"]
    assert dr["host"] == "dr"
    assert dr["lower"] == pytest.approx(0.2 - 3 * np.sqrt(0.16 / 50))
    assert dr["holds"]
    assert el["lower"] == pytest.approx(0.3 - 3 * np.sqrt(0.21 / 50))
    assert not el["holds"]
    with pytest.raises(UsageError, match="target"):
        visits(clinic, 20).signals(every="week", target=10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"baseline": ("2024-05-01", "2024-01-01")},
        {"baseline": "2024-05-01"},
        {"baseline": ("2024-05-01", None)},
        {"baseline": ("2021-01-01", "2021-02-01")},
        {"rebase": ["no day"]},
    ],
)
def test_dates_that_cannot_be(clinic: Clinic, wrong: dict[str, Any]) -> None:
    fill(clinic, {"dr": STEADY})
    with pytest.raises(UsageError):
        visits(clinic, 20).signals(every="week", **wrong)


def test_nothing_is_a_typed_table(clinic: Clinic) -> None:
    for cohort in (clinic.visits(), clinic.visits(as_of=None)):
        rows = cohort.signals(by="host", every="week")
        assert len(rows) == 0
        assert str(rows.dtypes["period_on"]) == "datetime64[us]"
        assert str(rows.dtypes["count"]) == "int64"
        assert str(rows.dtypes["is_in_baseline"]) == "bool"
        assert rows.attrs["messages"] == ["there is no complete period"]
        none = cohort.outliers()
        assert len(none) == 0
        assert str(none.dtypes["q_value"]) == "float64"
        assert none.attrs["phi"] is None
        assert none.attrs["messages"] == ["there are no groups to compare"]
    fill(clinic, {"dr": STEADY})
    assert len(visits(clinic, 20, start="2030-01-01").signals(every="week")) == 0
    empty = visits(clinic, 20, where={"host": None}).signals(every="week")
    assert len(empty) == 0


def test_small_counts_take_their_shares_and_limits_with_them(clinic: Clinic) -> None:
    fill(clinic, {"dr": [*STEADY, (46, 4)], "el": STEADY})
    rows = visits(clinic, 21).signals(by="host", every="week", min_count=6)
    dr = rows[rows.host == "dr"]
    assert pd.isna(dr["count"].iloc[-1])
    assert pd.isna(dr.share.iloc[-1])
    assert str(rows.dtypes["count"]) == "Int64"
    assert dr[["center", "lower", "upper"]].isna().all(axis=None)
    assert dr["count"].notna().any()


def test_outliers_of_hosts(clinic: Clinic) -> None:
    fill(clinic, {"a": [(40, 10)] * 4, "b": [(39, 11)] * 4, "c": [(20, 30)] * 4, "d": [(2, 0)]})
    rows = visits(clinic, 4).outliers()
    assert list(rows.host) == ["a", "b", "c", "d", "dr"]
    assert list(rows.n) == [200, 200, 200, 2, 0]
    assert rows.center.tolist()[:4] == pytest.approx(
        [164 / 402, 160 / 402, 84 / 402, 204 / 600], nan_ok=True
    )
    assert rows.signal.tolist()[:3] == ["lower", "lower", "higher"]
    assert rows.signal[3:].isna().all()
    assert rows.loc[4, ["share", "center", "lower_95", "p_value"]].isna().all()
    assert (rows.lower_998 <= rows.lower_95)[:4].all()
    assert (rows.upper_95 <= rows.upper_998)[:4].all()
    assert rows.attrs["expected_false_alarms"]["groups"] == pytest.approx(0.005, abs=0.003)
    assert rows.attrs["phi"] > 5
    wide = visits(clinic, 4).outliers(overdispersion=True)
    assert wide.signal.isna().all()
    assert (wide.p_value > rows.p_value)[:3].all()
    assert "Spiegelhalter" in wide.attrs["definition"]
    late = visits(clinic, 4).outliers("late_share")
    assert list(late.n) == [0, 0, 0, 0, 0]
    assert late.p_value.isna().all()
    with pytest.raises(UsageError, match="which groups"):
        visits(clinic, 4).outliers(by=())
    few = visits(clinic, 4).outliers(min_count=3)
    assert few[few.host == "d"][["n", "share", "lower_95", "p_value"]].isna().all(axis=None)


# Which periods are complete


def complete_periods(every: str, **changed: Any) -> list[date]:
    as_of = changed.pop("as_of", datetime(2024, 4, 2, 4, tzinfo=UTC))
    over = None if as_of is None else local_day(as_of - timedelta(hours=24), "America/New_York")
    usual: dict[str, Any] = {
        "every": every,
        "scope": Scope(changed.pop("start", None), changed.pop("end", None), "start", False),
        "first_on": date(2024, 1, 1),
        "over_on": over,
        "undue": frozenset(),
    }
    return Completeness(**{**usual, **changed}).complete_periods()


def test_complete_periods() -> None:
    """In New York: the first event on the 1st of January, T at midnight of the 2nd of April, so
    March has just had its day of grace."""
    months = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    assert complete_periods("month") == months
    second = timedelta(seconds=1)
    before = datetime(2024, 4, 2, 4, tzinfo=UTC) - second
    assert complete_periods("month", as_of=before) == months[:2]
    assert complete_periods("month", first_on=date(2024, 1, 2)) == months[1:]
    assert complete_periods("quarter") == months[:1]
    assert complete_periods("year") == []
    assert complete_periods("week")[-1] == date(2024, 3, 25)
    assert complete_periods("day")[-1] == date(2024, 3, 31)
    assert complete_periods("month", end=date(2024, 3, 31)) == months[:2]
    assert complete_periods("month", start=date(2024, 1, 2)) == months[1:]
    assert complete_periods("month", undue=frozenset([months[1]])) == [months[0], months[2]]
    assert all(complete_periods(every, start=date.max) == [] for every in ("day", "week", "month"))
    assert complete_periods("month", first_on=None) == []
    assert complete_periods("month", as_of=None) == []
    assert [period_start(date(2024, 6, 30), every) for every in ("day", "week", "quarter")] == [
        date(2024, 6, 30),
        date(2024, 6, 24),
        date(2024, 4, 1),
    ]
