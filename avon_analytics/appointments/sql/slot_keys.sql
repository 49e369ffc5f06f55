-- One row is one appointment known at T, with a number that stands for its id in the steps below,
-- and whether its planned start ever changed.
-- Parameters: $as_of.
SELECT
    v.id AS appointment_id,
    row_number() OVER (ORDER BY v.id) AS appointment,
    coalesce(min(v.start_time) <> max(v.start_time), false) AS has_moved
FROM appointments_versions AS v
WHERE v.occurred_at <= $as_of
GROUP BY v.id
