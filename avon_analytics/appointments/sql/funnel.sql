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
        END AS last_step,
        (unix_micros(started_at) - unix_micros(booked_at)) / 3.6e9 AS hours_to_start,
        (unix_micros(completed_at) - unix_micros(started_at)) / 3.6e9 AS hours_to_completion
    FROM population
),
ended AS (
    SELECT
        *,
        CASE
            WHEN last_step = 3 THEN NULL
            WHEN last_step = 1 AND outcome <> 'attended' THEN outcome
            WHEN outcome = 'cancelled' THEN 'cancelled'
            WHEN is_due THEN 'unresolved'
            ELSE 'open'
        END AS went,
        hours_to_start < 0 AS is_start_before,
        hours_to_completion < 0 AS is_completion_before
    FROM reached
),
-- What is alike in all that is counted is counted together: there is far less of that.
alike AS (
    SELECT
        keys,
        last_step,
        went,
        booked_observed,
        started_observed,
        completed_observed,
        is_start_before,
        is_completion_before,
        count(*) AS n_alike
    FROM ended
    GROUP BY ALL
),
stages AS (
    SELECT *
    FROM (VALUES (1, 'booked'), (2, 'started'), (3, 'completed')) AS stages (step, stage)
),
steps AS (
    SELECT
        a.*,
        s.step,
        s.stage,
        a.last_step >= s.step AS is_reached,
        a.last_step >= s.step - 1 AS is_previous_reached,
        a.last_step = s.step AND s.step < 3 AS is_stop,
        CASE s.step
            WHEN 1 THEN a.booked_observed
            WHEN 2 THEN a.started_observed
            ELSE a.completed_observed
        END AS is_observed,
        CASE s.step
            WHEN 2 THEN a.is_start_before
            WHEN 3 THEN a.is_completion_before
        END AS is_out_of_order
    FROM alike AS a
    CROSS JOIN stages AS s
),
counted AS (
    SELECT
        keys,
        step,
        stage,
        coalesce(CAST(sum(n_alike) AS BIGINT), 0) AS n_all,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_previous_reached AND step > 1) AS BIGINT), 0)
            AS n_previous,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_reached) AS BIGINT), 0) AS n_reached,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_reached AND is_observed) AS BIGINT), 0)
            AS n_observed,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_reached AND NOT is_observed) AS BIGINT), 0)
            AS n_inferred,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_reached AND NOT is_out_of_order) AS BIGINT), 0)
            AS n_with_hours,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_reached AND is_out_of_order) AS BIGINT), 0)
            AS n_out_of_order,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_stop AND went = 'cancelled') AS BIGINT), 0)
            AS n_cancelled,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_stop AND went = 'no_show') AS BIGINT), 0)
            AS n_no_show,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_stop AND went = 'rescheduled') AS BIGINT), 0)
            AS n_rescheduled,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_stop AND went = 'unresolved') AS BIGINT), 0)
            AS n_unresolved,
        coalesce(CAST(sum(n_alike) FILTER (WHERE is_stop AND went = 'open') AS BIGINT), 0) AS n_open
    FROM steps
    GROUP BY keys, step, stage
),
-- What is told to have happened before its stage before has no time that could be a median's.
hours AS (
    SELECT
        keys,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY hours_to_start)
            FILTER (WHERE last_step >= 2 AND NOT is_start_before) AS median_to_start,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY hours_to_start)
            FILTER (WHERE last_step >= 2 AND NOT is_start_before) AS p90_to_start,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY hours_to_completion)
            FILTER (WHERE last_step >= 3 AND NOT is_completion_before) AS median_to_completion,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY hours_to_completion)
            FILTER (WHERE last_step >= 3 AND NOT is_completion_before) AS p90_to_completion
    FROM ended
    GROUP BY keys
)
SELECT
    c.*,
    CASE c.step
        WHEN 2 THEN h.median_to_start
        WHEN 3 THEN h.median_to_completion
    END AS median_hours_from_previous,
    CASE c.step
        WHEN 2 THEN h.p90_to_start
        WHEN 3 THEN h.p90_to_completion
    END AS p90_hours_from_previous
FROM counted AS c
INNER JOIN hours AS h ON c.keys IS NOT DISTINCT FROM h.keys
