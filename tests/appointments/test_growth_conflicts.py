"""Slots grow through loads in which another content of known events wins, loses, or returns."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import avon_analytics as avon
from avon_analytics.appointments.slots import stored_slots
from avon_analytics.store.database import Database
from tests.appointments.test_growth import count_growth, kept_and_anew

MARCH = 1_740_787_200_000  # the first of March 2025, in milliseconds
DAY = 86_400_000
PEOPLE = ("ann", "bob", "cid", "dr", "el")
Event = tuple[str, int, str]  # its name, its instant, its object's id
VISITS: tuple[Event, ...] = tuple(
    (f"appointment.{name}", MARCH + n * DAY // 4, f"v{n % 5}")
    for n, name in enumerate(("created", "created", "updated", "cancelled", "created") * 4)
)
DOCUMENTS: tuple[Event, ...] = (("document.updated", MARCH + 5, "d1"),)
OTHERS: tuple[Event, ...] = (
    *(("patient.updated", MARCH + n, one) for n, one in enumerate(PEOPLE)),
    ("provider.updated", MARCH + 9, "dr"),
    ("care_team.updated", MARCH + 9, "team"),
    *(("message.created", MARCH + n * DAY, f"m{n}") for n in range(5)),
)


def content(random: Random, event: Event) -> dict[str, Any]:
    """What an event may say of its object."""
    name, when, about = event
    kind = name.partition(".")[0]
    told: dict[str, Any] = {"id": about}
    if kind == "appointment":
        start = MARCH + random.randrange(10) * DAY + 54_000_000
        told |= {
            "host": random.choice(("dr", "el", None)),
            "start_time": start,
            "end_time": start + 1_800_000,
            "attendees": [{"attendee": one} for one in random.sample(PEOPLE, 2)],
            "status_history": [
                {
                    "status": random.choice(("scheduled", "cancelled", "no_show", "completed")),
                    "changed_at": when,
                    "changed_by": random.choice(PEOPLE),
                }
            ],
        }
    elif kind == "message":
        told |= {
            "thread": random.choice(("t1", "t2")),
            "created_by": random.choice(PEOPLE),
            "created_at": when,
        }
    elif kind == "patient":
        told |= {
            "timezone": random.choice(("America/New_York", "Asia/Tokyo")),
            "caregiver_only": random.choice((True, False)),
            "care_team_members": random.sample([{"id": one} for one in PEOPLE], 1),
        }
    elif kind == "care_team":
        told |= {"members": random.sample([{"id": one} for one in PEOPLE], 1)}
    else:
        told |= {"name": random.choice(("one", "two"))}
    return told


class Calls:
    """Deliveries of events, each with the content that its caller likes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._bodies: dict[Event, list[str]] = {}

    def first(self, event: Event) -> str:
        """An event for the first time."""
        return self._line(self._body(event), "12:00")

    def other(self, event: Event) -> str:
        """The same event with another content, received before all others, or after them."""
        return self._line(self._body(event), self._random.choice(("11:00", "13:00")))

    def returning(self, event: Event) -> str:
        """A content that was told before, and is now said to have come first."""
        return self._line(self._random.choice(self._bodies[event]), "10:00")

    def _body(self, event: Event) -> str:
        name, when, _ = event
        told = {"event": name, "created_at": when, "object": content(self._random, event)}
        body = json.dumps(told)
        self._bodies.setdefault(event, []).append(body)
        return body

    def _line(self, body: str, hour: str) -> str:
        second = self._random.randrange(60)
        at = f"2025-05-01T{hour}:{second:02}Z"
        return json.dumps({"headers": {}, "received_at": at, "body": body})


def loads(
    folder: Path, random: Random, contested: tuple[Event, ...], monkeypatch: pytest.MonkeyPatch
) -> list[bool]:
    """Load all events, then others' contents of some; after each load grown is computed anew."""
    monkeypatch.setattr(stored_slots, "FROM", 1)
    grown, calls, path = count_growth(monkeypatch), Calls(random), folder / "store.duckdb"
    path.unlink(missing_ok=True)
    first, later = VISITS[:15], VISITS[15:]
    rounds = [[calls.first(event) for event in (*first, *DOCUMENTS, *OTHERS)]]
    for n in range(3):
        some = [
            random.choice((calls.other, calls.returning))(e) for e in random.sample(contested, 3)
        ]
        rounds.append([*some, calls.first(later[n])])
    for n, lines in enumerate(rounds):
        archive = folder / f"{n}.jsonl"
        archive.write_text("\n".join(lines) + "\n")
        with avon.open(path) as store:
            store.load(archive, policy="skip", recheck=True, progress=False)
        database = Database(path)
        found, anew = kept_and_anew(database)
        database.close()
        assert found == anew
    return grown


def examples(usual: int) -> settings:
    """So many archives, or as many as are asked for."""
    return settings(
        max_examples=int(os.environ.get("AVON_GROWTH_EXAMPLES", usual)),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@given(seed=st.integers(0, 10**9))
@examples(2)
def test_slots_grow_where_another_content_of_a_visit_wins(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        contested = (*VISITS[:15], *DOCUMENTS)
        assert loads(tmp_path, Random(seed), contested, patched) == [True] * 3


def test_who_is_no_longer_listed_as_staff_is_a_patient_of_other_visits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ann's record lists sam in her care team, until another content of it wins: two patients."""
    monkeypatch.setattr(stored_slots, "FROM", 1)
    grown, path = count_growth(monkeypatch), tmp_path / "store.duckdb"
    visit: dict[str, Any] = {"id": "v", "start_time": MARCH + DAY, "host": "dr"}
    visit |= {"attendees": [{"attendee": "ann"}, {"attendee": "sam"}]}
    ann = {"id": "ann", "care_team_members": [{"id": "sam"}]}
    loaded: list[list[tuple[int, str, dict[str, Any]]]] = [
        [(13, "patient.updated", ann), (13, "appointment.created", visit)],
        [(12, "patient.updated", {"id": "ann"})],
    ]
    for n, (lines, n_slots) in enumerate(zip(loaded, (1, 2), strict=True)):
        bodies = [
            (hour, {"event": event, "created_at": MARCH, "object": about})
            for hour, event, about in lines
        ]
        texts = [
            {"headers": {}, "received_at": f"2025-05-01T{hour}:00:00Z", "body": json.dumps(body)}
            for hour, body in bodies
        ]
        (tmp_path / f"{n}.jsonl").write_text("\n".join(map(json.dumps, texts)))
        with avon.open(path) as store:
            store.load(tmp_path / f"{n}.jsonl", policy="skip", progress=False)
            assert len(store.appointments().slots()) == n_slots
    assert grown == []


@given(seed=st.integers(0, 10**9))
@examples(1)
def test_slots_are_right_where_another_content_of_anything_wins(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        loads(tmp_path, Random(seed), (*VISITS[:15], *DOCUMENTS, *OTHERS), patched)
