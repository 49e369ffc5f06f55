-- One row is one session that a number counts, with what became of its time: see `session_hours`.
-- Reads `population`, `counted` and `session_hours`.
SELECT
    s.*,
    h.outcome,
    h.hours,
    h.notice_hours,
    h.cancelled_by,
    h.is_late,
    h.lost_hours,
    h.won_back_hours,
    h.refilled_hours,
    h.attended_again_hours,
    h.hours_to_refill
FROM (
    SELECT
        p.appointment_id,
        p.slot,
        min(p.host) AS host,
        min(p.start_at) AS start_at,
        min(p.end_at) AS end_at,
        min(p.start_on) AS start_on
    FROM counted AS c
    INNER JOIN population AS p ON c.appointment_id = p.appointment_id AND c.slot = p.slot
    GROUP BY p.appointment_id, p.slot
) AS s
INNER JOIN session_hours AS h ON s.appointment_id = h.appointment_id AND s.slot = h.slot
ORDER BY s.start_at NULLS LAST, s.appointment_id NULLS LAST, s.slot NULLS LAST
