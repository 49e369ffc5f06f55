-- One row is one person known at T to work for the clinic: a provider or support, or whom a care
-- team lists, unless they have a patient's record and none of a provider or support: a patient is
-- in their own care team, as relatives are.
-- Parameters: $as_of.
WITH recorded AS (
    SELECT id AS person_id, occurred_at FROM providers_versions
    UNION ALL
    SELECT id, occurred_at FROM supports_versions
),
listed AS (
    SELECT id AS person_id, occurred_at FROM care_team_members_versions
    UNION ALL
    SELECT id, occurred_at FROM patient_care_team_members_versions
)
SELECT r.person_id
FROM recorded AS r
WHERE r.occurred_at <= $as_of AND r.person_id IS NOT NULL
UNION
SELECT l.person_id
FROM listed AS l
LEFT JOIN slot_people AS p ON l.person_id = p.person_id AND NOT p.caregiver_only
WHERE l.occurred_at <= $as_of AND l.person_id IS NOT NULL AND p.person_id IS NULL
