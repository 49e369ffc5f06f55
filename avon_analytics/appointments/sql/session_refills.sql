-- One row is one session that was released before its start, and that others of its host refilled at
-- least in part. A session refills it if it overlaps it and if its own start came to be planned at
-- the release or after it and before the released end; what became of it does not matter. Each moment
-- of a refilling session counts for one released session, that released last, then the smaller id.
-- Reads `sessions`.
WITH timed AS (
    SELECT
        *,
        CAST(floor(start_us / 8.64e10) AS BIGINT) AS first_day,
        CAST(floor((end_us - 1) / 8.64e10) AS BIGINT) AS last_day
    FROM sessions
    WHERE hours IS NOT NULL AND host IS NOT NULL
),
given AS (
    SELECT
        *,
        row_number() OVER (
            ORDER BY released_us DESC NULLS LAST, appointment_id NULLS LAST, slot NULLS LAST
        ) AS nth
    FROM timed
    WHERE outcome IN ('rescheduled', 'cancelled') AND released_us < start_us
),
given_by_day AS (
    SELECT *, first_day AS on_day FROM given
    UNION ALL
    SELECT *, last_day FROM given WHERE first_day < last_day
),
by_day AS (
    SELECT *, first_day AS on_day FROM timed
    UNION ALL
    SELECT *, last_day FROM timed WHERE first_day < last_day
),
meetings AS (
    SELECT
        r.nth AS released,
        o.appointment_id,
        o.slot,
        o.planned_us,
        o.outcome = 'attended' AS is_attended,
        greatest(r.start_us, o.start_us) AS from_us,
        least(r.end_us, o.end_us) AS to_us
    FROM given_by_day AS r
    INNER JOIN by_day AS o
        ON r.host = o.host
        AND r.on_day = o.on_day
        AND r.start_us < o.end_us
        AND o.start_us < r.end_us
        AND o.planned_us >= r.released_us
        AND o.planned_us < r.end_us
    WHERE
        r.on_day = greatest(r.first_day, o.first_day)
        AND (r.appointment_id <> o.appointment_id OR r.slot <> o.slot)
),
points AS (
    SELECT appointment_id, slot, from_us AS at_us FROM meetings
    UNION
    SELECT appointment_id, slot, to_us FROM meetings
),
moments AS (
    SELECT
        appointment_id,
        slot,
        at_us,
        lead(at_us) OVER (PARTITION BY appointment_id, slot ORDER BY at_us NULLS LAST) AS until_us
    FROM points
),
pieces AS (
    SELECT
        m.at_us,
        m.until_us,
        min(o.released) AS released,
        min(o.planned_us) AS planned_us,
        bool_or(o.is_attended) AS is_attended
    FROM moments AS m
    INNER JOIN meetings AS o
        ON m.appointment_id = o.appointment_id
        AND m.slot = o.slot
        AND o.from_us <= m.at_us
        AND m.until_us <= o.to_us
    GROUP BY m.appointment_id, m.slot, m.at_us, m.until_us
),
in_turn AS (
    SELECT
        *,
        max(until_us) OVER so_far AS reached_us,
        max(CASE WHEN is_attended THEN until_us END) OVER so_far AS attended_reached_us
    FROM pieces
    WINDOW so_far AS (
        PARTITION BY released ORDER BY at_us NULLS LAST, until_us NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
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
    g.appointment_id,
    g.slot,
    u.refilled_us / 3.6e9 AS refilled_hours,
    u.attended_us / 3.6e9 AS attended_again_hours,
    (u.planned_us - g.released_us) / 3.6e9 AS hours_to_refill
FROM unions AS u
INNER JOIN given AS g ON u.released = g.nth
