-- One row is one patient or caregiver as they were known at T. State and medical center are the
-- first of the newest version's lists; all else is what the last version that tells it says.
-- Parameters: $as_of.
WITH known AS (
    SELECT
        p.*,
        z.zone,
        row_number() OVER (
            PARTITION BY p.id
            ORDER BY p.occurred_at, p.last_updated_at NULLS FIRST,
                p.received_at NULLS FIRST, p.event_id
        ) AS version
    FROM people_versions AS p
    LEFT JOIN slot_zones AS z ON p.timezone = z.source_zone
    WHERE p.occurred_at <= $as_of
),
people AS (
    SELECT
        id AS person_id,
        max_by(event_id, version) AS event_id,
        coalesce(
            max_by(caregiver_only, version) FILTER (WHERE caregiver_only IS NOT NULL), false
        ) AS caregiver_only,
        max_by(zone, version) FILTER (WHERE zone IS NOT NULL) AS zone,
        max_by(date_of_birth, version) FILTER (WHERE date_of_birth IS NOT NULL) AS born_on
    FROM known
    GROUP BY id
),
states AS (
    SELECT event_id, min_by(state, position) AS state
    FROM patient_addresses_versions
    WHERE state IS NOT NULL
    GROUP BY event_id
),
centers AS (
    SELECT event_id, min_by(medical_center, position) AS medical_center
    FROM patient_medical_centers_versions
    WHERE medical_center IS NOT NULL
    GROUP BY event_id
)
SELECT
    p.person_id,
    p.caregiver_only,
    p.zone,
    p.born_on,
    a.state,
    c.medical_center
FROM people AS p
LEFT JOIN states AS a ON p.event_id = a.event_id
LEFT JOIN centers AS c ON p.event_id = c.event_id
