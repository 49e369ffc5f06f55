-- One row is one session that a number counts, with what became of its time: see `session_hours`.
-- Reads `population` and `counted`.
SELECT
    p.appointment_id,
    p.slot,
    min(p.host) AS host,
    min(p.start_at) AS start_at,
    min(p.end_at) AS end_at,
    min(p.start_on) AS start_on,
    min(p.session_outcome) AS outcome,
    min(p.hours) AS hours,
    min(p.session_notice_hours) AS notice_hours,
    min(p.session_cancelled_by) AS cancelled_by,
    bool_or(p.is_session_late) AS is_late,
    min(p.lost_hours) AS lost_hours,
    min(p.won_back_hours) AS won_back_hours,
    min(p.refilled_hours) AS refilled_hours,
    min(p.attended_again_hours) AS attended_again_hours,
    min(p.hours_to_refill) AS hours_to_refill
FROM counted AS c
INNER JOIN population AS p ON c.appointment_id = p.appointment_id AND c.slot = p.slot
GROUP BY p.appointment_id, p.slot
ORDER BY start_at NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST
