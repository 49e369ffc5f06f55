-- One row is one slot of a session, with what became of the session's time: all that figures of hours
-- have to know of both stands side by side.
-- Reads `every_slot`, `sessions`, `session_losses` and `session_refills`.
SELECT
    s.appointment_id,
    s.slot,
    s.host,
    CAST(floor(s.start_us / 8.64e10) AS BIGINT) AS start_day,
    s.is_due,
    s.outcome AS session_outcome,
    s.hours,
    s.notice_hours AS session_notice_hours,
    s.cancelled_by AS session_cancelled_by,
    s.is_late AS is_session_late,
    s.host IS NOT NULL
    AND s.hours IS NOT NULL
    AND s.outcome IN ('rescheduled', 'cancelled')
    AND s.released_us < s.start_us AS is_released,
    CASE
        WHEN s.hours IS NULL OR NOT s.is_due THEN 0
        WHEN s.outcome = 'no_show' OR s.is_late THEN coalesce(l.lost_hours, s.hours)
        ELSE 0
    END AS lost_hours,
    coalesce(l.won_back_hours, 0) AS won_back_hours,
    coalesce(r.refilled_hours, 0) AS refilled_hours,
    coalesce(r.attended_again_hours, 0) AS attended_again_hours,
    r.hours_to_refill,
    o.patient_id,
    o.start_at,
    o.end_at,
    o.start_on,
    o.start_hour,
    o.booked_on,
    o.lead_days,
    o.internal,
    o.appointment_type,
    o.name,
    o.interaction_type,
    o.group,
    o.self_booked,
    o.recurring,
    o.patient_state,
    o.medical_center,
    o.patient_age,
    o.is_shared
FROM sessions AS s
INNER JOIN every_slot AS o ON s.appointment_id = o.appointment_id AND s.slot = o.slot
LEFT JOIN session_losses AS l ON s.appointment_id = l.appointment_id AND s.slot = l.slot
LEFT JOIN session_refills AS r ON s.appointment_id = r.appointment_id AND s.slot = r.slot
