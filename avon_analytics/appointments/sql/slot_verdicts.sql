-- One row is one slot of which some word decides: the newest of `no_show`, `completed`,
-- `in_progress` and `cancelled`. A later `scheduled`, `confirmed` or `rescheduled` undoes a
-- cancellation, a later `rescheduled` a no-show: the visit is to be held again.
WITH resets AS (
    SELECT
        seat,
        max(place) AS reopened,
        max(place) FILTER (WHERE word = 'rescheduled') AS moved
    FROM slot_heard
    WHERE word IN ('scheduled', 'confirmed', 'rescheduled')
    GROUP BY seat
),
standing AS (
    SELECT h.*
    FROM slot_heard AS h
    LEFT JOIN resets AS r ON h.seat = r.seat
    WHERE
        h.word IN ('in_progress', 'completed')
        OR (h.word = 'cancelled' AND (r.reopened IS NULL OR h.place > r.reopened))
        OR (h.word = 'no_show' AND (r.moved IS NULL OR h.place > r.moved))
),
newest AS (
    SELECT
        seat,
        max(place) AS place,
        min(said_at) FILTER (WHERE word = 'in_progress') AS started_at,
        min(said_at) FILTER (WHERE word = 'completed') AS completed_at
    FROM standing
    GROUP BY seat
)
SELECT
    n.seat,
    n.place,
    n.started_at,
    n.completed_at,
    max(h.word) AS word,
    max(h.source) AS source,
    max(h.source_word) AS source_word,
    max(h.said_at) AS decided_at
FROM newest AS n
INNER JOIN standing AS h ON n.seat = h.seat AND n.place = h.place
GROUP BY n.seat, n.place, n.started_at, n.completed_at
