-- One row is one word on signatures, and how many events known at T carry it at best.
-- Parameters: $as_of.
SELECT
    signature,
    count(*) AS n_events
FROM events
WHERE occurred_at <= $as_of
GROUP BY signature
ORDER BY signature NULLS LAST
