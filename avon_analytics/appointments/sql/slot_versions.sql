-- One row is one version of an unsettled appointment, numbered from the oldest. Its `run` is the
-- planned start that it belongs to: a new run begins where a version tells another start than the
-- last one told; a version that tells none stays in its run.
-- Parameters: $as_of.
WITH numbered AS (
    SELECT
        k.appointment,
        v.event_id,
        row_number() OVER (
            PARTITION BY k.appointment
            ORDER BY
                v.occurred_at, v.last_updated_at NULLS FIRST,
                v.received_at NULLS FIRST, v.event_id
        ) AS version,
        v.start_time
    FROM appointments_versions AS v
    INNER JOIN slot_keys AS k ON v.id = k.appointment_id
    INNER JOIN slot_unordered AS u ON k.appointment = u.appointment
    WHERE v.occurred_at <= $as_of
),
turns AS (
    SELECT
        appointment,
        event_id,
        version,
        CASE
            WHEN start_time <> lag(start_time) OVER (
                PARTITION BY appointment, start_time IS NULL ORDER BY version
            ) THEN 1
            ELSE 0
        END AS turn
    FROM numbered
)
SELECT
    appointment,
    event_id,
    version,
    CAST(1 + sum(turn) OVER (
        PARTITION BY appointment ORDER BY version
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS INT) AS run
FROM turns
