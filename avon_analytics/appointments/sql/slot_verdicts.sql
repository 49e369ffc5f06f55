-- One row is one slot of which some word decides: the newest of `no_show`, `completed`,
-- `in_progress` and `cancelled`. A later `scheduled`, `confirmed` or `rescheduled` undoes a
-- cancellation, a later `rescheduled` a no-show: the visit is to be held again.
WITH newest AS (
    SELECT
        seat,
        max(place) FILTER (WHERE word IN ('scheduled', 'confirmed', 'rescheduled')) AS reopened,
        max(place) FILTER (WHERE word = 'rescheduled') AS moved,
        max(place) FILTER (WHERE word IN ('in_progress', 'completed')) AS held,
        max(place) FILTER (WHERE word = 'cancelled') AS cancelled,
        max(place) FILTER (WHERE word = 'no_show') AS missed,
        min(said_at) FILTER (WHERE word = 'in_progress') AS started_at,
        min(said_at) FILTER (WHERE word = 'completed') AS completed_at
    FROM slot_status_words
    GROUP BY seat
),
standing AS (
    SELECT
        seat,
        started_at,
        completed_at,
        held,
        CASE WHEN reopened IS NULL OR cancelled > reopened THEN cancelled END AS cancelled,
        CASE WHEN moved IS NULL OR missed > moved THEN missed END AS missed
    FROM newest
),
decided AS (
    SELECT
        seat,
        started_at,
        completed_at,
        greatest(held, cancelled, missed) AS place,
        CASE greatest(held, cancelled, missed)
            WHEN missed THEN 'no_show'
            WHEN cancelled THEN 'cancelled'
            ELSE 'attended'
        END AS outcome
    FROM standing
    WHERE held IS NOT NULL OR cancelled IS NOT NULL OR missed IS NOT NULL
)
SELECT
    d.seat,
    d.place,
    d.outcome,
    w.spelling,
    w.source,
    w.said_at AS decided_at,
    d.started_at,
    d.completed_at
FROM decided AS d
INNER JOIN slot_status_words AS w ON d.seat = w.seat AND d.place = w.place
