"""What was learnt of past slots is read once, and anew once the store holds something else."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import duckdb
import pandas as pd
import pytest

from avon_analytics.appointments.expectation import landmarks
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.rows.groupings import GROUPINGS
from avon_analytics.appointments.rows.remembered import Remembered
from avon_analytics.appointments.slots.derived import slot_kinds
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.appointments.statistics.forecast import OF_DAYS, OF_LIKE, OUTCOMES
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic


def weekly(clinic: Clinic) -> None:
    """A visit on each of eight Mondays that took place, but every fourth; one is still to come."""
    for nth, day in enumerate(pd.date_range("2025-01-06", periods=8, freq="7D")):
        booked = day - pd.Timedelta(days=4)
        clinic.tell("created", f"{booked:%m-%d} 09:00", f"v{nth}", start=f"{day:%m-%d} 15:00")
        ended = "no_show" if nth % 4 == 3 else "completed"
        clinic.tell(ended, f"{day:%m-%d} 15:30", f"v{nth}", start=f"{day:%m-%d} 15:00")
    clinic.tell("created", "03-05 09:00", "next", start="03-10 15:00")


def expected(clinic: Clinic, **asked: Any) -> pd.DataFrame:
    return clinic.visits(as_of="03-06 00:00", start=date(2025, 3, 10)).expected(**asked)


def histories(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions about past slots that are asked from now on."""
    asked: list[str] = []
    frame = StoreEngine.frame

    def noted(engine: StoreEngine, query: str, *more: Any) -> pd.DataFrame:
        if "last_days" in query:
            asked.append(query)
        return frame(engine, query, *more)

    monkeypatch.setattr(StoreEngine, "frame", noted)
    return asked


def test_history_is_read_once_whatever_slots_are_divided_by(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    weekly(clinic)
    asked = histories(monkeypatch)
    first = expected(clinic, by="host", every="week")
    assert len(asked) == 1
    again = expected(clinic, by="host", every="week")
    whole = expected(clinic, every="week")
    assert len(asked) == 1
    pd.testing.assert_frame_equal(first, again)
    assert whole.expected_attended[0] == first.expected_attended[0]
    expected(clinic, by="host", every="week", history_from="2025-01-13")
    assert len(asked) == 2


def test_what_was_told_since_counts(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    weekly(clinic)
    before = expected(clinic, every="week").expected_attended[0]
    clinic.tell("created", "02-07 09:00", "more", start="02-11 15:00")
    clinic.tell("no_show", "02-11 15:30", "more", start="02-11 15:00")
    asked = histories(monkeypatch)
    after = expected(clinic, every="week").expected_attended[0]
    assert len(asked) == 1
    assert 0 < after < before


@pytest.mark.parametrize("most", [0, 1_000])
def test_lines_are_numbered_where_groups_times_periods_are_too_many(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Of two visits to come, alike in all, and of the weeks before."""
    monkeypatch.setattr(landmarks, "MOST_LINES", most)
    weekly(clinic)
    clinic.tell("created", "03-05 09:00", "other", start="03-10 15:00")
    found = expected(clinic, by="host", every="week")
    assert found.n_open.tolist() == [2]
    assert found.expected_attended.tolist() == [pytest.approx(1.5)]
    looked = clinic.visits(as_of="03-06 00:00").backtest(by="host", every="week", days_ahead=2)
    assert looked.n_open.tolist() == [1] * 8
    assert looked.n_attended.tolist() == [1, 1, 1, 0, 1, 1, 1, 0]


def test_what_was_used_last_is_remembered() -> None:
    known = Remembered()
    worked_out: list[int] = []

    def work_out(key: int) -> int:
        worked_out.append(key)
        return key

    for key in (*range(32), 0, 32, 0, 1):
        assert known.of(key, partial(work_out, key)) == key
    assert worked_out == [*range(33), 1]


def test_another_store_remembers_nothing(clinic: Clinic) -> None:
    one = StoreEngine(clinic.database)
    assert one.remembered is StoreEngine(clinic.database).remembered
    assert one.remembered is not StoreEngine(Database(":memory:")).remembered


def test_kinds_are_of_the_bands_of_leads_and_endings_of_the_outcomes() -> None:
    """Every lead there is a bound at, who booked, whether there is a patient, and how it ended."""
    ends = ", ".join(f"('{end}')" for end in (*OUTCOMES, "open"))
    slots = (
        "SELECT * FROM (VALUES (-9), (-1), (0), (1), (7), (8), (30), (31), (90), (91), (999), "
        "(NULL)) AS a (lead_days), (VALUES (false), (true), (NULL)) AS b (self_booked), "
        f"(VALUES ('ann'), (NULL)) AS c (patient_id), (VALUES {ends}, (NULL)) AS d (outcome)"
    )
    band = GROUPINGS["lead_band"]
    asked = f"SELECT {band.expression}, self_booked, patient_id, outcome, kind, ended"
    found = duckdb.connect().execute(f"{asked} FROM ({slot_kinds(slots)})").fetchall()
    assert len(found) == 12 * 3 * 2 * 7
    assert {place // 12 for *_, place, _ in found} == set(range(len(band.labels) + 1))
    endings = [*OUTCOMES, "open"]
    for lead, booked, patient, outcome, kind, ended in found:
        lead_place = len(band.labels) if lead is None else band.labels.index(lead)
        who = 2 if booked is None else int(booked)
        visit = landmarks.VISITS.index("none" if patient is None else "unknown")
        assert kind == (lead_place * 3 + who) * len(landmarks.VISITS) + visit < landmarks.N_KINDS
        assert endings[ended] == (outcome or "unresolved")


def test_a_query_packs_numbers_as_they_are_taken_apart() -> None:
    """A number too wide for its bits would count in the place of another."""
    of_end = 3  # six ways to have ended
    widths = (512, 1 << OF_LIKE - OF_DAYS, 1 << OF_DAYS + of_end, 1 << of_end)
    text = sql("landmark_alike")
    assert [f"* {width}\n" in text for width in widths] == [True] * 4
    assert widths[1] >= landmarks.N_KINDS
    assert len(OUTCOMES) < widths[3]
    assert widths[0] > 366
