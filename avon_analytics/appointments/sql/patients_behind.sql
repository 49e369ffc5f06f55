-- One row is one patient whom a number counts, with the counted slots that are theirs.
-- Reads `population` and `counted`.
SELECT
    p.patient_id,
    count(*) AS n_slots,
    min(p.start_at) AS first_start_at,
    max(p.start_at) AS last_start_at
FROM population AS p
INNER JOIN counted AS c
    ON p.appointment_id = c.appointment_id AND p.slot = c.slot AND p.patient_id = c.patient_id
GROUP BY p.patient_id
ORDER BY p.patient_id NULLS LAST
