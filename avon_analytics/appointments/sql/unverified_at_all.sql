-- One row: how many events of the store are not `verified`.
SELECT count(*) AS n_unverified_events
FROM events
WHERE signature IS DISTINCT FROM 'verified'
