-- One row is one person of whom something is new on which slots hang: their record as a patient or
-- caregiver, or that they are staff. `may_become_patient`: they may have been no patient until now.
-- Parameters: $now (T now, in microseconds): who is staff only by an event after it, is none yet.
WITH recorded AS (
    SELECT id, event_id FROM providers_versions WHERE occurred_at <= timestamp_micros($now)
    UNION ALL
    SELECT id, event_id FROM supports_versions WHERE occurred_at <= timestamp_micros($now)
),
listed AS (
    SELECT id, event_id FROM care_team_members_versions WHERE occurred_at <= timestamp_micros($now)
    UNION ALL
    SELECT id, event_id
    FROM patient_care_team_members_versions
    WHERE occurred_at <= timestamp_micros($now)
),
people AS (
    SELECT DISTINCT object_id AS id
    FROM touched_objects
    WHERE object_type = 'patient'
),
new_staff AS (
    SELECT r.id
    FROM recorded AS r
    LEFT JOIN touched_objects AS o ON r.event_id = o.event_id
    GROUP BY r.id
    HAVING count(*) = count(o.event_id)
    UNION
    SELECT l.id
    FROM listed AS l
    LEFT JOIN touched_objects AS o ON l.event_id = o.event_id
    GROUP BY l.id
    HAVING count(*) = count(o.event_id)
)
SELECT
    p.id AS person_id,
    p.id IN (SELECT id FROM listed)
    OR p.id IN (SELECT id FROM people_versions WHERE caregiver_only) AS may_become_patient
FROM people AS p
UNION ALL
SELECT id, false
FROM new_staff
WHERE id IS NOT NULL
