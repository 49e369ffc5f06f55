-- One row is one appointment or patient and the newest value of one custom field known at T.
-- Parameters: $as_of, $key.
WITH told AS (
    SELECT appointment_id AS owner_id, key, value, occurred_at, event_id, position
    FROM appointment_custom_data_versions
    UNION ALL
    SELECT patient_id, key, value, occurred_at, event_id, position
    FROM patient_custom_data_versions
),
ordered AS (
    SELECT
        owner_id,
        get_json_object(value, '$') AS value,
        row_number() OVER (
            PARTITION BY owner_id ORDER BY occurred_at DESC, event_id DESC, position DESC
        ) AS nth
    FROM told
    WHERE key = $key AND occurred_at <= $as_of
)
SELECT owner_id, value
FROM ordered
WHERE nth = 1
