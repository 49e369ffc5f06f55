"""A clinic typed out by hand: what was told about its visits, put straight into a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pandas as pd
import pytest

from avon_analytics.appointments.cohort import Cohort
from avon_analytics.appointments.rows.engine import StoreEngine
from avon_analytics.appointments.source import CohortSource
from avon_analytics.store.database import Database
from avon_analytics.store.slim import EVENT_NO, slim_tables, stored
from tests.frames import column_names, only, plain

Instant = str | datetime
ROWS_AT_A_TIME = 50
_MANY = 1_000_000_000  # from which number on events are numbered of which many are told at once


def at(text: Instant) -> datetime:
    """``"03-10 15:00"`` is that minute of 2025, in UTC."""
    if isinstance(text, datetime):
        return text
    return datetime.fromisoformat(f"2025-{text}").replace(tzinfo=UTC)


def as_stored(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The same row, with the number of its event in place of what a list does not repeat."""
    columns = {column.name for column in slim_tables().get(table, ())}
    if EVENT_NO.name not in columns:
        return row
    number = int(row["event_id"].removeprefix("wbhk_"))
    return {"event_no": number} | {key: row[key] for key in row.keys() & columns}


def appointments(database: Database, *window: Any, **scope: Any) -> Cohort:
    """The cohort of a question to the store of this database."""
    return CohortSource(StoreEngine(database)).appointments(*window, **scope)


