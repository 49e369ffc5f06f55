-- One row per trusted line: the event that it tells.
--
-- Reads the Arrow stream `decoded_lines` and `arrivals`.
CREATE OR REPLACE TEMP TABLE event_lines AS
SELECT
    t.nth, a.file, a.line, t.event_id, t.event, t.event_sent, t.object_type, t.object_id,
    make_timestamptz(t.occurred_us) AS occurred_at, t.occurred_at_source, a.received_at,
    a.signature, t.strength, a.secret, a.byte_offset, a.byte_length,
    CAST(hex(t.body_digest) AS UUID) AS body_digest,
    CAST(hex(t.conflict_rank) AS UUID) AS conflict_rank,
    CAST(t.extra AS JSON) AS extra
FROM decoded_lines AS t
JOIN arrivals AS a ON a.nth = t.nth
