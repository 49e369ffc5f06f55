-- One row is one patient of whom it is known that they had been there, or that they had not: the first
-- planned start that they attended, since when it is known that they did, and whether the archive
-- goes back to when their record was made. Of all others nothing follows.
-- Reads `patient_records`. Parameters: $as_of.
WITH first_event AS (
    SELECT min(occurred_at) AS first_at FROM appointments_versions WHERE occurred_at <= $as_of
)
SELECT
    r.patient_id,
    r.first_attended_at,
    r.attended_known_at,
    coalesce(r.created_at >= f.first_at, false) AS is_new
FROM patient_records AS r
CROSS JOIN first_event AS f
WHERE r.first_attended_at IS NOT NULL OR r.created_at >= f.first_at
