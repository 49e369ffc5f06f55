-- One row per event that the store has and the batch reports again.
SELECT
    c.event_no, c.n_deliveries, c.received_at, c.signature, c.secret,
    p.file, p.line, p.byte_offset, p.byte_length, c.is_dated_by_receipt, c.conflict_rank
FROM batch_events AS c
JOIN event_lines AS p ON p.nth = c.place_nth
WHERE c.is_known
