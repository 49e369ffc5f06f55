-- One row is one slot with a planned start, and what tells how it stood at any earlier instant, as of
-- T: of `landmark_facts`, which hang on events alone, it is told here what is due, and what is open or
-- unresolved. `visit` is 0 for a first visit, 2 for unknown, 3 without a patient; from `returning_at`
-- on it is 1, a returning patient.
-- Reads `landmark_facts`. Parameters: $as_of, $grace_hours.
WITH first_event AS (
    SELECT min(occurred_at) AS first_at FROM appointments_versions WHERE occurred_at <= $as_of
),
known AS (
    SELECT
        f.*,
        unix_micros(f.over_at) + $grace_hours * 3.6e9 <= unix_micros($as_of) AS is_due,
        CASE
            WHEN NOT f.has_patient THEN 3
            WHEN f.patient_created_at >= e.first_at THEN 0
            ELSE 2
        END AS visit
    FROM landmark_facts AS f
    CROSS JOIN first_event AS e
)
SELECT
    known.*,
    coalesce(known.decided, CASE WHEN known.is_due THEN 'unresolved' ELSE 'open' END) AS outcome
FROM known
