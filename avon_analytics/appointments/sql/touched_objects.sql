-- One row is one object of which loads told something since slots were kept, or whose events were
-- dated after T then (by a wrong clock) and no longer are.
-- Parameters: $through (the last load then), $before and $now (T then and now, in microseconds).
WITH reported AS (
    SELECT DISTINCT event_id
    FROM deliveries
    WHERE load_id > $through AND event_id IS NOT NULL
)
SELECT object_type, object_id, event_id
FROM stored.events
WHERE rowid IN (
    SELECT rowid FROM stored.events WHERE event_id IN (SELECT event_id FROM reported)
)
UNION
SELECT object_type, object_id, event_id
FROM events
WHERE occurred_at > timestamp_micros($before) AND occurred_at <= timestamp_micros($now)
