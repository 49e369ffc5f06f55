-- Events that the store has and the batch tells again: one more delivery each, perhaps an earlier
-- receipt, perhaps a stronger signature.
UPDATE events AS e
SET
    n_deliveries = e.n_deliveries + c.n_deliveries,
    signature = CASE WHEN c.strength < {stored_strength} THEN {word} ELSE e.signature END,
    secret = CASE WHEN c.strength < {stored_strength} THEN c.secret ELSE e.secret END,
    received_at = least(e.received_at, c.received_at),
    file = CASE WHEN {is_earlier} THEN $file ELSE e.file END,
    line = CASE WHEN {is_earlier} THEN p.line ELSE e.line END,
    byte_offset = CASE WHEN {is_earlier} THEN p.byte_offset ELSE e.byte_offset END,
    byte_length = CASE WHEN {is_earlier} THEN p.byte_length ELSE e.byte_length END
FROM classes AS c
JOIN tellings AS p ON p.line = c.place_line
WHERE c.is_known AND e.event_id = c.event_id
