-- One row: how many events about some objects, known at T, are not `verified`.
-- Reads `about`. Parameters: $object_type, $as_of.
SELECT count(*) AS n_unverified_events
FROM events
WHERE
    object_type = $object_type
    AND signature IS DISTINCT FROM 'verified'
    AND occurred_at <= $as_of
    AND object_id IN (SELECT object_id FROM about)
