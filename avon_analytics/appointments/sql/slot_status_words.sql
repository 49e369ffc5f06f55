-- One row is one word that counts for one slot; `place` numbers them from the oldest, and of one
-- instant the furthest word is the newest. For a slot that was left, only what was told before the
-- move counts. What was told before a slot's own start was planned belongs to the slot before it,
-- but for a visit that took place. What is said after a patient was taken off the visit does not
-- concern them; that itself is the word `cancelled`, without a spelling.
WITH words AS (
    SELECT s.seat, w.word, w.word_rank, e.spelling, e.source, e.said_at
    FROM slot_seats AS s
    INNER JOIN slot_evidence AS e
        ON s.appointment = e.appointment
        AND (e.person IS NULL OR e.person = s.person)
        AND e.reported_run <= s.run
    INNER JOIN slot_spellings AS w
        ON e.spelling = w.spelling
        AND (e.reported_run >= s.run OR w.word IN ('in_progress', 'completed'))
    LEFT JOIN slot_departures AS d ON s.seat = d.seat
    WHERE d.removed_at IS NULL OR e.said_at <= d.removed_at
    UNION ALL
    SELECT d.seat, w.word, w.word_rank, NULL, 3, d.removed_at
    FROM slot_departures AS d
    INNER JOIN slot_spellings AS w ON w.source_word = 'cancelled'
)
SELECT
    seat,
    word,
    spelling,
    source,
    said_at,
    CAST(row_number() OVER (
        PARTITION BY seat ORDER BY said_at, word_rank, source, spelling NULLS LAST
    ) AS INT) AS place
FROM words
