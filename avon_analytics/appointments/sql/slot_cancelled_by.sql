-- One row is one change to cancelled that a status_history tells: when, by whom and why, and the
-- first version that tells it, with its planned start.
-- Parameters: $as_of.
SELECT
    k.appointment,
    coalesce(h.changed_at, min(h.occurred_at)) AS said_at,
    h.changed_by,
    max(h.reason) AS reason,
    min(coalesce(n.version, unix_micros(h.occurred_at))) AS first_version,
    min(coalesce(n.run, 1)) AS first_run
FROM appointment_status_history_versions AS h
INNER JOIN slot_spellings AS w ON h.status = w.source_word AND w.word = 'cancelled'
INNER JOIN slot_keys AS k ON h.appointment_id = k.appointment_id
LEFT JOIN slot_versions AS n ON h.event_id = n.event_id
WHERE h.occurred_at <= $as_of
GROUP BY k.appointment, h.status, h.changed_at, h.changed_by
