-- One row is one person known at T to work for the clinic: a provider, support or care-team member.
-- Parameters: $as_of.
WITH told AS (
    SELECT id AS person_id, occurred_at FROM providers_versions
    UNION ALL
    SELECT id, occurred_at FROM supports_versions
    UNION ALL
    SELECT id, occurred_at FROM care_team_members_versions
    UNION ALL
    SELECT id, occurred_at FROM patient_care_team_members_versions
)
SELECT DISTINCT t.person_id
FROM told AS t
WHERE t.occurred_at <= $as_of AND t.person_id IS NOT NULL
