"""Which names are time zones, and whose instants a date means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import duckdb
import pytest

from avon_analytics.appointments.rows.scope import as_instant, midnight
from avon_analytics.contract.zones import folded, zones

if TYPE_CHECKING:
    from tests.appointments.conftest import Clinic

NAMES = {
    "America/New_York": "America/New_York",
    "america/new_york": "America/New_York",
    " America/New_York ": "America/New_York",
    "AMERICA/NEW_YORK\n": "America/New_York",
    "Eastern Standard Time": "America/New_York",
    "eastern standard time": "America/New_York",
    "Pacific Standard Time": "America/Los_Angeles",
    "US/Pacific": "US/Pacific",
    "EST": "EST",
    "cet": "CET",
    "UTC": "UTC",
    **dict.fromkeys(["BST", "AST", "SST", "ECT", "PST", "IST", "CST", "EDT"]),
    **dict.fromkeys(["+05:00", "-0500", "UTC+5", "GMT-5", "", "Mars/Olympus", "New York"]),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_zone_or_none(name: str) -> None:
    assert zones().get(folded(name)) == NAMES[name]


def test_visits_have_the_zone_of_their_name_or_their_patients(clinic: Clinic) -> None:
    clinic.person("ann", timezone="Asia/Tokyo")
    for name in NAMES:
        clinic.tell("created", "03-01 09:00", f"v{name}", timezone=name)
    rows = clinic.slots().set_index("appointment_id")
    assert rows.time_zone.to_dict() == {
        f"v{name}": zone or "Asia/Tokyo" for name, zone in NAMES.items()
    }
    with clinic.database.reading() as connection:
        found = connection.execute(
            "SELECT path, value, n_seen FROM drift WHERE kind = 'time_zone'"
        ).fetchall()
    listed = [("appointment.timezone", name, 1) for name, zone in NAMES.items() if zone is None]
    assert sorted(found) == sorted(listed)


def test_the_hour_is_that_of_the_zone_that_was_meant(clinic: Clinic) -> None:
    # 15:00 UTC of the 10th is 11:00 in New York, where summer time began on the 9th.
    clinic.tell("created", "03-01 09:00", timezone="Eastern Standard Time")
    assert clinic.slot()["start_hour"] == 11


def test_a_name_that_is_no_zone_takes_none_away(clinic: Clinic) -> None:
    clinic.person("ann", "01-01 00:00", timezone="Asia/Tokyo")
    clinic.person("ann", "01-02 00:00", timezone="JST")
    clinic.tell("created", "03-01 09:00", "v", timezone="BST")
    clinic.tell("created", "03-01 09:00", "w", timezone="Europe/Paris")
    clinic.tell("updated", "03-02 09:00", "w", timezone="ECT")
    rows = clinic.slots().set_index("appointment_id")
    assert rows.time_zone.to_dict() == {"v": "Asia/Tokyo", "w": "Europe/Paris"}


def test_every_zone_of_the_list_is_one_that_the_engine_knows() -> None:
    known = duckdb.execute("SELECT name FROM pg_timezone_names()").fetchall()
    missing = set(zones().values()) - {name for (name,) in known}
    assert len(missing) <= 1  # one that came after an older engine
    assert len(zones()) > 700


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2025-01-31", "UTC", "2025-01-31T00:00:00"),
        ("2025-07-01", "America/New_York", "2025-07-01T04:00:00"),
        # Clocks went forward at midnight, to 01:00 (UTC-4).
        ("2024-03-10", "America/Havana", "2024-03-10T05:00:00"),
        # Clocks went back at 01:00, so that midnight came twice: at 04:00 and 05:00 UTC.
        ("2024-11-03", "America/Havana", "2024-11-03T04:00:00"),
        # A day that Samoa left out.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(day: str, zone: str, begins: str) -> None:
    expected = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert midnight(date.fromisoformat(day), zone) == expected


@pytest.mark.parametrize("zone", ["America/Vancouver", "Africa/Casablanca", "Europe/Berlin"])
def test_a_date_is_read_by_the_zones_that_tell_local_dates(zone: str) -> None:
    """The last instant of the 20th is still on that day for the engine, the next is not."""
    end = as_instant("2026-11-20", zone)
    assert end is not None
    query = "SELECT CAST(timezone($zone, make_timestamptz($us)) AS DATE)"
    micros = int((end - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    days = [
        duckdb.execute(query, {"zone": zone, "us": micros + more}).fetchall()[0][0]
        for more in (-1, 0)
    ]
    assert days == [date(2026, 11, 20), date(2026, 11, 21)]
