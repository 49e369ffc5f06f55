"""The cast: staff, patients and caregivers who exist nowhere.

Names come from the two short lists below, telephone numbers from 555-01xx, mail addresses from
example.com and social security numbers from area 000, which is never issued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from avon_analytics.samples.instants import BEGIN, DAY, HOUR

FIRST_NAMES = (
    *("Testa", "Demo", "Sample", "Fictia", "Mocky", "Nomen", "Specima", "Placida", "Exempla"),
    *("Inventa", "Synthia", "Pseudo", "Figmenta", "Maquette", "Dummi", "Façade", "Zoë-Test"),
)
LAST_NAMES = (
    *("Madeup", "Notreal", "Placeholder", "Exampleton", "Fictional", "Sampleson", "Testwell"),
    *("Imaginary", "Nobody", "Pretend", "Mockingham", "Invented", "O'Sample", "Ünreal"),
)
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
PLACES = {
    "America/New_York": (("Avon", "CT", "06001"), ("Albany", "NY", "12207")),
    "America/Chicago": (("Madison", "WI", "53703"), ("Austin", "TX", "78701")),
    "America/Los_Angeles": (("Fresno", "CA", "93721"), ("Salem", "OR", "97301")),
}
CENTERS = {
    "America/New_York": ("mctr_DemoEastAAAAAAAAAAAA", "mctr_DemoEastBBBBBBBBBBBB"),
    "America/Chicago": ("mctr_DemoCentralAAAAAAAAA",),
    "America/Los_Angeles": ("mctr_DemoWestAAAAAAAAAAAA", "mctr_DemoWestBBBBBBBBBBBB"),
}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(slots=True, eq=False)
class Person:
    """Anybody with a user id. ``zone`` is missing for a few patients, as in real records."""

    id: str  # without its prefix, 28 characters
    number: int
    first: str
    last: str
    zone: str | None
    place: tuple[str, str, str]
    center: str
    born_on: tuple[int, int, int]
    created_at: int
    role: str  # patient, caregiver, provider, support, member (of care teams only)
    caregiver: Person | None = None
    dependents: list[Person] = field(default_factory=list)
    is_known: bool = False  # an event about this person was sent, so the archive knows them

    @property
    def user(self) -> str:
        return f"user_{self.id}"


class Cast:
    """Everybody, growing as patients register. One source of randomness, so it is repeatable."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._count = 0
        self.patients: list[Person] = []
        self.by_zone: dict[str, list[Person]] = {name: [] for name in ZONES}
        self.providers = [self._staff("provider", index) for index in range(9)]
        self.supports = [self._staff("support", index) for index in range(4)]
        self.members = [self._staff("member", index) for index in range(2)]
        # A host about whom no event ever came: known only by the visits that name them.
        self.locum = self._staff("provider", 0)

    def person(self, role: str, zone: str | None, created_at: int) -> Person:
        rng = self._rng
        self._count += 1
        home = zone or "America/New_York"
        return Person(
            id="".join(rng.choices(_ALPHABET, k=28)),
            number=self._count,
            first=rng.choice(FIRST_NAMES),
            last=rng.choice(LAST_NAMES),
            zone=zone,
            place=rng.choice(PLACES[home]),
            center=rng.choice(CENTERS[home]),
            born_on=(rng.randrange(1938, 2005), rng.randrange(1, 13), rng.randrange(1, 29)),
            created_at=created_at,
            role=role,
        )

    def _staff(self, role: str, index: int) -> Person:
        since = BEGIN - (200 + 7 * index) * DAY - index * HOUR
        return self.person(role, ZONES[index % len(ZONES)], since)

    def stranger(self) -> str:
        """The id of a user about whom nothing is ever told."""
        return "".join(self._rng.choices(_ALPHABET, k=28))

    def register(self, created_at: int, caregiver_share: float = 0.15) -> Person:
        """A new patient; some are children with a caregiver, who may be a patient too."""
        rng = self._rng
        drawn = rng.random()
        zone = None if drawn < 0.03 else ZONES[0 if drawn < 0.5 else 1 if drawn < 0.8 else 2]
        patient = self.person("patient", zone, created_at)
        if rng.random() < caregiver_share:
            known_patients = [
                one for one in self.patients[-5:] if one.is_known and not one.caregiver
            ]
            if known_patients and rng.random() < 0.2:
                caregiver = known_patients[0]
            else:
                caregiver = self.person("caregiver", zone, created_at)
            patient.caregiver = caregiver
            caregiver.dependents.append(patient)
            patient.born_on = (rng.randrange(2010, 2024), *patient.born_on[1:])
        self.patients.append(patient)
        if zone is not None:
            self.by_zone[zone].append(patient)
        return patient

    def host(self, zone: str | None) -> Person:
        """A provider, mostly one of the same time zone."""
        rng = self._rng
        if rng.random() < 0.02:
            return self.locum
        in_zone = [one for one in self.providers if one.zone == zone]
        return rng.choice(in_zone if in_zone and rng.random() < 0.9 else self.providers)
