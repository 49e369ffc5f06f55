-- One row is one session, with what became of its time. Reads `sessions`, `session_losses` and
-- `session_refills`.
SELECT
    s.appointment_id,
    s.slot,
    s.host,
    CAST(floor(s.start_us / 8.64e10) AS BIGINT) AS start_day,
    s.is_due,
    s.outcome,
    s.hours,
    s.notice_hours,
    s.cancelled_by,
    s.is_late,
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
    r.hours_to_refill
FROM sessions AS s
LEFT JOIN session_losses AS l ON s.appointment_id = l.appointment_id AND s.slot = l.slot
LEFT JOIN session_refills AS r ON s.appointment_id = r.appointment_id AND s.slot = r.slot
