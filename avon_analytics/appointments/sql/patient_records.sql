-- One row is one patient with a slot as of T and one stretch of planned starts, after `since_us` and up
-- to `until_us` (microseconds): since when it is known that they attended one before, when that began
-- (`attended_at`), and when their record was made. Most patients have one stretch: a further one begins
-- with a visit that was reported before all earlier ones.
-- Reads `known_slot`. Parameters: $as_of.
WITH patients AS (
    SELECT DISTINCT patient_id
    FROM known_slot
    WHERE patient_id IS NOT NULL
),
attended AS (
    SELECT
        patient_id,
        start_at,
        coalesce(min(least(started_at, completed_at, evidence_at)), start_at) AS known_at
    FROM known_slot
    WHERE patient_id IS NOT NULL AND start_at IS NOT NULL AND outcome = 'attended'
    GROUP BY patient_id, start_at
),
in_turn AS (
    SELECT
        *,
        min(known_at) OVER (
            PARTITION BY patient_id ORDER BY start_at NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS known_before
    FROM attended
),
news AS (
    SELECT
        patient_id,
        start_at,
        known_at,
        row_number() OVER (PARTITION BY patient_id ORDER BY start_at NULLS LAST) AS nth,
        lead(start_at) OVER (PARTITION BY patient_id ORDER BY start_at NULLS LAST) AS until_at
    FROM in_turn
    WHERE known_before IS NULL OR known_at < known_before
),
made AS (
    SELECT v.id, min(v.created_at) AS created_at
    FROM people_versions AS v
    INNER JOIN patients AS p ON v.id = p.patient_id
    WHERE v.occurred_at <= $as_of AND v.created_at IS NOT NULL
    GROUP BY v.id
)
SELECT
    p.patient_id,
    coalesce(n.nth, 1) AS nth,
    CASE WHEN n.nth > 1 THEN unix_micros(n.start_at) ELSE -1000000000000000000 END AS since_us,
    coalesce(unix_micros(n.until_at), 1000000000000000000) AS until_us,
    n.start_at AS attended_at,
    n.known_at AS attended_known_at,
    m.created_at
FROM patients AS p
LEFT JOIN news AS n ON p.patient_id = n.patient_id
LEFT JOIN made AS m ON p.patient_id = m.id
