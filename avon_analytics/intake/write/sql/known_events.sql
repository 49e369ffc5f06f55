-- Events that came again, as `staged_rows`: some more deliveries each, perhaps an earlier receipt,
-- perhaps a stronger signature; of two secrets that matched, the one whose name comes first stays.
-- The right-hand sides see the row as it was.
UPDATE stored.events AS e
SET
    n_deliveries = e.n_deliveries + h.n_deliveries,
    conflict_rank = least(e.conflict_rank, CAST(h.conflict_rank AS UUID)),
    signature = least(CAST(e.signature AS {word}), CAST(h.signature AS {word})),
    secret = CASE WHEN CAST(h.signature AS {word}) < CAST(e.signature AS {word}) THEN h.secret
        WHEN h.signature = e.signature THEN least(e.secret, h.secret) ELSE e.secret END,
    received_at = least(e.received_at, h.received_at),
    occurred_at_source = CASE WHEN h.is_dated_by_receipt
        THEN 'received' ELSE e.occurred_at_source END,
    occurred_at = CASE WHEN h.is_dated_by_receipt OR e.occurred_at_source = 'received'
        THEN least(e.received_at, h.received_at) ELSE e.occurred_at END,
    file = CASE WHEN {is_earlier} THEN h.file ELSE e.file END,
    line = CASE WHEN {is_earlier} THEN h.line ELSE e.line END,
    byte_offset = CASE WHEN {is_earlier} THEN h.byte_offset ELSE e.byte_offset END,
    byte_length = CASE WHEN {is_earlier} THEN h.byte_length ELSE e.byte_length END
FROM staged_rows AS h
WHERE e.event_no = h.event_no
