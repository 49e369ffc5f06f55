-- One row is one kind of event known at T, and how long after it its first delivery was received.
-- Of an event that nothing but its receipt dates, nobody knows how long.
-- Parameters: $as_of.
WITH lags AS (
    SELECT
        event,
        received_at,
        occurred_at_source,
        CASE
            WHEN occurred_at_source IS DISTINCT FROM 'received'
                THEN (unix_micros(received_at) - unix_micros(occurred_at)) / 6e7
        END AS lag_minutes
    FROM events
    WHERE occurred_at <= $as_of
)
SELECT
    event,
    count(*) AS n_events,
    count(*) FILTER (WHERE received_at IS NULL) AS n_without_receipt,
    count(*) FILTER (
        WHERE received_at IS NOT NULL AND occurred_at_source = 'received'
    ) AS n_dated_by_receipt,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_minutes) AS median_lag_minutes,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY lag_minutes) AS p90_lag_minutes,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY lag_minutes) AS p99_lag_minutes,
    max(lag_minutes) AS max_lag_minutes,
    count(*) FILTER (WHERE lag_minutes > 1440) AS n_over_a_day,
    count(*) FILTER (WHERE lag_minutes < 0) AS n_before_event
FROM lags
GROUP BY event
ORDER BY event
