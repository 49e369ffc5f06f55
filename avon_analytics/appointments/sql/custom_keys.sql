-- One row is one custom field that some appointment or patient has had, and whether one of an
-- appointment.
WITH known AS (
    SELECT key, true AS is_of_appointments
    FROM appointment_custom_data_versions
    UNION
    SELECT key, false
    FROM patient_custom_data_versions
)
SELECT key, bool_or(is_of_appointments) AS is_of_appointments
FROM known
WHERE key IS NOT NULL
GROUP BY key
