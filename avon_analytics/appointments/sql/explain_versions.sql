-- One row is one version of one appointment known at T, oldest first, and the event that told it.
-- Parameters: $appointment_id, $as_of.
SELECT
    v.*,
    e.file,
    e.line,
    e.byte_offset,
    e.byte_length,
    e.signature,
    e.n_deliveries
FROM appointments_versions AS v
LEFT JOIN events AS e ON v.event_id = e.event_id
WHERE v.id = $appointment_id AND v.occurred_at <= $as_of
ORDER BY
    v.occurred_at, v.last_updated_at NULLS FIRST, v.received_at NULLS FIRST, v.event_id