class Clinic:
    """Tells events to a store, as the loader would have left them there.

    Unless told otherwise an appointment ``v`` of host ``dr`` and patient ``ann`` is planned for
    the 10th of March 2025, 15:00 to 15:30 UTC.
    """

    at = staticmethod(at)

    def __init__(self, database: Database, *, next_number: int = 1) -> None:
        self._database = database
        self._numbers = count(next_number)  # of events; a copied store has some already
        self._next_of_many = _MANY
        self._touched: set[str] = set()
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._load_id: int | None = None

    @property
    def database(self) -> Database:
        """The store, with all that was told so far."""
        self.flush()
        return self._database

    def flush(self) -> None:
        """Write what was told: many rows at once take hardly longer than one."""
        told, self._told = self._told, {}
        if not told:
            return
        with self._database.writing() as connection:
            for table, rows in told.items():
                rows = [as_stored(table, row) for row in rows]
                names = list(dict.fromkeys(name for row in rows for name in row))
                columns = ", ".join(f'"{name}"' for name in names)
                for start in range(0, len(rows), ROWS_AT_A_TIME):
                    some = rows[start : start + ROWS_AT_A_TIME]
                    bound = [row.get(name) for row in some for name in names]
                    marks = f"({', '.join('?' * len(names))})"
                    connection.execute(
                        f"INSERT INTO {stored(table)} ({columns}) "
                        f"VALUES {', '.join([marks] * len(some))}",
                        bound,
                    )

    def clear(self) -> None:
        """Leave the store empty, and as if it had been loaded into once more."""
        self._told.clear()
        with self._database.writing() as connection:
            for table in self._touched:
                connection.execute(f"DELETE FROM {stored(table)}")
        self.load()

    def add(self, table: str, **row: Any) -> None:
        self._touched.add(table)
        self._told.setdefault(table, []).append(row)

    def event(
        self,
        name: str,
        when: Instant,
        object_id: str,
        *,
        signature: str = "verified",
        received: Instant | None = None,
    ) -> str:
        event_id = f"wbhk_{next(self._numbers):06}"
        self.add(
            "events",
            event_id=event_id,
            event=name,
            object_type=name.partition(".")[0],
            object_id=object_id,
            occurred_at=at(when),
            received_at=at(received or when),
            signature=signature,
        )
        self.add("deliveries", load_id=self.load_id, ended="loaded", event_id=event_id)
        return event_id

    @property
    def load_id(self) -> int:
        """The load that what is told now came with: the last one's."""
        if self._load_id is None:
            with self._database.reading() as connection:
                ((found,),) = connection.execute("SELECT max(load_id) FROM loads").fetchall()
            self._load_id = found or 1
        return self._load_id

    def load(self) -> None:
        """What is told from now on comes with another load."""
        with self.database.writing() as connection:
            connection.execute("INSERT INTO loads (load_id) SELECT count(*) + 1 FROM loads")
        self._load_id = None

    def tell(
        self,
        name: str,
        when: Instant,
        visit: str = "v",
        *,
        start: Instant | None = "03-10 15:00",
        minutes: float | None = 30,
        attendees: Sequence[str | dict[str, Any]] = ("dr", "ann"),
        history: Sequence[tuple[Instant | None, ...]] = (),
        custom: dict[str, str] | None = None,
        signature: str = "verified",
        received: Instant | None = None,
        **columns: Any,
    ) -> None:
        """One event about an appointment; ``history`` holds (status, when, by whom, why)."""
        event = f"appointment.{name}"
        event_id = self.event(event, when, visit, signature=signature, received=received)
        own = {"event_id": event_id, "occurred_at": at(when)}
        begins = None if start is None else at(start)
        ends = None if begins is None or minutes is None else begins + timedelta(minutes=minutes)
        told = {"host": "dr", "start_time": begins, "end_time": ends, **columns}
        self.add(
            "appointments_versions",
            **own,
            event=event,
            received_at=at(received or when),
            id=visit,
            **{key: at(value) if _is_instant(key, value) else value for key, value in told.items()},
        )
        for position, one in enumerate(attendees):
            row = {"attendee": one} if isinstance(one, str) else one
            row = {
                key: at(value) if _is_instant(key, value) else value for key, value in row.items()
            }
            self.add(
                "appointment_attendees_versions",
                **own,
                appointment_id=visit,
                position=position,
                **row,
            )
        for position, (status, changed, *by) in enumerate(history):
            self.add(
                "appointment_status_history_versions",
                **own,
                appointment_id=visit,
                position=position,
                status=status,
                changed_at=None if changed is None else at(changed),
                changed_by=by[0] if by else None,
                reason=by[1] if len(by) > 1 else None,
            )
        for key, value in (custom or {}).items():
            self.add(
                "appointment_custom_data_versions",
                **own,
                appointment_id=visit,
                position=0,
                key=key,
                value=value,
            )

    def tell_all(self, told: pd.DataFrame) -> None:
        """Many one-to-one visits at once: a row per event, with the columns of ``appointments`` and
        ``attendee``."""
        own = [name for name in column_names(told) if name not in ("attendee", "number")]
        insert = {
            "events": "event_no, event_id, event, occurred_at, received_at, "
            "'verified' AS signature, 'appointment' AS object_type, id AS object_id",
            "appointments_versions": ", ".join(["event_no", *own]),
            "appointment_attendees_versions": "event_no, 0 AS position, attendee",
        }
        first, self._next_of_many = self._next_of_many, self._next_of_many + len(told)
        told = told.assign(event_no=range(first, self._next_of_many))
        with self.database.writing() as connection:
            connection.register("told", told)
            for table, columns in insert.items():
                self._touched.add(table)
                connection.execute(
                    f"INSERT INTO {stored(table)} BY NAME SELECT {columns} FROM told"
                )
            connection.unregister("told")

    def person(self, person: str, when: Instant = "01-01 00:00", **columns: Any) -> None:
        """A patient or caregiver; ``state`` and the like go into the tables of their lists."""
        event_id = self.event("patient.updated", when, person)
        own = {"event_id": event_id, "occurred_at": at(when), "patient_id": person, "position": 0}
        lists = {
            "state": ("patient_addresses_versions", "state"),
            "center": ("patient_medical_centers_versions", "medical_center"),
            "dependent": ("patient_dependents_versions", "id"),
            "one_caregiver": ("patient_caregivers_versions", "id"),
        }
        for key in lists.keys() & columns.keys():
            table, column = lists[key]
            self.add(table, **own, **{column: columns.pop(key)})
        for key, value in columns.pop("custom", {}).items():
            self.add("patient_custom_data_versions", **own, key=key, value=value)
        self.add(
            "people_versions",
            event_id=event_id,
            event="patient.updated",
            occurred_at=at(when),
            id=person,
            **columns,
        )

    def staff(
        self,
        person: str,
        table: str = "providers",
        when: Instant = "01-01 00:00",
        *,
        received: Instant | None = None,
        **columns: Any,
    ) -> None:
        """A provider, support or care-team member."""
        if table == "care_team_members":
            event_id = self.event("care_team.updated", when, "crtm_1", received=received)
            self.add("care_teams_versions", event_id=event_id, occurred_at=at(when), id="crtm_1")
            self.add(
                "care_team_members_versions",
                event_id=event_id,
                occurred_at=at(when),
                care_team_id="crtm_1",
                position=0,
                id=person,
            )
            return
        event_id = self.event(f"{table[:-1]}.updated", when, person, received=received)
        self.add(
            f"{table}_versions",
            event_id=event_id,
            event=f"{table[:-1]}.updated",
            occurred_at=at(when),
            id=person,
            **columns,
        )

    def write(
        self,
        message: str,
        thread: str | None,
        by: str | None,
        when: Instant,
        /,
        *,
        received: Instant | None = None,
        **columns: str | None,
    ) -> None:
        """A message, written when it is told of."""
        event_id = self.event("message.created", when, message, received=received)
        self.add(
            "messages_versions",
            event_id=event_id,
            event="message.created",
            occurred_at=at(when),
            received_at=at(received or when),
            id=message,
            message_thread=thread,
            created_by=by,
            created_at=at(when),
            **columns,
        )

    def visits(self, as_of: Instant | None = "12-31 00:00", **scope: Any) -> Cohort:
        """The cohort, as of the end of the year unless told otherwise."""
        return appointments(self.database, as_of=None if as_of is None else at(as_of), **scope)

    def slots(self, **scope: Any) -> pd.DataFrame:
        """The slots with missing values as None, as of the end of the year."""
        return plain(self.visits(**scope).slots())

    def slot(self, **scope: Any) -> dict[str, Any]:
        """The only slot."""
        return only(self.slots(**scope))

    def life(self, **scope: Any) -> dict[str, Any]:
        """The only appointment."""
        return only(plain(self.visits(**scope).lifecycle()))


def _is_instant(name: str, value: Any) -> bool:
    return isinstance(value, str) and name.endswith(("_time", "_at"))


@pytest.fixture(scope="session")
def _store() -> Iterator[Database]:
    database = Database(":memory:")
    yield database
    database.close()


@pytest.fixture
def clinic(_store: Database) -> Iterator[Clinic]:
    """An empty clinic in UTC."""
    made = Clinic(_store)
    yield made
    made.clear()


@pytest.fixture(scope="module")
def module_clinic() -> Iterator[Clinic]:
    """A clinic of a store of its own, which a module fills once and then only asks."""
    database = Database(":memory:")
    yield Clinic(database)
    database.close()
