-- One row per event that the store does not have yet. What came in one line that says nothing else
-- describes that line, too.
SELECT
    c.event_no, c.event_id, t.event, t.event_sent, t.object_type, t.object_id,
    c.occurred_at,
    CASE WHEN c.is_dated_by_receipt THEN 'received' ELSE t.occurred_at_source END
        AS occurred_at_source,
    c.received_at,
    c.signature, c.secret,
    p.file, p.line, p.byte_offset, p.byte_length,
    c.n_deliveries, t.body_digest, c.conflict_rank, t.extra,
    c.load_id,
    CASE WHEN c.n_deliveries = 1 AND a.unset_receipt IS NULL THEN a.form END AS form
FROM batch_events AS c
JOIN event_lines AS t ON t.nth = c.first_nth
JOIN event_lines AS p ON p.nth = c.place_nth
LEFT JOIN arrivals AS a ON a.nth = c.first_nth
WHERE NOT c.is_known
