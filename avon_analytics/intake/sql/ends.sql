-- One row per readable line of the batch and where it ended.
SELECT
    $load_id AS load_id, a.file, a.line, a.byte_offset, a.byte_length, a.form,
    CASE WHEN v.nth IS NOT NULL THEN 'quarantined'
         WHEN c.event_id IS NOT NULL AND NOT c.is_known THEN 'loaded'
         ELSE 'duplicate' END AS ended,
    v.code,
    t.event_id,
    CASE WHEN v.is_of_line THEN NULL ELSE {word} END AS signature,
    a.secret,
    a.received_at,
    a.unset_receipt
FROM arrivals AS a
LEFT JOIN verdicts AS v ON v.nth = a.nth
LEFT JOIN tellings AS t ON t.nth = a.nth
LEFT JOIN classes AS c ON c.first_nth = a.nth
ORDER BY a.nth
