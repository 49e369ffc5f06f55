-- One row is one thread of messages in which questions are sought anew: something is told of a message
-- of it, somebody who wrote there came to be known as a person or as staff, or something changed in the
-- visits of a patient who asks there.
-- Reads `touched_objects` and `touched_patients`. Parameters: $now (T now, in microseconds).
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
    LEFT JOIN touched_objects AS o ON r.event_id = o.event_id
    WHERE
        r.occurred_at <= timestamp_micros($now)
        AND r.id IN (SELECT object_id FROM touched_objects)
    GROUP BY r.is_staff, r.id
    HAVING count(*) = count(o.event_id)
),
touched AS (
    SELECT object_id AS id
    FROM touched_objects
    WHERE object_type = 'message'
    UNION
    SELECT id
    FROM stored.messages_versions
    WHERE rowid IN (
        SELECT rowid FROM stored.messages_versions WHERE created_by IN (SELECT id FROM new_writers)
    )
    UNION
    SELECT message_id
    FROM kept_questions
    WHERE rowid IN (
        SELECT rowid
        FROM kept_questions
        WHERE patient_id IN (SELECT patient_id FROM touched_patients)
    )
)
SELECT DISTINCT coalesce(message_thread, thread) AS thread
FROM stored.messages_versions
WHERE
    coalesce(message_thread, thread) IS NOT NULL
    AND rowid IN (SELECT rowid FROM stored.messages_versions WHERE id IN (SELECT id FROM touched))
