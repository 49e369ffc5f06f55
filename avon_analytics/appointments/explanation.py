"""One appointment's story: what was reported, by which delivery, and why its slots ended so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd

from avon_analytics import arguments
from avon_analytics.appointments.rows.counted import attributes
from avon_analytics.appointments.rows.scope import as_instant
from avon_analytics.appointments.slots.queries import sql
from avon_analytics.appointments.slots.slots import computed, usual_settings
from avon_analytics.appointments.slots.statuses import spelling
from avon_analytics.appointments.slots.steps import BEFORE_ALL
from avon_analytics.errors import UnknownAppointment
from avon_analytics.figures.words import DateLike
from avon_analytics.store.database import Database
from avon_analytics.store.frames import frame
from avon_analytics.store.tables import object_tables
from avon_analytics.suggestions import repeated

DEFINITION = (
    "What was reported about one appointment, in the order in which it happened, and what became "
    "of its slots. An event is a delivery that came; a row of kind reported is what an event "
    "reported beside its own name, inferred where no event of that name ever came."
)
DTYPES = {
    "step": "Int64",
    "at": "datetime64[us, UTC]",
    "kind": "str",
    "what": "str",
    "slot": "Int64",
    "patient_id": "str",
    "by_id": "str",
    "source": "str",
    "is_inferred": "boolean",
    "detail": "str",
    "event_id": "str",
    "file": "str",
    "line": "Int64",
    "byte_offset": "Int64",
    "byte_length": "Int64",
    "signature": "str",
    "received_at": "datetime64[us, UTC]",
    "n_deliveries": "Int64",
}
_PLACE = ("event_id", "file", "line", "byte_offset", "byte_length", "signature", "received_at")
_LISTS = ("attendees", "status_history", "custom_data")
_APART = {"event_id", "event", "occurred_at", "received_at", "id", "last_updated_at"}

Row = dict[str, Any]


def explain(
    database: Database,
    appointment_id: str,
    *,
    as_of: DateLike | None = None,
    identifiers: bool = False,
) -> pd.DataFrame:
    """See ``Store.explain``."""
    hidden = () if arguments.flag(identifiers, "identifiers") else _hidden()
    given = arguments.text(appointment_id, "explain: name an appointment by its id, a text")
    settings = usual_settings(database, as_instant(as_of, database.time_zone))
    instant = settings.instant
    with database.reading() as connection:
        found = _versions(connection, given, instant)
        query = (
            f"SELECT * FROM {computed(database, settings).slots} "
            "WHERE appointment_id = $appointment_id ORDER BY slot, position, patient_id NULLS FIRST"
        )
        slots = _rows(frame(connection, query, {"appointment_id": found.appointment_id}))
    patients = {slot["patient_id"] for slot in slots} - {None}
    explained = _Explained(found, dict(settings.words), hidden, patients)
    story = sorted(explained.rows(), key=lambda row: row["at"] or BEFORE_ALL)
    rows = [*story, *(_ending(slot) for slot in slots)]
    data = pd.DataFrame(
        {name: [row.get(name) for row in rows] for name in DTYPES if name != "step"}
    )
    data.insert(0, "step", range(1, len(rows) + 1))
    data = data.astype(DTYPES)
    unverified = {v["event_id"] for v in found.versions if v["signature"] != "verified"}
    data.attrs = attributes(DEFINITION, settings.as_of, len(unverified))
    return data


@dataclass(frozen=True, slots=True)
class _Versions:
    """The versions of one appointment, oldest first, and what their lists held."""

    appointment_id: str
    versions: Sequence[Row]
    lists: dict[str, dict[str, list[Row]]]


def _versions(connection: duckdb.DuckDBPyConnection, given: str, as_of: datetime) -> _Versions:
    """Raises UnknownAppointment if nothing is known of it at this instant."""
    given = given.strip()
    for wanted in (given, f"appt_{given}"):
        bound = {"appointment_id": wanted, "as_of": as_of}
        versions = _rows(frame(connection, sql("explain_versions"), bound))
        if versions:
            break
    else:
        raise UnknownAppointment(
            f"no event up to {as_of:%Y-%m-%d %H:%M} UTC reports an appointment {repeated(given)}: "
            "give an id as in the column appointment_id of slots, with or without appt_"
        )
    lists: dict[str, dict[str, list[Row]]] = {}
    for name in _LISTS:
        children = frame(
            connection,
            f"SELECT * FROM appointment_{name}_versions WHERE appointment_id = $appointment_id "
            "AND occurred_at <= $as_of ORDER BY event_id, position",
            bound,
        )
        lists[name] = {}
        for child in _rows(children):
            lists[name].setdefault(child["event_id"], []).append(child)
    return _Versions(wanted, versions, lists)


def _rows(data: pd.DataFrame) -> list[Row]:
    plain = data.astype(object).where(data.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _hidden() -> tuple[str, ...]:
    (table,) = (table for table in object_tables() if table.name == "appointments")
    return tuple(column.name for column in table.columns if column.privacy)


class _Explained:
    """What each version reported that the ones before it had not."""

    def __init__(
        self,
        found: _Versions,
        words: dict[str, str],
        hidden: Sequence[str],
        patients: Set[str],
    ) -> None:
        self._found = found
        self._words = words
        self._hidden = hidden
        self._patients = patients
        self._listed: dict[str, Row] = {}
        self._came = {self._word(v["event"].partition(".")[2]) for v in found.versions}
        if any(v["event"] == "appointment.created" for v in found.versions):
            self._came.add("scheduled")
        self._known: set[tuple[Any, ...]] = set()

    def rows(self) -> Iterator[Row]:
        """One row for each event, and one for whatever else it reported for the first time."""
        before: Row | None = None
        slot = 1
        start = None
        for version in self._found.versions:
            if version["start_time"] is not None:
                slot += start is not None and version["start_time"] != start
                start = version["start_time"]
            place = {name: version[name] for name in (*_PLACE, "n_deliveries")}
            for row in self._beside(version):
                yield {**place, "kind": "reported", "slot": slot, **row}
            yield {
                **place,
                "at": version["occurred_at"],
                "kind": "event",
                "what": version["event"],
                "slot": slot,
                "source": "event",
                "is_inferred": False,
                "detail": "; ".join(self._changes(before, version)) or "no other field changed",
            }
            before = version

    def _word(self, source_word: str) -> str:
        return self._words.get(spelling(source_word), source_word)

    def _beside(self, version: Row) -> Iterator[Row]:
        for change in self._list("status_history", version):
            status, by = change["status"], change["changed_by"]
            if status is not None and self._is_new("status", status, change["changed_at"], by):
                at = change["changed_at"] or version["occurred_at"]
                reason = change["reason"]
                yield self._reported(status, at, "status_history", by_id=by, detail=reason)
        people: list[Row] = [{**version, "attendee": None}, *self._list("attendees", version)]
        for person in people:
            for word, at in (
                ("in_progress", person["actual_start_time"]),
                ("completed", person["actual_end_time"]),
            ):
                if at is not None and self._is_new(word, at, person["attendee"]):
                    yield self._reported(word, at, "actual_time", patient_id=person["attendee"])

    def _reported(self, source_word: str, at: Any, source: str, **more: Any) -> Row:
        is_inferred = self._word(source_word) not in self._came
        return {"at": at, "what": source_word, "source": source, "is_inferred": is_inferred, **more}

    def _is_new(self, *fact: Any) -> bool:
        is_new = fact not in self._known
        self._known.add(fact)
        return is_new

    def _list(self, name: str, version: Row) -> list[Row]:
        return self._found.lists[name].get(version["event_id"], [])

    def _changes(self, before: Row | None, version: Row) -> Iterator[str]:
        for name, value in version.items():
            if name in _APART or name in (*_PLACE, "n_deliveries"):
                continue
            earlier = None if before is None else before[name]
            if value == earlier:
                continue
            if name in self._hidden:
                yield f"{name} changed" if before else f"{name} reported"
            elif before is None or earlier is None:
                yield f"{name} {_shown(value)}"
            else:
                yield f"{name} {_shown(earlier)} → {_shown(value)}"
        yield from self._attendees(version)
        values = [
            {} if one is None else {c["key"]: c["value"] for c in self._list("custom_data", one)}
            for one in (before, version)
        ]
        for key in sorted(key for key in set(values[0]) | set(values[1]) if key is not None):
            if values[0].get(key) != values[1].get(key):
                yield f"{key} {_shown(values[1].get(key))}"

    def _attendees(self, version: Row) -> Iterator[str]:
        """Who came and went since they were last listed, as slots see it.

        A version that names no patient of the visit says of nobody that they left.
        """
        listed = self._list("attendees", version)
        new = {a["attendee"]: a for a in listed if a["attendee"] is not None}
        old, self._listed = self._listed, new
        if self._patients.isdisjoint(new):
            self._listed = old | new
        for person in new:
            if person not in old:
                yield f"with {person}"
        for person in old:
            if person not in self._listed:
                yield f"without {person}"
        for person, one in new.items():
            for flag in ("no_show", "is_observer"):
                earlier = old.get(person, {}).get(flag)
                if one[flag] != earlier and (one[flag] or earlier):
                    yield f"{flag} of {person} {_shown(one[flag])}"


def _ending(slot: Row) -> Row:
    """The row that says what became of a slot, and why."""
    return {
        "at": slot["evidence_at"],
        "kind": "outcome",
        "what": slot["outcome"],
        "slot": slot["slot"],
        "patient_id": slot["patient_id"],
        "by_id": slot["cancelled_by_id"],
        "source": slot["evidence"],
        "detail": "; ".join(_why(slot)),
    }


def _why(slot: Row) -> Iterator[str]:
    yield "no planned start" if slot["start_at"] is None else f"planned {_shown(slot['start_at'])}"
    told_by = {
        "event": "the event of that name",
        "status_history": "the status history",
        "actual_time": "an actual time",
    }.get(slot["evidence"])
    match slot["outcome"]:
        case "no_show" if slot["evidence"] == "attendee":
            yield "the last version that reports it says no_show of this attendee"
        case "rescheduled":
            yield f"moved to {_shown(slot['moved_to_at'])} before anything else was known"
            yield f"notice {slot['notice_hours']:.1f} hours" if slot["start_at"] else "no notice"
        case "unresolved":
            yield "its planned end and the grace are over, and nobody reported how it ended"
        case "open":
            yield "not due yet, and nothing was reported that ends it"
        case "cancelled" if slot["evidence"] == "attendee":
            yield "no longer among the attendees"
        case _:
            word = slot["source_word"] or slot["outcome"]
            yield f"newest word that decides: {word}, reported by {told_by}"
    if slot["outcome"] == "cancelled":
        yield f"cancelled {_shown(slot['cancelled_at'])} by {slot['cancelled_by']}"
        if slot["notice_hours"] is not None:
            late = "late" if slot["is_late"] else "not late"
            yield f"notice {slot['notice_hours']:.1f} hours, {late}"
        if slot["reason"] is not None:
            yield f"reason: {slot['reason']}"
    if slot["is_superseded"] and slot["outcome"] != "rescheduled":
        yield f"then moved to {_shown(slot['moved_to_at'])}"


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}Z".replace(":00Z", "Z")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
