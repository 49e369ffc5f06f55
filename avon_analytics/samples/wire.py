"""Facts as webhook payloads: the envelope of each generation, and the appointment inside.

``object`` is always the whole object as it is after the event. How much of what live records add
is in an appointment is fixed for each visit, so that its versions agree with each other.
"""

from __future__ import annotations

from random import Random
from typing import Any

from avon_analytics.samples.facts import Change, Fact
from avon_analytics.samples.instants import Vintage, iso, iso_like_live, vintage_at
from avon_analytics.samples.visits import Snapshot
from avon_analytics.samples.wire_people import custom_data, message, person

LIVE = 0.3  # visits of generation C with everything that live records add
PLAIN_ATTENDEES = 0.6  # visits whose attendees have only what the figures need


def payload(fact: Fact, rng: Random) -> dict[str, Any]:
    """The body that Avon would sign."""
    vintage = vintage_at(fact.occurred_at)
    content = _object(fact, vintage, rng)
    event = event_name(fact.kind, fact.verb, vintage)
    if vintage == "A":
        return {"id": f"wbhk_{rng.getrandbits(80):020x}", "event": event, "object": content}
    created_at = iso(fact.occurred_at) if vintage == "C" else fact.occurred_at
    return {"event": event, "created_at": created_at, "object": content}


def event_name(kind: str, verb: str, vintage: Vintage) -> str:
    """A generation's word for it. In A every change of an appointment is an update."""
    if kind == "appointment":
        if vintage == "A" and verb != "created":
            verb = "updated"
        elif vintage == "C" and verb == "started":
            verb = "in_progress"
    return f"{kind}.{verb}"


def _object(fact: Fact, vintage: Vintage, rng: Random) -> dict[str, Any]:
    if fact.kind == "appointment":
        updated_at = fact.occurred_at if vintage == "A" else fact.state.updated_at
        return _appointment(fact.state, vintage, rng, updated_at)
    if fact.kind == "message":
        return message(fact.state, vintage, rng)
    if fact.kind in ("patient", "provider", "support"):
        content = person(fact.state, vintage, rng)
        if vintage == "A":
            content["last_updated_at"] = fact.occurred_at
        return content
    return dict(fact.state)


def _appointment(seen: Snapshot, vintage: Vintage, rng: Random, updated_at: int) -> dict[str, Any]:
    visit, traits = seen.visit, seen.visit.traits
    live = vintage == "C" and traits["live"] < LIVE

    def when(instant: int | None) -> int | str | None:
        if instant is None or vintage != "C":
            return instant
        return iso_like_live(instant, rng) if live else iso(instant)

    record: dict[str, Any] = {
        "id": f"appt_{visit.hex}",
        "object": "appointment",
        "name": traits["name"],
        "description": "",
        "appointment_type": traits["type"],
        "group": traits["group"],
        "internal": traits["internal"],
        "start_time": when(seen.start),
        "end_time": when(seen.end),
        "host": visit.host.user,
        "interaction_type": traits["interaction"],
        "attendees": _attendees(seen, when, live),
        "status_history": _history(seen, when, live),
        "created_by": traits["booked_by"],
        "created_at": when(visit.booked_at),
        "last_updated_at": when(updated_at),
    }
    if traits["recurring"]:
        record["recurrence_rules"] = [_rule(seen, when)]
    if not (traits["recurring"] and live):
        record["recurring"] = traits["recurring"]
    if not traits["recurring"]:
        record["actual_start_time"] = when(seen.actual_start)
        record["actual_end_time"] = when(seen.actual_end)
    if traits["self_booked"]:
        record["generated_from_type"] = traits["self_booked"]
        record["generated_from"] = "avbl_DemoRuleAAAAAAAAAA"
    if traits["internal"]:
        record["reference_patients"] = traits["about"]
    if visit.zone is not None:
        record["timezone"] = visit.zone
    if live:
        _live_appointment(record, seen, vintage, rng)
    return record


def _attendees(seen: Snapshot, when: Any, live: bool) -> list[dict[str, Any]] | None:
    visit, traits = seen.visit, seen.visit.traits
    bare = traits["live"] * 10 % 1 < 0.1
    people: list[tuple[str, bool | None, bool]] = []
    if traits["host_attends"]:
        people.append((visit.host.id, False, False))
    people += [(one.id, flag, False) for one, flag in seen.patients]
    people += [(one, None, True) for one in traits["observers"]]
    people += [(one, False, False) for one in traits["staff"]]
    entries: list[dict[str, Any]] = []
    for i, (one, flag, observes) in enumerate(people):
        entry = {
            "id": visit.number + i,
            "attendee": one if bare else f"user_{one}",
            "no_show": flag,
            "is_observer": observes,
        }
        if traits["live"] > PLAIN_ATTENDEES or live:
            entry["appointment"] = visit.hex
            entry["attendance_status"] = "noResponse"
            entry["payment_status"] = "not_applicable"
        if live:
            entry["object"] = "appointment_attendee"
            entry["actual_start_time"] = entry["actual_end_time"] = None
            entry["last_updated_at"] = when(visit.booked_at)
        entries.append(entry)
    return entries or (None if visit.number % 2 else [])


def _history(seen: Snapshot, when: Any, live: bool) -> list[dict[str, Any]] | None:
    """Three keys an entry, or seven; none at all where this version does not tell."""
    if seen.history is None:
        return [] if seen.visit.number % 2 else None
    if not live:
        return [
            {"status": status, "changed_by": by, "changed_at": when(at)}
            for status, by, at in seen.history
        ]
    return [_long_change(seen, i, change, when) for i, change in enumerate(seen.history)]


def _long_change(seen: Snapshot, i: int, change: Change, when: Any) -> dict[str, Any]:
    cancels = change.status in ("cancelled", "canceled")
    return {
        "id": seen.visit.number * 10 + i,
        "parent": seen.visit.hex,
        "parent_type": "appointment",
        "status": change.status,
        "changed_by": change.by,
        "changed_at": when(change.at),
        "reason": "Made-up reason" if cancels else None,
    }


def _rule(seen: Snapshot, when: Any) -> dict[str, Any]:
    return {
        "id": f"rrul_{seen.visit.number}",
        "type": "appointment",
        "frequency": "weekly",
        "interval": 1,
        "by_day": ["MO"],
        "iterations": 6,
        "ends": "after",
        "until": None,
        "start_time": when(seen.start),
        "duration": 30,
        "appointment": seen.visit.hex,
    }


def _live_appointment(
    record: dict[str, Any], seen: Snapshot, vintage: Vintage, rng: Random
) -> None:
    """What real answers add to an appointment."""
    traits = seen.visit.traits
    city, state, code = traits["place"]
    in_person = traits["interaction"] == "in_person"
    location = {
        "line1": "1 Sample Square",
        "line2": "",
        "city": city,
        "state": state,
        "postal_code": code,
    }
    call = {
        "join_url": f"https://video.example.com/j/{seen.visit.number}",
        "meeting_id": str(seen.visit.number),
    }
    record |= {
        "location": location if in_person else None,
        "video_call": None if in_person else call,
        "visit_note": "note_null",
        "external_id": None,
        "patient": None,
        "recurrenceId": None,
        "account": "demo",
        "type": "appointment",
        "custom_data": custom_data(vintage, rng, "Demo visit"),
        "copay_cents": 2500,  # no documentation knows this field
    }
