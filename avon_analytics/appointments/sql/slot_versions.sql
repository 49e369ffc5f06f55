-- One row is one version of an appointment known at T, numbered from the oldest. Its `run` is the
-- planned start that it belongs to: a new run begins where a version tells another start than the
-- last one told; a version that tells none stays in its run.
WITH known AS (
    SELECT v.*
    FROM appointments_versions AS v
    CROSS JOIN slot_scope AS s
    WHERE v.occurred_at <= s.as_of
),
numbered AS (
    SELECT
        id AS appointment_id,
        event_id,
        row_number() OVER (
            PARTITION BY id
            ORDER BY occurred_at, last_updated_at NULLS FIRST, received_at NULLS FIRST, event_id
        ) AS version,
        event,
        occurred_at,
        start_time,
        host,
        actual_start_time,
        actual_end_time
    FROM known
),
moved AS (
    SELECT appointment_id
    FROM numbered
    GROUP BY appointment_id
    HAVING min(start_time) <> max(start_time)
),
turns AS (
    SELECT
        appointment_id,
        version,
        CASE
            WHEN start_time <> lag(start_time) OVER (
                PARTITION BY appointment_id, start_time IS NULL ORDER BY version
            ) THEN 1
            ELSE 0
        END AS turn
    FROM numbered
    WHERE appointment_id IN (SELECT appointment_id FROM moved)
),
runs AS (
    SELECT
        appointment_id,
        version,
        1 + sum(turn) OVER (
            PARTITION BY appointment_id ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS run
    FROM turns
)
SELECT n.*, CAST(coalesce(r.run, 1) AS BIGINT) AS run
FROM numbered AS n
LEFT JOIN runs AS r ON n.appointment_id = r.appointment_id AND n.version = r.version
