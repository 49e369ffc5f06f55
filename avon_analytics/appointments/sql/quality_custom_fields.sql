-- One row is one custom field of one type of object known at T: on how many objects it ever was,
-- and how often its value was a text, a number, a flag or missing.
-- Parameters: $as_of.
WITH field_values AS (
    SELECT 'appointment' AS object, appointment_id AS owner_id, key, value
    FROM appointment_custom_data_versions
    WHERE occurred_at <= $as_of
    UNION ALL
    SELECT 'patient', patient_id, key, value
    FROM patient_custom_data_versions
    WHERE occurred_at <= $as_of
    UNION ALL
    SELECT 'provider', provider_id, key, value
    FROM provider_custom_data_versions
    WHERE occurred_at <= $as_of
    UNION ALL
    SELECT 'support', support_id, key, value
    FROM support_custom_data_versions
    WHERE occurred_at <= $as_of
)
SELECT
    object,
    key,
    count(DISTINCT owner_id) AS n_objects,
    count(*) AS n_values,
    count(*) FILTER (WHERE substr(value, 1, 1) = '"') AS n_texts,
    count(*) FILTER (WHERE substr(value, 1, 1) BETWEEN '-' AND '9') AS n_numbers,
    count(*) FILTER (WHERE value IN ('true', 'false')) AS n_flags,
    count(*) FILTER (WHERE value IS NULL OR value = 'null') AS n_missing
FROM field_values
WHERE key IS NOT NULL
GROUP BY object, key
ORDER BY object, key
