-- One row is one day, local to the store, on which events known at T occurred.
-- Parameters: $as_of, $time_zone.
SELECT
    CAST(from_utc_timestamp(occurred_at, $time_zone) AS DATE) AS day_on,
    count(*) AS n_events,
    count(*) FILTER (WHERE object_type = 'appointment') AS n_appointment_events
FROM events
WHERE occurred_at <= $as_of
GROUP BY CAST(from_utc_timestamp(occurred_at, $time_zone) AS DATE)
