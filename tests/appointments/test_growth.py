"""Slots that grow load by load are those that are computed from everything at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import avon_analytics as avon
from avon_analytics.appointments import steps, stored_hours, stored_slots
from avon_analytics.appointments.follow_up import (
    after_visits,
    follow_up,
    late_parameters,
    patient_records,
    session_hours,
)
from avon_analytics.appointments.queries import create_macros
from avon_analytics.appointments.slots import keep_slots, usual_settings
from avon_analytics.samples import write_sample
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic

PEOPLE = ("dr", "ann", "bob", "cid", "sam", "mum")
WORDS = ("scheduled", "confirmed", "cancelled", "in_progress", "completed", "no_show", "odd")
ZONES = ("America/New_York", "asia/tokyo", "BST", None)


@pytest.fixture(scope="module")
def store() -> Iterator[Database]:
    database = Database(":memory:")
    yield database
    database.close()


def tell_something(clinic: Clinic, random: Random) -> None:
    """One event of any kind, now and then from a wrong clock."""
    day = random.randrange(1, 28)
    when = f"0{random.randrange(2, 5)}-{day:02} {random.randrange(24):02}:00"
    late = random.random() < 0.1
    received = "01-15 00:00" if late else random.choice([when, "05-30 00:00"])
    who = random.choice(PEOPLE)
    kind = random.random()
    if kind < 0.6:
        history = [
            (random.choice(WORDS), when, random.choice((*PEOPLE, None)))
            for _ in range(random.randrange(3))
        ]
        listed = [
            {"attendee": one, "no_show": random.choice((None, None, True, False))}
            for one in random.sample(PEOPLE, random.randrange(4))
        ]
        clinic.tell(
            random.choice(("created", "updated", "started", "completed", "cancelled")),
            when,
            f"v{random.randrange(6)}",
            start=random.choice((None, "03-10 15:00", "03-10 15:00", "03-20 15:00", "04-25 15:00")),
            attendees=listed,
            history=history,
            host=random.choice(("dr", "sam", None)),
            timezone=random.choice(ZONES),
            internal=random.choice((None, None, False, True)),
            received=received,
        )
    elif kind < 0.85:
        more: dict[str, Any] = {
            "timezone": random.choice(ZONES),
            "caregiver_only": random.choice((None, True, False)),
        }
        if random.random() < 0.5:
            more["caregiver"] = random.choice(PEOPLE)
        if random.random() < 0.3:
            more["one_caregiver"] = random.choice(PEOPLE)
        if random.random() < 0.3:
            more["dependent"] = random.choice(PEOPLE)
        clinic.person(who, when, state=random.choice(("NY", "CA")), **more)
    else:
        clinic.staff(who, random.choice(("providers", "supports", "care_team_members")), when)


def told(connection: duckdb.DuckDBPyConnection, *tables: str) -> list[list[tuple[str]]]:
    """All rows of some tables, in an order that only they decide."""
    return [
        connection.execute(
            f"SELECT CAST(row_to_json(t) AS VARCHAR) FROM {table} AS t ORDER BY 1"
        ).fetchall()
        for table in tables
    ]


def kept_and_anew(database: Database) -> tuple[object, object]:
    """What is told from what the store keeps, and the same computed from all events."""
    usual = usual_settings(database)
    with database.reading() as connection:
        state = stored_slots.state(connection)
        assert state is not None
        assert state.holds(stored_slots.content(connection), usual, database.time_zone)
        create_macros(connection)
        zone = database.time_zone
        kept_views, views = ("slots_kept", "lives_kept"), ("slots_anew", "lives_anew")
        steps.show(connection, usual, zone, stored_slots.FACTS, kept_views)
        steps.compute(connection, usual, zone, ("facts_1", "facts_2"))
        steps.show(connection, usual, zone, ("temp.facts_1", "temp.facts_2"), views)
        follow_up(connection, "temp.slots_anew", "temp.later_anew", include_internal=False)
        after_visits(connection, "temp.slots_anew", "temp.after_anew", include_internal=False)
        late = late_parameters(usual.late_hours, usual.is_same_day)
        slots, hours = "temp.slots_anew", "temp.hours_anew"
        session_hours(connection, slots, hours, late, include_internal=False)
        patient_records(connection, slots, "temp.records_anew", usual.as_of or steps.BEFORE_ALL)
        kept = (*stored_slots.OF_PATIENTS, stored_hours.HOURS, stored_slots.RECORDS)
        computed = ("later_anew", "after_anew", "hours_anew", "records_anew")
        found = told(connection, *kept_views, *kept)
        anew = told(connection, *views, *(f"temp.{table}" for table in computed))
        for view in (*kept_views, *views):
            connection.execute(f"DROP VIEW temp.{view}")
        for table in (
            "facts_1",
            "facts_2",
            "later_anew",
            "after_anew",
            "hours_anew",
            "records_anew",
        ):
            connection.execute(f"DROP TABLE temp.{table}")
    return found, anew


@given(seed=st.integers(0, 10**9), sizes=st.lists(st.integers(0, 5), min_size=2, max_size=4))
@settings(
    max_examples=int(os.environ.get("AVON_GROWTH_EXAMPLES", "5")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_slots_grow_as_if_they_were_computed_anew(
    store: Database, seed: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_slots, "FROM", 1)
    random, clinic = Random(seed), Clinic(store)
    try:
        clinic.tell("created", "02-01 09:00", "v0")
        keep_slots(clinic.database)
        for size in sizes:
            clinic.load()
            for _ in range(size):
                tell_something(clinic, random)
            keep_slots(clinic.database)
            grown, anew = kept_and_anew(store)
            assert grown == anew
    finally:
        clinic.clear()


def test_slots_of_the_sample_grow_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the loader, with repeats, conflicts and wrong clocks; the last load has no news."""
    monkeypatch.setattr(stored_slots, "FROM", 1)
    monkeypatch.setattr(stored_slots, "MOST", 1)
    write_sample(tmp_path / "clinic", n_appointments=60)
    files = sorted(path for path in (tmp_path / "clinic/archive").rglob("*.json*"))
    parts = [files[n::4] for n in range(4)]
    grown = count_growth(monkeypatch)
    for part in [*parts, files]:
        with avon.open(tmp_path / "store.duckdb") as store:
            store.load(part, secrets=tmp_path / "clinic/secrets.toml", progress=False)
        database = Database(tmp_path / "store.duckdb")
        found, anew = kept_and_anew(database)
        database.close()
        assert found == anew
    assert len(grown) >= 3


def count_growth(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    counted: list[bool] = []
    grow: Callable[..., bool] = stored_slots.grow

    def counting(*arguments: Any) -> bool:
        done = grow(*arguments)
        counted.extend([True] * done)
        return done

    monkeypatch.setattr(stored_slots, "grow", counting)
    return counted
