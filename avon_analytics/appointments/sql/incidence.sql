-- One row is one group and day since the booking on which a slot of the group left: how many left, in
-- all and by each cause. Who is unresolved or open leaves by no cause (is censored). Slots of
-- which no day is known are left out at the end: left out before, each day would be worked out twice.
-- Reads `population`. Parameters: $as_of.
WITH ends AS (
    SELECT
        *,
        CASE outcome
            WHEN 'cancelled' THEN CAST(from_utc_timestamp(cancelled_at, time_zone) AS DATE)
            WHEN 'rescheduled' THEN CAST(from_utc_timestamp(moved_at, time_zone) AS DATE)
            WHEN 'open' THEN CAST(from_utc_timestamp($as_of, time_zone) AS DATE)
            ELSE start_on
        END AS ended_on
    FROM population
),
days AS (
    SELECT
        *,
        CAST(
            CASE
                WHEN ended_on < booked_on THEN 0
                ELSE unix_date(ended_on) - unix_date(booked_on)
            END AS BIGINT
        ) AS day
    FROM ends
),
counts AS (
    SELECT
        keys,
        day,
        count(*) AS n_left,
        count(*) FILTER (WHERE outcome = 'attended') AS n_attended,
        count(*) FILTER (WHERE outcome = 'no_show') AS n_no_show,
        count(*) FILTER (WHERE outcome = 'cancelled') AS n_cancelled,
        count(*) FILTER (WHERE outcome = 'rescheduled') AS n_rescheduled
    FROM days
    GROUP BY keys, day
)
SELECT *
FROM counts
WHERE day IS NOT NULL
