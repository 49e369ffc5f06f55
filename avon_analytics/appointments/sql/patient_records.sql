-- One row is one patient with a slot as of T: the first planned start that they attended, since when
-- it is known that they did, and when their record was made.
-- Reads `known_slot`. Parameters: $as_of.
WITH attended AS (
    SELECT patient_id, min(start_at) FILTER (WHERE outcome = 'attended') AS first_attended_at
    FROM known_slot
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id
),
known AS (
    SELECT
        a.patient_id,
        min(least(s.started_at, s.completed_at, s.evidence_at)) AS attended_known_at
    FROM attended AS a
    INNER JOIN known_slot AS s
        ON a.patient_id = s.patient_id AND a.first_attended_at = s.start_at
    WHERE s.outcome = 'attended'
    GROUP BY a.patient_id
),
made AS (
    SELECT p.id, min(p.created_at) AS created_at
    FROM people_versions AS p
    INNER JOIN attended AS a ON p.id = a.patient_id
    WHERE p.occurred_at <= $as_of AND p.created_at IS NOT NULL
    GROUP BY p.id
)
SELECT
    a.patient_id,
    a.first_attended_at,
    coalesce(k.attended_known_at, a.first_attended_at) AS attended_known_at,
    m.created_at
FROM attended AS a
LEFT JOIN known AS k ON a.patient_id = k.patient_id
LEFT JOIN made AS m ON a.patient_id = m.id
