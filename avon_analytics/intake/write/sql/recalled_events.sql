-- One row per event of the store that the batch reports, too, by the ids in `staged_rows`.
--
-- An id has the millisecond of its event in it, but for one that is dated by its receipt. So of the
-- others only those are looked through that occurred when the events of the batch did: a store that
-- grows by days keeps them in few places.
SELECT event_no, event_id, body_digest, conflict_rank
FROM stored.events
WHERE rowid IN (
    SELECT rowid
    FROM stored.events
    WHERE event_id IN (SELECT event_id FROM staged_rows)
        AND occurred_at_source <> 'received'
        AND occurred_at BETWEEN make_timestamptz({first} - 1000) AND make_timestamptz({last} + 1000)
    UNION ALL
    SELECT rowid
    FROM stored.events
    WHERE event_id IN (SELECT event_id FROM staged_rows) AND occurred_at_source = 'received'
)
