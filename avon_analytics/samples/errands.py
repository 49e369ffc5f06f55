"""Everything around the visits: registrations, messages, tasks, documents, staff."""

from __future__ import annotations

import base64
from random import Random
from typing import Any, NamedTuple

from avon_analytics.samples.facts import Fact, moment
from avon_analytics.samples.instants import (
    B_FROM,
    C_FROM,
    DAY,
    FUTURE,
    HOUR,
    LAST_WORD,
    MINUTE,
    SECOND,
    blurred,
    iso,
    vintage_at,
)
from avon_analytics.samples.people import Cast, Person

TEXTS = (
    "Please bring your made-up insurance card.",
    "See you at the invented time.",
    "Is the sample clinic open on Monday?",
    "Thank you – ça va mieux.",
    "The demonstration form is attached.",
)


class News(NamedTuple):
    """A person's record after an event; ``version`` counts its changes."""

    person: Person
    updated_at: int
    version: int = 0


class Note(NamedTuple):
    """A message, written or taken back."""

    id: str
    author: Person
    thread: str
    text: str
    created_at: int


def key(rng: Random, prefix: str) -> str:
    return f"{prefix}_{rng.getrandbits(80):020x}"


def _person_event(rng: Random, person: Person, instant: int, verb: str, version: int = 0) -> Fact:
    person.is_known = True
    occurred = instant + rng.randrange(1, 900)
    kind = "patient" if person.role in ("patient", "caregiver") else person.role
    return Fact(occurred, kind, verb, News(person, instant, version))


def registration(rng: Random, patient: Person) -> list[Fact]:
    """A patient's first record, after their caregiver's where they have one."""
    facts = []
    caregiver = patient.caregiver
    if caregiver is not None and not caregiver.is_known:
        facts.append(_person_event(rng, caregiver, patient.created_at, "created"))
    facts.append(_person_event(rng, patient, patient.created_at + 5 * SECOND, "created"))
    return facts


def staff_news(rng: Random, cast: Cast) -> list[Fact]:
    """Staff are in the archive only since generation C; that is early enough for the figures."""
    facts = []
    for i, person in enumerate(cast.providers + cast.supports):
        verb = "created" if i in (8, 12) else "updated"
        facts.append(_person_event(rng, person, blurred(C_FROM + (i + 1) * HOUR, rng), verb))
    return facts


def set_pieces(rng: Random, cast: Cast) -> list[Fact]:
    """What must be there whatever chance does: the last word, and one clock set wrong."""
    patient = cast.patients[3]
    team = _care_team(rng, cast, patient, C_FROM + DAY, cast.members)
    task = _task(rng, cast, patient, C_FROM + 20 * DAY)
    wrong_clock = dict(task.state, priority="high", last_updated_at=iso(C_FROM + 40 * DAY))
    last = Note(key(rng, "msg"), cast.providers[0], key(rng, "mthd"), TEXTS[1], LAST_WORD)
    return [
        team,
        task,
        Fact(FUTURE, "task", "updated", wrong_clock, received_at=C_FROM + 40 * DAY + 3 * SECOND),
        Fact(LAST_WORD, "message", "created", last, received_at=LAST_WORD + 2 * SECOND),
        *(_invoice(rng, C_FROM + days * DAY) for days in (30, 50, 70)),
    ]


def between_visits(rng: Random, cast: Cast, now: int) -> list[Fact]:
    """What else the clinic does about now. Instants within a step never meet."""
    facts: list[Fact] = []
    patient = rng.choice(cast.patients[-60:])
    vintage = vintage_at(now + HOUR)
    if rng.random() < 0.25:
        facts += _message(rng, cast, patient, blurred(now + 4 * MINUTE, rng))
    if rng.random() < 0.10 and patient.is_known:
        instant = blurred(now + 7 * MINUTE, rng)
        facts.append(_person_event(rng, patient, instant, "updated", rng.randrange(1, 4)))
    if vintage != "C":
        return facts
    if rng.random() < 0.08:
        task = _task(rng, cast, patient, blurred(now + 9 * MINUTE, rng))
        facts.append(task)
        if rng.random() < 0.3:
            done = task.occurred_at + moment(rng, 0.2, 90)
            if done < LAST_WORD - MINUTE:
                state = dict(task.state, priority="low", last_updated_at=iso(done))
                facts.append(Fact(done + 40, "task", "updated", state))
    if rng.random() < 0.03:
        facts += _document(rng, patient, blurred(now + 11 * MINUTE, rng))
    if rng.random() < 0.03:
        members = [rng.choice(cast.providers), rng.choice(cast.supports)]
        facts.append(_care_team(rng, cast, patient, blurred(now + 13 * MINUTE, rng), members))
    if rng.random() < 0.01:
        one = rng.choice(cast.providers + cast.supports)
        if now > C_FROM + DAY:
            facts.append(_person_event(rng, one, blurred(now + 15 * MINUTE, rng), "updated", 1))
    if rng.random() < 0.01:
        facts.append(_invoice(rng, blurred(now + 17 * MINUTE, rng)))
    return facts


