-- One row is the first event about an appointment that is known as of T, in microseconds; missing
-- without one. Parameters: $as_of.
SELECT unix_micros(min(occurred_at)) AS first_us
FROM appointments_versions
WHERE occurred_at <= $as_of
