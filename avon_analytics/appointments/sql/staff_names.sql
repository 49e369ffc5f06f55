-- One row is one member of staff of whom a name is known at T, and the name told last.
-- Parameters: $as_of.
SELECT id, first_name, last_name
FROM (
    SELECT id, first_name, last_name, row_number() OVER (
        PARTITION BY id
        ORDER BY occurred_at DESC, last_updated_at DESC NULLS LAST,
            received_at DESC NULLS LAST, event_id DESC
    ) AS nth
    FROM (
        SELECT id, first_name, last_name, occurred_at, last_updated_at, received_at, event_id
        FROM providers_versions
        UNION ALL
        SELECT id, first_name, last_name, occurred_at, last_updated_at, received_at, event_id
        FROM supports_versions
    ) AS names
    WHERE id IS NOT NULL AND occurred_at <= $as_of
        AND trim(concat(coalesce(first_name, ''), coalesce(last_name, ''))) <> ''
) AS numbered
WHERE nth = 1
