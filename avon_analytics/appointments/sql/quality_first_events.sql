-- One row is one type of object, how many of it are known at T, and of how many the event that
-- created them never came. Types without such an event are left out.
-- Parameters: $as_of.
WITH objects AS (
    SELECT
        object_type,
        object_id,
        bool_or(event = object_type || '.created') AS has_first_event
    FROM events
    WHERE occurred_at <= $as_of AND object_id IS NOT NULL
    GROUP BY object_type, object_id
)
SELECT
    object_type,
    count(*) AS n_objects,
    count(*) FILTER (WHERE NOT has_first_event) AS n_without_first_event
FROM objects
WHERE object_type IN ('appointment', 'patient', 'message', 'provider', 'support', 'document')
GROUP BY object_type
ORDER BY object_type
