-- One row is one custom field that some appointment or patient has had.
SELECT key FROM appointment_custom_data_versions WHERE key IS NOT NULL
UNION
SELECT key FROM patient_custom_data_versions WHERE key IS NOT NULL
