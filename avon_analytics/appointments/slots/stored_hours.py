"""The hours of sessions that a large store keeps, as of its default instant, and how they grow.

They hold for the usual grace and notice alone. What became of an hour hangs on the sessions that
overlap it and on those that overlap these: with a session, those of its host are computed anew that
start up to two days from it, for which as many days again are looked at.
"""

from __future__ import annotations

import duckdb

from avon_analytics.appointments.slots import derived, steps
from avon_analytics.appointments.slots.queries import sql, taken_by
from avon_analytics.appointments.slots.steps import Settings
from avon_analytics.store.found_rows import rows_where

_HOURS = "store.kept_session_hours"
_MADE = ("touched_sessions", "touched_days", "slots_near", "session_hours_new")
_DAY = "CAST(floor(unix_micros(start_at) / 8.64e10) AS BIGINT)"


def grow_hours(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    facts: tuple[str, str],
    since: dict[str, object],
) -> None:
    """Bring the hours up to date with the kept facts, of which those touched were replaced.

    since: the instants ``before`` and ``now`` in microseconds, as of which they are and shall be.
    """
    views = ("slots_now", "lives_now")
    slots, lives = facts
    try:
        connection.execute(
            f"CREATE TEMP TABLE touched_sessions AS {sql('touched_sessions')}",
            {**since, "grace_hours": settings.grace_hours},
        )
        connection.execute(
            "CREATE TEMP TABLE touched_days AS SELECT host, start_day + away AS start_day, "
            "min(abs(away)) AS away FROM touched_sessions, (SELECT unnest(range(-4, 5)) AS away) "
            "GROUP BY ALL"
        )
        near = rows_where(slots, f"NOT internal AND {_some(_DAY, 4)}")
        connection.execute(f"CREATE TEMP TABLE slots_near AS {near}")
        steps.show(connection, settings, ("temp.slots_near", lives), views)
        hours = derived.text_of("session_hours", "SELECT * FROM temp.slots_now")
        connection.execute(
            f"CREATE TEMP TABLE session_hours_new AS {hours}",
            taken_by(hours, settings.parameters),
        )
        connection.execute(f"DELETE FROM {_HOURS} WHERE {_some('start_day', 2)}")
        connection.execute(
            f"INSERT INTO {_HOURS} SELECT * FROM session_hours_new WHERE {_some('start_day', 2)}"
        )
    finally:
        for view in views:
            connection.execute(f"DROP VIEW IF EXISTS temp.{view}")
        for table in _MADE:
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _some(day: str, away: int) -> str:
    """The sessions that changed, and those of their hosts that start so many days from them."""
    return (
        "((appointment_id, slot) IN (SELECT (appointment_id, slot) FROM touched_sessions) OR "
        f"(host, {day}) IN (SELECT (host, start_day) FROM touched_days WHERE away <= {away}))"
    )
