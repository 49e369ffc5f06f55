-- One row per contestant of an event id that came with two contents: each believed line of the
-- batch, and the event that the store already has. `strength` is 0 for verified.
WITH bodies AS (
    SELECT event_id, body_digest FROM tellings
    UNION
    SELECT event_id, body_digest FROM known_events
),
contested AS (
    SELECT event_id FROM bodies GROUP BY event_id HAVING count(*) > 1
)
SELECT event_id, body_digest, line, strength, epoch_us(received_at) AS received_us,
    false AS is_stored, NULL AS file, NULL AS byte_offset, NULL AS byte_length
FROM tellings WHERE event_id IN (SELECT event_id FROM contested)
UNION ALL
SELECT event_id, body_digest, line, strength, epoch_us(received_at),
    true, file, byte_offset, byte_length
FROM known_events WHERE event_id IN (SELECT event_id FROM contested)
ORDER BY event_id, is_stored DESC, line
