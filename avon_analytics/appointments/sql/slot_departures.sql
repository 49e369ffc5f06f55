-- One row is one slot whose patient was taken off the visit, and when: neither attended nor missed
-- by then. Of that, the newest word decides; a later `rescheduled` says that it is still to be held.
WITH known AS (
    SELECT s.seat, max_by(w.word, (e.said_at, w.word_rank)) AS word
    FROM slot_seats AS s
    INNER JOIN slot_evidence AS e
        ON s.appointment = e.appointment
        AND (e.person IS NULL OR e.person = s.person)
        AND e.reported_run <= s.run
        AND e.said_at <= s.removed_at
    INNER JOIN slot_spellings AS w
        ON e.spelling = w.spelling
        AND w.word IN ('in_progress', 'completed', 'no_show', 'cancelled', 'rescheduled')
        AND (e.reported_run >= s.run OR w.word IN ('in_progress', 'completed'))
    WHERE s.removed_at IS NOT NULL
    GROUP BY s.seat
)
SELECT s.seat, s.removed_at
FROM slot_seats AS s
LEFT JOIN known AS k
    ON s.seat = k.seat AND k.word IN ('in_progress', 'completed', 'no_show')
WHERE s.removed_at IS NOT NULL AND k.seat IS NULL
