-- One row per readable line of the batch: what its envelope holds, what its signature is worth,
-- and what its body says about the event. Nothing is refused here; lines that look odd in any
-- way are marked, and are judged one by one afterwards.
--
-- Reads the Arrow stream `batch`; what is materialised on the way lets all cores work on the rest.
-- Placeholders in braces are filled from constants of the code.
CREATE OR REPLACE TEMP TABLE arrivals AS
WITH texts AS (
    SELECT nth, $files[file_no + 1] AS file, line, byte_offset, byte_length,
        if_json(try(decode(content))) AS text
    FROM batch
    WHERE readable = 1
),
found AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text,
        json_type(text, {paths}) AS types,
        json_extract_string(text, {paths}) AS vals
    FROM texts
),
keyed AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text,
        CASE WHEN is_present(types[1]) THEN types[1] WHEN is_present(types[2]) THEN types[2]
             WHEN is_present(types[3]) THEN types[3] WHEN is_present(types[4]) THEN types[4]
             END AS body_type,
        CASE WHEN is_present(types[1]) THEN vals[1] WHEN is_present(types[2]) THEN vals[2]
             WHEN is_present(types[3]) THEN vals[3] WHEN is_present(types[4]) THEN vals[4]
             END AS body_value,
        coalesce(
            CASE WHEN is_present(types[5]) THEN header_signature(types[5], vals[5]) END,
            CASE WHEN is_present(types[6]) THEN header_signature(types[6], vals[6]) END,
            CASE WHEN is_present(types[7]) THEN only_value(types[7], vals[7])
                 WHEN is_present(types[8]) THEN only_value(types[8], vals[8])
                 WHEN is_present(types[9]) THEN only_value(types[9], vals[9]) END
        ) AS found_signature,
        CASE WHEN is_present(types[10]) THEN vals[10] WHEN is_present(types[11]) THEN vals[11]
             WHEN is_present(types[12]) THEN vals[12] WHEN is_present(types[13]) THEN vals[13]
             END AS received_text,
        coalesce(vals[14] = 'true', false) AS is_base64,
        types[15] IS NOT NULL AND types[16] IS NOT NULL AS has_event
    FROM found
),
formed AS (
    SELECT
        nth, file, line, byte_offset, byte_length, text, body_value, received_text,
        CASE WHEN body_type = 'VARCHAR' AND is_base64 THEN 'base64'
             WHEN body_type = 'VARCHAR' THEN 'raw'
             WHEN body_type = 'OBJECT' THEN 'parsed'
             WHEN body_type IS NULL AND has_event THEN 'bare' END AS form,
        nullif(found_signature, '') AS signature
    FROM keyed
),
signed AS (
    SELECT
        *,
        as_instant(received_text) AS received_at,
        CASE form WHEN 'base64' THEN try(from_base64(body_value))
                  WHEN 'raw' THEN encode(body_value)
                  WHEN 'parsed' THEN encode(body_value) END AS signed_bytes
    FROM formed
),
bodies AS MATERIALIZED (
    SELECT
        nth, file, line, byte_offset, byte_length, form, received_at,
        {secret} AS secret,
        form <> 'bare' AND signature IS NOT NULL AS is_signed,
        CASE form WHEN 'base64' THEN try(decode(signed_bytes))
                  WHEN 'bare' THEN CASE WHEN received_text IS NULL THEN text
                                        ELSE CAST(json_merge_patch(text, '{received}') AS VARCHAR) END
                  ELSE body_value END AS body,
        form IN ('parsed', 'bare') AND has_hard_numbers(text) AS has_hard_line,
        coalesce(
            form IS NULL OR is_suspect(text) OR has_repeated_keys(text)
            OR (received_text IS NOT NULL AND received_at IS NULL)
            OR (form = 'base64' AND signed_bytes IS NULL),
            true
        ) AS is_odd_line
    FROM signed
),
checked AS (
    SELECT *, if_json(body) AS json_body
    FROM bodies
),
events AS (
    SELECT
        *,
        json_type(json_body, ['$.event', '$.object', '$.object.id']) AS types,
        json_extract_string(json_body, ['$.event', '$.created_at', '$.id', '$.object.id']) AS vals,
        json_normalize(json_body) AS normal_body
    FROM checked
)
SELECT
    nth, file, line, byte_offset, byte_length, form, received_at, secret, is_signed, is_odd_line, body,
    nullif(vals[1], '') AS event,
    as_instant(vals[2]) AS created_at,
    as_id(vals[3], NULL) AS delivery_id,
    CASE WHEN types[3] NOT IN ('OBJECT', 'ARRAY') THEN as_id(vals[4], NULL) END AS bare_object_id,
    md5(normal_body)::UUID AS body_digest,
    coalesce(
        has_hard_line OR has_hard_numbers(body) OR has_hard_numbers(normal_body), true
    ) AS is_odd_digest,
    coalesce(
        types[1] <> 'VARCHAR' OR types[2] <> 'OBJECT' OR coalesce(vals[1], '') = ''
        OR (vals[2] IS NOT NULL AND as_instant(vals[2]) IS NULL)
        OR left(coalesce(vals[3], ''), 1) IN ('{{', '[')
        OR is_suspect(body),
        true
    ) AS is_odd_body,
    hash(json_keys(json_body), json_keys(json_body, '$..*')) AS body_shape,
    unknown_fields(json_body, json_keys(json_body), {known}, '') AS unknown
FROM events
