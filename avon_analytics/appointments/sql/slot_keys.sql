-- One row is one appointment known at T, with a number that stands for its id in the steps below,
-- and whether its planned start ever changed.
-- Parameters: $as_of.
SELECT
    id AS appointment_id,
    CAST(row_number() OVER (ORDER BY min(occurred_at)) AS INT) AS appointment,
    coalesce(min(start_time) <> max(start_time), false) AS has_moved
FROM appointments_versions
WHERE occurred_at <= $as_of
GROUP BY id
