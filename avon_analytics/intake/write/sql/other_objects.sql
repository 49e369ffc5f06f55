-- One row per new event about an object type that the contract does not know.
SELECT
    t.event_id, t.event, c.occurred_at, t.object_type, t.object_id,
    {object} AS object
FROM batch_events AS c
JOIN event_lines AS t ON t.nth = c.first_nth
JOIN unknown_events AS u ON u.nth = t.nth
WHERE NOT c.is_known
