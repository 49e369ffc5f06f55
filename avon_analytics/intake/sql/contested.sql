-- One row per contestant of an event id that came with two contents: each believed line of the
-- batch, and the event that the store already has (without `nth`). `strength` is 0 for verified.
WITH bodies AS (
    SELECT event_id, body_digest FROM tellings
    UNION
    SELECT event_id, body_digest FROM known_events
),
contested AS (
    SELECT event_id FROM bodies GROUP BY event_id HAVING count(*) > 1
)
SELECT event_id, body_digest, nth, strength, epoch_us(received_at) AS received_us,
    file, byte_offset, byte_length
FROM tellings WHERE event_id IN (SELECT event_id FROM contested)
UNION ALL
SELECT event_id, body_digest, NULL, strength, epoch_us(received_at),
    file, byte_offset, byte_length
FROM known_events WHERE event_id IN (SELECT event_id FROM contested)
ORDER BY event_id, nth NULLS FIRST
