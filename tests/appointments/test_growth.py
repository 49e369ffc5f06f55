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
from avon_analytics.appointments.slots import derived, steps, stored_slots
from avon_analytics.appointments.slots.queries import create_macros
from avon_analytics.appointments.slots.slots import keep_slots, usual_settings
from avon_analytics.samples import write_sample
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic, appointments

PEOPLE = ("dr", "ann", "bob", "cid", "sam", "mum")
WORDS = ("scheduled", "confirmed", "cancelled", "in_progress", "completed", "no_show", "odd")
OF_PATIENT = "appointment_id, slot, patient_id, patient_created_at, returning_at, kind, ended"
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
    if kind < 0.45:
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
    elif kind < 0.7:
        clinic.write(
            f"m{random.randrange(8)}",
            random.choice(("t1", "t1", "t2", "t3", None)),
            random.choice((*PEOPLE, None)),
            when,
            received=received,
            thread=random.choice(("t2", None)),
            type=random.choice((None, None, "message", "internal_note")),
        )
    elif kind < 0.88:
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
        assert state.holds(stored_slots.content(connection), usual)
        create_macros(connection)
        kept_views, views = ("slots_kept", "lives_kept"), ("slots_anew", "lives_anew")
        steps.show(connection, usual, stored_slots.FACTS, kept_views)
        steps.compute(connection, usual, ("facts_1", "facts_2"))
        steps.show(connection, usual, ("temp.facts_1", "temp.facts_2"), views)
        tables, slots = stored_slots.DERIVED_KEPT, "temp.slots_anew"
        for table in tables:
            name = f"temp.{table}_anew"
            derived.fill(connection, table, name, slots, usual, include_internal=False)
        kept = [f"store.kept_{table}" for table in tables]
        computed = [f"{table}_anew" for table in tables]
        marked = derived.landmark_facts(
            "SELECT * FROM temp.facts_1", "SELECT * FROM temp.patient_records_anew"
        )
        facts = f"(SELECT {OF_PATIENT} FROM {stored_slots.FACTS[0]})"
        found = told(connection, *kept_views, *kept, facts)
        anew_facts = f"(SELECT {OF_PATIENT} FROM ({marked}))"
        anew = told(connection, *views, *(f"temp.{table}" for table in computed), anew_facts)
        for view in (*kept_views, *views):
            connection.execute(f"DROP VIEW temp.{view}")
        for table in ("facts_1", "facts_2", *computed):
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


@pytest.fixture
def kept_clinic(store: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    """A clinic whose slots are kept: ann has a visit with dr on the 10th of March."""
    monkeypatch.setattr(stored_slots, "FROM", 1)
    clinic = Clinic(store)
    clinic.load()
    clinic.person("ann")
    clinic.person("bob")
    clinic.tell("created", "03-01 09:00")
    yield clinic
    clinic.clear()


def grows(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what was told since, and hold it against what is computed from everything."""
    grown = count_growth(monkeypatch)
    keep_slots(clinic.database)
    assert grown == [True]
    found, anew = kept_and_anew(clinic.database)
    assert found == anew


def test_staff_of_a_wrong_clock_are_staff_once_it_is_told_again(
    kept_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are listed; that one of them is a provider is first told from months ahead."""
    kept_clinic.tell("created", "03-01 10:00", "w", attendees=["ann", "sam"], host=None)
    kept_clinic.write("m1", "t1", "ann", "03-02 09:00")
    kept_clinic.write("m2", "t1", "sam", "03-02 10:00")
    kept_clinic.staff("sam", when="12-01 00:00", received="03-03 00:00")
    keep_slots(kept_clinic.database)
    assert len(appointments(kept_clinic.database).slots()) == 3
    kept_clinic.load()
    kept_clinic.staff("sam", when="03-04 00:00")
    grows(kept_clinic, monkeypatch)
    assert len(appointments(kept_clinic.database).slots()) == 2


def test_questions_grow_with_messages_writers_and_visits(
    kept_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> list[tuple[object, ...]]:
        rows = appointments(kept_clinic.database).replies(by="host")
        return list(zip(rows.host.fillna("none"), rows.n_questions, rows.n_answered, strict=True))

    def then(tell: Callable[[], None], *expected: tuple[object, ...]) -> None:
        kept_clinic.load()
        tell()
        grows(kept_clinic, monkeypatch)
        assert asked() == list(expected)

    write, tell, staff = kept_clinic.write, kept_clinic.tell, kept_clinic.staff
    write("m1", "t1", "ann", "03-11 09:00")
    write("m2", "t1", "dr", "03-11 10:00")  # nobody knows yet who this is
    keep_slots(kept_clinic.database)
    assert asked() == [("dr", 1, 0)]
    then(lambda: staff("dr", when="03-12 09:00"), ("dr", 1, 1))
    then(lambda: write("m3", "t1", "ann", "03-12 10:00"), ("dr", 2, 1))
    then(lambda: write("m4", "t2", "cid", "03-12 11:00"), ("dr", 2, 1))  # cid has no record
    then(lambda: kept_clinic.person("cid", "03-12 12:00"), ("dr", 2, 1), ("none", 1, 0))
    # Of both questions of ann, the visit with el is now the last before.
    late: dict[str, Any] = {"start": "03-10 17:00", "host": "el"}
    then(lambda: tell("created", "03-13 09:00", "w", **late), ("el", 2, 1), ("none", 1, 0))
    # The third message is of the second thread: what cid wrote there later begins nothing.
    then(lambda: write("m3", "t2", "ann", "03-13 10:00"), ("el", 2, 1))
