"""Slots that are kept, in memory and in a large store, are never those of another content."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd
import pytest

from avon_analytics.appointments.slots import derived, slots, steps, stored_slots
from avon_analytics.appointments.slots.slots import keep_slots
from avon_analytics.store.database import Database
from tests.appointments.conftest import Clinic, appointments


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a clinic that is large enough for its slots to be kept there: copy it."""
    path = tmp_path_factory.mktemp("kept") / "store.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_slots, "FROM", 1)
        clinic = Clinic(Database(path))
        clinic.clear()
        clinic.tell("created", "03-01 09:00")
        clinic.tell("completed", "03-10 15:30")
        clinic.tell("created", "03-01 09:00", "w", attendees=["dr", "ann", "bob"])
        keep_slots(clinic.database)
    clinic.database.close()
    return path


@pytest.fixture
def made(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """That clinic, in a file of one's own."""
    monkeypatch.setattr(stored_slots, "FROM", 1)
    path = tmp_path / "store.duckdb"
    shutil.copyfile(kept, path)
    return Clinic(Database(path), next_number=10)


def opened_anew(clinic: Clinic) -> Database:
    return Database(clinic.database.path)


def count_computations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    compute: Callable[..., Any] = steps.compute

    def counting(*arguments: Any) -> Any:
        counted.append(1)
        return compute(*arguments)

    monkeypatch.setattr(steps, "compute", counting)
    return counted


def test_a_new_process_finds_the_slots_of_the_default_instant(
    made: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = appointments(made.database).slots()
    computations = count_computations(monkeypatch)
    database = opened_anew(made)
    visits = appointments(database)
    pd.testing.assert_frame_equal(visits.slots(), expected)
    assert visits.outcomes().n_slots[0] == visits.funnel(unit="slot").n_reached[0] == 3
    assert visits.rebooking().equals(appointments(made.database).rebooking())
    assert computations == []
    # Grace and notice make no difference to what is kept.
    assert appointments(database, grace=2, late=2).outcomes().n_slots[0] == 3
    assert computations == []
    assert appointments(database, as_of="2025-03-05").outcomes().n_slots[0] == 3
    assert len(computations) == 1


def follow_ups_made(database: Database) -> list[str]:
    with database.reading() as connection:
        found = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'temp' "
            "AND contains(table_name, 'follow_up')"
        ).fetchall()
    return [name for (name,) in found]


def test_what_patients_did_next_is_kept_as_well(made: Clinic) -> None:
    made.tell("cancelled", "03-09 09:00", "w", attendees=["dr", "ann", "bob"])
    expected = appointments(made.database).rebooking()
    assert expected.n_index[0] == 2
    keep_slots(made.database)
    database = opened_anew(made)
    pd.testing.assert_frame_equal(appointments(database).rebooking(), expected)
    assert follow_ups_made(database) == []
    with_internal = appointments(database, include_internal=True)
    pd.testing.assert_frame_equal(with_internal.rebooking(), expected)
    (name,) = follow_ups_made(database)
    made.tell("created", "03-10 09:00", "x", attendees=["dr", "ann"])
    made.flush()
    assert appointments(database).rebooking().n_index[0] == 2
    assert appointments(database).rebooking().n_rebooked[0] == 0
    assert name not in follow_ups_made(database)


def test_what_fails_half_way_leaves_nothing(made: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    made.tell("cancelled", "03-09 09:00", "w", attendees=["dr", "ann", "bob"])
    whole = appointments(made.database, grace=25).rebooking()
    monkeypatch.setitem(derived.AT_A_TIME, "patient_id", 1)
    with made.database.reading() as connection:
        usual = slots.usual_settings(made.database)
        every_slot = slots.computed(made.database, usual).slots
        name = "temp.what_they_did"
        failing = cast("duckdb.DuckDBPyConnection", _Failing(connection))
        with pytest.raises(duckdb.Error):
            derived.fill(failing, "follow_up", name, every_slot, usual, include_internal=False)
        left = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE contains(table_name, 'what_they_did')"
        ).fetchall()
        assert left == []
    assert appointments(made.database).rebooking().equals(whole)


class _Failing:
    """A connection that fails at the second part."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Any = None) -> Any:
        if statement.startswith("INSERT"):
            raise duckdb.OutOfMemoryException
        return self._connection.execute(statement, parameters)


def test_what_was_kept_does_not_outlive_another_event(made: Clinic) -> None:
    made.tell("cancelled", "03-09 09:00", "w", attendees=["dr", "ann", "bob"])
    assert list(appointments(opened_anew(made)).slots().outcome) == ["attended", *["cancelled"] * 2]


@pytest.mark.parametrize("table", ["loads", "generation", "n_forgotten"])
def test_a_load_and_a_new_generation_make_it_stale(
    made: Clinic, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = appointments(made.database)
    assert len(visits.slots()) == 3
    with made.database.writing() as connection:
        # An event changes in its place, as where a conflict is decided anew or a person forgotten.
        connection.execute(
            "DELETE FROM stored.appointment_attendees_versions WHERE attendee = 'bob'"
        )
        connection.execute("UPDATE stored.events SET body_digest = uuid() WHERE object_id = 'w'")
        change = {
            "loads": "INSERT INTO loads (load_id) SELECT max(load_id) + 1 FROM loads",
            "generation": "INSERT INTO settings VALUES ('generation', '1')",
            "n_forgotten": "INSERT INTO settings VALUES ('n_forgotten', '1')",
        }
        connection.execute(change[table])
        # The log tells of which events the load told.
        connection.execute(
            "INSERT INTO stored.deliveries (load_id, ended, event_id) "
            "SELECT (SELECT max(load_id) FROM loads), 'duplicate', event_id "
            "FROM events WHERE object_id = 'w'"
        )
    for database in (made.database, opened_anew(made)):
        assert len(appointments(database).slots()) == 2
    computations = count_computations(monkeypatch)
    database = opened_anew(made)
    keep_slots(database)
    keep_slots(database)
    assert len(computations) == 1
    assert len(appointments(opened_anew(made)).slots()) == 2
    assert len(computations) == 1


def test_a_load_without_news_leaves_what_is_kept(
    made: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    computations = count_computations(monkeypatch)
    with made.database.writing() as connection:
        connection.execute("INSERT INTO loads (load_id) SELECT max(load_id) + 1 FROM loads")
    database = opened_anew(made)
    keep_slots(database)
    assert len(appointments(database).slots()) == 3
    assert computations == []


def test_an_event_that_was_decided_anew_is_news(
    made: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    computations = count_computations(monkeypatch)
    with made.database.writing() as connection:
        connection.execute(
            "UPDATE stored.events SET received_at = '2025-12-01 00:00:00Z' WHERE event_id "
            "IN (SELECT min(event_id) FROM events)"
        )
        connection.execute("INSERT INTO loads (load_id) SELECT max(load_id) + 1 FROM loads")
        connection.execute(
            "INSERT INTO stored.deliveries (load_id, ended, event_id) "
            "SELECT max(load_id), 'duplicate', (SELECT min(event_id) FROM events) FROM loads"
        )
    keep_slots(opened_anew(made))
    assert len(computations) == 1


def test_who_reads_the_store_meanwhile_does_not_fail_a_load(made: Clinic) -> None:
    made.tell("cancelled", "03-09 09:00", "w", attendees=["dr", "ann", "bob"])
    database = opened_anew(made)
    with database.reading():
        keep_slots(database)
    assert list(appointments(database).slots().outcome) == ["attended", *["cancelled"] * 2]


def test_a_store_that_is_small_keeps_nothing(made: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_slots, "FROM", 100)
    keep_slots(made.database)
    with made.database.reading() as connection:
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'kept%'"
        ).fetchall()
        assert found == []
    assert len(appointments(opened_anew(made)).slots()) == 3


def test_other_statements_or_words_are_another_computation_and_other_comments_are_none(
    made: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    computations = count_computations(monkeypatch)
    assert len(appointments(opened_anew(made), status_words={"dna": "no_show"}).slots()) == 3
    text_of: Any = steps.text_of
    for change, n_computed in ((("-- One row", "-- A row"), 1), (("SELECT", "SELECT DISTINCT"), 2)):
        changed = partial(lambda words, *of: text_of(*of).replace(*words), change)
        monkeypatch.setattr(stored_slots, "text_of", changed)
        assert len(appointments(opened_anew(made)).slots()) == 3
        assert len(computations) == n_computed
