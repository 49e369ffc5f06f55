-- One row is one session that was missed or released late, and that another session of its host
-- overlaps: how much of its time was lost, and how much won back. A moment is lost unless an attended
-- session covers it, and counts once, for the lost session that starts first, then the smaller id. It
-- is won back where an attended session covers it that was planned after the release; it counts for
-- the first late released session that can say so.
-- Reads `sessions`.
WITH timed AS (
    SELECT
        *,
        CAST(floor(start_us / 8.64e10) AS BIGINT) AS first_day,
        CAST(floor((end_us - 1) / 8.64e10) AS BIGINT) AS last_day
    FROM sessions
    WHERE hours IS NOT NULL AND host IS NOT NULL
),
lost AS (
    SELECT
        *,
        CASE WHEN outcome <> 'no_show' THEN released_us END AS given_up_us,
        row_number() OVER (
            ORDER BY start_us NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST
        ) AS nth
    FROM timed
    WHERE is_due AND (outcome = 'no_show' OR is_late)
),
lost_by_day AS (
    SELECT *, first_day AS on_day FROM lost
    UNION ALL
    SELECT *, last_day FROM lost WHERE first_day < last_day
),
attended_by_day AS (
    SELECT host, start_us, end_us, planned_us, first_day, first_day AS on_day
    FROM timed
    WHERE outcome = 'attended'
    UNION ALL
    SELECT host, start_us, end_us, planned_us, first_day, last_day
    FROM timed
    WHERE outcome = 'attended' AND first_day < last_day
),
meetings AS (
    SELECT
        l.nth,
        l.start_us,
        l.end_us,
        greatest(l.start_us, o.start_us) AS from_us,
        least(l.end_us, o.end_us) AS to_us,
        true AS is_attended,
        o.planned_us AS other_planned_us,
        CAST(NULL AS BIGINT) AS other_released_us
    FROM lost_by_day AS l
    INNER JOIN attended_by_day AS o
        ON l.host = o.host
        AND l.on_day = o.on_day
        AND l.start_us < o.end_us
        AND o.start_us < l.end_us
    WHERE l.on_day = greatest(l.first_day, o.first_day)
    UNION ALL
    SELECT
        l.nth,
        l.start_us,
        l.end_us,
        greatest(l.start_us, o.start_us),
        least(l.end_us, o.end_us),
        false,
        NULL,
        o.given_up_us
    FROM lost_by_day AS l
    INNER JOIN lost_by_day AS o
        ON l.host = o.host
        AND l.on_day = o.on_day
        AND l.start_us < o.end_us
        AND o.start_us < l.end_us
        AND o.nth < l.nth
    WHERE l.on_day = greatest(l.first_day, o.first_day)
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
    l.appointment_id,
    l.slot,
    sum(
        CASE
            WHEN NOT coalesce(c.is_attended, false) AND NOT coalesce(c.is_counted, false)
                THEN c.until_us - c.at_us
            ELSE 0
        END
    ) / 3.6e9 AS lost_hours,
    sum(
        CASE
            WHEN c.planned_us >= l.given_up_us
                AND NOT coalesce(c.planned_us >= c.counted_released_us, false)
                THEN c.until_us - c.at_us
            ELSE 0
        END
    ) / 3.6e9 AS won_back_hours
FROM covered AS c
INNER JOIN lost AS l ON c.nth = l.nth
GROUP BY l.appointment_id, l.slot
