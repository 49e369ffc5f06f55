-- One row is one member of staff and their name as told last.
SELECT
    id,
    max_by(first_name, (occurred_at, event_id)) AS first_name,
    max_by(last_name, (occurred_at, event_id)) AS last_name
FROM (
    SELECT id, first_name, last_name, occurred_at, event_id FROM providers_versions
    UNION ALL
    SELECT id, first_name, last_name, occurred_at, event_id FROM supports_versions
) AS told
WHERE id IS NOT NULL
GROUP BY id
