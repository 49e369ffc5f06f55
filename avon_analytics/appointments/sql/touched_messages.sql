-- One row is one message of the threads in which questions are sought anew.
-- Reads `touched_threads`. Parameters: $now (T now, in microseconds).
WITH perhaps AS (
    SELECT DISTINCT m.id
    FROM messages_versions AS m
    INNER JOIN touched_threads AS t ON coalesce(m.message_thread, m.thread) = t.thread
),
in_threads AS (
    SELECT m.id, max(coalesce(m.message_thread, m.thread)) AS thread
    FROM messages_versions AS m
    INNER JOIN perhaps AS p ON m.id = p.id
    WHERE m.occurred_at <= timestamp_micros($now)
    GROUP BY m.id
)
SELECT m.id
FROM in_threads AS m
INNER JOIN touched_threads AS t ON m.thread = t.thread
