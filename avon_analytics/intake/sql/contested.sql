-- One row per contestant of an event id that came with two contents: each believed line of the
-- batch, and without `nth` the event that the store already has. `strength` is 0 for verified.
WITH bodies AS (
    SELECT event_id, body_digest FROM tellings
    UNION
    SELECT event_id, body_digest FROM known_events
),
contested AS (
    SELECT event_id FROM bodies GROUP BY event_id HAVING count(*) > 1
)
SELECT event_id, body_digest, nth, strength, epoch_us(received_at) AS received_us
FROM tellings WHERE event_id IN (SELECT event_id FROM contested)
UNION ALL
SELECT event_id, body_digest, NULL, NULL, NULL
FROM known_events WHERE event_id IN (SELECT event_id FROM contested)
ORDER BY event_id, nth NULLS FIRST
