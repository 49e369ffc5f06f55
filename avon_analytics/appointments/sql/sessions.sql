-- One row is one session: one appointment at one planned start, whoever was to come. It has the
-- first of the outcomes that any of its slots has, in this order: attended, no_show, unresolved,
-- open, rescheduled, cancelled. It was released at its move, else when its last patient cancelled;
-- who cancelled is said of that slot. `hours` is missing where the end is missing, not after the
-- start, or more than 24 hours after it. Instants `_us` are microseconds.
-- Reads `every_slot`. Parameters: $late_hours, $is_same_day.
WITH ends AS (
    SELECT
        appointment_id,
        slot,
        min(host) AS host,
        min(start_on) AS start_on,
        min(time_zone) AS time_zone,
        unix_micros(min(start_at)) AS start_us,
        unix_micros(min(end_at)) AS end_us,
        unix_micros(min(planned_at)) AS planned_us,
        bool_or(is_due) AS is_due,
        CASE
            WHEN bool_or(outcome = 'attended') THEN 'attended'
            WHEN bool_or(outcome = 'no_show') THEN 'no_show'
            WHEN bool_or(outcome = 'unresolved') THEN 'unresolved'
            WHEN bool_or(outcome = 'open') THEN 'open'
            WHEN bool_or(outcome = 'rescheduled') THEN 'rescheduled'
            ELSE 'cancelled'
        END AS outcome,
        max(CASE WHEN outcome = 'rescheduled' THEN moved_at END) AS moved_at,
        max(CASE WHEN outcome = 'cancelled' THEN cancelled_at END) AS cancelled_at
    FROM every_slot
    GROUP BY appointment_id, slot
),
released AS (
    SELECT
        e.*,
        CASE outcome WHEN 'rescheduled' THEN moved_at WHEN 'cancelled' THEN cancelled_at END
            AS released_at,
        CASE
            WHEN start_us < end_us AND end_us <= start_us + 86400000000
                THEN (end_us - start_us) / 3.6e9
        END AS hours
    FROM ends AS e
),
cancellers AS (
    SELECT
        r.appointment_id,
        r.slot,
        min(CASE s.cancelled_by WHEN 'provider' THEN 1 WHEN 'patient' THEN 2 ELSE 3 END) AS side
    FROM released AS r
    INNER JOIN every_slot AS s
        ON r.appointment_id = s.appointment_id
        AND r.slot = s.slot
        AND r.released_at = s.cancelled_at
    WHERE r.outcome = 'cancelled' AND s.outcome = 'cancelled'
    GROUP BY r.appointment_id, r.slot
)
SELECT
    r.appointment_id,
    r.slot,
    r.host,
    r.is_due,
    r.outcome,
    r.start_us,
    r.end_us,
    r.planned_us,
    unix_micros(r.released_at) AS released_us,
    r.hours,
    (r.start_us - unix_micros(r.released_at)) / 3.6e9 AS notice_hours,
    CASE c.side WHEN 1 THEN 'provider' WHEN 2 THEN 'patient' WHEN 3 THEN 'unknown' END
        AS cancelled_by,
    CASE
        WHEN r.released_at IS NULL THEN false
        WHEN $is_same_day
            THEN CAST(from_utc_timestamp(r.released_at, r.time_zone) AS DATE) >= r.start_on
        ELSE (r.start_us - unix_micros(r.released_at)) / 3.6e9 < $late_hours
    END AS is_late
FROM released AS r
LEFT JOIN cancellers AS c ON r.appointment_id = c.appointment_id AND r.slot = c.slot
