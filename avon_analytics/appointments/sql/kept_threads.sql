-- One row is one thread of messages in which questions are sought anew: something is told of a message
-- of it, somebody who wrote there came to be known as a person or as staff, or something changed in the
-- visits of a patient who asks there.
-- Reads `kept_objects` and `kept_patients`. Parameters: $now (T now, in microseconds).
WITH recorded AS (
    SELECT false AS is_staff, id, event_id, occurred_at FROM people_versions
    UNION ALL
    SELECT true, id, event_id, occurred_at FROM providers_versions
    UNION ALL
    SELECT true, id, event_id, occurred_at FROM supports_versions
),
new_writers AS (
    SELECT r.is_staff, r.id
    FROM recorded AS r
    LEFT JOIN kept_objects AS o ON r.event_id = o.event_id
    WHERE
        r.occurred_at <= timestamp_micros($now)
        AND r.id IN (SELECT object_id FROM kept_objects)
    GROUP BY r.is_staff, r.id
    HAVING count(*) = count(o.event_id)
),
touched AS (
    SELECT object_id AS id
    FROM kept_objects
    WHERE object_type = 'message'
    UNION
    SELECT m.id
    FROM messages_versions AS m
    INNER JOIN new_writers AS w ON m.created_by = w.id
    UNION
    SELECT q.message_id
    FROM kept_questions AS q
    INNER JOIN kept_patients AS p ON q.patient_id = p.patient_id
)
SELECT DISTINCT coalesce(m.message_thread, m.thread) AS thread
FROM messages_versions AS m
INNER JOIN touched AS t ON m.id = t.id
WHERE coalesce(m.message_thread, m.thread) IS NOT NULL
