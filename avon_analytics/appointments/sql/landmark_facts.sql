-- One row is one slot with what is known of its patient: when their record was made, and since when it
-- was known that they had attended an earlier start (`returning_at`). Nothing here hangs on when T is.
-- Reads `slot_kinds` and `patient_records`.
SELECT
    s.*,
    p.created_at AS patient_created_at,
    CASE WHEN p.attended_at < s.start_at THEN p.attended_known_at END AS returning_at
FROM slot_kinds AS s
LEFT JOIN patient_records AS p
    ON
        s.patient_id = p.patient_id
        AND unix_micros(s.start_at) > p.since_us
        AND unix_micros(s.start_at) <= p.until_us