def _message(rng: Random, cast: Cast, patient: Person, instant: int) -> list[Fact]:
    author = patient if rng.random() < 0.5 else rng.choice(cast.providers)
    note = Note(key(rng, "msg"), author, key(rng, "mthd"), rng.choice(TEXTS), instant)
    facts = [Fact(instant + 1, "message", "created", note)]
    if rng.random() < 0.1:
        gone = instant + moment(rng, 0.5, 50)
        if gone < LAST_WORD - MINUTE:
            if rng.random() < 0.15 and instant > B_FROM:  # only its end is told
                facts[0] = facts[0]._replace(sent="lost")
            facts.append(Fact(gone, "message", "deleted", note))
    return facts


def _task(rng: Random, cast: Cast, patient: Person, instant: int) -> Fact:
    owner = rng.choice(cast.supports)
    state = {
        "id": key(rng, "task"),
        "object": "task",
        "name": rng.choice(("Call back", "Send the form", "Check the sample chart")),
        "description": "A task of the made-up clinic.",
        "patient": patient.user,
        "assigned_to": owner.user,
        "link_to": {"object": "patient", "id": patient.user, "name": "Chart"},
        "tags": rng.choice(([], ["demo"], None)),
        "priority": "medium",
        "due_date": iso(instant + 3 * DAY),
        "status_history": [
            {"status": "open", "changed_by": owner.user, "changed_at": iso(instant)}
        ],
        "parent": "task_null",
        "created_by": owner.user,
        "created_at": iso(instant),
        "last_updated_at": iso(instant),
    }
    return Fact(instant + 30, "task", "updated", state)


def _document(rng: Random, patient: Person, instant: int) -> list[Fact]:
    page = base64.b64encode(b"%PDF-1.4 a made-up page " + rng.randbytes(24)).decode()
    state: dict[str, Any] = {
        "id": key(rng, "doc"),
        "object": "document",
        "type": "pdf",
        "patient": patient.user,
        "name": "Made-up intake form",
        "filename": "intake-form.pdf",
        "sections": [],
        "score": rng.choice((None, 3, 7.5)),
        "share_with_patient": rng.random() < 0.5,
        "file": page,
        "tags": ["demo"],
        "reviews": [],
        "signers": None,
        "created_by": "user_null",
        "created_at": iso(instant),
        "last_updated_at": iso(instant),
    }
    facts = [Fact(instant + 20, "document", "created", state)]
    changed = instant + moment(rng, 0.2, 30)
    if rng.random() < 0.4 and changed < LAST_WORD - MINUTE:
        state = dict(state, name="Made-up intake form, signed", last_updated_at=iso(changed))
        facts.append(Fact(changed + 20, "document", "updated", state))
    return facts


def _care_team(
    rng: Random, cast: Cast, patient: Person, instant: int, members: list[Person]
) -> Fact:
    state = {
        "id": key(rng, "crtm"),
        "object": "care_team",
        "patient": patient.user,
        "members": [one.user for one in members],
        "created_by": cast.supports[0].user,
        "created_at": iso(instant),
        "last_updated_at": iso(instant),
    }
    return Fact(instant + 25, "care_team", "updated", state)


def _invoice(rng: Random, instant: int) -> Fact:
    """An object that no documentation of webhooks knows."""
    state = {
        "id": key(rng, "inv"),
        "object": "invoice",
        "amount": rng.randrange(10, 200),
        "currency": "usd",
        "paid": True,
        "created_at": iso(instant),
        "last_updated_at": iso(instant),
    }
    return Fact(instant + 10, "invoice", "paid", state)
