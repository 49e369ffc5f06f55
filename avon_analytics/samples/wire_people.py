"""Persons and messages, as each generation of payloads writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from avon_analytics.samples.errands import News, Note
from avon_analytics.samples.instants import SECOND, Vintage, iso, iso_like_live
from avon_analytics.samples.people import Person

FIELDS = ("cfld_DemoPayerAAAAAAAAAAA", "cfld_DemoVisitsAAAAAAAAAA", "cfld_DemoConsentAAAAAAAAA")


def when(instant: int, vintage: Vintage) -> int | str:
    """An instant as this generation writes it."""
    return iso(instant) if vintage == "C" else instant


def custom_data(vintage: Vintage, rng: Random, plan: str) -> Any:
    """Custom fields: text at first, any scalar since C, and the two empty forms."""
    kind = rng.random()
    if kind < 0.08:
        return []
    if kind < 0.14:
        return {}
    fields: list[dict[str, Any]] = [{"key": FIELDS[0], "value": plan}]
    if vintage == "C":
        number = rng.choice((3, 72.5, 0, None))
        fields.append({"key": FIELDS[1], "value": number})
        fields.append({"key": FIELDS[2], "value": rng.choice((True, False, None))})
    elif kind < 0.5:
        fields.append({"key": FIELDS[1], "value": str(rng.randrange(9))})
    return fields


def date_of_birth(person: Person, vintage: Vintage, kind: float) -> Any:
    """One date in the spelling of a generation; ``kind`` picks the rarer ones."""
    year, month, day = person.born_on
    if vintage == "A" and kind < 0.3:
        born = int(datetime(year, month, day, tzinfo=UTC).timestamp())
        return born * SECOND
    if vintage != "C":
        return {"year": year, "month": month, "day": day}
    text = f"{year}-{month:02}-{day:02}"
    return f"{text}T00:00:00.000Z" if kind < 0.3 else text


def person(news: News, vintage: Vintage, rng: Random) -> dict[str, Any]:
    """The ``object`` of a patient's, caregiver's, provider's or support's event."""
    if news.person.role in ("patient", "caregiver"):
        return _patient(news, vintage, rng)
    return _staff(news, vintage, rng)


def _patient(news: News, vintage: Vintage, rng: Random) -> dict[str, Any]:
    who, version = news.person, news.version
    live = vintage == "C" and who.number % 3 == 0
    city, state, code = who.place
    status = {
        "status": "active",
        "changed_by": who.user,
        "changed_at": when(who.created_at, vintage),
    }
    address: dict[str, Any] = {
        "nickname": "Home",
        "line1": f"{100 + who.number % 900 + version} Example Street",
        "city": city,
        "state": state,
        "postal_code": code,
        "country": "US",
        "special_instructions": "",
    }
    caregiver = who.caregiver.user if who.caregiver else None
    record: dict[str, Any] = {
        "id": who.user,
        "object": "patient",
        "mrn": f"DEMO{who.number:07}",
        "first_name": who.first,
        "middle_name": "",
        "last_name": who.last,
        "gender": "Female" if who.number % 2 else "Male",
        "email": f"demo.{who.number}@example.com",
        "phone": f"(555) 555-01{who.number % 100:02}",
        "date_of_birth": date_of_birth(who, vintage, (who.number % 10) / 10),
        "ssn": f"000{who.number % 1_000_000:06}",
        "caregiver": caregiver or ("user_null" if live else None),
        "caregiver_only": who.role == "caregiver",
        "medical_centers": None if live and who.number % 7 == 0 else [who.center],
        "addresses": [address],
        "timezone": who.zone,
        "status_history": [status],
        "custom_data": custom_data(vintage, rng, f"Plan {who.number % 4}"),
        "created_by": "user_null" if live else who.user,
        "created_at": when(who.created_at, vintage),
        "last_updated_at": when(news.updated_at, vintage),
    }
    if who.role == "caregiver":
        record["dependents"] = [one.user for one in who.dependents]
    if live:
        _live_patient(record, who, rng)
    return record


def _live_patient(record: dict[str, Any], who: Person, rng: Random) -> None:
    """What real answers add to a patient."""
    record["status_history"][0] |= {
        "id": 5_000 + who.number,
        "parent": who.id,
        "parent_type": "patient",
        "reason": None,
    }
    record["addresses"][0] |= {"line2": None, "id": who.number, "parent": who.id}
    record |= {
        "created_at": iso_like_live(who.created_at, rng),
        "preferred_name": None,
        "pronouns": "they/them" if who.number % 5 == 0 else None,
        "sex": ("248152002", "248153007", "261665006")[who.number % 3],
        "race": None,
        "ethnicity": [],
        "note": "Nobody real.",
        "emergency_contacts": [],
        "external_accounts": {},
        "peer_groups": None,
        "has_no_known_allergies": False,
        "account": "demo",
        "portal_theme": "light",  # no documentation knows this field
    }


def _staff(news: News, vintage: Vintage, rng: Random) -> dict[str, Any]:
    who = news.person
    year, month, day = who.born_on
    record: dict[str, Any] = {
        "id": who.user,
        "object": who.role,
        "first_name": who.first,
        "last_name": who.last,
        "admin": "global_admin" if who.number == 1 else None,
        "email": f"staff.{who.number}@example.com",
        "phone": f"(555) 555-01{who.number % 100:02}",
        "medical_centers": [who.center],
        "date_of_birth": f"{year}-{month:02}-{day:02}",
        "created_at": when(who.created_at, vintage),
        "last_updated_at": when(news.updated_at, vintage),
    }
    if who.role == "provider":
        record |= {
            "specialization": ("Family medicine", "Psychiatry", "Nutrition")[who.number % 3],
            "bio": f"Not a real clinician. Version {news.version}.",
            "npi": f"{1_000_000_000 + who.number}",
            "license_type": "MD",
            "licensed_in": None if who.number % 4 == 0 else [who.place[1]],
            "status_history": [],
            "custom_data": custom_data(vintage, rng, "Demo"),
        }
    elif who.number % 2:  # the old form of a support record
        record |= {
            "status": "active",
            "created_at": who.created_at,
            "last_updated_at": news.updated_at,
        }
    return record


def message(note: Note, vintage: Vintage, rng: Random) -> dict[str, Any]:
    """The ``object`` of a message's event; it has no ``last_updated_at``."""
    new = vintage == "C"
    record: dict[str, Any] = {
        "id": note.id,
        "object": "message",
        "type": "in_app_message" if new else "inAppMessage",
        "mode": "text",
        "message_thread" if new else "thread": note.thread,
        "text": note.text,
        "created_by": note.author.user,
        "created_at": when(note.created_at, vintage),
    }
    if new and rng.random() < 0.3:
        record |= {"resolved": False, "resolved_at": None, "account": "demo"}
    return record
