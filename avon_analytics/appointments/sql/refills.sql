-- One row is one group of due sessions that were released before their start, and how much of their
-- time other sessions of the host took. Sums are of whole microseconds, as in `lost_time`.
-- Reads `population`.
WITH chosen AS (
    SELECT
        keys,
        hours,
        refilled_hours,
        attended_again_hours,
        hours_to_refill,
        appointment_id,
        slot
    FROM population
    WHERE is_released AND is_due AND NOT is_shared
    UNION ALL
    SELECT
        min(keys),
        min(hours),
        min(refilled_hours),
        min(attended_again_hours),
        min(hours_to_refill),
        appointment_id,
        slot
    FROM population
    WHERE is_released AND is_due AND is_shared
    GROUP BY appointment_id, slot
),
released AS (
    SELECT
        *,
        CAST(round(hours * 3.6e9) AS BIGINT) AS released_us,
        CAST(round(refilled_hours * 3.6e9) AS BIGINT) AS refilled_us,
        CAST(round(attended_again_hours * 3.6e9) AS BIGINT) AS attended_again_us,
        refilled_hours >= hours / 2 AS is_refilled
    FROM chosen
)
SELECT
    keys,
    count(*) AS n_released,
    sum(released_us) / 3.6e9 AS released_hours,
    count(*) FILTER (WHERE is_refilled) AS n_refilled,
    sum(refilled_us) / 3.6e9 AS refilled_hours,
    sum(attended_again_us) / 3.6e9 AS attended_again_hours,
    count(*) FILTER (WHERE refilled_hours > 0) AS n_refilled_at_all,
    count(*) FILTER (WHERE attended_again_hours > 0) AS n_attended_again,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY hours_to_refill) FILTER (WHERE is_refilled)
        AS median_hours_to_refill
FROM released
GROUP BY keys
