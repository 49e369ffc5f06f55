-- One row is one message of a thread in which a counted question stands, and who wrote it.
-- Reads `counted`. Parameters: $as_of.
SELECT DISTINCT m.id, m.created_by
FROM messages_versions AS m
WHERE
    m.occurred_at <= $as_of
    AND coalesce(m.message_thread, m.thread) IN (
        SELECT coalesce(q.message_thread, q.thread)
        FROM messages_versions AS q
        INNER JOIN counted AS c ON q.id = c.message_id
        WHERE q.occurred_at <= $as_of
    )
