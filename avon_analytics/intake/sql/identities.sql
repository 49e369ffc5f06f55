-- One row per readable line of the batch and the event that it tells if it is believed, where its
-- envelope and the head of its body tell that; else NULL, and only a full reading tells.
--
-- Placeholders in braces are filled from constants of the code: `arrivals` is the select of
-- arrivals.sql, of which the engine computes no more than is asked for here.
CREATE OR REPLACE TEMP TABLE identities AS
SELECT
    nth, file, line,
    CASE WHEN NOT is_odd_line AND NOT is_odd_body THEN
        coalesce(delivery_id || ':', '') || {event_word} || ':' || {object_id}
        || ':' || CAST(floored_ms(created_at) AS VARCHAR)
    END AS event_id
FROM ({arrivals}) AS arrivals
