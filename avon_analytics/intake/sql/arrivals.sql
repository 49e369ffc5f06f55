-- One row per readable line of the batch: what its envelope holds, what its signature is worth,
-- and what its body says about the event. Nothing is refused here; lines that look odd in any
-- way are marked, and are judged one by one afterwards.
--
-- Reads the Arrow stream `batch`, which all cores scan. Each text is parsed as rarely as can be:
-- a line twice (its values, its keys), a body three times (its values, its keys, its minified
-- text), and each is asked first whether it is JSON: `try` would go row by row. `line_shape` and
-- `body_shape` tell texts with other keys apart: what holds for one text of a shape holds for all.
-- Placeholders in braces are filled from constants of the code.
CREATE OR REPLACE TEMP TABLE arrivals AS
WITH texts AS (
    SELECT nth, $files[file_no + 1] AS file, line, byte_offset, byte_length, if_json(content) AS text
    FROM batch
    WHERE readable = 1
),
opened AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text,
        from_json(text, {envelope}) AS e,
        json_keys(text, {keyed}) AS keys
    FROM texts
),
found AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text, e, keys,
        usual_headers(e.headers) AS usual,
        usual_headers(e."multiValueHeaders") AS usual_multi,
        coalesce(e.body, e.payload, e.raw_body, e."rawBody") AS body_value,
        CASE WHEN e.body IS NOT NULL THEN 4 WHEN e.payload IS NOT NULL THEN 5
             WHEN e.raw_body IS NOT NULL THEN 6 WHEN e."rawBody" IS NOT NULL THEN 7 END AS body_at,
        coalesce(
            e.received_at, e."receivedAt", e."timestamp", e."requestContext"."timeEpoch",
            e."requestContext"."requestTimeEpoch"
        ) AS received_sent,
        coalesce(
            set_text(e.received_at), set_text(e."receivedAt"), set_text(e."timestamp"),
            set_text(e."requestContext"."timeEpoch"),
            set_text(e."requestContext"."requestTimeEpoch")
        ) AS received_text
    FROM opened
),
formed AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text, e, keys, body_value, received_sent, received_text,
        CASE CASE WHEN body_at IS NULL THEN NULL
                  WHEN left(body_value, 1) = '{{' AND body_value <> '{{}}'
                  THEN CASE WHEN len(keys[body_at]) > 0 THEN 'OBJECT' ELSE 'VARCHAR' END
                  ELSE json_type(text, {keyed})[body_at] END
             WHEN 'VARCHAR' THEN CASE WHEN e."isBase64Encoded" = 'true' THEN 'base64' ELSE 'raw' END
             WHEN 'OBJECT' THEN 'parsed'
             ELSE CASE WHEN body_at IS NULL AND list_has_all(keys[1], ['event', 'object'])
                       THEN 'bare' END END AS form,
        nullif(coalesce(
            simple_header(e.headers, usual),
            CASE WHEN e.headers IS NOT NULL THEN header_signature(e.headers) END,
            simple_header(e."multiValueHeaders", usual_multi),
            CASE WHEN e."multiValueHeaders" IS NOT NULL
                 THEN header_signature(e."multiValueHeaders") END,
            json_value(coalesce(e."avon-signature", e.avon_signature, e.signature))
        ), '') AS signature
    FROM found
),
signed AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text, body_value, received_sent, received_text, form, signature,
        as_instant(received_text) AS received_at,
        CASE form WHEN 'base64' THEN as_bytes(body_value)
                  WHEN 'raw' THEN encode(body_value)
                  WHEN 'parsed' THEN encode(body_value) END AS signed_bytes,
        form IS NULL OR is_suspect(text) AS is_suspect_line,
        CASE WHEN form IN ('raw', 'base64') AND is_flat_envelope(e, keys[1]) THEN hash(keys)
             ELSE hash(all_keys(text)) END AS line_shape
    FROM formed
),
bodies AS (
    SELECT
        nth, file, line, byte_offset, byte_length, form, received_at, line_shape,
        CASE WHEN is_unset(as_moment(received_sent)) THEN received_sent END AS unset_receipt,
        {secret} AS secret,
        form <> 'bare' AND signature IS NOT NULL AS is_signed,
        CASE form WHEN 'base64' THEN try(decode(signed_bytes))
                  WHEN 'bare' THEN CASE WHEN received_sent IS NULL THEN text
                                        ELSE CAST(json_merge_patch(text, '{received}') AS VARCHAR) END
                  ELSE body_value END AS body,
        -- Taking a value out of a line rewrites its numbers.
        CASE WHEN form IN ('parsed', 'bare') THEN has_hard_numbers(text) ELSE false END AS has_hard_line,
        -- A raw body stands in its line, but for what \u escapes: it was looked at with it.
        is_suspect_line OR form <> 'raw' OR contains(text, '\u') AS is_hidden_body,
        coalesce(
            is_suspect_line
            OR (received_text IS NOT NULL AND received_at IS NULL)
            OR (form = 'base64' AND signed_bytes IS NULL),
            true
        ) AS is_odd_line
    FROM signed
),
checked AS (
    SELECT *, if_json(body) AS json_body FROM bodies
),
events AS (
    SELECT
        nth, file, line, byte_offset, byte_length, form, received_at, line_shape, secret, is_signed,
        unset_receipt, has_hard_line, is_hidden_body, is_odd_line, body, json_body,
        from_json(json_body, {event}) AS b,
        -- Most bodies come without blanks; those that have some are spelled without them.
        contains(body, ': ') OR contains(body, ', ') AS has_blanks,
        all_keys(json_body) AS keys
    FROM checked
)
SELECT
    nth, file, line, byte_offset, byte_length, form, received_at, unset_receipt, secret, is_signed,
    is_odd_line, line_shape, body, hash(keys, split_part(b.event, '.', 1)) AS body_shape,
    nullif(b.event, '') AS event,
    as_instant(b.created_at) AS created_at,
    CASE WHEN is_unset(as_moment(b.created_at)) THEN b.created_at END AS unset_created_at,
    as_id(b.id, NULL) AS delivery_id,
    CASE WHEN left(b.object.id, 1) NOT IN ('{{', '[') THEN as_id(b.object.id, NULL) END
        AS bare_object_id,
    md5(CASE WHEN has_blanks THEN CAST(json(json_body) AS VARCHAR) ELSE body END)::UUID
        AS body_digest,
    coalesce(
        has_hard_line OR CASE WHEN has_blanks THEN has_hard_numbers(body) ELSE false END, true
    ) AS is_odd_digest,
    coalesce(
        b.object.id IS NULL OR coalesce(b.event, '') = ''
        OR NOT regexp_full_match(b.event, '[A-Za-z]\w*[.][\w.-]+') OR left(coalesce(b.id, ''), 1) IN ('{{', '[')
        OR (b.created_at IS NOT NULL AND as_moment(b.created_at) IS NULL)
        OR (is_hidden_body AND is_suspect(body)),
        true
    ) AS is_odd_body
FROM events
