-- One row is one session that may have changed, as it was or as it is now: its appointment is computed
-- anew, or it came to be due.
-- Reads `touched_appointments`. Parameters: $before, $now, $grace_hours.
SELECT appointment_id, slot, host, start_day
FROM kept_session_hours
WHERE rowid IN (
    SELECT rowid
    FROM kept_session_hours
    WHERE appointment_id IN (SELECT appointment_id FROM touched_appointments)
)
UNION
SELECT
    appointment_id,
    slot,
    host,
    CAST(floor(unix_micros(start_at) / 8.64e10) AS BIGINT) AS start_day
FROM kept_slots
WHERE rowid IN (
    SELECT rowid
    FROM kept_slots
    WHERE NOT internal AND appointment_id IN (SELECT appointment_id FROM touched_appointments)
    UNION ALL
    SELECT rowid
    FROM kept_slots
    WHERE
        NOT internal
        AND unix_micros(coalesce(end_at, start_at)) + $grace_hours * 3.6e9 > $before
        AND unix_micros(coalesce(end_at, start_at)) + $grace_hours * 3.6e9 <= $now
)
