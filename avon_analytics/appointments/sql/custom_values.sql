-- One row is one appointment or patient and the newest value of one custom field known at T.
-- A value is marked while the newest is looked for, because engines differ in what they do with a
-- missing one there.
-- Parameters: $as_of, $key.
WITH field_values AS (
    SELECT appointment_id AS owner_id, key, value, occurred_at, event_id, position
    FROM appointment_custom_data_versions
    UNION ALL
    SELECT patient_id, key, value, occurred_at, event_id, position
    FROM patient_custom_data_versions
),
newest AS (
    SELECT
        owner_id,
        max_by(
            coalesce('=' || get_json_object(value, '$'), ''),
            (occurred_at, event_id, position)
        ) AS marked
    FROM field_values
    WHERE key = $key AND occurred_at <= $as_of
    GROUP BY owner_id
)
SELECT owner_id, CASE WHEN marked <> '' THEN substr(marked, 2) END AS value
FROM newest
