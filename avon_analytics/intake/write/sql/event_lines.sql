-- One row per trusted line: the event that it reports.
--
-- Reads the Arrow stream `arrived`. What lines of a kind have in common is bound, in lists. Of two
-- words on a signature, the stronger one is the smaller.
CREATE OR REPLACE TEMP TABLE event_lines AS
SELECT
    nth, $files[file_no + 1] AS file, line, event_id,
    CAST($event AS VARCHAR[])[kind + 1] AS event,
    CAST($event_sent AS VARCHAR[])[kind + 1] AS event_sent,
    CAST($object_type AS VARCHAR[])[kind + 1] AS object_type,
    object_id, make_timestamptz(occurred_us) AS occurred_at,
    CAST($source AS VARCHAR[])[kind + 1] AS occurred_at_source,
    make_timestamptz(received_us) AS received_at,
    CAST($signature AS {word}[])[kind + 1] AS signature,
    CAST($secret AS VARCHAR[])[kind + 1] AS secret,
    byte_offset, byte_length,
    CAST(hex(body_digest) AS UUID) AS body_digest,
    CAST(hex(conflict_rank) AS UUID) AS conflict_rank,
    CAST(extra AS JSON) AS extra
FROM arrived
WHERE event_id IS NOT NULL
