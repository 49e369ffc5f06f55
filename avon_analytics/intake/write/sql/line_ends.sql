-- One row per readable line of the batch and where it ended. Of a line that lost a conflict it is
-- kept what it says and how it stood: another line may bring its content to win. `is_only`: the row
-- of its event says all this.
SELECT
    $load_id AS load_id, a.file, a.line, a.byte_offset, a.byte_length, a.form,
    CASE WHEN v.nth IS NOT NULL THEN 'quarantined'
         WHEN c.event_id IS NOT NULL AND NOT c.is_known THEN 'loaded'
         ELSE 'duplicate' END AS ended,
    v.code,
    t.event_id,
    CASE WHEN v.is_of_line THEN NULL ELSE a.signature END AS signature,
    a.secret,
    a.received_at,
    a.unset_receipt,
    CASE WHEN v.code = 'conflict' THEN t.body_digest END AS body_digest,
    CASE WHEN v.code = 'conflict' THEN t.conflict_rank END AS conflict_rank,
    coalesce(NOT c.is_known AND c.n_deliveries = 1, false) AND a.unset_receipt IS NULL AS is_only
FROM arrivals AS a
LEFT JOIN verdicts AS v ON v.nth = a.nth
LEFT JOIN event_lines AS t ON t.nth = a.nth
LEFT JOIN batch_events AS c ON c.first_nth = a.nth
ORDER BY a.nth
