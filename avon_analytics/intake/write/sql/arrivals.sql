-- One row per readable line: its place, form and signature.
--
-- Reads the Arrow stream `arrived`. What lines of a kind have in common is bound, in lists.
CREATE OR REPLACE TEMP TABLE arrivals AS
SELECT
    nth, $files[file_no + 1] AS file, line, byte_offset, byte_length,
    CAST($form AS VARCHAR[])[kind + 1] AS form,
    CAST($signature AS VARCHAR[])[kind + 1] AS signature,
    CAST($secret AS VARCHAR[])[kind + 1] AS secret,
    make_timestamptz(received_us) AS received_at, unset_receipt, {body}
FROM arrived
