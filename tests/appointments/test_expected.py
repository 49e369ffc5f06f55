"""expected: what is open, which shares it takes, and where it says nothing; numbers by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from avon_analytics.appointments.expectation.landmarks import VISITS, Landmarks
from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.errors import UnknownGroup, UsageError

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def weeks(clinic: Clinic, n_weeks: int, n_open: int, host: str = "dr", a_week: int = 10) -> None:
    """Ten visits on the Wednesday of each week, booked 20 days before: two are cancelled five days
    before, one is missed, seven are kept. The last ``n_open`` weeks are yet to come."""
    told = []
    for week in range(n_weeks + n_open):
        start = FIRST + week * WEEK + 2 * DAY + timedelta(hours=15)
        for nth in range(a_week):
            ended = ("cancelled", start - 5 * DAY) if nth < 2 else ("completed", start)
            ended = ("no_show", start) if nth == 2 else ended
            for word, when in (("created", start - 20 * DAY), ended):
                if when < FIRST + n_weeks * WEEK:
                    told.append(
                        {
                            "id": f"{host}{week}-{nth}",
                            "event": f"appointment.{word}",
                            "occurred_at": when,
                            "received_at": when,
                            "start_time": start,
                            "end_time": start + timedelta(minutes=30),
                            "host": host,
                            "attendee": f"{host}{week}-{nth}",
                        }
                    )
    frame = pd.DataFrame(told)
    frame["event_id"] = [f"wbhk_{host}{nth:06}" for nth in range(len(frame))]
    clinic.tell_all(frame)


def ahead(clinic: Clinic, n_weeks: int, **scope: Any) -> Any:
    """The cohort from the Monday after so many weeks on, as of its first moment."""
    at = FIRST + n_weeks * WEEK
    return clinic.visits(**{"as_of": at, "start": at.date(), **scope})


def test_it_is_divided_by_whether_patients_had_been_there(clinic: Clinic) -> None:
    """No record of a patient tells when it was made: so all that is known is that it is unknown."""
    weeks(clinic, 12, 2)
    rows = ahead(clinic, 12).expected("patient_visit")
    assert list(rows.patient_visit) == ["unknown"]
    assert list(rows.n_open) == [18]
    back = ahead(clinic, 12, start="2024-01-01").backtest("patient_visit")
    assert set(back.patient_visit) == {"unknown"}


def test_what_is_known_beforehand_is_no_longer_open(clinic: Clinic) -> None:
    """One said that they would not come, of another a start is told that is still ahead."""
    weeks(clinic, 12, 1)
    told: dict[str, Any] = {"start": FIRST + 12 * WEEK + 2 * DAY + timedelta(hours=15)}
    said = FIRST + 12 * WEEK - DAY
    missed = [{"attendee": "dr12-5", "no_show": True}]
    clinic.tell("updated", said, "dr12-5", attendees=missed, **told)
    started = {"actual_start_time": told["start"]}
    clinic.tell("updated", said, "dr12-6", attendees=["dr12-6"], **told, **started)
    visits = ahead(clinic, 12)
    assert visits.slots().outcome.value_counts()["open"] == 6
    rows = visits.expected()
    assert list(rows.n_open) == [6]
    assert set(visits.behind(rows, 0, "n_open").outcome) == {"open"}


def test_each_slot_takes_the_shares_of_those_open_as_long_before(clinic: Clinic) -> None:
    """Two days before, the two that cancel have done so: 7 of 8 come. Nine days before: 7 of 10."""
    weeks(clinic, 12, 2)
    rows = ahead(clinic, 12).expected(every="week")
    assert list(rows.period_on) == [pd.Timestamp(2024, 3, 25), pd.Timestamp(2024, 4, 1)]
    assert list(rows.n_open) == [8, 10]
    assert rows.expected_attended.tolist() == pytest.approx([7, 7])
    assert rows.expected_no_show.tolist() == pytest.approx([1, 1])
    assert rows.expected_cancelled.tolist() == pytest.approx([0, 2])
    assert rows.expected_rescheduled.tolist() == [0, 0]
    assert rows.expected_unresolved.tolist() == pytest.approx([0, 0])
    assert rows.is_whole.all()
    for end in ("attended", "no_show", "cancelled"):
        low, high = rows[f"expected_{end}_low"], rows[f"expected_{end}_high"]
        assert (low <= rows[f"expected_{end}"]).all()
        assert (rows[f"expected_{end}"] <= high).all()
        assert (high <= rows.n_open).all()
    assert rows.attrs["messages"] == []
    assert "no named patient has a score" in rows.attrs["definition"]
    whole = ahead(clinic, 12).expected()
    assert list(whole.n_open) == [18]
    assert whole.expected_attended[0] == pytest.approx(14)
    cut = ahead(clinic, 12, end="2024-04-04").expected(every="week")
    assert list(cut.is_whole) == [True, False]


def test_groups_are_sums_and_where_is_learnt_from(clinic: Clinic) -> None:
    """dr misses 1 of 8, el (five a week: two cancelled, one missed) 1 of 3."""
    weeks(clinic, 12, 1)
    weeks(clinic, 12, 1, host="el", a_week=5)
    rows = ahead(clinic, 12).expected("host")
    assert list(rows.host) == ["dr", "el"]
    assert list(rows.n_open) == [8, 3]
    # Both take the shares of all: 2 of 11 are missed.
    assert rows.expected_no_show.tolist() == pytest.approx([8 * 2 / 11, 3 * 2 / 11])
    alone = ahead(clinic, 12, where={"host": "el"}).expected()
    assert alone.expected_no_show[0] == pytest.approx(1)


def test_days_that_are_closed_are_left_out_past_and_to_come(clinic: Clinic) -> None:
    weeks(clinic, 12, 2)
    rows = ahead(clinic, 12).expected(every="week", closed=["2024-03-27"])
    assert list(rows.n_open) == [10]
    # One Wednesday on which all were missed, closed or before history begins, teaches nothing.
    start = FIRST + 2 * DAY + timedelta(hours=16)
    for nth in range(20):
        clinic.tell("created", start - 20 * DAY, f"x{nth}", start=start)
        clinic.tell("no_show", start, f"x{nth}", start=start)
    taught = ahead(clinic, 12).expected(every="week")
    assert taught.expected_no_show[0] > 1.5
    for options in ({"closed": "2024-01-03"}, {"history_from": date(2024, 1, 8)}):
        rows = ahead(clinic, 12).expected(every="week", **options)
        assert rows.expected_no_show[0] == pytest.approx(1), options


def test_under_four_complete_weeks_nothing_is_guessed(clinic: Clinic) -> None:
    """The store begins with the booking 20 days before the first visit, so weeks are complete from
    then on: at the start of the second week of visits there are three."""
    weeks(clinic, 4, 1)
    rows = ahead(clinic, 4).expected(history_from="2024-01-08")
    assert list(rows.n_open) == [8]
    assert rows.expected_attended.isna().all()
    assert rows.expected_attended_low.isna().all()
    assert rows.attrs["messages"] == [
        "history is too short to expect anything: 2 complete weeks, and 4 are needed"
    ]


def test_what_is_not_open_now_is_not_counted(clinic: Clinic) -> None:
    weeks(clinic, 12, 1)
    at = FIRST + 12 * WEEK
    start = at + 3 * DAY
    for visit in ("moved", "cancelled", "booked late"):
        clinic.tell("created", at - 9 * DAY, visit, start=start)
    clinic.tell("cancelled", at - DAY, "cancelled", start=start)
    clinic.tell("rescheduled", at - DAY, "moved", start=start + DAY)
    clinic.tell("created", at + DAY, "not yet", start=start)
    rows = ahead(clinic, 12).expected(every="day")
    assert list(rows.period_on) == [pd.Timestamp(2024, 3, day) for day in (27, 28, 29)]
    assert list(rows.n_open) == [8, 1, 1]


@pytest.mark.parametrize(
    ("scope", "options"),
    [
        ({"start": "2024-03-20"}, {}),
        ({"start": None}, {}),
        ({"on": "booked"}, {}),
        ({}, {"pickup": True}),
        ({}, {"pickup": "yes"}),
        ({}, {"closed": ["someday"]}),
        ({}, {"history_from": "2024-13-01"}),
    ],
)
def test_what_cannot_be_asked(
    clinic: Clinic, scope: dict[str, Any], options: dict[str, Any]
) -> None:
    weeks(clinic, 12, 1)
    with pytest.raises(UsageError):
        ahead(clinic, 12, **scope).expected(**options)
    with pytest.raises(UnknownGroup):
        ahead(clinic, 12).expected(every="hour")


def test_what_is_usually_booked_until_then_is_picked_up(clinic: Clinic) -> None:
    """Each Wednesday has three more, booked the day before: two attended, one missed."""
    weeks(clinic, 12, 2)
    for week in range(12):
        start = FIRST + week * WEEK + 2 * DAY + timedelta(hours=10)
        for nth in range(3):
            clinic.tell("created", start - DAY, f"l{week}-{nth}", start=start)
            ended = "no_show" if nth == 0 else "completed"
            clinic.tell(ended, start + DAY / 24, f"l{week}-{nth}", start=start)
    cohort = ahead(clinic, 12, end="2024-04-08")
    plain, rows = cohort.expected(every="week"), cohort.expected(every="week", pickup=True)
    assert list(rows.n_open) == list(plain.n_open) == [8, 10]
    added = rows.expected_attended - plain.expected_attended
    # Nine days before also the two that cancelled are not gone, but they were booked long before.
    assert added.tolist() == pytest.approx([2, 2])
    assert (rows.expected_no_show - plain.expected_no_show).tolist() == pytest.approx([1, 1])
    assert (rows.expected_attended_high >= plain.expected_attended_high).all()
    assert "usually booked" in rows.attrs["definition"]
    # A day without anything booked yet has a row of its own.
    third = ahead(clinic, 12, end="2024-04-15").expected(every="week", pickup=True)
    assert list(third.n_open) == [8, 10, 0]
    assert third.expected_attended[2] == pytest.approx(2)
    groups = cohort.expected("host", every="week", pickup=True)
    assert groups.drop(columns=["host", "host_name"]).equals(rows)


def test_days_that_were_closed_are_no_days_without_bookings(clinic: Clinic) -> None:
    """Each Wednesday but one, closed, has two more, booked the day before."""
    weeks(clinic, 14, 1)
    for week in {*range(14)} - {9}:
        start = FIRST + week * WEEK + 2 * DAY + timedelta(hours=10)
        for nth in range(2):
            clinic.tell("created", start - DAY, f"l{week}-{nth}", start=start)
            clinic.tell("completed", start + DAY / 24, f"l{week}-{nth}", start=start)
    closed = [(FIRST + 9 * WEEK + 2 * DAY).date()]
    cohort = ahead(clinic, 14, end="2024-04-15")
    plain = cohort.expected(closed=closed)
    rows = cohort.expected(pickup=True, closed=closed)
    assert rows.expected_attended[0] - plain.expected_attended[0] == pytest.approx(2)
    # All Wednesdays but that one had the same: a mean of them is without error, too.
    for every in ("week", "day"):
        cohort = clinic.visits(start=FIRST.date(), as_of=FIRST + 14 * WEEK)
        past = cohort.backtest(every=every, days_ahead=0, closed=closed)
        assert past.attrs["mean_error_of_plain"]["attended"] == pytest.approx(0), every


def test_nothing_is_a_typed_table(clinic: Clinic) -> None:
    for cohort in (
        clinic.visits(start="2026-01-01"),
        clinic.visits(as_of=None, start="2026-01-01"),
    ):
        for rows in (cohort.expected("host", every="week"), cohort.backtest("host")):
            assert len(rows) == 0
            assert list(rows.columns[:4]) == ["host", "host_name", "period_on", "n_open"]
            assert str(rows.dtypes["period_on"]) == "datetime64[us]"
            assert str(rows.dtypes["n_open"]) == "int64"
            assert str(rows.dtypes["expected_no_show_high"]) == "float64"
            assert rows.attrs["messages"]


def test_a_backtest_by_hand(clinic: Clinic) -> None:
    weeks(clinic, 12, 0)
    rows = clinic.visits(as_of=FIRST + 12 * WEEK + 2 * DAY).backtest(days_ahead=0)
    late = rows[rows.period_on == pd.Timestamp(2024, 2, 26)].iloc[0]
    assert (late.n_open, late.n_attended, late.n_no_show, late.n_cancelled) == (8, 7, 1, 0)
    assert late.expected_attended == pytest.approx(7)
    early = clinic.visits(as_of=FIRST + 12 * WEEK + 2 * DAY).backtest(days_ahead=7)
    late = early[early.period_on == pd.Timestamp(2024, 2, 26)].iloc[0]
    assert (late.n_open, late.n_attended, late.n_no_show, late.n_cancelled) == (10, 7, 1, 2)
    assert late.expected_cancelled == pytest.approx(2)
    assert early.attrs["coverage"]["all"] == 1
    assert early.attrs["mean_error"]["attended"] == pytest.approx(0)
    assert early.attrs["days_ahead"] == 7
    assert early.period_on.min() == pd.Timestamp(2024, 1, 1)
    window = clinic.visits(
        as_of=FIRST + 12 * WEEK + 2 * DAY, start="2024-02-05", end="2024-03-01"
    ).backtest()
    assert list(window.period_on) == [pd.Timestamp(2024, 2, day) for day in (5, 12, 19)]
    for wrong in ({"days_ahead": -1}, {"days_ahead": 1.5}):
        with pytest.raises(UsageError):
            clinic.visits().backtest(**wrong)
    with pytest.raises(UsageError):
        clinic.visits(on="booked").backtest()


def test_small_numbers_are_blanked_with_their_intervals(clinic: Clinic) -> None:
    weeks(clinic, 12, 2)
    rows = ahead(clinic, 12).expected(every="week", min_count=5)
    assert rows.expected_no_show.isna().all()
    assert rows.expected_no_show_high.isna().all()
    assert str(rows.dtypes["n_open"]) == "Int64"


def test_first_and_returning_patients(clinic: Clinic) -> None:
    """The store's first appointment event is of the 2nd of January; ann's record was made then,
    bob's before, cyd's is not told. Each attends on the 10th, ann and bob on the 20th, too."""
    for visit, patient, day in (
        *(("a1", "ann", 10), ("a2", "ann", 20), ("b1", "bob", 10), ("b2", "bob", 20)),
        *(("c1", "cyd", 10), ("n1", None, 10)),
    ):
        start = f"01-{day} 15:00"
        attendees = ["dr", patient] if patient else ["dr"]
        told: dict[str, Any] = {"attendees": attendees, "start": start}
        clinic.tell("created", "01-02 09:00", visit, **told)
        clinic.tell("completed", f"01-{day} 15:30", visit, **told)
    clinic.person("ann", created_at=clinic.at("01-02 09:00"))
    clinic.person("bob", created_at=clinic.at("01-01 09:00"))
    rows = clinic.visits().outcomes("patient_visit")
    seen = dict(zip(rows.patient_visit.fillna("missing"), rows.n_slots, strict=True))
    assert seen == {"first": 1, "returning": 2, "unknown": 2, "missing": 1}
    assert list(rows.patient_visit[:3]) == ["first", "returning", "unknown"]
    early = clinic.visits(as_of=clinic.at("01-05 00:00")).outcomes("patient_visit")
    assert set(early.patient_visit.dropna()) == {"first", "unknown"}
    leads = clinic.visits(where={"patient_visit": "returning"}).lead_times()
    assert leads.n_appointments[0] == 2


def test_a_patient_comes_back_once_any_earlier_visit_is_known(clinic: Clinic) -> None:
    """ann came on the 10th, which was told on the 25th, and on the 12th, which was told at once: of
    her visit on the 11th she comes back from the 25th on, of that on the 30th from the 12th on."""
    for visit, start, told in (
        *(("a", "01-10 15:00", "01-25 12:00"), ("b", "01-11 15:00", "01-26 12:00")),
        *(("c", "01-12 15:00", "01-12 15:30"), ("d", "01-30 15:00", "01-30 15:30")),
    ):
        clinic.tell("created", "01-02 09:00", visit, start=start)
        clinic.tell("completed", told, visit, start=start)
    clinic.person("ann", created_at=clinic.at("01-02 09:00"))
    landmarks = Landmarks(clinic.visits(as_of="02-10 00:00"), (), None)

    def known(when: str) -> str:
        found = landmarks.open((), None, clinic.at(when), date(2025, 1, 30), None)
        (kind,) = found.alike(slice(0, 1)).kind
        return VISITS[kind % len(VISITS)]

    assert [known(at) for at in ("01-12 15:29", "01-12 15:30", "01-26 00:00")] == [
        "first",
        "returning",
        "returning",
    ]
    # In steps of 24 hours from T, midnight, the 30th is day -11. From day -28 on, the 13th, it is
    # known that she comes back: with 17 days left or fewer. Of the others it was not in time.
    past = landmarks.past(landmarks.past_rows(clinic.at("02-10 00:00"), 60, -40), range(-400, 400))
    left = dict(zip(past.old_day.tolist(), past.returning_days.tolist(), strict=True))
    assert left == {day + 366: left for day, left in ((-31, -1), (-30, -1), (-29, -1), (-11, 17))}


def test_open_slots_are_in_lines_of_a_group_and_a_period(clinic: Clinic) -> None:
    """Two hosts and none, on two Mondays, looked at three days before: what is booked later is not
    there, and of three visits of b one is missed. As of one instant groups come first."""
    for visit, day, host, booked, ended in (
        *(("a1", "01-06", "a", "01-02", "completed"), ("a2", "01-13", "a", "01-02", "no_show")),
        *(("b1", "01-13", "b", "01-02", "completed"), ("b2", "01-13", "b", "01-02", "completed")),
        *(("b3", "01-13", "b", "01-02", "no_show"), ("b4", "01-13", "b", "01-12", "completed")),
        ("none", "01-06", None, "01-02", "completed"),
    ):
        told: dict[str, Any] = {"start": f"{day} 15:00", "host": host}
        told["attendees"] = [host, "ann"] if host else ["ann"]
        clinic.tell("created", f"{booked} 09:00", visit, **told)
        clinic.tell(ended, f"{day} 15:40", visit, **told)
    landmarks = Landmarks(clinic.visits(as_of="02-10 00:00"), (), None)
    weeks = {date(2025, 1, day): clinic.at(f"01-{day - 3:02} 00:00") for day in (6, 13)}
    window = date(2025, 1, 6), date(2025, 1, 20)
    found = landmarks.open((GROUPINGS["host"],), "week", weeks, *window, with_days=True)
    hosts = found.groups.host.fillna("-")
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in found.period]
    lines = list(zip(hosts[found.group], days, strict=True))
    first, second = weeks
    assert lines == [("a", first), ("-", first), ("a", second), ("b", second)]
    assert found.came(slice(0, 4))[:, :2].tolist() == [[1, 0], [1, 0], [0, 1], [2, 1]]
    assert found.came(slice(2, 4))[:, :2].tolist() == [[0, 1], [2, 1]]
    assert found.alike(slice(3, 4)).days.tolist() == [3]
    assert found.most_days == 3
    assert found.alike(slice(3, 4)).n.tolist() == [3]
    assert list(hosts[np.nonzero(found.daily.sum(axis=2))[0]]) == ["a", "a", "b", "-"]
    assert found.daily[:, [0, 7], 0].tolist() == [[1, 0], [0, 2], [1, 0]]
    now = landmarks.open((GROUPINGS["host"],), "week", clinic.at("01-05 00:00"), *window)
    assert list(hosts[now.group]) == ["a", "a", "b", "-"]
    whole = landmarks.open((), "week", weeks, *window)
    assert whole.came(slice(0, 2))[:, :2].tolist() == [[2, 0], [2, 2]]


def test_since_when_patients_come_back_is_the_least_of_all_earlier_visits(clinic: Clinic) -> None:
    """Forty visits, reported in any order, against each patient's visits one by one."""
    random = Random(1)
    reported: dict[str, dict[datetime, datetime]] = {"ann": {}, "bob": {}}
    for nth in range(40):
        start = clinic.at("02-01 10:00") + nth * DAY
        patient, told = random.choice(("ann", "bob")), start + random.randrange(20) * DAY
        people: dict[str, Any] = {"start": start, "attendees": ["dr", patient]}
        clinic.tell("created", "01-02 09:00", f"v{nth}", **people)
        if random.random() < 0.7:
            clinic.tell("completed", told, f"v{nth}", **people)
            reported[patient][start] = told
    visits = clinic.visits()
    slots, patients = map(visits._rows_of, ("slots", "patient_visits"))
    query = (
        "SELECT s.patient_id, unix_micros(s.start_at) AS start_us, "
        "CASE WHEN v.attended_at < s.start_at THEN unix_micros(v.attended_known_at) END AS us "
        f"FROM {slots} AS s LEFT JOIN {patients} AS v "
        "ON s.patient_id = v.patient_id AND unix_micros(s.start_at) > v.since_us "
        "AND unix_micros(s.start_at) <= v.until_us"
    )
    rows = visits._engine.frame(query, {})
    assert len(rows) == 40
    later_first = 0
    for patient, start_us, known_us in rows.itertuples(index=False, name=None):
        start = datetime.fromtimestamp(start_us / 1e6, UTC)
        earlier = {one: at for one, at in reported[patient].items() if one < start}
        if not earlier:
            assert pd.isna(known_us)
            continue
        assert datetime.fromtimestamp(known_us / 1e6, UTC) == min(earlier.values())
        later_first += min(earlier.values()) < earlier[min(earlier)]
    assert later_first > 5
