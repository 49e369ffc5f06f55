-- One row is one group and booking period of appointments, how many local calendar days lay between
-- booking and first planned start, and how many were attended within `$within` days of the booking.
-- Only those can be told of whose days, and the grace after them, were over at T. What has no
-- booking date is in a row without a period. Reads `population`. Parameters: $due_until, $within.
WITH followed AS (
    SELECT
        *,
        unix_date(CAST(from_utc_timestamp($due_until, 'UTC') AS DATE))
        - unix_date(booked_on) - $within AS days_followed
    FROM population
),
booked AS (
    SELECT
        *,
        CASE
            WHEN abs(days_followed) > 1 THEN days_followed > 0  -- no zone is a day away from UTC
            ELSE unix_date(CAST(from_utc_timestamp($due_until, time_zone) AS DATE))
                > unix_date(booked_on) + $within
        END AS is_followed,
        outcome = 'attended' AND unix_date(start_on) <= unix_date(booked_on) + $within AS is_within
    FROM followed
)
SELECT
    keys,
    count(*) AS n_appointments,
    count(*) FILTER (WHERE lead_days IS NOT NULL) AS n_with_lead,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(lead_days AS DOUBLE)) AS median_lead_days,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(lead_days AS DOUBLE)) AS p90_lead_days,
    count(*) FILTER (WHERE is_followed) AS n_followed,
    count(*) FILTER (WHERE is_followed AND is_within) AS n_within
FROM booked
GROUP BY keys
