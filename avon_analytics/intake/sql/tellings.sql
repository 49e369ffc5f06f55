-- One row per believed line: the event that it tells.
--
-- Reads `believed`, `objects` (nth, object_id, last_updated_at, created_at) and `changes`
-- (nth, changed_at). Placeholders in braces are filled from constants of the code.
CREATE OR REPLACE TEMP TABLE tellings AS
WITH dated AS (
    SELECT
        b.nth, b.file, b.line, b.event, b.object_type, b.received_at, b.signature, b.secret, b.body_digest,
        b.byte_offset, b.byte_length, b.delivery_id, b.unset_created_at,
        {event_word} AS event_word,
        CASE WHEN b.has_unknown THEN unknown_fields(b.body, json_keys(b.body), {known}, '') END AS unknown,
        coalesce(o.object_id, b.bare_object_id) AS object_id,
        b.created_at IS NULL AND greatest(o.last_updated_at, c.changed_at) IS NULL
            AS is_named_by_content,
        coalesce(
            b.created_at, greatest(o.last_updated_at, c.changed_at), b.received_at, o.created_at
        ) AS occurred_at,
        CASE WHEN b.created_at IS NOT NULL THEN 'event'
             WHEN greatest(o.last_updated_at, c.changed_at) IS NOT NULL THEN 'object'
             WHEN b.received_at IS NOT NULL THEN 'received'
             ELSE 'object' END AS occurred_at_source
    FROM believed AS b
    LEFT JOIN objects AS o ON o.nth = b.nth
    LEFT JOIN changes AS c ON c.nth = b.nth
)
SELECT
    nth, file, line,
    -- Of one that has no instant of its own, what it says takes its place.
    coalesce(delivery_id || ':', '') || event_word || ':' || coalesce(object_id, '') || ':'
        || CASE WHEN is_named_by_content THEN ''
           ELSE CAST(floored_ms(occurred_at) AS VARCHAR) END AS event_id,
    is_named_by_content,
    event_word AS event,
    event AS event_sent,
    object_type, object_id, occurred_at, occurred_at_source, received_at,
    signature, {strength} AS strength, secret,
    byte_offset, byte_length, body_digest,
    with_unset(
        CASE WHEN unknown IS NOT NULL THEN to_json(unknown) END,
        CASE WHEN unset_created_at IS NOT NULL
             THEN [{{'k': 'created_at', 'v': as_sent(unset_created_at)}}] END
    ) AS extra
FROM dated
