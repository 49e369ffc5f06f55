"""The visits in which a person takes part, and which of them other patients share.

What is known of a visit may be spread over a store and a batch: the functions take any number of
both. Whoever hosts or observes a visit, works for the clinic or only cares for somebody is no
patient there. Who is listed in a care team works for the clinic, unless they have a patient's
record: a patient is in their own care team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from avon_analytics.intake.person.rows import Rows


def visits_of(rows: Rows, people: Sequence[str]) -> list[str]:
    """The appointments in which some people take part, whoever they are."""
    if not people or (seats := _seats(rows)) is None:
        return []
    found = rows.run(
        f"SELECT DISTINCT visit FROM ({seats}) "
        "WHERE person IN (SELECT unnest($people::VARCHAR[])) ORDER BY 1",
        people=list(people),
    )
    return [visit for (visit,) in found]


def visits_about(rows: Rows) -> list[str]:
    """The appointments that name them: as patient, attendee or whom an internal one is about."""
    if (visits := rows.named("appointments")) is None:
        return []
    found = [f"SELECT id FROM {visits} WHERE patient IN (SELECT id FROM persons)"]
    for name, column in (
        ("appointment_attendees", "attendee"),
        ("appointment_reference_patients", "reference_patient"),
    ):
        if (listed := rows.named(name)) is not None:
            found.append(
                f"SELECT v.id FROM {visits} AS v JOIN {listed} AS l ON l.{rows.key} = v.{rows.key} "
                f"WHERE l.{column} IN (SELECT id FROM persons)"
            )
    return sorted(visit for (visit,) in rows.run(" UNION ".join(found)))


def others_in(
    sources: Sequence[Rows], visits: Sequence[str], gone: Sequence[str]
) -> set[tuple[str, str]]:
    """Who takes part in some visits beside their host and those ``gone``: visits with people."""
    seats = {
        seat
        for rows in sources
        if (every := _seats(rows)) is not None
        for seat in rows.run(
            f"SELECT DISTINCT visit, person FROM ({every}) WHERE person IS DISTINCT FROM host "
            "AND visit IN (SELECT unnest($visits::VARCHAR[]))",
            visits=list(visits),
        )
    }
    return {(visit, person) for visit, person in seats if person not in gone}


def shared_visits(
    sources: Sequence[Rows],
    visits: Sequence[str],
    gone: Sequence[str],
    *,
    is_all_told: bool,
    aside: Callable[[Iterable[tuple[str, str]]], set[tuple[str, str]]] = lambda _: set(),
) -> set[str]:
    """Those of some visits in which another patient than those ``gone`` takes part.

    One version that lists another is enough. Unless everything is known, whoever is known from
    care teams alone may be a patient. ``aside`` says who took part in a visit that was theirs alone
    when they were forgotten: these make it no other's until a patient's record of them comes.
    """
    others = others_in(sources, visits, gone)
    people = sorted({person for _, person in others})
    patients = set(people) - no_patients(sources, people, is_all_told=is_all_told)
    counted = {(visit, person) for visit, person in others if person in patients}
    if set_aside := aside(counted):
        roles = _roles_of(sources, sorted({person for _, person in set_aside}))
        counted -= {seat for seat in set_aside if seat[1] not in roles["patient"]}
    return {visit for visit, _ in counted}


def no_patients(sources: Sequence[Rows], people: Sequence[str], *, is_all_told: bool) -> set[str]:
    """Those of some people who are no patients."""
    roles = _roles_of(sources, people)
    others = roles["carer"] | roles["listed"] if is_all_told else roles["carer"]
    return roles["staff"] | (others - roles["patient"])


def _roles_of(sources: Sequence[Rows], people: Sequence[str]) -> dict[str, set[str]]:
    """Which of some people stand in which role."""
    told: dict[str, set[str]] = {role: set() for role in ("staff", "carer", "listed", "patient")}
    for rows in sources:
        if roles := _roles(rows):
            found = rows.run(
                f"SELECT DISTINCT id, role FROM ({roles}) "
                "WHERE id IN (SELECT unnest($people::VARCHAR[]))",
                people=list(people),
            )
            for person, role in found:
                told[role].add(person)
    return told


def with_roles(rows: Rows) -> list[str]:
    """Of whom rows say that they work for the clinic, or only care for somebody."""
    roles = _roles(rows)
    is_so = "role IN ('staff', 'carer')"
    found = rows.run(f"SELECT DISTINCT id FROM ({roles}) WHERE {is_so}") if roles else []
    return sorted(person for (person,) in found)


def _seats(rows: Rows) -> str | None:
    """SQL for who takes part in which visit, beside its host."""
    if (visits := rows.named("appointments")) is None:
        return None
    seats = f"SELECT id AS visit, patient AS person, host FROM {visits} WHERE patient IS NOT NULL"
    if (attendees := rows.named("appointment_attendees")) is not None:
        seats += (
            f" UNION ALL SELECT v.id, a.attendee, v.host FROM {visits} AS v "
            f"JOIN {attendees} AS a ON a.{rows.key} = v.{rows.key} "
            "WHERE a.attendee IS NOT NULL AND NOT coalesce(a.is_observer, false)"
        )
    return seats


def _roles(rows: Rows) -> str:
    """SQL for what rows say of who people are."""
    of_record = "CASE WHEN caregiver_only THEN 'carer' ELSE 'patient' END"
    found = [
        f"SELECT id, {role} AS role FROM {table} WHERE id IS NOT NULL"
        for name, role in (
            ("providers", "'staff'"),
            ("supports", "'staff'"),
            ("care_team_members", "'listed'"),
            ("patient_care_team_members", "'listed'"),
            ("patients", of_record),
        )
        if (table := rows.named(name)) is not None
    ]
    return " UNION ALL ".join(found)
