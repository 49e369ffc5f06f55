"""The quality of a store: gaps, lag, repeats and the rest, counted by hand; its two faces."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd

from avon_analytics.appointments.quality import MEANINGS, quality

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic


def a_clinic(clinic: Clinic) -> None:
    """Mondays to Fridays of two weeks but Thursday the 13th, each day one event a minute late."""
    for day in (3, 4, 5, 6, 7, 10, 11, 12, 14):
        clinic.tell("created", f"03-{day:02} 12:00", f"v{day}", received=f"03-{day:02} 12:01")
    clinic.tell("completed", "03-10 15:30", "v3", received="03-12 15:30", custom={"cfld_1": "1"})
    clinic.tell(
        "updated",
        "03-14 20:00",
        "late",
        signature="unsigned",
        history=[("completed", "03-10 15:30")],
        custom={"cfld_1": '"x"', "cfld_2": "null"},
        received="03-14 19:59",
    )
    with clinic.database.writing() as connection:
        connection.execute("UPDATE stored.events SET n_deliveries = 1")
        connection.execute("UPDATE stored.events SET n_deliveries = 3 WHERE object_id = 'v4'")


def found(data: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in data.astype(object).where(data.notna(), None).to_numpy()]


def test_each_question_is_counted(clinic: Clinic) -> None:
    a_clinic(clinic)
    told = quality(clinic.database, as_of="2025-03-14")
    days = told.coverage.set_index(told.coverage.day_on.dt.day)
    assert list(days.index) == list(range(3, 15))
    assert days.n_events[[3, 8, 10, 13, 14]].to_list() == [1, 0, 2, 0, 2]
    assert days.index[days.is_gap].to_list() == [13]
    lags = told.delivery_lag.set_index("event")
    assert lags.n_events.to_dict() == {
        "appointment.completed": 1,
        "appointment.created": 9,
        "appointment.updated": 1,
    }
    assert lags.median_lag_minutes.to_list() == [2880, 1, -1]
    assert lags.n_over_a_day.to_list() == [1, 0, 0]
    assert lags.n_before_event.to_list() == [0, 0, 1]
    assert found(told.repeats) == [(1, 10), (3, 1)]
    assert found(told.signatures) == [("unsigned", 1, 1 / 11), ("verified", 10, 10 / 11)]
    assert found(told.first_events) == [("appointment", 10, 1, 0.1)]
    assert found(told.inferred_stages) == [
        ("booked", 10, 1, 0.1, 0),
        ("started", 2, 2, 1.0, 0),
        ("completed", 2, 1, 0.5, 0),
    ]
    # All are planned for the 10th; eight were never closed.
    assert found(told.unresolved) == [(pd.Timestamp("2025-03-01"), 10, 8, 0.8)]
    assert found(told.custom_fields) == [
        ("appointment", "cfld_1", 2, 2, 1, 1, 0, 0),
        ("appointment", "cfld_2", 1, 1, 0, 0, 0, 1),
    ]
    assert len(told.drift) == 0


def test_only_what_had_occurred_counts(clinic: Clinic) -> None:
    a_clinic(clinic)
    told = quality(clinic.database, as_of="2025-03-05")
    assert told.delivery_lag.n_events.sum() == told.signatures.n_events.sum() == 3
    assert len(told.coverage) == 3
    assert len(told.custom_fields) == 0
    assert told.coverage.attrs == {
        "meaning": MEANINGS["coverage"],
        "as_of": "2025-03-06T00:00:00+00:00",
    }


def test_how_late_is_said_of_events_that_tell(clinic: Clinic) -> None:
    """Two of three have no lag: one has no receipt, one is dated by nothing else."""
    for visit in ("late", "unreceived", "undated"):
        clinic.tell("updated", "03-03 12:00", visit, received="03-05 12:00")
    with clinic.database.writing() as connection:
        connection.execute("UPDATE stored.events SET n_deliveries = 1")
        for change, visit in (
            ("received_at = NULL", "unreceived"),
            ("occurred_at = received_at, occurred_at_source = 'received'", "undated"),
        ):
            connection.execute(f"UPDATE stored.events SET {change} WHERE object_id = '{visit}'")
    told = quality(clinic.database, as_of="2025-03-14")
    lags = told.delivery_lag.iloc[0]
    counts = ["n_events", "n_without_receipt", "n_dated_by_receipt", "n_over_a_day"]
    assert lags[counts].to_list() == [3, 1, 1, 1]
    assert lags.median_lag_minutes == lags.p90_lag_minutes == 2880
    finding = told.summary.set_index("check").finding["delivery_lag"]
    assert finding == (
        "1 of 1 (100.0%) came more than a day late; the slowest kind is appointment.updated, "
        "with a median of 2,880.0 minutes; not known of 2 others"
    )
    with clinic.database.writing() as connection:
        connection.execute("UPDATE stored.events SET received_at = NULL WHERE object_id = 'late'")
    finding = quality(clinic.database, as_of="2025-03-14").summary.finding.iloc[1]
    assert finding == "no event reports when it occurred and when it was received"


def test_the_summary_says_what_each_means(clinic: Clinic) -> None:
    a_clinic(clinic)
    told = quality(clinic.database, as_of="2025-03-14")
    findings = dict(zip(told.summary["check"], told.summary["finding"], strict=True))
    assert findings == {
        "coverage": "2025-03-03 to 2025-03-14: 12 days, 1 gap",
        "delivery_lag": "1 of 11 (9.1%) came more than a day late; the slowest kind is "
        "appointment.completed, with a median of 2,880.0 minutes",
        "repeats": "1 of 11 (9.1%) events came more than once",
        "signatures": "10 of 11 (90.9%) events verified",
        "first_events": "1 of 10 (10.0%) objects without their created event",
        "inferred_stages": "booked: 1 of 10 (10.0%) inferred; started: 2 of 2 (100.0%) inferred; "
        "completed: 1 of 2 (50.0%) inferred",
        "unresolved": "8 of 10 (80.0%) due slots",
        "drift": "0 things that the contract does not know",
        "custom_fields": "2 in use, 1 of them with values of several kinds",
    }
    text = repr(told)
    for name, meaning in MEANINGS.items():
        assert f"{name.replace('_', ' ').capitalize()}: {findings[name]}" in text
        assert meaning in text


def test_an_empty_store_has_every_column_and_no_finding_fails(clinic: Clinic) -> None:
    empty = quality(clinic.database)
    assert len(empty.summary) == len(MEANINGS)
    assert "no events" in repr(empty)
    a_clinic(clinic)
    full = quality(clinic.database)
    for name in MEANINGS:
        columns = getattr(full, name).dtypes.to_dict()
        assert getattr(empty, name).dtypes.to_dict() == columns, name


class Tags(HTMLParser):
    """Whether every tag is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_shows_in_a_notebook_without_a_script(clinic: Clinic) -> None:
    a_clinic(clinic)
    html = quality(clinic.database)._repr_html_()
    tags = Tags(html)
    assert tags.open == []
    assert tags.seen == {"table", "strong", "caption", "thead", "tbody", "tr", "th", "td"}
