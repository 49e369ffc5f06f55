-- One row is one word that counts for one slot. For a slot that was left, only what was told
-- before the move counts. What was told before a slot's own start was planned belongs to the slot
-- before it, but for a visit that took place. What is said after a patient left does not concern
-- them; their leaving itself is the word `cancelled`, by nobody known.
SELECT
    s.seat,
    e.word,
    e.source_word,
    e.source,
    e.said_at,
    e.place,
    e.changed_by,
    e.reason
FROM slot_seats AS s
INNER JOIN slot_evidence AS e
    ON s.appointment_id = e.appointment_id
    AND (e.patient_id IS NULL OR e.patient_id = s.patient_id)
    AND (e.told_run <= s.run OR s.in_last_run)
    AND (e.told_run >= s.run OR e.word IN ('in_progress', 'completed'))
    AND (s.removed_at IS NULL OR e.said_at <= s.removed_at)
UNION ALL
SELECT
    seat,
    'cancelled',
    NULL,
    'attendee',
    removed_at,
    unix_micros(removed_at) * 32 + 31,
    NULL,
    NULL
FROM slot_seats
WHERE removed_at IS NOT NULL
