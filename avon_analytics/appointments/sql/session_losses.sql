-- One row is one session that was missed or released late, and that another session of its host
-- overlaps: how much of its time was lost, and how much won back. A moment is lost unless an attended
-- session covers it, and counts once, for the lost session that starts first, then the smaller id. It
-- is won back where an attended session covers it that was planned after the release; it counts for
-- the first late released session that can say so.
-- Reads `sessions`.
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (
            ORDER BY start_us NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST
        ) AS nth,
        CAST(floor(start_us / 8.64e10) AS BIGINT) AS first_day,
        CAST(floor((end_us - 1) / 8.64e10) AS BIGINT) AS last_day,
        is_due AND (outcome = 'no_show' OR is_late) AS is_lost
    FROM sessions
    WHERE hours IS NOT NULL AND host IS NOT NULL AND (outcome = 'attended' OR is_due)
),
by_day AS (
    SELECT *, first_day AS on_day FROM numbered WHERE is_lost OR outcome = 'attended'
    UNION ALL
    SELECT *, last_day
    FROM numbered
    WHERE first_day < last_day AND (is_lost OR outcome = 'attended')
),
meetings AS (
    SELECT
        l.nth,
        l.start_us,
        l.end_us,
        CASE WHEN l.outcome <> 'no_show' THEN l.released_us END AS released_us,
        greatest(l.start_us, o.start_us) AS from_us,
        least(l.end_us, o.end_us) AS to_us,
        o.outcome = 'attended' AS is_attended,
        CASE WHEN o.outcome = 'attended' THEN o.planned_us END AS other_planned_us,
        CASE WHEN o.outcome NOT IN ('attended', 'no_show') THEN o.released_us END
            AS other_released_us
    FROM by_day AS l
    INNER JOIN by_day AS o
        ON l.host = o.host
        AND l.on_day = o.on_day
        AND l.start_us < o.end_us
        AND o.start_us < l.end_us
    WHERE
        l.is_lost
        AND l.on_day = greatest(l.first_day, o.first_day)
        AND (o.outcome = 'attended' OR o.nth < l.nth)
),
points AS (
    SELECT nth, start_us AS at_us FROM meetings
    UNION
    SELECT nth, end_us FROM meetings
    UNION
    SELECT nth, from_us FROM meetings
    UNION
    SELECT nth, to_us FROM meetings
),
moments AS (
    SELECT nth, at_us, lead(at_us) OVER (PARTITION BY nth ORDER BY at_us NULLS LAST) AS until_us
    FROM points
),
covered AS (
    SELECT
        m.nth,
        m.at_us,
        m.until_us,
        bool_or(o.is_attended) AS is_attended,
        bool_or(NOT o.is_attended) AS is_counted,
        max(o.other_planned_us) AS planned_us,
        min(o.other_released_us) AS counted_released_us
    FROM moments AS m
    LEFT JOIN meetings AS o ON m.nth = o.nth AND o.from_us <= m.at_us AND m.until_us <= o.to_us
    WHERE m.until_us IS NOT NULL
    GROUP BY m.nth, m.at_us, m.until_us
)
SELECT
    n.appointment_id,
    n.slot,
    sum(
        CASE
            WHEN NOT coalesce(c.is_attended, false) AND NOT coalesce(c.is_counted, false)
                THEN c.until_us - c.at_us
            ELSE 0
        END
    ) / 3.6e9 AS lost_hours,
    sum(
        CASE
            WHEN n.outcome <> 'no_show'
                AND c.planned_us >= n.released_us
                AND NOT coalesce(c.planned_us >= c.counted_released_us, false)
                THEN c.until_us - c.at_us
            ELSE 0
        END
    ) / 3.6e9 AS won_back_hours
FROM covered AS c
INNER JOIN numbered AS n ON c.nth = n.nth
GROUP BY n.appointment_id, n.slot
