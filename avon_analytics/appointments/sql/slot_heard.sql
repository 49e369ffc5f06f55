-- One row is one word that counts for one slot. For a slot that was left, only what was told
-- before the move counts. What was told before a slot's own start was planned belongs to the slot
-- before it, but for a visit that took place. What is said after a patient left does not concern
-- them; their leaving itself is the word `cancelled`, by nobody known. A version that lists nobody
-- at all tells less: every other word of its instant and later is heard, too.
SELECT
    s.seat,
    w.word,
    e.spelling,
    e.place
FROM slot_seats AS s
INNER JOIN slot_evidence AS e
    ON s.appointment = e.appointment
    AND (e.person IS NULL OR e.person = s.person)
    AND (e.told_run <= s.run OR s.in_last_run)
INNER JOIN slot_spellings AS w
    ON e.spelling = w.spelling
    AND (e.told_run >= s.run OR w.word IN ('in_progress', 'completed'))
WHERE s.removed_at IS NULL OR s.lists_nobody OR shiftright(e.place, 5) <= unix_micros(s.removed_at)
UNION ALL
SELECT
    seat,
    'cancelled',
    NULL,
    unix_micros(removed_at) * 32 + CASE WHEN lists_nobody THEN 0 ELSE 31 END
FROM slot_seats
WHERE removed_at IS NOT NULL
