"""Rows that are counted without the views that show them: as many as the views have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import avon_analytics as avon
from avon_analytics.store.counts import counts
from avon_analytics.store.tables import table_infos
from tests.conftest import Loaded
from tests.intake.conftest import NOON, SECRET, Archive

NAMES = [info.name for info in table_infos() if info.kind != "figures"]
LATER = "whsec_of_later"
TEN, ELEVEN = 1_741_600_800_000, 1_741_604_400_000


def counted(store: avon.Store, names: list[str] = NAMES) -> dict[str, int]:
    database = store._database
    with database.reading() as connection:
        return counts(connection, names, is_lake=database.is_lake)


def seen(store: avon.Store) -> dict[str, int]:
    """What ``count(*)`` says of each table and view."""
    with store._database.reading() as connection:
        asked = (f"SELECT '{name}', count(*) FROM \"{name}\"" for name in NAMES)
        return dict(connection.execute(" UNION ALL ".join(asked)).fetchall())


def event(name: str, ms: int, **about: Any) -> dict[str, Any]:
    kind = name.partition(".")[0]
    return {"event": name, "created_at": ms, "object": {"object": kind, **about}}


def told(status: str, ms: int, by: str | None = "user_ann") -> dict[str, Any]:
    return {"status": status, "changed_at": ms, "changed_by": by}


def patient(name: str, ms: int, one: str, n: int, *, only: bool, **more: Any) -> dict[str, Any]:
    """A patient with so many addresses, or a caregiver."""
    addresses = [{"city": f"City {nth}"} for nth in range(n)]
    return event(name, ms, id=one, addresses=addresses, caregiver_only=only, **more)


def visit(name: str, ms: int, n: int, *history: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A visit with so many attendees."""
    attendees = [{"id": f"user_{nth}"} for nth in range(n)]
    return event(name, ms, id="appt_v", attendees=attendees, status_history=list(history), **more)


def bodies() -> Iterator[dict[str, Any]]:
    # Two versions of one instant: what was updated later is so, then what was received later,
    # then the larger id of the event.
    yield patient("patient.created", TEN, "user_a", 3, only=True, last_updated_at=ELEVEN)
    yield patient("patient.updated", TEN, "user_a", 1, only=False, last_updated_at=TEN)
    yield patient("patient.created", TEN, "user_b", 2, only=False)
    yield patient("patient.updated", TEN, "user_b", 4, only=True)
    # Who was a caregiver, and is a patient; and the other way round.
    yield patient("patient.created", TEN, "user_c", 1, only=True)
    yield patient("patient.updated", ELEVEN, "user_c", 2, only=False)
    yield patient("patient.created", TEN, "user_d", 2, only=False)
    yield patient("patient.updated", ELEVEN, "user_d", 0, only=True)
    # A change that is told twice, one that only the older version tells, one by nobody.
    first, gone, bare = told("scheduled", TEN), told("confirmed", TEN + 1), told("odd", TEN, None)
    yield visit("appointment.created", TEN, 3, first, gone, bare)
    yield visit("appointment.updated", ELEVEN, 1, first, bare, bare, timezone="Mars/Base")
    yield visit("appointment.confirmed", ELEVEN, 5, first, last_updated_at=TEN, new_field=[1])
    yield event("message.created", TEN, id="mess_m", text="x", new_field=1)
    yield event("message.deleted", ELEVEN, id="mess_m", text="x", new_field={})
    yield event("spaceship.landed", TEN, id="ship_s")
    yield event("provider.beamed", TEN, id="user_p", created_at=0)


@pytest.fixture(scope="module")
def varied(tiny: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[avon.Store]:
    """A clinic beside which stand versions of one instant, conflicts and lines of all kinds."""
    folder = tmp_path_factory.mktemp("varied")
    archive = Archive(folder / "lines")
    lines = [archive.raw(body) for body in bodies()]
    lines += [archive.raw(archive.patient(ms), secret=LATER) for ms in (TEN, ELEVEN)]
    lines += [archive.raw(archive.patient(ms, mrn=f"{ms}"), received=0) for ms in (1, 2)]
    lines += [lines[0], "{", json.dumps({"event": 1})]
    disputed = [
        archive.raw(patient("patient.updated", ELEVEN, "user_e", n, only=False), received=received)
        for n, received in ((3, NOON), (1, "2025-03-10T11:00:00Z"))
    ]
    with avon.open(tiny.copy(folder / "clinic.duckdb")) as store:
        for part in (lines, disputed[:1], disputed[1:]):
            store.load(archive.write(*part), secrets={"default": SECRET}, progress=False)
        yield store


def test_every_table_has_as_many_rows_as_its_view(varied: avon.Store) -> None:
    assert counted(varied) == seen(varied)
    found = counted(varied)
    assert list(found) == NAMES
    # Where an order decides: user_a is a caregiver with 3 addresses, user_b one with 4.
    sql = "SELECT id FROM caregivers WHERE id IN ('user_a', 'user_b', 'user_c', 'user_d')"
    assert set(varied.sql(sql)["id"]) == {"user_a", "user_b", "user_d"}
    changes = "SELECT count(*) AS n FROM appointment_status_history WHERE appointment_id = 'appt_v'"
    assert varied.sql(changes)["n"].tolist() == [3]
    assert found["quarantine"] > 4 < found["drift"]


def test_so_it_does_when_one_table_is_asked_for(varied: avon.Store) -> None:
    every = seen(varied)
    for name in NAMES:
        assert counted(varied, [name]) == {name: every[name]}


def test_so_it_does_in_a_lake(varied: avon.Store, tmp_path: Path) -> None:
    with avon.open(varied.write_lake(tmp_path / "lake")) as lake:
        assert counted(lake) == seen(lake) == seen(varied)


def test_so_it_does_after_a_replay_and_when_people_are_forgotten(
    varied: avon.Store, tmp_path: Path
) -> None:
    path = tmp_path / "copy.duckdb"
    path.write_bytes(Path(varied._database.path).read_bytes())
    with avon.open(path) as store:
        before = counted(store)
        assert store.quarantine.replay(secrets={"later": LATER}).loaded == 2
        assert counted(store) == seen(store) != before
        for one in ("user_b", *store.table("patients")["id"].head(2)):
            store.forget(one)
            assert counted(store) == seen(store)
        assert counted(store)["forgotten"] > 0


def test_an_empty_store_has_no_rows() -> None:
    with avon.open(":memory:") as store, store._database.writing():
        assert counted(store) == seen(store)
        assert set(counted(store).values()) == {0}
