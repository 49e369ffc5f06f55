-- One row: how many events about the messages that ask, known at T, are not `verified`.
-- Reads `population`. Parameters: $as_of.
SELECT count(*) AS n_unverified_events
FROM events
WHERE
    object_type = 'message'
    AND signature IS DISTINCT FROM 'verified'
    AND occurred_at <= $as_of
    AND object_id IN (SELECT message_id FROM population)
