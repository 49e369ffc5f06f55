"""The clinic's days: people register, book, write and are cared for, in the order of time.

``live`` yields what each step makes, so that a caller never holds more than the visits that are
still ahead. Step ``i`` happens after all that step ``i - 1`` was asked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from avon_analytics.samples import errands
from avon_analytics.samples.deck import DECK, deal
from avon_analytics.samples.desk import QUARTER, Desk
from avon_analytics.samples.facts import Fact
from avon_analytics.samples.instants import (
    BEGIN,
    CLOCK_CHANGES,
    DAY,
    HOUR,
    LAST_WORD,
    MINUTE,
    blurred,
    from_local,
    local_day,
    vintage_at,
)
from avon_analytics.samples.people import ZONES, Cast, Person
from avon_analytics.samples.talks import Question, asked, talk
from avon_analytics.samples.visits import NotYet, Visit

KINDS = (
    ("Initial consultation", "aptp_DemoInitialAAAAAAAA", 60),
    ("Follow-up", "aptp_DemoFollowUpAAAAAAA", 30),
    ("Therapy session", "aptp_DemoTherapyAAAAAAAA", 45),
    ("Medication check", "aptp_DemoMedicationAAAAA", 15),
    ("Nutrition counselling", "aptp_DemoNutritionAAAAAA", 40),
)
GROUP_KIND = ("Group education", "aptp_DemoGroupAAAAAAAAAA", 90)
INTERNAL_KIND = ("Case conference", "aptp_DemoInternalAAAAAAA", 30)
SAME_PERSON = 0.75  # how many bookings are by somebody who has been here before


@dataclass(slots=True)
class Step:
    """What one booking brings: nothing in it happened before ``asked_at``."""

    asked_at: int
    card: str
    facts: list[Fact] = field(default_factory=list)
    visit: Visit | None = None
    questions: list[Question] = field(default_factory=list)


class Clinic:
    """All decisions of the simulation. What is answered is drawn from ``answers``."""

    def __init__(self, rng: Random, n_appointments: int, answers: Random) -> None:
        self._rng, self._answers = rng, answers
        self._n = n_appointments
        self.cast = Cast(rng)
        self._desk = Desk(rng, self.cast)
        self._deck: list[str] = []

    def live(self) -> Iterator[Step]:
        yield self._opening()
        span = LAST_WORD - 3 * HOUR - BEGIN
        for i in range(self._n):
            asked_at = BEGIN + HOUR + int((i + self._rng.random()) / self._n * (span - HOUR))
            yield self._booking(asked_at, deal(self._rng, self._deck))

    def _opening(self) -> Step:
        """The staff, the first patients, and what is certain to be there exactly once."""
        step = Step(BEGIN, "")
        step.facts += errands.staff_news(self._rng, self.cast)
        for _ in range(3):  # patients from before the archive, about whom nothing is ever told
            self.cast.register(BEGIN - 90 * DAY, caregiver_share=0)
        for i in range(12):
            step.facts += self._registration(BEGIN + i * MINUTE, 1.0 if i in (2, 5, 7) else 0.0)
        for name in ZONES:
            while len([one for one in self.cast.by_zone[name] if one.is_known]) < 7:
                step.facts += self._registration(BEGIN + 20 * MINUTE, 0.0)
        step.facts += errands.set_pieces(self._rng, self.cast)
        return step

    def _registration(self, instant: int, caregiver_share: float = 0.15) -> list[Fact]:
        patient = self.cast.register(blurred(instant, self._rng), caregiver_share)
        return errands.registration(self._rng, patient)

    def _booking(self, asked_at: int, card: str) -> Step:
        rng = self._rng
        step = Step(asked_at, card)
        if rng.random() > SAME_PERSON:
            step.facts += self._registration(asked_at)
        visit = self._visit(blurred(asked_at + 2 * MINUTE, rng), card)
        with suppress(NotYet):
            if card != "created_lost":
                visit.book()
            DECK[card][1](visit, self._desk)
        step.visit = visit
        step.facts += visit.facts
        errand_facts = errands.between_visits(rng, self.cast, asked_at)
        step.facts += errand_facts
        for note in asked(errand_facts):
            made = talk(self._answers, self.cast, note)
            step.facts += made.facts
            step.questions += made.questions
        return step

    # Who comes, when and to whom

    def _somebody(self, card: str) -> Person:
        rng, cast = self._rng, self.cast
        if card == "cancelled_by_caregiver":
            return rng.choice(
                [one for one in cast.patients[-60:] if one.caregiver] or self._wards()
            )
        if card in ("clock_change", "month_edge"):
            return rng.choice(cast.by_zone[rng.choice(ZONES)][-40:])
        if rng.random() < 0.03:
            return cast.patients[rng.randrange(3)]
        recent = min(len(cast.patients), 25 + len(cast.patients) // 3)
        return cast.patients[-rng.randrange(1, recent)]

    def _wards(self) -> list[Person]:
        return [one for one in self.cast.patients[:30] if one.caregiver]

    def _visit(self, booked_at: int, card: str) -> Visit:
        rng, cast = self._rng, self.cast
        vintage = vintage_at(booked_at)
        kind = rng.choice(KINDS)
        patients: list[Person] = []
        late_comer: Person | None = None
        zone: str | None
        if card.startswith("group_"):
            kind, zone = GROUP_KIND, rng.choice(ZONES)
            known = [one for one in cast.by_zone[zone][-40:] if one.is_known]
            known = known if len(known) > 6 else [one for one in cast.by_zone[zone] if one.is_known]
            late_comer, *patients = rng.sample(known, rng.randrange(3, 8))
        elif card in ("internal", "no_patient"):
            kind, zone = (INTERNAL_KIND if card == "internal" else kind), rng.choice(ZONES)
        else:
            patients = [self._somebody(card)]
            zone = patients[0].zone
        length = kind[2] * MINUTE
        start = self._start(booked_at, zone, card)
        unknown_zone = not card.startswith("group_") and rng.random() < (
            0.1 if vintage == "C" else 0.25
        )
        host = cast.host(zone)
        traits = self._traits(card, kind, patients, host)
        traits["late_comer"] = late_comer
        return Visit(
            rng,
            host=host,
            patients=patients,
            booked_at=booked_at,
            start=start,
            end=None if card == "no_end" else start + length,
            zone=None if unknown_zone else zone,
            traits=traits,
        )

    def _start(self, booked_at: int, zone: str | None, card: str) -> int:
        rng = self._rng
        if card == "clock_change":
            ahead = [day for day in CLOCK_CHANGES if day > local_day(booked_at, zone, 1)]
            if ahead and (ahead[0] - local_day(booked_at, zone)).days < 90:
                hour = rng.choice((0, 3, 9, 20))
                return from_local(ahead[0], hour, 30, zone)
        if card == "month_edge":
            day = local_day(booked_at, zone, rng.randrange(2, 20)).replace(day=1)
            if day <= local_day(booked_at, zone, 1):
                day = (day + timedelta(days=32)).replace(day=1)
            return from_local(day - timedelta(days=1), 20, 30, zone)
        lead = 0 if rng.random() < 0.06 else min(int(rng.expovariate(1 / 14)), 60)
        day = local_day(booked_at, zone, lead)
        if day.weekday() > 4:
            day += timedelta(days=7 - day.weekday())
        start = from_local(day, rng.randrange(8, 18), rng.choice((0, 15, 30, 45)), zone)
        if start < booked_at + 40 * MINUTE:
            start = booked_at + int(rng.uniform(1, 4) * HOUR)
        return start - start % QUARTER

    def _traits(
        self, card: str, kind: tuple[str, str, int], patients: list[Person], host: Person
    ) -> dict[str, Any]:
        """What never changes about a visit and decides nothing, except who booked it."""
        rng, cast = self._rng, self.cast
        patient = patients[0] if patients else None
        self_booked = patient is not None and card[:5] != "group" and rng.random() < 0.3
        observers: list[str] = []
        if patient is not None and rng.random() < 0.06:
            alone = patient.caregiver if len(patients) == 1 else None
            observers.append(alone.id if alone else cast.stranger())
        staff_share = 0.06 if patients else 0.6
        staff = [rng.choice(cast.supports).id] if rng.random() < staff_share else []
        booker = patient if self_booked and patient else rng.choice((host, *cast.supports))
        return {
            "name": kind[0],
            "type": kind[1],
            "group": card.startswith("group_"),
            "internal": card == "internal",
            "recurring": card == "recurring",
            "self_booked": rng.choice(("rule", "override")) if self_booked else None,
            "interaction": "in_person" if rng.random() < 0.35 else "video_call",
            "booked_by": self._desk.reference(booker.id),
            "observers": observers,
            "staff": staff,
            "about": [one.user for one in cast.patients[-2:]] if card == "internal" else [],
            "host_attends": rng.random() < 0.5,
            "live": rng.random(),  # how much of what live records add: see the wire module
            "confirmed": rng.random() < 0.12,
            "cancel_word": "canceled" if rng.random() < 0.15 else "cancelled",
            "start_word": "started" if rng.random() < 0.1 else "in_progress",
            "place": patient.place if patient else host.place,
        }
