-- One row per event that the batch tells: how often, first in which line, and what its tellings
-- say together: the earliest receipt with its place, the strongest word on the signature.
CREATE OR REPLACE TEMP TABLE classes AS
SELECT
    event_id,
    min(line) AS first_line,
    count(*) AS n_deliveries,
    min(received_at) AS received_at,
    arg_min(line, (coalesce(received_at, TIMESTAMPTZ 'infinity'), line)) AS place_line,
    min(strength) AS strength,
    arg_min(secret, (strength, secret)) AS secret,
    event_id IN (SELECT event_id FROM known_events) AS is_known
FROM tellings
WHERE line NOT IN (SELECT line FROM verdicts)
GROUP BY event_id
