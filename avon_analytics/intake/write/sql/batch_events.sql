-- One row per event that the batch reports: how often, first in which line, and what its lines
-- say together: the earliest receipt with its place, the strongest word on the signature, and how
-- its content stands in a conflict. New ones get the numbers after the last one of the store.
CREATE OR REPLACE TEMP TABLE batch_events AS
SELECT
    event_id,
    min(nth) AS first_nth,
    arg_min(event, nth) AS event,
    count(*) AS n_deliveries,
    min(received_at) AS received_at,
    -- An event without an instant of its own occurred when it was first received, if any of its
    -- event_lines says when that was.
    CASE WHEN bool_or(occurred_at_source = 'received') THEN min(received_at)
         ELSE min(occurred_at) END AS occurred_at,
    bool_or(occurred_at_source = 'received') AS is_dated_by_receipt,
    arg_min(nth, (coalesce(received_at, TIMESTAMPTZ 'infinity'), file, line, byte_offset))
        AS place_nth,
    min(signature) AS signature,
    arg_min(secret, (signature, secret)) AS secret,
    min(conflict_rank) AS conflict_rank,
    count(known_no) > 0 AS is_known,
    coalesce(
        any_value(known_no),
        $last_no + row_number() OVER (PARTITION BY count(known_no) = 0 ORDER BY min(nth))
    ) AS event_no,
    $load_id AS load_id
FROM event_lines
LEFT JOIN (SELECT event_id, event_no AS known_no FROM known_events) AS known USING (event_id)
WHERE nth NOT IN (SELECT nth FROM verdicts)
GROUP BY event_id
