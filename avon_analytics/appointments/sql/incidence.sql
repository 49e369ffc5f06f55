-- One row is one group, cause and day since the booking on which a slot of the group left: how many
-- were still there when the day began, and how many left by this cause, and by any, on the day.
-- Who is unresolved or open leaves by no cause (is censored), but is there on that day. Slots of
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
),
at_risk AS (
    SELECT
        *,
        sum(n_left) OVER (
            PARTITION BY keys ORDER BY day DESC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS n_at_risk
    FROM counts
),
causes AS (
    SELECT *
    FROM (VALUES ('attended'), ('no_show'), ('cancelled'), ('rescheduled')) AS causes (cause)
)
SELECT
    r.keys,
    c.cause,
    r.day,
    r.n_left,
    CAST(r.n_at_risk AS BIGINT) AS n_at_risk,
    CASE c.cause
        WHEN 'attended' THEN r.n_attended
        WHEN 'no_show' THEN r.n_no_show
        WHEN 'cancelled' THEN r.n_cancelled
        ELSE r.n_rescheduled
    END AS n_events,
    r.n_attended + r.n_no_show + r.n_cancelled + r.n_rescheduled AS n_events_of_any
FROM at_risk AS r
CROSS JOIN causes AS c
WHERE r.day IS NOT NULL
