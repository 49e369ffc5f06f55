-- One row is one change to cancelled that a status_history tells: its place in slot_evidence, by
-- whom and why.
-- Parameters: $as_of.
SELECT
    k.appointment,
    unix_micros(coalesce(h.changed_at, min(h.occurred_at))) * 32 + w.word_rank * 3 AS place,
    h.changed_by,
    max(h.reason) AS reason
FROM appointment_status_history_versions AS h
INNER JOIN slot_spellings AS w ON h.status = w.source_word AND w.word = 'cancelled'
INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
WHERE h.occurred_at <= $as_of
GROUP BY k.appointment, h.status, h.changed_at, h.changed_by, w.word_rank
