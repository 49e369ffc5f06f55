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
        min(start_at) AS start_at,
        min(time_zone) AS time_zone,
        unix_micros(min(start_at)) AS start_us,
        unix_micros(min(end_at)) AS end_us,
        unix_micros(min(planned_at)) AS planned_us,
        bool_or(is_due) AS is_due,
        min(
            CASE outcome
                WHEN 'attended' THEN 1
                WHEN 'no_show' THEN 2
                WHEN 'unresolved' THEN 3
                WHEN 'open' THEN 4
                WHEN 'rescheduled' THEN 5
                ELSE 6
            END
        ) AS place,
        max(CASE WHEN outcome = 'rescheduled' THEN moved_at END) AS moved_at,
        max(CASE WHEN outcome = 'cancelled' THEN cancelled_at END) AS cancelled_at,
        -- The last cancellation, and who is named of those at one instant, in one number.
        max(
            CASE
                WHEN outcome = 'cancelled'
                    THEN unix_micros(cancelled_at) * 4
                        + CASE cancelled_by WHEN 'provider' THEN 2 WHEN 'patient' THEN 1 ELSE 0 END
            END
        ) AS cancelled
    FROM every_slot
    GROUP BY appointment_id, slot
),
released AS (
    SELECT
        *,
        CASE place
            WHEN 1 THEN 'attended'
            WHEN 2 THEN 'no_show'
            WHEN 3 THEN 'unresolved'
            WHEN 4 THEN 'open'
            WHEN 5 THEN 'rescheduled'
            ELSE 'cancelled'
        END AS outcome,
        CASE place WHEN 5 THEN moved_at WHEN 6 THEN cancelled_at END AS released_at,
        CASE
            WHEN start_us < end_us AND end_us <= start_us + 86400000000
                THEN (end_us - start_us) / 3.6e9
        END AS hours
    FROM ends
)
SELECT
    appointment_id,
    slot,
    host,
    is_due,
    outcome,
    start_us,
    end_us,
    planned_us,
    unix_micros(released_at) AS released_us,
    hours,
    (start_us - unix_micros(released_at)) / 3.6e9 AS notice_hours,
    CASE
        WHEN place < 6 THEN NULL
        WHEN cancelled - unix_micros(cancelled_at) * 4 = 2 THEN 'provider'
        WHEN cancelled - unix_micros(cancelled_at) * 4 = 1 THEN 'patient'
        WHEN cancelled IS NOT NULL THEN 'unknown'
    END AS cancelled_by,
    CASE
        WHEN released_at IS NULL THEN false
        WHEN $is_same_day
            THEN CAST(from_utc_timestamp(released_at, time_zone) AS DATE)
                >= CAST(from_utc_timestamp(start_at, time_zone) AS DATE)
        ELSE (start_us - unix_micros(released_at)) / 3.6e9 < $late_hours
    END AS is_late
FROM released
