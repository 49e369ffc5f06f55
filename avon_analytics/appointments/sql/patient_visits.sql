-- One row is one patient of whom it is known that they had been there, or that they had not, and one
-- stretch of planned starts, most often all (see `patient_records`): when a visit began that they
-- attended, since when it is known that they did, and whether the archive goes back to when their
-- record was made. Of all others nothing follows.
-- Reads `patient_records`. Parameters: $as_of.
WITH first_event AS (
    SELECT min(occurred_at) AS first_at FROM appointments_versions WHERE occurred_at <= $as_of
)
SELECT
    r.patient_id,
    r.nth,
    r.since_us,
    r.until_us,
    r.attended_at,
    r.attended_known_at,
    coalesce(r.created_at >= f.first_at, false) AS is_new
FROM patient_records AS r
CROSS JOIN first_event AS f
WHERE r.attended_at IS NOT NULL OR r.created_at >= f.first_at
