-- One row is one number of deliveries, and how many events known at T came that often.
-- Parameters: $as_of.
SELECT
    n_deliveries,
    count(*) AS n_events
FROM events
WHERE occurred_at <= $as_of
GROUP BY n_deliveries
ORDER BY n_deliveries NULLS LAST
