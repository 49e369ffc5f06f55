-- One row is one group and stage: how many appointments or slots reached it, whether the webhook
-- named after the stage came, and where those went that did not reach the next one. A later stage
-- implies the earlier ones; where all patients were no-shows only `booked` is reached.
-- Reads `population`, with a column `is_absent` that tells so.
WITH reached AS (
    SELECT
        *,
        CASE
            WHEN is_absent THEN 1
            WHEN completed_at IS NOT NULL THEN 3
            WHEN started_at IS NOT NULL THEN 2
            ELSE 1
        END AS last_step
    FROM population
),
ended AS (
    SELECT
        *,
        CASE
            WHEN last_step = 1 AND outcome <> 'attended' THEN outcome
            WHEN outcome = 'cancelled' THEN 'cancelled'
            WHEN is_due THEN 'unresolved'
            ELSE 'open'
        END AS went
    FROM reached
),
stages AS (
    SELECT *
    FROM (VALUES (1, 'booked'), (2, 'started'), (3, 'completed')) AS stages (step, stage)
),
timed AS (
    SELECT
        e.*,
        s.step,
        s.stage,
        e.last_step >= s.step AS is_reached,
        e.last_step >= s.step - 1 AS is_previous_reached,
        e.last_step = s.step AND s.step < 3 AS is_stop,
        CASE s.step
            WHEN 1 THEN e.booked_observed
            WHEN 2 THEN e.started_observed
            ELSE e.completed_observed
        END AS is_observed,
        CASE s.step
            WHEN 2 THEN unix_micros(e.started_at) - unix_micros(e.booked_at)
            WHEN 3 THEN unix_micros(e.completed_at) - unix_micros(e.started_at)
        END / 3.6e9 AS told_hours
    FROM ended AS e
    CROSS JOIN stages AS s
),
-- What is told to have happened before its stage before has no time that could be a median's.
steps AS (
    SELECT
        *,
        CASE WHEN told_hours >= 0 THEN told_hours END AS hours_from_previous
    FROM timed
)
SELECT
    keys,
    step,
    stage,
    count(*) AS n_all,
    count(*) FILTER (WHERE is_previous_reached AND step > 1) AS n_previous,
    count(*) FILTER (WHERE is_reached) AS n_reached,
    count(*) FILTER (WHERE is_reached AND is_observed) AS n_observed,
    count(*) FILTER (WHERE is_reached AND NOT is_observed) AS n_inferred,
    count(*) FILTER (WHERE is_reached AND hours_from_previous IS NOT NULL) AS n_with_hours,
    count(*) FILTER (WHERE is_reached AND told_hours < 0) AS n_out_of_order,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY hours_from_previous)
        FILTER (WHERE is_reached) AS median_hours_from_previous,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY hours_from_previous)
        FILTER (WHERE is_reached) AS p90_hours_from_previous,
    count(*) FILTER (WHERE is_stop AND went = 'cancelled') AS n_cancelled,
    count(*) FILTER (WHERE is_stop AND went = 'no_show') AS n_no_show,
    count(*) FILTER (WHERE is_stop AND went = 'rescheduled') AS n_rescheduled,
    count(*) FILTER (WHERE is_stop AND went = 'unresolved') AS n_unresolved,
    count(*) FILTER (WHERE is_stop AND went = 'open') AS n_open
FROM steps
GROUP BY keys, step, stage
