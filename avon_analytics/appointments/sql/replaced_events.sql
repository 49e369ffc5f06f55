-- One row is one event that was known when slots were kept, and of which another content won since.
-- Parameters: $through (the last load then).
SELECT n.event_id, any_value(e.object_type) AS object_type
FROM deliveries AS n
INNER JOIN deliveries AS o ON n.event_id = o.event_id
INNER JOIN events AS e ON n.event_id = e.event_id
WHERE
    n.load_id > $through
    AND n.ended = 'loaded'
    AND o.load_id <= $through
    AND (o.ended = 'duplicate' OR o.code = 'conflict')
GROUP BY n.event_id
