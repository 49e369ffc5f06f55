-- One row is one session that may have changed, as it was or as it is now: its appointment is computed
-- anew, or it came to be due.
-- Reads `kept_touched`. Parameters: $before, $now, $grace_hours.
SELECT h.appointment_id, h.slot, h.host, h.start_day
FROM kept_session_hours AS h
INNER JOIN kept_touched AS t ON h.appointment_id = t.appointment_id
UNION
SELECT
    s.appointment_id,
    s.slot,
    s.host,
    CAST(floor(unix_micros(s.start_at) / 8.64e10) AS BIGINT)
FROM kept_slots AS s
LEFT JOIN kept_touched AS t ON s.appointment_id = t.appointment_id
WHERE
    NOT s.internal
    AND (
        t.appointment_id IS NOT NULL
        OR (
            unix_micros(coalesce(s.end_at, s.start_at)) + $grace_hours * 3.6e9 > $before
            AND unix_micros(coalesce(s.end_at, s.start_at)) + $grace_hours * 3.6e9 <= $now
        )
    )
