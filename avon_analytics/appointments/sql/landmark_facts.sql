-- One row is one slot with a planned start, and what tells how it stood at any earlier instant: when
-- it was planned, when that was over (`gone_at`), since when it was known that its patient had attended
-- an earlier start (`returning_at`), and when that patient's record was made. Without `decided` nothing
-- decided how it ended; nothing here hangs on when T is.
-- Reads `every_slot` and `patient_records`.
SELECT
    s.appointment_id,
    s.slot,
    s.patient_id,
    s.start_at,
    coalesce(s.end_at, s.start_at) AS over_at,
    s.start_on,
    s.start_hour,
    s.booked_on,
    s.lead_days,
    s.internal,
    s.host,
    s.appointment_type,
    s.name,
    s.interaction_type,
    s.group,
    s.self_booked,
    s.recurring,
    s.patient_state,
    s.medical_center,
    s.patient_age,
    s.planned_at,
    s.gone_at,
    CASE WHEN s.outcome NOT IN ('open', 'unresolved') THEN s.outcome END AS decided,
    s.patient_id IS NOT NULL AS has_patient,
    p.created_at AS patient_created_at,
    CASE WHEN p.attended_at < s.start_at THEN p.attended_known_at END AS returning_at
FROM every_slot AS s
LEFT JOIN patient_records AS p
    ON
        s.patient_id = p.patient_id
        AND unix_micros(s.start_at) > p.since_us
        AND unix_micros(s.start_at) <= p.until_us
WHERE s.start_at IS NOT NULL
