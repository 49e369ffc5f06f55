-- One row per content of an event id that came with several: its lines in the batch, the event that
-- the store has, and lines that lost before. `wins` for the content of a verified line, then
-- the one received first, then the one with the smaller SHA-256 of what was signed.
CREATE OR REPLACE TEMP TABLE contents_of_events AS
WITH known_contents AS (
    SELECT event_id, body_digest, conflict_rank, false AS is_stored, false AS was_lost FROM event_lines
    UNION ALL
    SELECT event_id, body_digest, conflict_rank, true, false FROM known_events
    UNION ALL
    SELECT event_id, body_digest, conflict_rank, false, true FROM lost_lines
),
contents AS (
    SELECT event_id, body_digest, min(conflict_rank) AS conflict_rank,
        bool_or(is_stored) AS is_stored, bool_or(was_lost) AS was_lost
    FROM known_contents
    GROUP BY event_id, body_digest
)
SELECT
    event_id, body_digest, is_stored, was_lost,
    row_number() OVER (PARTITION BY event_id ORDER BY conflict_rank, body_digest) = 1 AS wins
FROM contents
QUALIFY count(*) OVER (PARTITION BY event_id) > 1
