-- One row per readable line of the batch and where it ended.
SELECT
    $load_id, $file, a.line, a.byte_offset, a.byte_length, a.form,
    CASE WHEN v.line IS NOT NULL THEN 'quarantined'
         WHEN c.event_id IS NOT NULL AND NOT c.is_known THEN 'loaded'
         ELSE 'duplicate' END AS ended,
    v.code,
    t.event_id,
    CASE WHEN v.is_of_line THEN NULL ELSE {word} END AS signature,
    a.secret,
    a.received_at
FROM arrivals AS a
LEFT JOIN verdicts AS v ON v.line = a.line
LEFT JOIN tellings AS t ON t.line = a.line
LEFT JOIN classes AS c ON c.first_line = a.line
ORDER BY a.line
