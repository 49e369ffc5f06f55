-- One row is one session that was released before its start, and that others of its host refilled at
-- least in part. A session refills it if it overlaps it and if its own start came to be planned at
-- the release or after it and before the released end; what became of it does not matter. Each moment
-- of a refilling session counts for one released session, that released last, then the smaller id.
-- Reads `sessions`.
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (
            ORDER BY released_us DESC NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST
        ) AS nth,
        CAST(floor(start_us / 8.64e10) AS BIGINT) AS first_day,
        CAST(floor((end_us - 1) / 8.64e10) AS BIGINT) AS last_day,
        outcome IN ('rescheduled', 'cancelled') AND released_us < start_us AS is_released
    FROM sessions
    WHERE hours IS NOT NULL AND host IS NOT NULL
),
by_day AS (
    SELECT *, first_day AS on_day FROM numbered
    UNION ALL
    SELECT *, last_day FROM numbered WHERE first_day < last_day
),
meetings AS (
    SELECT
        r.nth AS released,
        o.nth AS refill,
        greatest(r.start_us, o.start_us) AS from_us,
        least(r.end_us, o.end_us) AS to_us
    FROM by_day AS r
    INNER JOIN by_day AS o
        ON r.host = o.host
        AND r.on_day = o.on_day
        AND r.start_us < o.end_us
        AND o.start_us < r.end_us
    WHERE
        r.is_released
        AND r.nth <> o.nth
        AND o.planned_us >= r.released_us
        AND o.planned_us < r.end_us
        AND r.on_day = greatest(r.first_day, o.first_day)
),
points AS (
    SELECT refill, from_us AS at_us FROM meetings
    UNION
    SELECT refill, to_us FROM meetings
),
moments AS (
    SELECT refill, at_us, lead(at_us) OVER (PARTITION BY refill ORDER BY at_us NULLS LAST) AS until_us
    FROM points
),
pieces AS (
    SELECT m.refill, m.at_us, m.until_us, min(o.released) AS released
    FROM moments AS m
    INNER JOIN meetings AS o
        ON m.refill = o.refill AND o.from_us <= m.at_us AND m.until_us <= o.to_us
    GROUP BY m.refill, m.at_us, m.until_us
),
in_turn AS (
    SELECT
        p.released,
        p.at_us,
        p.until_us,
        n.planned_us,
        n.outcome = 'attended' AS is_attended,
        max(p.until_us) OVER (
            PARTITION BY p.released ORDER BY p.at_us NULLS LAST, p.until_us NULLS LAST, p.refill NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_us,
        max(CASE WHEN n.outcome = 'attended' THEN p.until_us END) OVER (
            PARTITION BY p.released ORDER BY p.at_us NULLS LAST, p.until_us NULLS LAST, p.refill NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS attended_reached_us
    FROM pieces AS p
    INNER JOIN numbered AS n ON p.refill = n.nth
),
unions AS (
    SELECT
        released,
        sum(greatest(until_us - greatest(at_us, coalesce(reached_us, at_us)), 0)) AS refilled_us,
        sum(
            CASE
                WHEN is_attended
                    THEN greatest(
                        until_us - greatest(at_us, coalesce(attended_reached_us, at_us)), 0
                    )
                ELSE 0
            END
        ) AS attended_us,
        min(planned_us) AS planned_us
    FROM in_turn
    GROUP BY released
)
SELECT
    n.appointment_id,
    n.slot,
    u.refilled_us / 3.6e9 AS refilled_hours,
    u.attended_us / 3.6e9 AS attended_again_hours,
    (u.planned_us - n.released_us) / 3.6e9 AS hours_to_refill
FROM unions AS u
INNER JOIN numbered AS n ON u.released = n.nth
